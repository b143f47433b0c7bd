// `edge-relay show ID`: one submission with its deliveries and their attempts in order; or its raw bytes.
#include <ostream>

#include <fmt/format.h>
#include <boost/json/value.hpp>

#include "operations/admin_client.hpp"
#include "operations/commands.hpp"
#include "operations/human_text.hpp"
#include "operations/json_reading.hpp"

namespace relay {
namespace {

namespace json = boost::json;

constexpr ByteCount largest_payload = gibibytes(1);

std::string error_line(const json::object& error) {
  std::string line = text_member(error, "kind");
  if (const std::string message = text_member(error, "message"); !message.empty()) line += ": " + message;
  if (const std::string remote = text_member(error, "remote_text"); !remote.empty()) {
    line += fmt::format(" (it said: {})", remote);
  }
  return line;
}

std::string receipt_text(const json::object& receipt) {
  std::string text;
  for (const auto& [key, value] : receipt) {
    if (!value.is_string()) continue;
    text += fmt::format("{}{}={}", text.empty() ? "" : " ", one_line(key), one_line(value.as_string()));
  }
  return text;
}

std::string attempt_text(const json::object& attempt) {
  std::string text =
      fmt::format("    {}. {}  {}{}\n", count_member(attempt, "number"), text_member(attempt, "started_at"),
                  text_member(attempt, "outcome"),
                  attempt.if_contains("counted") != nullptr && attempt.at("counted") == false ? " (not counted)" : "");
  if (const std::string elsewhere = text_member(attempt, "destination"); !elsewhere.empty()) {
    text.insert(text.size() - 1, ", to " + elsewhere);
  }
  const json::object& error = object_member(attempt, "error");
  if (!error.empty()) text += "       " + error_line(error) + "\n";
  const std::string receipt = receipt_text(object_member(attempt, "receipt"));
  if (!receipt.empty()) text += "       receipt: " + receipt + "\n";
  return text;
}

std::string delivery_text(const json::object& delivery) {
  std::string text = fmt::format("  {}: {}, {}", text_member(delivery, "destination"), text_member(delivery, "state"),
                                 counted(count_member(delivery, "attempts"), "attempt", "attempts"));
  if (const std::string at = text_member(delivery, "delivered_at"); !at.empty()) text += ", delivered " + at;
  if (const std::string at = text_member(delivery, "next_attempt_at"); !at.empty()) text += ", next try " + at;
  if (const auto resends = count_member(delivery, "resends"); resends > 0) {
    text += ", sent again " + counted(resends, "time", "times");
  }
  if (const std::string later = text_member(delivery, "confirmation"); !later.empty() && later != "none") {
    const std::string status = text_member(delivery, "overall_status");
    text += ", confirmation " + later + (status.empty() ? "" : " (" + status + ")");
  }
  text += "\n";
  if (const std::string reason = text_member(delivery, "discard_reason"); !reason.empty()) {
    text += "    reason: " + reason + "\n";
  }
  const json::object& error = object_member(delivery, "last_error");
  if (!error.empty() && text_member(delivery, "state") != "delivered") text += "    " + error_line(error) + "\n";
  for (const auto& value : array_member(delivery, "history")) {
    if (value.is_object()) text += attempt_text(value.as_object());
  }
  return text;
}

std::string submission_text(const json::object& submission) {
  std::string text;
  const auto line = [&](const char* title, const std::string& value) {
    if (!value.empty()) text += fmt::format("{:<14}{}\n", title, value);
  };
  line("id", text_member(submission, "id"));
  line("state", text_member(submission, "state"));
  line("client", text_member(submission, "client"));
  line("content type", text_member(submission, "content_type"));
  line("payload name", text_member(submission, "payload_name"));
  line("intake", text_member(submission, "intake"));
  line("size", fmt::format("{} bytes", count_member(submission, "size")));
  line("sha256", text_member(submission, "sha256"));
  line("accepted", text_member(submission, "accepted_at"));
  if (const auto repeats = count_member(submission, "repeats"); repeats > 0) line("repeats", fmt::to_string(repeats));
  text += "deliveries\n";
  for (const auto& value : array_member(submission, "deliveries")) {
    if (value.is_object()) text += delivery_text(value.as_object());
  }
  return text;
}

}  // namespace

ExitCode execute(const ShowCommand& command, const Streams& streams) {
  const auto complain = [&](const std::string& what) {
    streams.err << "edge-relay show: " << what << "\n";
    return ExitCode::failure;
  };
  AdminClient client(command.configuration);
  const std::string target = "/v1/submissions/" + percent_encoded(command.id) + (command.payload ? "/payload" : "");
  const auto answer = client.get(target, largest_payload);
  if (!answer) return complain(answer.error().message);
  if (answer->status != 200) return complain(problem_text(*answer));
  if (answer->body_truncated) return complain("the payload is too large to be shown");
  if (command.payload) {
    streams.out.write(answer->body.data(), static_cast<std::streamsize>(answer->body.size()));
    streams.out.flush();
    return streams.out ? ExitCode::success : complain("standard output can't be written");
  }
  if (command.json) {
    streams.out << answer->body << "\n";
    return ExitCode::success;
  }
  const auto submission = parse_json_object(answer->body);
  if (!submission) return complain(submission.error().message);
  streams.out << submission_text(*submission);
  return ExitCode::success;
}

}  // namespace relay
