#include "journal/idempotency.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "journal/writer_statements.hpp"

namespace relay {

namespace {

constexpr int rotation_slice = 500;  // rows a commit

IdempotencyHash first_half(const Digest& digest) {
  IdempotencyHash half{};
  std::copy_n(digest.bytes.begin(), half.size(), half.begin());
  return half;
}

// A key lives that many times keep_idempotency at most.
constexpr int longest_life_of_a_key = 2;

bool is_open(SubmissionReader& submissions, std::int64_t seq) {
  const auto row = submissions.by_seq(seq);
  return row && submissions.any_queued(*row);
}

}  // namespace

std::vector<IdempotencyHash> idempotency_hashes(const Uuid& journal_id, const PayloadCipher& cipher,
                                                std::string_view key) {
  std::vector<IdempotencyHash> hashes;
  if (const auto keyed = cipher.keyed_hash("idempotency key\n" + std::string(key)))
    hashes.push_back(first_half(*keyed));
  // Of a key that was taken before encryption was turned on.
  const std::string_view salt(reinterpret_cast<const char*>(journal_id.bytes.data()), journal_id.bytes.size());
  hashes.push_back(first_half(hmac_sha256(salt, key)));
  return hashes;
}

KeyMemory::KeyMemory(const JournalOptions& options, const ClockGuard& clock)
    : keep_keys_(options.keep_idempotency),
      tables_keep_(std::max(options.keep_idempotency, options.keep_message_names)),
      clock_(clock) {}

bool KeyMemory::is_over(WallTime accepted_at, WallTime now) const {
  if (tables_keep_ == keep_keys_ || !clock_.trusted()) return false;
  return now - clock_.told_by_todays_clock(accepted_at) >= longest_life_of_a_key * keep_keys_;
}

IdempotencyTables::Table::Table(Connection& connection, const char* name)
    : find(connection, "SELECT seq FROM " + std::string(name) + " WHERE hash = ?1"),
      put(connection, "INSERT OR REPLACE INTO " + std::string(name) + " VALUES (?1, ?2)"),
      put_if_missing(connection, "INSERT OR IGNORE INTO " + std::string(name) + " VALUES (?1, ?2)"),
      oldest_rows(connection, "SELECT hash, seq FROM " + std::string(name) + " ORDER BY hash LIMIT ?1"),
      erase_up_to(connection, "DELETE FROM " + std::string(name) + " WHERE hash <= ?1") {}

IdempotencyTables::IdempotencyTables(Connection& connection)
    : tables_{Table(connection, "idempotency_0"), Table(connection, "idempotency_1")} {}

std::optional<std::int64_t> IdempotencyTables::find(const IdempotencyHash& hash, int current) {
  for (const int table : {current, 1 - current}) {
    Rows rows = tables_.at(static_cast<std::size_t>(table)).find.rows(blob_of(hash));
    if (rows.next()) return rows.integer(0);
  }
  return std::nullopt;
}

void IdempotencyTables::remember(const IdempotencyHash& hash, std::int64_t seq, int current) {
  tables_.at(static_cast<std::size_t>(current)).put.run(blob_of(hash), seq);
}

void IdempotencyTables::rotate(WriteTransaction& transaction, std::chrono::milliseconds keep) {
  WriterState& state = transaction.state;
  // A clock that was set back: count from now, or nothing would ever rotate again.
  if (state.idempotency_rotated_at > transaction.now) state.idempotency_rotated_at = transaction.now;
  if (transaction.now - state.idempotency_rotated_at < keep) return;

  Table& old_keys = tables_.at(static_cast<std::size_t>(1 - state.idempotency_current));
  Table& current_keys = tables_.at(static_cast<std::size_t>(state.idempotency_current));
  std::vector<std::pair<std::string, std::int64_t>> slice;
  for (Rows rows = old_keys.oldest_rows.rows(rotation_slice); rows.next();) {
    slice.emplace_back(rows.string(0), rows.integer(1));
  }
  for (const auto& [hash, seq] : slice) {
    if (is_open(transaction.statements.submissions, seq)) current_keys.put_if_missing.run(Blob{hash}, seq);
  }
  if (!slice.empty()) old_keys.erase_up_to.run(Blob{slice.back().first});
  if (slice.size() == rotation_slice) return;
  state.idempotency_current = 1 - state.idempotency_current;
  state.idempotency_rotated_at = transaction.now;
}

}  // namespace relay
