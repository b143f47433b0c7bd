// Idempotency keys: which submission a key was used for. Only a keyed hash of a key is kept.
//
// Two tables: new keys go into the current one, look-ups ask both. When the other one's keys have all grown older than
// keep_idempotency it is emptied in slices, in the order of its keys (so that whole pages go), and becomes the current
// one. Keys of submissions that are still open are carried over into the current table on the way.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "journal/command.hpp"
#include "journal/database.hpp"

namespace relay {

using IdempotencyHash = std::array<std::uint8_t, 16>;

IdempotencyHash idempotency_hash(const Uuid& journal_id, std::string_view key);

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
