#include "journal/database.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <mutex>

namespace relay {

namespace {

// Milliseconds.
constexpr int busy_timeout = 5000;
constexpr int patience_with_readers = 3;

[[noreturn]] void raise(sqlite3* handle, const char* doing) {
  throw DatabaseError(sqlite3_extended_errcode(handle), fmt::format("{}: {}", doing, sqlite3_errmsg(handle)));
}

int remember_wal_frames(void* frames, sqlite3*, const char*, int count) {
  *static_cast<int*>(frames) = count;
  return SQLITE_OK;
}

// SQLite counts what it allocates under one lock for all threads; nobody asks for the count. Where SQLite is in use
// already (tests that bring a VFS), it goes on counting: slower, no less right.
void leave_memory_uncounted() {
  static std::once_flag once;
  std::call_once(once, [] { sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); });
}

// A path as SQLite's URI form takes it: '?', '#' and '%' would mean something there.
std::string uri_of(const std::string& path, const char* parameters) {
  std::string uri = "file:";
  for (const char c : path) {
    if (c == '?' || c == '#' || c == '%') {
      uri += fmt::format("%{:02X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    } else {
      uri += c;
    }
  }
  return uri + parameters;
}

}  // namespace

Connection::Connection(const std::string& path, Mode mode, const std::string& vfs) {
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  std::string name = path;
  std::string file_layer = vfs;
  if (mode == Mode::write) {
    flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  } else {
    flags |= SQLITE_OPEN_READONLY;
  }
  if (mode == Mode::read_stopped) {
    flags |= SQLITE_OPEN_URI;
    if (database_file_exists(path + "-wal", vfs)) {
      // Without locks and with the WAL's index in memory, no -shm file is needed: works on a read-only medium.
      name = uri_of(path, "");
      if (file_layer.empty()) file_layer = "unix-none";
    } else {
      name = uri_of(path, "?immutable=1");
    }
  }
  leave_memory_uncounted();
  if (mode == Mode::write) {
    gathered_writes_ = std::make_unique<GatheredWrites>(vfs);
    file_layer = gathered_writes_->name();
  }
  sqlite3* handle = nullptr;
  const int result = sqlite3_open_v2(name.c_str(), &handle, flags, file_layer.empty() ? nullptr : file_layer.c_str());
  handle_.reset(handle);
  if (result != SQLITE_OK) {
    if (handle != nullptr) raise(handle, "can't open the database");
    throw DatabaseError(result, "can't open the database: out of memory");
  }
  // A closing reader must never write the WAL back; the writer decides for itself.
  keep_wal_on_close(true);
  sqlite3_busy_timeout(handle, busy_timeout);
  if (mode == Mode::read_stopped) execute("PRAGMA locking_mode = EXCLUSIVE");
  execute("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY");
  // The cache in pages: given in KiB, SQLite counts pages of 4 KiB until it has seen the file, and keeps that number
  // for pages of 16. The writer's 8 MiB hold every hot page of a commit, a reader's 1 MiB those of an answer.
  if (mode == Mode::write) {
    // Checkpoints are the writer's, after it has answered.
    execute(
        "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = 512;"
        "PRAGMA journal_size_limit = 8388608; PRAGMA secure_delete = ON");
    sqlite3_wal_hook(handle, remember_wal_frames, wal_frames_.get());
  } else {
    execute("PRAGMA query_only = ON; PRAGMA cache_size = 64");
  }
}

Connection Connection::in_memory() {
  sqlite3* handle = nullptr;
  const int result = sqlite3_open_v2(":memory:", &handle,
                                     SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  std::unique_ptr<sqlite3, Close> owned(handle);
  if (result != SQLITE_OK) throw DatabaseError(result, "can't make a database in memory");
  return Connection(std::move(owned));
}

void Connection::execute(const char* sql) {
  if (sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) raise(handle_.get(), sql);
}

std::int64_t Connection::integer(const char* sql) {
  Statement statement(*this, sql);
  Rows rows = statement.rows();
  const std::int64_t value = rows.next() ? rows.integer(0) : 0;
  rows.run_out();
  return value;
}

std::string Connection::text(const char* sql) {
  Statement statement(*this, sql);
  Rows rows = statement.rows();
  std::string value = rows.next() ? rows.string(0) : std::string();
  rows.run_out();
  return value;
}

std::int64_t Connection::changes() const {
  return sqlite3_changes64(handle_.get());
}

bool Connection::in_transaction() const {
  return sqlite3_get_autocommit(handle_.get()) == 0;
}

void Connection::keep_wal_on_close(bool keep) {
  if (sqlite3_db_config(handle_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep ? 1 : 0, nullptr) != SQLITE_OK) {
    raise(handle_.get(), "can't configure the connection");
  }
}

void Connection::sync_wal() {
  // In WAL mode this control answers with the WAL. SQLite's layers sync a WAL's folder with its first sync.
  sqlite3_file* wal = nullptr;
  if (sqlite3_file_control(handle_.get(), "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal) != SQLITE_OK) {
    raise(handle_.get(), "can't find the WAL");
  }
  if (wal == nullptr || wal->pMethods == nullptr) throw DatabaseError(SQLITE_IOERR, "the WAL isn't open");
  const int result = wal->pMethods->xSync(wal, SQLITE_SYNC_NORMAL);
  if (result != SQLITE_OK) throw DatabaseError(result, "can't sync the WAL");
}

bool Connection::header_lets_write() const {
  // sqlite.org/fileformat2.html, section 1.3: 1 is a rollback journal, 2 a WAL.
  constexpr sqlite3_int64 write_format_at = 18;
  constexpr unsigned char highest_known = 2;
  sqlite3_file* file = nullptr;
  if (sqlite3_file_control(handle_.get(), "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK) {
    raise(handle_.get(), "can't find the database file");
  }
  unsigned char format = 0;
  const int result = file->pMethods->xRead(file, &format, 1, write_format_at);
  // All of it may still be in the WAL.
  if (result != SQLITE_OK && result != SQLITE_IOERR_SHORT_READ) {
    throw DatabaseError(result, "can't read the database's header");
  }
  return format <= highest_known;
}

bool Connection::checkpoint(Checkpoint kind) {
  int in_wal = 0;
  int written_back = 0;
  const bool truncates = kind != Checkpoint::passive;
  if (kind == Checkpoint::truncate_if_unread) sqlite3_busy_timeout(handle_.get(), patience_with_readers);
  const int result = sqlite3_wal_checkpoint_v2(handle_.get(), "main",
                                               truncates ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE,
                                               &in_wal, &written_back);
  if (kind == Checkpoint::truncate_if_unread) sqlite3_busy_timeout(handle_.get(), busy_timeout);
  if ((result & 0xff) == SQLITE_BUSY) return false;
  if (result != SQLITE_OK) raise(handle_.get(), "can't write the WAL back into the database");
  if (truncates) *wal_frames_ = 0;
  frames_held_ = in_wal - written_back;
  return frames_held_ == 0;
}

std::vector<std::string> Connection::prepared_statements() const {
  std::vector<std::string> texts;
  for (sqlite3_stmt* s = sqlite3_next_stmt(handle_.get(), nullptr); s != nullptr;
       s = sqlite3_next_stmt(handle_.get(), s)) {
    texts.emplace_back(sqlite3_sql(s));
  }
  return texts;
}

Rows::~Rows() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

bool Rows::next() {
  const int result = sqlite3_step(statement_);
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) return false;
  raise(sqlite3_db_handle(statement_), "can't read the journal");
}

void Rows::run_out() {
  while (next()) {
  }
}

std::string_view Rows::bytes(int column) const {
  // A damaged row may hold a number where bytes belong; SQLite converts, the digest then says no.
  const void* data = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  return data == nullptr ? std::string_view()
                         : std::string_view(static_cast<const char*>(data), static_cast<std::size_t>(size));
}

Statement::Statement(Connection& connection, std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int result = sqlite3_prepare_v3(connection.handle(), sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  statement_.reset(statement);
  if (result != SQLITE_OK) raise(connection.handle(), "can't prepare a statement");
}

void Statement::bind(int index, std::string_view value, sqlite3_destructor_type keep) {
  check(sqlite3_bind_text64(statement_.get(), index, value.data() == nullptr ? "" : value.data(), value.size(), keep,
                            SQLITE_UTF8));
}

void Statement::bind(int index, Blob value, sqlite3_destructor_type keep) {
  check(sqlite3_bind_blob64(statement_.get(), index, value.bytes.data() == nullptr ? "" : value.bytes.data(),
                            value.bytes.size(), keep));
}

void Statement::check(int result) {
  if (result != SQLITE_OK) raise(sqlite3_db_handle(statement_.get()), "can't bind a value");
}

void Statement::run_to_end() {
  int result = SQLITE_ROW;
  while (result == SQLITE_ROW) result = sqlite3_step(statement_.get());
  if (result != SQLITE_DONE) {
    sqlite3* handle = sqlite3_db_handle(statement_.get());
    const DatabaseError error(sqlite3_extended_errcode(handle),
                              fmt::format("can't write the journal: {}", sqlite3_errmsg(handle)));
    sqlite3_reset(statement_.get());
    throw error;
  }
  sqlite3_reset(statement_.get());
}

ReadTransaction::ReadTransaction(Connection& connection) : connection_(connection) {
  connection_.execute("BEGIN");
}

ReadTransaction::~ReadTransaction() {
  // Ending a read transaction writes nothing; what could fail has already failed in the reads.
  sqlite3_exec(connection_.handle(), "COMMIT", nullptr, nullptr, nullptr);
  if (connection_.in_transaction()) sqlite3_exec(connection_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

bool database_file_exists(const std::string& path, const std::string& vfs) {
  if (vfs.empty()) {
    // SQLite's own xAccess says of an empty file that it isn't there.
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0;
  }
  sqlite3_initialize();
  sqlite3_vfs* layer = sqlite3_vfs_find(vfs.c_str());
  if (layer == nullptr) throw DatabaseError(SQLITE_ERROR, "there is no SQLite VFS of that name: " + vfs);
  int exists = 0;
  // Asked for EXISTS, SQLite's own layers say of an empty file that it isn't there; an empty WAL is a WAL.
  const int result = layer->xAccess(layer, path.c_str(), SQLITE_ACCESS_READWRITE, &exists);
  if (result != SQLITE_OK) throw DatabaseError(result, "can't look for " + path);
  return exists != 0;
}

}  // namespace relay
