// open_journal: every reason not to start comes first, and changes nothing; then the journal is made, or brought up to
// date, and opened.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <utility>

#include "base/file.hpp"
#include "base/log.hpp"
#include "journal/database.hpp"
#include "journal/disk_guard.hpp"
#include "journal/lock_file.hpp"
#include "journal/placement.hpp"
#include "journal/schema.hpp"
#include "journal/sealing_keys.hpp"
#include "journal/sqlite_journal.hpp"

namespace relay {

namespace {

using Kind = JournalOpenFailure::Kind;

// Ends the start from wherever it is.
struct Refusal {
  JournalOpenFailure failure;
};

[[noreturn]] void refuse(Kind kind, std::string message) {
  throw Refusal{{kind, std::move(message)}};
}

LockFile lock_journal(const std::filesystem::path& path) {
  auto lock = LockFile::acquire(path);
  if (lock) return std::move(*lock);
  switch (lock.error().problem) {
    case LockFile::Problem::held:
      refuse(Kind::locked, lock.error().message);
    case LockFile::Problem::damaged:
      refuse(Kind::corrupt, lock.error().message);
    case LockFile::Problem::unreadable:
      break;
  }
  refuse(Kind::unreadable, lock.error().message);
}

// What the lock file and the folder say together.
struct Found {
  bool database = false;
  bool empty = false;  // there, without a byte: an earlier start ended before it was made
};

Found look_around(const JournalOptions& options, const LockFile& lock) {
  Found found;
  found.database = database_file_exists(options.path, options.vfs);
  if (found.database && options.vfs.empty()) found.empty = std::filesystem::file_size(options.path) == 0;
  const std::string lock_path = LockFile::path_for(options.path).string();
  if (!lock.note()) {
    if (found.empty && lock.was_missing()) {
      refuse(Kind::corrupt, fmt::format("{} is empty: it isn't a journal; put the journal back, or remove the file to "
                                        "begin a new one",
                                        options.path));
    }
    return found;
  }
  if (!found.database) {
    refuse(Kind::missing_part, fmt::format("{} is missing, but {} says that a journal belongs here; put it back, or to "
                                           "begin a new one and give up what was in it remove {}",
                                           options.path, lock_path, lock_path));
  }
  if (found.empty) {
    refuse(Kind::corrupt,
           fmt::format("{} is empty, but {} says that a journal belongs here; put it back, or to begin a "
                       "new one and give up what was in it remove both",
                       options.path, lock_path));
  }
  if (lock.note()->running && !database_file_exists(options.path + "-wal", options.vfs)) {
    refuse(
        Kind::missing_part,
        fmt::format("{}-wal is missing: the relay was stopped without warning, and the newest submissions are in that "
                    "file; put it back, or to go on without them remove {}",
                    options.path, lock_path));
  }
  return found;
}

// The database header (sqlite.org/fileformat2.html, section 1.3), read without SQLite, which might touch files.
void check_header(const std::string& path) {
  auto file = open_file(path, O_RDONLY);
  if (!file) refuse(Kind::unreadable, file.error().message);
  std::array<char, 100> header{};
  const ssize_t length = ::pread(file->get(), header.data(), header.size(), 0);
  if (length < 0) refuse(Kind::unreadable, fmt::format("can't read {}: {}", path, error_text(errno)));
  constexpr std::string_view magic{"SQLite format 3\0", 16};
  if (static_cast<std::size_t>(length) < header.size() || std::string_view(header.data(), magic.size()) != magic) {
    refuse(Kind::corrupt,
           fmt::format("{} isn't a journal, or its beginning is damaged; run `edge-relay verify`, and put "
                       "back a copy",
                       path));
  }
}

void refuse_newer(const std::string& path, std::int64_t version) {
  if (version <= journal_schema_version) return;
  refuse(Kind::newer, fmt::format("{} was written by a newer edge-relay (schema {}, this one knows {}); install that "
                                  "version again",
                                  path, version, journal_schema_version));
}

// A journal of this or an older version, of which nothing is missing. Changes nothing.
void check_schema(Connection& connection, const JournalOptions& options) {
  if (connection.integer("PRAGMA application_id") != journal_application_id) {
    refuse(Kind::corrupt,
           fmt::format("{} is a SQLite database, but no journal of edge-relay; set journal.path", options.path));
  }
  refuse_newer(options.path, connection.integer("PRAGMA user_version"));
  if (connection.integer("PRAGMA freelist_count") > connection.integer("PRAGMA page_count")) {
    refuse(Kind::corrupt, fmt::format("{} is damaged: it says that it has more free pages than pages; run `edge-relay "
                                      "verify`, and put back a copy",
                                      options.path));
  }
  if (connection.integer("PRAGMA user_version") < journal_schema_version) return;  // its steps come first
  for (const std::string& difference : schema_differences(connection)) {
    if (difference.ends_with("doesn't belong to a journal")) continue;  // harmless; verify names it
    refuse(Kind::corrupt,
           fmt::format("{} is damaged: {}; run `edge-relay verify`, and put back a copy", options.path, difference));
  }
}

// Of a journal of any version.
Uuid read_journal_id(Connection& connection, const std::string& path) {
  Statement own_row(connection, "SELECT journal_id FROM journal WHERE only = 1");
  Rows rows = own_row.rows();
  Uuid journal_id;
  if (!rows.next() || rows.bytes(0).size() != journal_id.bytes.size()) {
    refuse(Kind::corrupt, fmt::format("{} is damaged: its own row is missing; run `edge-relay verify`, and put back a "
                                      "copy",
                                      path));
  }
  const std::string_view id = rows.bytes(0);
  std::copy(id.begin(), id.end(), journal_id.bytes.begin());
  return journal_id;
}

WriterState read_state(Connection& connection, const std::string& path) {
  WriterState state;
  state.journal_id = read_journal_id(connection, path);
  Statement own_row(connection,
                    "SELECT openings, commit_number, next_seq, next_upload, idempotency_current,"
                    " idempotency_rotated_at FROM journal WHERE only = 1");
  Rows rows = own_row.rows();
  if (!rows.next()) throw DatabaseError(SQLITE_CORRUPT, "the journal's own row is gone");
  state.openings = rows.integer(0);
  state.commit_number = rows.count(1);
  state.next_seq = rows.integer(2);
  state.next_upload = rows.integer(3);
  state.idempotency_current = rows.integer(4) == 1 ? 1 : 0;
  state.idempotency_rotated_at = rows.time(5);
  state.totals = TotalsReader(connection).read();
  return state;
}

void make_journal(Connection& connection, const JournalOptions& options, const Clock& clock) {
  create_schema(connection, UuidGenerator(clock).next(), clock.wall_now());
  if (!options.vfs.empty()) return;
  const auto folder = std::filesystem::path(options.path).parent_path();
  if (const auto synced = sync_folder(folder.empty() ? "." : folder); !synced) {
    refuse(Kind::unreadable, synced.error().message);
  }
}

// SQLite would give a new file the mode that the umask leaves; its WAL then takes the database's.
void make_private_file(const std::string& path) {
  const auto file = open_file(path, O_RDWR | O_CREAT, 0600);
  if (!file) refuse(Kind::unreadable, file.error().message);
}

// A tool may have switched it to a rollback journal ("PRAGMA journal_mode"), which says so in the file itself.
void bring_back_wal(Connection& connection, const std::string& path) {
  if (connection.text("PRAGMA journal_mode") == "wal") return;
  if (connection.text("PRAGMA journal_mode = WAL") != "wal") {
    refuse(Kind::unreadable, fmt::format("{} was switched to another journal mode, and can't be switched back to a "
                                         "write-ahead log here",
                                         path));
  }
  log_warning("the journal was switched to another journal mode from outside; it is back at a write-ahead log");
}

void refuse_another_journal(const JournalOptions& options, const LockFile& lock, const Uuid& journal_id) {
  if (!lock.note() || lock.note()->journal_id == journal_id) return;
  const std::string lock_path = LockFile::path_for(options.path).string();
  refuse(Kind::missing_part,
         fmt::format("{} (or its -wal) belongs to another journal than {} names; put the right files back, or to use "
                     "this journal as it is remove {}",
                     options.path, lock_path, lock_path));
}

std::shared_ptr<const PayloadCipher> unlock(Connection& connection, const JournalOptions& options,
                                            const Uuid& journal_id) {
  auto cipher = unlock_journal(connection, journal_id, options.encryption_keys);
  if (!cipher) refuse(Kind::wrong_key, fmt::format("{} {}", options.path, cipher.error().message));
  return std::move(*cipher);
}

std::unique_ptr<Journal> open_locked(const JournalOptions& options, const Clock& clock, LockFile& lock) {
  const Found found = look_around(options, lock);
  const bool there = found.database && !found.empty;
  if (options.vfs.empty()) {
    if (there) {
      check_header(options.path);
    } else {
      make_private_file(options.path);
    }
  }
  Connection connection(options.path, Connection::Mode::write, options.vfs);
  // A start that ended while it made the journal leaves a database without tables, and a lock file without a note.
  const bool unfinished = !lock.note() && (!there || (connection.integer("PRAGMA application_id") == 0 &&
                                                      connection.integer("SELECT count(*) FROM sqlite_schema") == 0));
  if (unfinished) {
    make_journal(connection, options, clock);
  } else {
    check_schema(connection, options);
    const Uuid journal_id = read_journal_id(connection, options.path);
    refuse_another_journal(options, lock, journal_id);
    unlock(connection, options, journal_id);
    bring_back_wal(connection, options.path);
    migrate_schema(connection);
  }
  WriterState state = read_state(connection, options.path);
  auto cipher = unlock(connection, options, state.journal_id);
  record_sealing_keys(connection, state.journal_id, state.next_seq, *cipher);
  return std::make_unique<SqliteJournal>(options, clock, std::move(lock), std::move(connection), std::move(cipher),
                                         std::move(state));
}

JournalOpenFailure explain(const DatabaseError& error, const std::string& path) {
  if (error.corrupt()) {
    return {Kind::corrupt,
            fmt::format("{} is damaged ({}); run `edge-relay verify`, and put back a copy", path, error.what())};
  }
  if (error.code() == SQLITE_BUSY || error.code() == SQLITE_LOCKED) {
    return {Kind::locked, fmt::format("another program has {} locked; end it first", path)};
  }
  return {Kind::unreadable,
          fmt::format("can't use {}: {}; look at the disk and at the file's owner and mode", path, error.what())};
}

// What this start has made is taken away again where it is refused, still under the lock.
class Made {
 public:
  Made(const JournalOptions& options, const LockFile& lock)
      : path_(options.path),
        lock_(lock.was_missing()),
        // Another VFS keeps its files where it likes.
        database_(options.vfs.empty() && !database_file_exists(path_, options.vfs)),
        wal_(options.vfs.empty() && !database_file_exists(path_ + "-wal", options.vfs)),
        shared_memory_(options.vfs.empty() && !database_file_exists(path_ + "-shm", options.vfs)) {}
  void undo() const {
    std::error_code ignored;
    if (wal_) remove_empty(path_ + "-wal");
    // SQLite's shared memory, without which a WAL is read as well; nobody else has the journal open.
    if (wal_ && shared_memory_) std::filesystem::remove(path_ + "-shm", ignored);
    // Tables that were begun stay, and so does the lock file: the next start goes on from there.
    std::error_code error;
    if (database_ && std::filesystem::file_size(path_, error) > 0 && !error) return;
    if (database_) remove_empty(path_);
    if (lock_) remove_empty(LockFile::path_for(path_));
  }

 private:
  static void remove_empty(const std::filesystem::path& path) {
    std::error_code error;  // what can't be taken away is left as it is
    if (std::filesystem::file_size(path, error) == 0 && !error) std::filesystem::remove(path, error);
  }

  const std::string path_;
  const bool lock_;
  const bool database_;
  const bool wal_;
  const bool shared_memory_;
};

// SQLite's shared memory, and the WAL with it, take room before a commit does; where there is none the reserve gives
// it.
std::unique_ptr<Journal> open_with_room(const JournalOptions& options, const Clock& clock, LockFile& lock) {
  for (;;) {
    try {
      return open_locked(options, clock, lock);
    } catch (const DatabaseError&) {
      if (!lock.held() || !options.vfs.empty() || !give_room_to_open(options.path)) throw;
    }
  }
}

JournalOpenFailure current_failure(const std::string& path) {
  try {
    throw;
  } catch (const Refusal& refusal) {
    return refusal.failure;
  } catch (const DatabaseError& error) {
    return explain(error, path);
  } catch (const std::runtime_error& error) {
    return {Kind::unreadable, error.what()};
  }
}

}  // namespace

Result<std::unique_ptr<Journal>, JournalOpenFailure> open_journal(const JournalOptions& options, const Clock& clock) {
  if (auto failure = check_placement(options)) return Failure{std::move(*failure)};
  try {
    LockFile lock = lock_journal(LockFile::path_for(options.path));
    const Made made(options, lock);
    try {
      return open_with_room(options, clock, lock);
    } catch (...) {
      if (lock.held()) made.undo();
      throw;
    }
  } catch (...) {
    return Failure{current_failure(options.path)};
  }
}

}  // namespace relay
