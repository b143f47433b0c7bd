#include "operations/carrying_requests.hpp"

#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "base/log.hpp"
#include "intake/http_answer.hpp"
#include "operations/export_stream.hpp"
#include "operations/import_archive.hpp"

namespace relay {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

// Others of this thread come in between the steps.
asio::awaitable<Result<std::string>> next_piece(std::shared_ptr<ExportStream> stream) {
  for (;;) {
    auto step = stream->next();
    if (!step) {
      log_error("an export ended before its end", {{"error", step.error().message}});
      co_return Failure{step.error()};
    }
    if (step->over || !step->bytes.empty()) co_return std::move(step->bytes);
    co_await asio::post(asio::use_awaitable);
  }
}

}  // namespace

HttpResponse CarryingRequests::hand_out(Operator by) {
  // Payloads leave the relay: the audit says so.
  journal_.operator_actions().note({"export", std::move(by), std::nullopt, std::nullopt, "", 0},
                                   [](const Result<ActionDone, ActionRefusal>& noted) {
                                     if (!noted.ok()) log_error("the audit lacks an export: it couldn't be saved");
                                   });
  const auto stream = std::make_shared<ExportStream>(
      journal_.operator_actions().undelivered(), [this](const SubmissionId& id) { return journal_.payload_of(id); });
  HttpResponse response;
  response.fields = {{"Content-Type", "application/x-tar"},
                     {"Content-Disposition", "attachment; filename=\"export.tar\""}};
  response.pieces = [stream] { return next_piece(stream); };
  return response;
}

asio::awaitable<HttpResponse> CarryingRequests::take_in(const Operator& by, HttpBody& body) {
  ImportArchive archive(journal_, by);
  for (;;) {
    const auto piece = co_await body.read();
    if (!piece) co_return problem_response(body_problem(piece.error()));
    if (piece->empty()) break;
    const auto fed = co_await archive.feed(*piece);
    if (!fed.ok()) co_return problem_response(fed.error());
  }
  if (const auto finished = archive.finish(); !finished.ok()) co_return problem_response(finished.error());
  const ImportCounts& counts = archive.counts();
  json::array conflicting;
  for (const SubmissionId& id : counts.conflicting) conflicting.push_back(json::value(id.text()));
  co_return json_response(200, {{"imported", counts.imported},
                                {"already_there", counts.already_there},
                                {"without_payload", counts.without_payload},
                                {"conflicting", std::move(conflicting)}});
}

}  // namespace relay
