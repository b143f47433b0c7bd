// `edge-relay verify`: reads the journal, beside the daemon or without it, and says what doesn't hold.
#include <ostream>

#include <fmt/format.h>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_from.hpp>

#include "journal/verify.hpp"
#include "operations/commands.hpp"
#include "operations/human_text.hpp"
#include "operations/process_setup.hpp"
#include "settings/load.hpp"

namespace relay {

namespace {

namespace json = boost::json;

void print_finding(const VerifyFinding& finding, std::ostream& out) {
  out << fmt::format("FINDING {} {} {}\n", finding.code, finding.submission, one_line(finding.text));
}

json::object report_json(const VerifyReport& report) {
  json::array findings;
  for (const VerifyFinding& finding : report.findings) {
    findings.push_back(
        json::object{{"code", finding.code},
                     {"submission", finding.submission == "-" ? json::value(nullptr) : json::value(finding.submission)},
                     {"text", finding.text}});
  }
  json::object destinations;
  for (const auto& [name, totals] : report.totals) {
    destinations[name] = json::object{{"accepted", totals.accepted},       {"moved_in", totals.moved_in},
                                      {"delivered", totals.delivered},     {"queued", totals.queued},
                                      {"dead_letter", totals.dead_letter}, {"discarded", totals.discarded},
                                      {"moved_out", totals.moved_out}};
  }
  return {{"as_of", report.as_of},
          {"destinations", std::move(destinations)},
          {"submissions", report.submissions},
          {"deliveries", report.deliveries},
          {"payloads_checked", report.payloads_checked},
          {"findings", std::move(findings)},
          {"not_checked", json::value_from(report.not_checked)},
          {"undelivered", json::value_from(report.undelivered)}};
}

void print_report(const VerifyReport& report, std::ostream& out) {
  for (const std::string& reason : report.not_checked) out << "not checked: " << one_line(reason) << "\n";
  for (const auto& [name, totals] : report.totals) {
    out << fmt::format(
        "as of {}: {}: accepted {} + moved in {} = delivered {} + queued {} + dead letters {} + discarded {} + moved "
        "out {}\n",
        report.as_of, name, totals.accepted, totals.moved_in, totals.delivered, totals.queued, totals.dead_letter,
        totals.discarded, totals.moved_out);
  }
  out << fmt::format("{} submissions, {} deliveries, {} payloads checked, {} findings\n", report.submissions,
                     report.deliveries, report.payloads_checked, report.findings.size());
}

// Of a journal in which nothing was found: it may be a newer daemon's, and nobody should put that away.
constexpr std::string_view not_whole =
    " couldn't be checked whole, as \"not checked\" says; nothing was found in what was looked at";
constexpr std::string_view not_sound =
    " isn't sound. Keep a copy of it and of its -wal file before anything else; what a finding names is shown by "
    "`edge-relay show ID`. Where the relay doesn't start with it, put a copy back that is sound, or move it and its "
    "-wal, -shm and .lock files away to begin a new one, and have what is undelivered sent again by those who sent it";

}  // namespace

ExitCode execute(const VerifyCommand& command, const Streams& streams) {
  // Only the path and the journal's own keys: a configuration with a mistake in it, or with secrets the caller may not
  // read, is no reason against looking at the journal.
  const auto configured = journal_path_of(command.configuration);
  if (!configured) {
    streams.err << configured.error().message << "\n";
    return ExitCode::configuration;
  }
  const std::string& path = configured->native();
  VerifyKeys keys;
  if (auto configured_keys = journal_keys_of(command.configuration)) {
    keys.keys = std::move(*configured_keys);
  } else {
    keys.missing = configured_keys.error().message;
  }
  if (!keys.keys.empty()) keep_memory_out_of_cores();
  const auto report = verify_journal(
      path, "",
      [&](const VerifyFinding& finding) {
        if (!command.json) print_finding(finding, streams.out);
      },
      keys);
  if (!report) {
    streams.err << "edge-relay verify: " << report.error().message << "\n";
    if (!command.json) streams.out << "0 submissions, 0 deliveries, 0 payloads checked, 0 findings\n";
    return ExitCode::failure;
  }
  if (command.json) {
    streams.out << json::serialize(report_json(*report)) << "\n";
  } else {
    print_report(*report, streams.out);
  }
  const bool clean = report->findings.empty() && report->not_checked.empty();
  if (!clean) {
    for (const std::string& id : report->undelivered) streams.err << fmt::format("undelivered and readable: {}\n", id);
    streams.err << "edge-relay verify: " << path << (report->findings.empty() ? not_whole : not_sound) << "\n";
  }
  return clean ? ExitCode::success : ExitCode::failure;
}

}  // namespace relay
