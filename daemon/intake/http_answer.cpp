#include "intake/http_answer.hpp"

#include <boost/json/serialize.hpp>
#include <utility>

namespace relay {

HttpResponse problem_response(const RequestProblem& problem) {
  HttpResponse response;
  response.status = problem_status(problem.name);
  response.fields.push_back({"Content-Type", "application/problem+json"});
  if (problem.retry_after) response.fields.push_back({"Retry-After", std::to_string(problem.retry_after->count())});
  for (const auto& [name, value] : problem.fields) response.fields.push_back({name, value});
  response.body = problem_json(problem);
  return response;
}

HttpResponse json_response(unsigned status, const boost::json::object& body) {
  return json_text_response(status, boost::json::serialize(body));
}

HttpResponse json_text_response(unsigned status, std::string json) {
  HttpResponse response;
  response.status = status;
  response.fields.reserve(4);  // Location and one more may come
  response.fields.push_back({"Content-Type", "application/json"});
  response.fields.push_back({"Cache-Control", "no-store"});
  response.body = std::move(json);
  return response;
}

RequestProblem framing_problem(HttpFramingProblem problem) {
  switch (problem) {
    case HttpFramingProblem::headers_too_large:
      return {ProblemName::headers_too_large, "Request line and header fields may have 16 KiB together."};
    case HttpFramingProblem::request_timeout:
      return {ProblemName::request_timeout, "The header section wasn't complete within `request_timeout`."};
    case HttpFramingProblem::malformed_request:
      break;
  }
  return {ProblemName::malformed_request, "This is no HTTP/1.1 request that can be read in one way only."};
}

RequestProblem body_problem(HttpBodyError error) {
  switch (error) {
    case HttpBodyError::timed_out:
      return {ProblemName::request_timeout, "No byte of the body came for `request_timeout`."};
    case HttpBodyError::too_slow:
      return {ProblemName::request_timeout, "The body came slower than 16 KiB/s over `request_timeout`."};
    case HttpBodyError::malformed:
    case HttpBodyError::disconnected:
      break;
  }
  return {ProblemName::malformed_request, "The body ended before its end, or its chunks or its gzip can't be read."};
}

}  // namespace relay
