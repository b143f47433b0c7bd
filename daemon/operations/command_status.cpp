// `edge-relay status`: how the relay is doing, in one sentence and a table.
#include <unistd.h>

#include <chrono>
#include <iostream>
#include <ostream>
#include <thread>

#include <fmt/format.h>
#include <boost/json/value.hpp>

#include "base/clock.hpp"
#include "operations/admin_client.hpp"
#include "operations/commands.hpp"
#include "operations/human_text.hpp"
#include "operations/json_reading.hpp"
#include "operations/terminal.hpp"

namespace relay {
namespace {

namespace json = boost::json;

constexpr std::chrono::seconds watch_interval{2};

std::string duration_member(const json::object& object, std::string_view key) {
  return human_duration(std::chrono::seconds(count_member(object, key)));
}

std::string age_of(const std::string& time) {
  const auto parsed = parse_rfc3339(time);
  if (!parsed) return "never";
  return human_duration(std::chrono::duration_cast<std::chrono::seconds>(system_clock().wall_now() - *parsed)) + " ago";
}

std::string rate_of(const json::object& destination, std::string_view key) {
  const auto rate = number_member(destination, key);
  return rate ? fmt::format("{:.0f}", *rate) : "-";
}

std::string destination_table(const json::object& destinations) {
  using Align = TextTable::Align;
  TextTable table({{"DESTINATION"},
                   {"STATE"},
                   {"QUEUED", Align::right},
                   {"OLDEST", Align::right},
                   {"STUCK", Align::right},
                   {"DEAD", Align::right},
                   {"DELIVERED", Align::right},
                   {"IN/MIN", Align::right},
                   {"OUT/MIN", Align::right},
                   {"LAST SUCCESS"}});
  for (const auto& [name, value] : destinations) {
    if (!value.is_object()) continue;
    const json::object& destination = value.as_object();
    const bool waiting = count_member(destination, "queued") > 0;
    table.add({one_line(name), text_member(destination, "state"), fmt::to_string(count_member(destination, "queued")),
               waiting ? duration_member(destination, "oldest_queued_seconds") : "-",
               fmt::to_string(count_member(destination, "stuck")),
               fmt::to_string(count_member(destination, "dead_letter")),
               fmt::to_string(count_member(destination, "delivered")), rate_of(destination, "accepted_per_minute"),
               rate_of(destination, "delivered_per_minute"), age_of(text_member(destination, "last_success_at"))});
  }
  return table.text();
}

// Why a destination is down, and the alarms: what the table has no room for.
std::string remarks(const json::object& status) {
  std::string text;
  for (const auto& [name, value] : object_member(status, "destinations")) {
    if (!value.is_object() || text_member(value.as_object(), "state") == "up") continue;
    const std::string message = text_member(object_member(value.as_object(), "last_error"), "message");
    if (!message.empty()) text += fmt::format("{}: {}\n", one_line(name), message);
  }
  for (const auto& [name, value] : object_member(status, "destinations")) {
    if (!value.is_object()) continue;
    for (const auto& id : array_member(value.as_object(), "blocked_by")) {
      if (id.is_string()) {
        text += fmt::format("{}: later ones of its client or order number wait for {}\n", one_line(name),
                            one_line(id.as_string()));
      }
    }
    for (const auto& id : array_member(value.as_object(), "stuck_submissions")) {
      if (id.is_string()) text += fmt::format("stuck for {}: {}\n", one_line(name), one_line(id.as_string()));
    }
  }
  for (const auto& value : array_member(status, "alarms")) {
    if (!value.is_object()) continue;
    const json::object& alarm = value.as_object();
    const std::string destination = text_member(alarm, "destination");
    text += fmt::format("alarm {}{} since {}\n", text_member(alarm, "name"),
                        destination.empty() ? "" : " of " + destination, text_member(alarm, "since"));
  }
  return text;
}

std::string status_text(const json::object& status) {
  const json::object& journal = object_member(status, "journal");
  const std::uint64_t queued = count_member(journal, "queued");
  std::string text = fmt::format("{}: {}\n", text_member(status, "status"), text_member(status, "summary"));
  text +=
      fmt::format("Backlog: {}{}; {}. Journal {}, {} free on its disk. Version {}, up for {}.\n",
                  counted(queued, "delivery", "deliveries"),
                  queued == 0 ? "" : ", the oldest for " + duration_member(journal, "oldest_queued_seconds"),
                  counted(count_member(journal, "dead_letter"), "dead letter", "dead letters"),
                  human_size({count_member(journal, "bytes")}), human_size({count_member(journal, "disk_free_bytes")}),
                  text_member(status, "version"), duration_member(status, "uptime_seconds"));
  text += "\n" + destination_table(object_member(status, "destinations"));
  const std::string more = remarks(status);
  return more.empty() ? text : text + "\n" + more;
}

Result<std::string> ask(AdminClient& client, bool as_json) {
  const auto answer = client.get("/v1/status");
  if (!answer) return fail(answer.error().message);
  if (answer->status != 200) return fail(problem_text(*answer));
  if (as_json) return answer->body + "\n";
  const auto status = parse_json_object(answer->body);
  if (!status) return fail(status.error().message);
  return status_text(*status);
}

}  // namespace

ExitCode execute(const StatusCommand& command, const Streams& streams) {
  AdminClient client(command.configuration);
  const bool clear_screen =
      command.watch && !command.json && &streams.out == &std::cout && ::isatty(STDOUT_FILENO) == 1;
  for (;;) {
    const auto text = ask(client, command.json);
    if (clear_screen) streams.out << "\033[H\033[2J";
    if (text) {
      streams.out << (command.json ? *text : for_stream(*text, streams.out)) << std::flush;
    } else {
      streams.err << "edge-relay status: " << text.error().message << std::endl;
      if (!command.watch) return ExitCode::failure;
    }
    if (!command.watch) return ExitCode::success;
    if (!streams.out) return ExitCode::failure;
    std::this_thread::sleep_for(watch_interval);
    if (!clear_screen && !command.json) streams.out << "\n";
  }
}

}  // namespace relay
