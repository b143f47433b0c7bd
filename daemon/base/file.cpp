#include "base/file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace relay {
namespace {

Failure<FileError> failed(std::string_view action, const std::filesystem::path& path, int error_number) {
  return {FileError{error_number,
                    std::string("can't ").append(action) + " " + path.string() + ": " + error_text(error_number)}};
}

}  // namespace

void FileDescriptor::reset() {
  // After EINTR Linux has closed the descriptor all the same; a second close could hit somebody else's.
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

std::string error_text(int error_number) {
  return std::generic_category().message(error_number);
}

Result<FileDescriptor, FileError> open_file(const std::filesystem::path& path, int flags, unsigned mode) {
  for (;;) {
    const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC, mode);
    if (descriptor >= 0) return FileDescriptor(descriptor);
    if (errno != EINTR) return failed("open", path, errno);
  }
}

Result<std::string, FileError> read_file(const std::filesystem::path& path, ByteCount limit) {
  auto file = open_file(path, O_RDONLY);
  if (!file) return Failure{file.error()};
  std::string content;
  for (;;) {
    constexpr std::size_t step = 65'536;
    const std::size_t before = content.size();
    // One byte more than allowed tells a file of exactly `limit` from a longer one.
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(step, limit.value - before + 1));
    content.resize(before + wanted);
    ssize_t got = 0;
    do {
      got = ::read(file->get(), content.data() + before, wanted);
    } while (got < 0 && errno == EINTR);
    if (got < 0) return failed("read", path, errno);
    content.resize(before + static_cast<std::size_t>(got));
    if (got == 0) return content;
    if (content.size() > limit.value) {
      return Failure{FileError{
          EFBIG, "can't read " + path.string() + ": it is longer than " + std::to_string(limit.value) + " bytes"}};
    }
  }
}

Result<void, FileError> write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      const int error_number = errno;
      return Failure{FileError{error_number, "can't write: " + error_text(error_number)}};
    }
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<void, FileError> sync_file(int descriptor, const std::filesystem::path& name_for_message) {
  while (::fsync(descriptor) != 0) {
    if (errno != EINTR) return failed("fsync", name_for_message, errno);
  }
  return {};
}

Result<void, FileError> sync_folder(const std::filesystem::path& folder) {
  auto opened = open_file(folder, O_RDONLY | O_DIRECTORY);
  if (!opened) return Failure{opened.error()};
  return sync_file(opened->get(), folder);
}

}  // namespace relay
