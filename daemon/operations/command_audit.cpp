// `edge-relay audit`: what operators did, newest first.
#include <algorithm>
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

constexpr unsigned default_limit = 100;
constexpr std::uint64_t largest_page = 1000;

ExitCode complain(const Streams& streams, const std::string& what) {
  streams.err << "edge-relay audit: " << one_line(what) << "\n";
  return ExitCode::failure;
}

std::string target_for(const AuditCommand& command, std::uint64_t limit, const std::string& cursor) {
  std::string target = fmt::format("/v1/audit?limit={}", std::min(limit, largest_page));
  if (command.since) target += "&since=" + percent_encoded(*command.since);
  if (!cursor.empty()) target += "&cursor=" + percent_encoded(cursor);
  return target;
}

void add_row(TextTable& table, const json::object& entry) {
  table.add({text_member(entry, "at"), text_member(entry, "action"), text_member(entry, "who"),
             text_member(entry, "from"), fmt::to_string(count_member(entry, "changed")),
             text_member(entry, "destination"), text_member(entry, "submission"), text_member(entry, "reason")});
}

}  // namespace

ExitCode execute(const AuditCommand& command, const Streams& streams) {
  AdminClient client(command.configuration);
  const std::uint64_t limit = command.limit.value_or(default_limit);
  json::array entries;
  std::string cursor;
  do {
    const auto answer = client.get(target_for(command, limit - entries.size(), cursor));
    if (!answer) return complain(streams, answer.error().message);
    if (answer->status != 200) return complain(streams, problem_text(*answer));
    const auto page = parse_json_object(answer->body);
    if (!page) return complain(streams, page.error().message);
    for (const auto& value : array_member(*page, "entries")) {
      if (value.is_object()) entries.push_back(value);
    }
    cursor = text_member(*page, "next_cursor");
  } while (entries.size() < limit && !cursor.empty());
  if (command.json) {
    json::object all{{"entries", std::move(entries)},
                     {"next_cursor", cursor.empty() ? json::value(nullptr) : json::value(cursor)}};
    streams.out << json::serialize(all) << "\n";
    return ExitCode::success;
  }
  if (entries.empty()) {
    streams.err << "nothing was done\n";
    return ExitCode::success;
  }
  TextTable table({{"WHEN"},
                   {"ACTION"},
                   {"WHO"},
                   {"FROM"},
                   {"CHANGED", TextTable::Align::right},
                   {"DESTINATION"},
                   {"SUBMISSION"},
                   {"REASON"}});
  for (const auto& entry : entries) add_row(table, entry.as_object());
  streams.out << table.text();
  if (!cursor.empty()) streams.err << fmt::format("there are more; --limit {} is reached\n", limit);
  return ExitCode::success;
}

}  // namespace relay
