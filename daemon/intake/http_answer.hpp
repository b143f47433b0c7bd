// The answers that every HTTP door gives alike.
#pragma once

#include <boost/json/object.hpp>
#include <string>

#include "base/http_server.hpp"
#include "intake/problem.hpp"

namespace relay {

// application/problem+json with Retry-After, and with what the problem's `fields` say (Allow, Accept-Post, …).
HttpResponse problem_response(const RequestProblem& problem);
HttpResponse json_response(unsigned status, const boost::json::object& body);
// What is JSON already.
HttpResponse json_text_response(unsigned status, std::string json);
// What the server refuses by itself, in our words.
RequestProblem framing_problem(HttpFramingProblem problem);
// What a body that couldn't be read to its end is called.
RequestProblem body_problem(HttpBodyError error);

}  // namespace relay
