// `edge-relay retry`, `resend`, `set-aside` and `discard`.
#include <ostream>

#include <fmt/format.h>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "operations/admin_client.hpp"
#include "operations/commands.hpp"
#include "operations/human_text.hpp"
#include "operations/json_reading.hpp"

namespace relay {
namespace {

namespace json = boost::json;

// "2 deliveries are queued again"
std::string done_text(SubmissionAction action, std::uint64_t changed) {
  const std::string_view done = action == SubmissionAction::discard     ? "discarded"
                                : action == SubmissionAction::set_aside ? "set aside"
                                                                        : "queued again";
  return fmt::format("{} {}", counted(changed, "delivery is", "deliveries are"), done);
}

std::string body_of(const ActCommand& command) {
  json::object body;
  const auto add = [&](const char* name, const std::optional<std::string>& value) {
    if (value) body[name] = *value;
  };
  add("destination", command.destination);
  add("reason", command.reason);
  add("since", command.since);
  add("until", command.until);
  return json::serialize(body);
}

ExitCode complain(const ActCommand& command, const Streams& streams, const std::string& about,
                  const std::string& what) {
  streams.err << fmt::format("edge-relay {}: {}{}\n", submission_action_name(command.action), about, one_line(what));
  return ExitCode::failure;
}

ExitCode act_on_one(AdminClient& client, const ActCommand& command, const std::string& id, const Streams& streams) {
  const auto answer = client.post_json(
      fmt::format("/v1/submissions/{}/{}", percent_encoded(id), submission_action_name(command.action)),
      body_of(command));
  if (!answer) return complain(command, streams, "", answer.error().message);
  if (answer->status != 200) return complain(command, streams, id + ": ", problem_text(*answer));
  if (command.json) {
    streams.out << answer->body << "\n";
    return ExitCode::success;
  }
  const auto submission = parse_json_object(answer->body);
  if (!submission) return complain(command, streams, id + ": ", submission.error().message);
  streams.out << fmt::format("{}: {}\n", id, done_text(command.action, count_member(*submission, "changed")));
  return ExitCode::success;
}

ExitCode act_on_all(AdminClient& client, const ActCommand& command, const Streams& streams) {
  const auto answer = client.post_json(fmt::format("/v1/{}", submission_action_name(command.action)), body_of(command),
                                       Patience::long_work);
  if (!answer) return complain(command, streams, "", answer.error().message);
  if (answer->status != 200) return complain(command, streams, "", problem_text(*answer));
  if (command.json) {
    streams.out << answer->body << "\n";
    return ExitCode::success;
  }
  const auto result = parse_json_object(answer->body);
  if (!result) return complain(command, streams, "", result.error().message);
  streams.out << done_text(command.action, count_member(*result, "changed")) << "\n";
  if (const auto left = count_member(*result, "left"); left > 0) {
    streams.err << fmt::format("{} left as they were: their payload is gone\n",
                               counted(left, "delivery", "deliveries"));
  }
  return ExitCode::success;
}

}  // namespace

ExitCode execute(const ActCommand& command, const Streams& streams) {
  AdminClient client(command.configuration);
  if (command.ids.empty()) return act_on_all(client, command, streams);
  ExitCode worst = ExitCode::success;
  for (const std::string& id : command.ids) {
    const ExitCode ended = act_on_one(client, command, id, streams);
    if (ended != ExitCode::success) worst = ended;
  }
  return worst;
}

}  // namespace relay
