// What is undelivered in a journal that no daemon runs on, read without touching anything: for `export --offline`.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/secret.hpp"
#include "journal/operator_actions.hpp"

namespace relay {

// One thread at a time.
class OfflineJournal {
 public:
  // Error: why it can't be read (newer, damaged, no such file, another key, a daemon runs), and the way out.
  static Result<std::unique_ptr<OfflineJournal>> open(const std::string& path, const std::vector<Secret>& keys);
  virtual ~OfflineJournal() = default;

  // This outlives what it gives.
  virtual std::unique_ptr<UndeliveredReader> undelivered() = 0;
  virtual Result<std::shared_ptr<PayloadSource>> payload_of(const SubmissionId& id) = 0;
};

}  // namespace relay
