// Counters that outlive the process. Memory has their values; the writer saves those that changed with its next commit.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "journal/database.hpp"
#include "journal/journal.hpp"

namespace relay {

// Thread-safe but for load(), which comes first.
class CounterTable {
 public:
  void load(Connection& connection);
  void add(const CounterName& counter, std::uint64_t increment, MonotonicTime now);
  std::map<CounterName, std::uint64_t> values() const;

  // Since when something waits to be saved.
  std::optional<MonotonicTime> waiting_since() const;
  // For the writer: what changed since the last successful save.
  std::map<CounterName, std::uint64_t> begin_save();
  void end_save(bool saved, MonotonicTime now);

 private:
  mutable std::mutex mutex_;
  std::map<CounterName, std::uint64_t> values_;
  std::map<CounterName, std::uint64_t> changed_;
  std::map<CounterName, std::uint64_t> saving_;
  std::optional<MonotonicTime> waiting_since_;
};

// Labels as one column: joined by the ASCII unit separator.
std::string join_labels(const std::vector<std::string>& labels);

}  // namespace relay
