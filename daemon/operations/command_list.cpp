// `edge-relay list`: submissions, newest first.
#include <ostream>

#include <fmt/format.h>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "operations/admin_client.hpp"
#include "operations/commands.hpp"
#include "operations/human_text.hpp"
#include "operations/json_reading.hpp"
#include "operations/terminal.hpp"

namespace relay {
namespace {

namespace json = boost::json;

constexpr unsigned default_limit = 100;

std::string target_for(const ListCommand& command, std::uint64_t limit, const std::string& cursor) {
  std::string target = fmt::format("/v1/submissions?limit={}", limit);
  const auto add = [&](const char* name, const std::optional<std::string>& value) {
    if (value && !value->empty()) target += fmt::format("&{}={}", name, percent_encoded(*value));
  };
  add("state", command.state);
  add("destination", command.destination);
  add("client", command.client);
  add("since", command.since);
  add("cursor", cursor);
  return target;
}

// "reportstream delivered, archive queued (unreachable)"
std::string deliveries_text(const json::object& submission) {
  std::string text;
  for (const auto& value : array_member(submission, "deliveries")) {
    if (!value.is_object()) continue;
    const json::object& delivery = value.as_object();
    if (!text.empty()) text += ", ";
    text += text_member(delivery, "destination") + " " + text_member(delivery, "state");
    const std::string kind = text_member(object_member(delivery, "last_error"), "kind");
    if (!kind.empty() && text_member(delivery, "state") != "delivered") text += " (" + kind + ")";
  }
  return text;
}

void add_row(TextTable& table, const json::object& submission) {
  table.add({text_member(submission, "id"), text_member(submission, "accepted_at"), text_member(submission, "state"),
             text_member(submission, "client"), text_member(submission, "content_type"),
             human_size({count_member(submission, "size")}), deliveries_text(submission)});
}

ExitCode complain(const Streams& streams, const std::string& what) {
  streams.err << "edge-relay list: " << what << "\n";
  return ExitCode::failure;
}

}  // namespace

ExitCode execute(const ListCommand& command, const Streams& streams) {
  AdminClient client(command.configuration);
  const std::uint64_t limit = command.limit.value_or(default_limit);
  TextTable table({{"ID"},
                   {"ACCEPTED"},
                   {"STATE"},
                   {"CLIENT"},
                   {"CONTENT TYPE"},
                   {"SIZE", TextTable::Align::right},
                   {"DELIVERIES"}});
  std::uint64_t rows = 0;
  std::string cursor;
  json::array listed;
  json::object last_page;
  // A page may be short, or empty, and still not be the last.
  do {
    const auto answer = client.get(target_for(command, limit - rows, cursor));
    if (!answer) return complain(streams, answer.error().message);
    if (answer->status != 200) return complain(streams, problem_text(*answer));
    auto page = parse_json_object(answer->body);
    if (!page) return complain(streams, page.error().message);
    for (const auto& value : array_member(*page, "submissions")) {
      if (!value.is_object()) continue;
      listed.push_back(value);
      ++rows;
    }
    cursor = text_member(*page, "next_cursor");
    last_page = std::move(*page);
  } while (rows < limit && !cursor.empty());
  if (command.json) {
    last_page["submissions"] = std::move(listed);
    streams.out << json::serialize(last_page) << "\n";
    return ExitCode::success;
  }
  for (const auto& value : listed) add_row(table, value.as_object());
  if (rows == 0) {
    streams.err << "no submission matches\n";
    return ExitCode::success;
  }
  streams.out << for_stream(table.text(), streams.out);
  if (!cursor.empty()) streams.err << fmt::format("there are more; --limit {} is reached\n", limit);
  return ExitCode::success;
}

}  // namespace relay
