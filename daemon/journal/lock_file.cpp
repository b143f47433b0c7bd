#include "journal/lock_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>

namespace relay {

namespace {

constexpr std::string_view created = "created ";
constexpr std::string_view running_line = "running\n";
constexpr std::string_view clean_line = "clean  \n";  // as long as the other: rewritten in place, within one sector
constexpr std::size_t uuid_length = 36;
constexpr std::size_t note_length = created.size() + uuid_length + 1 + running_line.size();

std::string note_text(const LockNote& note) {
  return fmt::format("{}{}\n{}", created, note.journal_id.text(), note.running ? running_line : clean_line);
}

// Outer nothing: damaged. Inner nothing: empty, so nothing is said yet.
std::optional<std::optional<LockNote>> parse_note(std::string_view text) {
  // A first note whose bytes a power cut lost: empty, or zeros in its place.
  if (text.find_first_not_of('\0') == std::string_view::npos) return std::optional<LockNote>();
  if (text.size() != note_length || !text.starts_with(created)) return std::nullopt;
  const auto id = Uuid::parse(text.substr(created.size(), uuid_length));
  const std::string_view state = text.substr(created.size() + uuid_length + 1);
  if (!id || text[created.size() + uuid_length] != '\n') return std::nullopt;
  if (state != running_line && state != clean_line) return std::nullopt;
  return LockNote{*id, state == running_line};
}

Result<std::optional<LockNote>, LockFile::Failure> read_note(int descriptor, const std::filesystem::path& path) {
  std::string text(note_length + 1, '\0');
  const ssize_t length = ::pread(descriptor, text.data(), text.size(), 0);
  if (length < 0) {
    return Failure{LockFile::Failure{LockFile::Problem::unreadable,
                                     fmt::format("can't read {}: {}", path.string(), error_text(errno))}};
  }
  const auto note = parse_note(std::string_view(text).substr(0, static_cast<std::size_t>(length)));
  if (!note) {
    return Failure{LockFile::Failure{
        LockFile::Problem::damaged,
        fmt::format("{} is damaged: it doesn't say which journal belongs here; run `edge-relay verify`, and where the "
                    "journal is sound remove this file",
                    path.string())}};
  }
  return *note;
}

struct flock whole_file() {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

}  // namespace

std::filesystem::path LockFile::path_for(const std::filesystem::path& database) {
  std::filesystem::path path = database;
  return path.replace_extension(".lock");
}

Result<LockFile, LockFile::Failure> LockFile::acquire(const std::filesystem::path& path) {
  auto file = open_file(path, O_RDWR);
  bool was_missing = false;
  if (!file && file.error().error_number == ENOENT) {
    was_missing = true;
    file = open_file(path, O_RDWR | O_CREAT, 0600);
    // Before the database is made: an empty database without this file is refused at the next start.
    const auto synced = sync_folder(path.parent_path().empty() ? "." : path.parent_path());
    if (file && !synced) return relay::Failure{Failure{Problem::unreadable, synced.error().message}};
  }
  if (!file) return relay::Failure{Failure{Problem::unreadable, file.error().message}};
  struct flock lock = whole_file();
  if (::fcntl(file->get(), F_OFD_SETLK, &lock) != 0) {
    const int error = errno;
    if (error == EAGAIN || error == EACCES) {
      return relay::Failure{Failure{
          Problem::held,
          fmt::format("another edge-relay is using this journal (it holds {}); stop that one first", path.string())}};
    }
    return relay::Failure{
        Failure{Problem::unreadable, fmt::format("can't lock {}: {}", path.string(), error_text(error))}};
  }
  auto note = read_note(file->get(), path);
  if (!note) return relay::Failure{note.error()};
  return LockFile(path, std::move(*file), was_missing, *note);
}

bool LockFile::is_held(const std::filesystem::path& path) {
  const auto file = open_file(path, O_RDONLY);
  if (!file) return false;
  struct flock lock = whole_file();
  return ::fcntl(file->get(), F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

Result<std::optional<LockNote>, LockFile::Failure> LockFile::look(const std::filesystem::path& path) {
  const auto file = open_file(path, O_RDONLY);
  if (!file) {
    if (file.error().error_number == ENOENT) return std::optional<LockNote>();
    return relay::Failure{Failure{Problem::unreadable, file.error().message}};
  }
  return read_note(file->get(), path);
}

void LockFile::write(const LockNote& note) {
  const std::string text = note_text(note);
  if (::pwrite(file_.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
    throw std::runtime_error(fmt::format("can't write {}: {}", path_.string(), error_text(errno)));
  }
  if (const auto synced = sync_file(file_.get(), path_); !synced) throw std::runtime_error(synced.error().message);
  note_ = note;
}

}  // namespace relay
