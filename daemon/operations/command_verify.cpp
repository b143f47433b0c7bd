// `edge-relay verify`: reads the journal, beside the daemon or without it, and says what doesn't hold.
#include <ostream>

#include <fmt/format.h>

#include "journal/verify.hpp"
#include "operations/commands.hpp"
#include "operations/human_text.hpp"
#include "operations/process_setup.hpp"
#include "settings/load.hpp"

namespace relay {

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
        streams.out << fmt::format("FINDING {} {} {}\n", finding.code, finding.submission, one_line(finding.text));
      },
      keys);
  if (!report) {
    streams.err << "edge-relay verify: " << report.error().message << "\n";
    streams.out << "0 submissions, 0 deliveries, 0 payloads checked, 0 findings\n";
    return ExitCode::failure;
  }
  for (const std::string& reason : report->not_checked) streams.out << "not checked: " << one_line(reason) << "\n";
  for (const auto& [name, totals] : report->totals) {
    streams.out << fmt::format(
        "as of {}: {}: accepted {} + moved in {} = delivered {} + queued {} + dead letters {} + discarded {} + moved "
        "out "
        "{}\n",
        report->as_of, name, totals.accepted, totals.moved_in, totals.delivered, totals.queued, totals.dead_letter,
        totals.discarded, totals.moved_out);
  }
  streams.out << fmt::format("{} submissions, {} deliveries, {} payloads checked, {} findings\n", report->submissions,
                             report->deliveries, report->payloads_checked, report->findings.size());
  const bool clean = report->findings.empty() && report->not_checked.empty();
  if (!clean) {
    for (const std::string& id : report->undelivered) streams.err << fmt::format("undelivered and readable: {}\n", id);
    streams.err << fmt::format(
        "edge-relay verify: {} isn't sound. Keep a copy of it and of its -wal file before anything else; what a "
        "finding names is shown by `edge-relay show ID`. Where the relay doesn't start with it, put a copy back that "
        "is sound, or move it and its -wal, -shm and .lock files away to begin a new one, and have what is undelivered "
        "sent again by those who sent it\n",
        path);
  }
  return clean ? ExitCode::success : ExitCode::failure;
}

}  // namespace relay
