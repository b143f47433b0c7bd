// journal.lock: held (OFD lock, fcntl(2)) while a daemon uses the journal beside it, and a note of what must be there.
// Its two lines are
//   created <journal id>
//   running | clean
// SQLite opens a missing database as a new one, and a database whose WAL was taken away as an older state of itself,
// both without a word. So the note says which journal belongs here, and whether its WAL holds commits.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/file.hpp"
#include "base/result.hpp"
#include "base/uuid.hpp"

namespace relay {

struct LockNote {
  Uuid journal_id;
  bool running = false;
};

class LockFile {
 public:
  enum class Problem { held, unreadable, damaged };
  struct Failure {
    Problem problem = Problem::unreadable;
    std::string message;
  };

  // journal.db → journal.lock
  static std::filesystem::path path_for(const std::filesystem::path& database);

  // Locks it, making it where there is none.
  static Result<LockFile, Failure> acquire(const std::filesystem::path& path);
  // Whether some process holds it now; false where there is none.
  static bool is_held(const std::filesystem::path& path);
  // What it says, without locking it; nothing where there is none or nothing is said yet.
  static Result<std::optional<LockNote>, Failure> look(const std::filesystem::path& path);

  const std::optional<LockNote>& note() const { return note_; }
  bool was_missing() const { return was_missing_; }  // before acquire() made it
  bool held() const { return file_.valid(); }        // false once it was moved elsewhere
  // Writes the note and fsyncs it. Throws std::runtime_error where it can't be written.
  void write(const LockNote& note);

 private:
  LockFile(std::filesystem::path path, FileDescriptor file, bool was_missing, std::optional<LockNote> note)
      : path_(std::move(path)), file_(std::move(file)), was_missing_(was_missing), note_(note) {}

  std::filesystem::path path_;
  FileDescriptor file_;
  bool was_missing_ = false;
  std::optional<LockNote> note_;
};

}  // namespace relay
