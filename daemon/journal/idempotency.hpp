// Idempotency keys: which submission a key was used for. Only a hash of a key is kept: with the journal's id alone it
// can be tried out by whoever has the file; with encryption it is made with the journal's hash secret.
//
// Two tables: new keys go into the current one, look-ups ask both. When the other one's keys have all grown older than
// keep_idempotency it is emptied in slices, in the order of its keys (so that whole pages go), and becomes the current
// one. Keys of submissions that are still open are carried over into the current table on the way.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "journal/clock_guard.hpp"
#include "journal/command.hpp"
#include "journal/database.hpp"
#include "journal/payload_cipher.hpp"

namespace relay {

using IdempotencyHash = std::array<std::uint8_t, 16>;

// All hashes under which that key may have been kept; the first is the one to keep it under now.
std::vector<IdempotencyHash> idempotency_hashes(const Uuid& journal_id, const PayloadCipher& cipher,
                                                std::string_view key);

// Message names are kept in the same tables; where they are kept longer, that must not lengthen what keys are
// remembered for.
class KeyMemory {
 public:
  // `clock` outlives it.
  KeyMemory(const JournalOptions& options, const ClockGuard& clock);

  // Whether a key that is still there counts no more, as if only keys were kept. Never while the clock is doubted.
  bool is_over(WallTime accepted_at, WallTime now) const;

 private:
  const std::chrono::milliseconds keep_keys_;
  const std::chrono::milliseconds tables_keep_;
  const ClockGuard& clock_;
};

class IdempotencyTables {
 public:
  explicit IdempotencyTables(Connection& connection);

  std::optional<std::int64_t> find(const IdempotencyHash& hash, int current);
  void remember(const IdempotencyHash& hash, std::int64_t seq, int current);

  // One slice of the rotation, where it is due.
  void rotate(WriteTransaction& transaction, std::chrono::milliseconds keep);

 private:
  struct Table {
    Table(Connection& connection, const char* name);
    Statement find;
    Statement put;
    Statement put_if_missing;
    Statement oldest_rows;  // by hash
    Statement erase_up_to;
  };
  std::array<Table, 2> tables_;
};

}  // namespace relay
