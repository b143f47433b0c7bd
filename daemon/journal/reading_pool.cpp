#include "journal/reading_pool.hpp"

#include "journal/counters.hpp"
#include "journal/delivery_by_client.hpp"

namespace relay {

namespace {
constexpr std::size_t most_connections = 8;
}

JournalReader::JournalReader(const std::string& path, const std::string& vfs, const PayloadCipher& opener,
                             Connection::Mode mode)
    : cipher(opener),
      connection(path, mode, vfs),
      commit_number(connection, "SELECT commit_number FROM journal WHERE only = 1"),
      submissions(connection, cipher),
      claims(connection, cipher),
      follow_ups(connection, cipher),
      turns(connection),
      payloads(connection),
      totals(connection),
      newest_dead_letters(connection,
                          "SELECT seq FROM record INDEXED BY record_dead_letter"
                          " WHERE destination = ?1 AND state = 3 AND seq < ?2 ORDER BY seq DESC LIMIT ?3"),
      newest_of_client(connection, of_any_turn("SELECT seq FROM delivery INDEXED BY {index}"
                                               " WHERE destination = ?1 AND client = ?2 AND seq < ?3 AND {turn}") +
                                       " ORDER BY seq DESC LIMIT ?4"),
      oldest_dead_letters(connection,
                          "SELECT seq FROM record INDEXED BY record_dead_letter"
                          " WHERE destination = ?1 AND state = 3 AND seq > ?2 ORDER BY seq LIMIT ?3"),
      open_by_client(connection, select_open_by_client()),
      audit_below(connection,
                  "SELECT number, at, id, action, who, origin, submission, destination, detail, changed FROM audit"
                  " WHERE number < ?1 ORDER BY number DESC LIMIT ?2"),
      accepted_at(connection, "SELECT accepted_at FROM submission WHERE seq = ?1"),
      counters(connection, select_counters) {}

CommitNumber JournalReader::as_of() {
  Rows rows = commit_number.rows();
  if (!rows.next()) throw DatabaseError(SQLITE_CORRUPT, "the journal's own row is missing");
  return rows.count(0);
}

ReadingPool::Lease ReadingPool::lease() {
  {
    std::unique_lock lock(mutex_);
    returned_.wait(lock, [&] { return closed_ || !idle_.empty() || lent_ < most_connections; });
    if (closed_) throw DatabaseError(SQLITE_MISUSE, "the journal is closed");
    ++lent_;
    if (!idle_.empty()) {
      auto reader = std::move(idle_.back());
      idle_.pop_back();
      return Lease(*this, std::move(reader));
    }
  }
  try {
    return Lease(*this, std::make_unique<JournalReader>(path_, vfs_, *cipher_, mode_));
  } catch (...) {
    give_back(nullptr);
    throw;
  }
}

void ReadingPool::give_back(std::unique_ptr<JournalReader> reader) {
  {
    const std::lock_guard lock(mutex_);
    --lent_;
    if (reader && !closed_) idle_.push_back(std::move(reader));
  }
  returned_.notify_one();
}

void ReadingPool::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  idle_.clear();
  returned_.notify_all();
}

}  // namespace relay
