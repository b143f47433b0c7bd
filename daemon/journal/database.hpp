// SQLite's C interface as objects: a connection, prepared statements, their rows, errors. No other file of the daemon
// calls sqlite3_*, but `gathered_writes` below it.
//
// A connection and all that was made from it belong to one thread at a time (opened without SQLite's own mutexes).
// Every failure is a DatabaseError; those never leave journal/: the writer and the queries turn them into answers.
#pragma once

#include <sqlite3.h>

#include <array>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "journal/gathered_writes.hpp"

namespace relay {

class DatabaseError : public std::runtime_error {
 public:
  DatabaseError(int extended_code, const std::string& message)
      : std::runtime_error(message), extended_code_(extended_code) {}
  int code() const { return extended_code_ & 0xff; }  // SQLITE_FULL, SQLITE_IOERR, …
  int extended_code() const { return extended_code_; }
  bool disk_full() const { return code() == SQLITE_FULL; }
  bool corrupt() const { return code() == SQLITE_CORRUPT || code() == SQLITE_NOTADB; }
  bool constraint() const { return code() == SQLITE_CONSTRAINT; }

 private:
  int extended_code_;
};

// Bytes, where a plain string_view is text.
struct Blob {
  std::string_view bytes;
};

// A text that is kept as TEXT where it is plain and as a BLOB where it is sealed.
struct StoredText {
  std::string bytes;
  bool sealed = false;
};

template <std::size_t size>
Blob blob_of(const std::array<std::uint8_t, size>& bytes) {
  return {{reinterpret_cast<const char*>(bytes.data()), size}};
}

class Connection {
 public:
  enum class Mode {
    write,         // reads and writes; makes the file where there is none
    read,          // reads only
    read_stopped,  // reads a file that no process has open, and touches nothing beside it (verify)
  };
  // `vfs` empty: SQLite's own.
  Connection(const std::string& path, Mode mode, const std::string& vfs);
  static Connection in_memory();

  // One or several statements without parameters and without rows that matter. The text is always a constant of ours.
  void execute(const char* sql);
  std::int64_t integer(const char* sql);  // the first column of the first row
  std::string text(const char* sql);

  std::int64_t changes() const;
  bool in_transaction() const;
  // A closing connection otherwise writes the WAL back and removes it: wanted after a clean stop alone.
  void keep_wal_on_close(bool keep);
  // Frames in the WAL after the last commit of this connection.
  int wal_frames() const { return *wal_frames_; }
  // Of those, how many the last checkpoint had to leave to a reader that still reads an older state.
  int frames_held() const { return frames_held_; }

  // Syncs the WAL's file, also an empty one, and with it its entry in the folder. For once that no commit did it.
  void sync_wal();

  enum class Checkpoint {
    passive,
    truncate,
    truncate_if_unread,  // gives way at once where a reader holds the WAL
  };
  // Whether all of the WAL is now in the database file, fsynced. Throws for anything but readers in the way.
  bool checkpoint(Checkpoint kind);

  // Whether the file's own header names a way to write that SQLite knows. It takes one that it doesn't for a file to be
  // read alone, and finds nothing wrong with it.
  bool header_lets_write() const;

  // The texts of all statements that are prepared now, for the test that looks at their query plans.
  std::vector<std::string> prepared_statements() const;
  sqlite3* handle() const { return handle_.get(); }

 private:
  struct Close {
    void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
  };
  explicit Connection(std::unique_ptr<sqlite3, Close> handle) : handle_(std::move(handle)) {}

  std::unique_ptr<GatheredWrites> gathered_writes_;  // of a connection that writes; goes after it
  std::unique_ptr<sqlite3, Close> handle_;
  std::unique_ptr<int> wal_frames_ = std::make_unique<int>(0);
  int frames_held_ = 0;
};

// The rows of one run of a statement; its end resets the statement.
class Rows {
 public:
  explicit Rows(sqlite3_stmt* statement) : statement_(statement) {}
  ~Rows();
  Rows(Rows&& other) noexcept : statement_(std::exchange(other.statement_, nullptr)) {}
  Rows& operator=(Rows&&) = delete;

  bool next();
  // To the end: what a statement writes (PRAGMA journal_mode = WAL) is committed only there, and can fail there.
  void run_out();
  bool is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
  bool is_blob(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_BLOB; }
  std::int64_t integer(int column) const { return sqlite3_column_int64(statement_, column); }
  std::uint64_t count(int column) const { return static_cast<std::uint64_t>(integer(column)); }
  unsigned small_count(int column) const { return static_cast<unsigned>(integer(column)); }
  bool flag(int column) const { return integer(column) != 0; }
  WallTime time(int column) const { return WallTime{std::chrono::milliseconds(integer(column))}; }
  // Valid until the next row.
  std::string_view bytes(int column) const;
  std::string string(int column) const { return std::string(bytes(column)); }

 private:
  sqlite3_stmt* statement_;
};

class Statement {
 public:
  Statement(Connection& connection, std::string_view sql);

  // Binds, runs to the end, resets.
  template <class... Values>
  void run(const Values&... values) {
    bind_all(SQLITE_STATIC, values...);
    run_to_end();
  }
  template <class... Values>
  Rows rows(const Values&... values) {
    bind_all(SQLITE_TRANSIENT, values...);
    return Rows(statement_.get());
  }

 private:
  template <class... Values>
  void bind_all([[maybe_unused]] sqlite3_destructor_type keep, const Values&... values) {
    int index = 0;
    (bind(++index, values, keep), ...);
  }
  template <std::integral Value>
  void bind(int index, Value value, sqlite3_destructor_type) {
    check(sqlite3_bind_int64(statement_.get(), index, static_cast<sqlite3_int64>(value)));
  }
  template <class Value>
  requires std::is_enum_v<Value>
  void bind(int index, Value value, sqlite3_destructor_type keep) {
    bind(index, static_cast<std::int64_t>(value), keep);
  }
  void bind(int index, WallTime value, sqlite3_destructor_type keep) {
    bind(index, value.time_since_epoch().count(), keep);
  }
  void bind(int index, std::nullopt_t, sqlite3_destructor_type) { check(sqlite3_bind_null(statement_.get(), index)); }
  void bind(int index, std::string_view value, sqlite3_destructor_type keep);
  void bind(int index, const std::string& value, sqlite3_destructor_type keep) {
    bind(index, std::string_view(value), keep);
  }
  void bind(int index, Blob value, sqlite3_destructor_type keep);
  void bind(int index, const StoredText& value, sqlite3_destructor_type keep) {
    if (value.sealed) {
      bind(index, Blob{value.bytes}, keep);
    } else {
      bind(index, std::string_view(value.bytes), keep);
    }
  }
  template <class Value>
  void bind(int index, const std::optional<Value>& value, sqlite3_destructor_type keep) {
    if (value) {
      bind(index, *value, keep);
    } else {
      bind(index, std::nullopt, keep);
    }
  }
  void check(int result);
  void run_to_end();

  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

// A read transaction: everything read within it belongs to one commit.
class ReadTransaction {
 public:
  explicit ReadTransaction(Connection& connection);
  ~ReadTransaction();
  ReadTransaction(const ReadTransaction&) = delete;
  ReadTransaction& operator=(const ReadTransaction&) = delete;

 private:
  Connection& connection_;
};

// Whether a file is there, as that VFS sees it; also an empty one.
bool database_file_exists(const std::string& path, const std::string& vfs);

}  // namespace relay
