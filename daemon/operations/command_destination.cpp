// `edge-relay pause`, `resume` and `redirect`: what is done to a destination.
#include <ostream>

#include <fmt/format.h>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "operations/admin_client.hpp"
#include "operations/commands.hpp"
#include "operations/human_text.hpp"
#include "operations/json_reading.hpp"

namespace relay {
namespace {

namespace json = boost::json;

ExitCode complain(const Streams& streams, std::string_view command, const std::string& what) {
  streams.err << fmt::format("edge-relay {}: {}\n", command, one_line(what));
  return ExitCode::failure;
}

}  // namespace

ExitCode execute(const PauseDestinationCommand& command, const Streams& streams) {
  const std::string_view name = command.pause ? "pause" : "resume";
  AdminClient client(command.configuration);
  const auto answer =
      client.post_json(fmt::format("/v1/destinations/{}/{}", percent_encoded(command.destination), name), "{}");
  if (!answer) return complain(streams, name, answer.error().message);
  if (answer->status != 200) return complain(streams, name, problem_text(*answer));
  if (command.json) {
    streams.out << answer->body << "\n";
    return ExitCode::success;
  }
  const auto result = parse_json_object(answer->body);
  if (!result) return complain(streams, name, result.error().message);
  const bool changed = count_member(*result, "changed") > 0;
  const std::string destination = one_line(command.destination);
  if (command.pause) {
    streams.out << fmt::format("{} is paused{}\n", destination, changed ? "" : " already");
  } else {
    streams.out << fmt::format("{} {}\n", destination,
                               changed ? "is sent to again" : "wasn't paused; what kept it from being tried is over");
  }
  return ExitCode::success;
}

ExitCode execute(const RedirectCommand& command, const Streams& streams) {
  AdminClient client(command.configuration);
  json::object body{{"to", command.to}};
  if (command.reason) body["reason"] = *command.reason;
  json::array ids;
  for (const std::string& id : command.ids) ids.push_back(json::value(id));
  if (!ids.empty()) body["submissions"] = std::move(ids);
  const auto answer = client.post_json(fmt::format("/v1/destinations/{}/redirect", percent_encoded(command.from)),
                                       json::serialize(body), Patience::long_work);
  if (!answer) return complain(streams, "redirect", answer.error().message);
  if (answer->status != 200) return complain(streams, "redirect", problem_text(*answer));
  if (command.json) {
    streams.out << answer->body << "\n";
    return ExitCode::success;
  }
  const auto result = parse_json_object(answer->body);
  if (!result) return complain(streams, "redirect", result.error().message);
  streams.out << fmt::format("{} moved from {} to {}\n",
                             counted(count_member(*result, "changed"), "delivery", "deliveries"),
                             one_line(command.from), one_line(command.to));
  if (const auto left = count_member(*result, "left"); left > 0) {
    streams.err << fmt::format("{} in flight or came meanwhile: run it again for what is still queued\n",
                               counted(left, "delivery was", "deliveries were"));
  }
  return ExitCode::success;
}

}  // namespace relay
