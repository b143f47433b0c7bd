// `edge-relay verify`: reads a journal, beside a running daemon or without one, and checks every row, digest and
// invariant. Opens read-only; changes nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "journal/journal.hpp"

namespace relay {

struct VerifyFinding {
  std::string code;        // schema, page, digest, seal, totals, orphan, state
  std::string submission;  // id, or "-"
  std::string text;
};

struct VerifyReport {
  std::uint64_t submissions = 0;
  std::uint64_t deliveries = 0;
  std::uint64_t payloads_checked = 0;
  // The numbers of promise 7 as they stand in the journal, and the commit they are of; nothing where they can't be
  // read.
  CommitNumber as_of = 0;
  std::map<std::string, DestinationTotals> totals;
  std::vector<VerifyFinding> findings;
  // Where anything was found: every submission that isn't delivered yet (queued or a dead letter) and can be read
  // whole.
  std::vector<std::string> undelivered;
  std::vector<std::string> not_checked;  // what couldn't be looked at, and why: also a failure
};

// What opens what is sealed.
struct VerifyKeys {
  std::vector<Secret> keys{};  // journal.encryption_key, 32 bytes each
  std::string missing{};       // where they can't be read: why
};

// `found` is called for each finding as it is found. Error: the journal is missing or can't be opened at all.
Result<VerifyReport> verify_journal(const std::string& path, const std::string& vfs,
                                    const std::function<void(const VerifyFinding&)>& found,
                                    const VerifyKeys& keys = {});

}  // namespace relay
