// What the writer says of itself, for other threads to read without waiting for it.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <string>

#include "journal/journal.hpp"

namespace relay {

// Thread-safe.
class WriterHealth {
 public:
  enum class State {
    working,
    recovering,  // an I/O error: nothing is taken until the WAL could be written back whole
    corrupt,     // for good
  };

  WriterHealth();
  State state() const { return state_.load(std::memory_order_acquire); }
  void set_state(State state, std::string reason);
  std::string reason() const;

  // Settlements wait that couldn't be saved: nothing more may be claimed.
  void set_holding(bool holding) { holding_.store(holding, std::memory_order_release); }
  bool may_claim() const { return state() == State::working && !holding_.load(std::memory_order_acquire); }

  void commit_begins(MonotonicTime now);
  void commit_ends(MonotonicTime now, std::size_t commands);
  void fill(JournalCondition& condition, MonotonicTime now) const;

 private:
  std::atomic<State> state_{State::working};
  std::atomic<bool> holding_{false};
  mutable std::mutex mutex_;
  std::string reason_;
  std::optional<MonotonicTime> commit_began_;
  Histogram commit_seconds_;
  Histogram commit_batch_size_;
};

}  // namespace relay
