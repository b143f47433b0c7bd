// Counters that outlive the process. Memory has their values; the writer saves those that changed with its next commit.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "journal/command.hpp"
#include "journal/database.hpp"
#include "journal/journal.hpp"

namespace relay {

inline constexpr char select_counters[] = "SELECT name, labels, value FROM counter";

// Thread-safe but for load(), which comes first.
class CounterTable {
 public:
  void load(Connection& connection);
  // What a table's rows say, as of the transaction that reads them.
  static std::map<CounterName, std::uint64_t> saved(Rows rows);
  void add(const CounterName& counter, std::uint64_t increment, MonotonicTime now);
  std::map<CounterName, std::uint64_t> values() const;

  // Since when something waits to be saved.
  std::optional<MonotonicTime> waiting_since() const;
  // Something waits, or is being saved just now.
  bool unsaved() const;
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

// A commit, so that what was counted is saved.
class SaveCountsCommand : public Command {
 public:
  explicit SaveCountsCommand(std::function<void()> done) : done_(std::move(done)) {}
  Urgency urgency() const override { return Urgency::first; }
  void apply(WriteTransaction&) override {}
  void committed() override { done_(); }
  // Saved with a later commit.
  Fate not_saved(AppendRefusal) override;

 private:
  const std::function<void()> done_;
};

// Labels as one column: joined by the ASCII unit separator.
std::string join_labels(const std::vector<std::string>& labels);

}  // namespace relay
