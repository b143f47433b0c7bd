// File descriptors and the few file operations that must be done right: whole reads, whole writes, fsync of file and
// folder.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "base/byte_count.hpp"
#include "base/result.hpp"

namespace relay {

class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int descriptor) : descriptor_(descriptor) {}
  ~FileDescriptor() { reset(); }
  FileDescriptor(FileDescriptor&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    if (this != &other) {
      reset();
      descriptor_ = std::exchange(other.descriptor_, -1);
    }
    return *this;
  }
  int get() const { return descriptor_; }
  bool valid() const { return descriptor_ >= 0; }
  void reset();
  // The caller owns it from here on.
  int release() { return std::exchange(descriptor_, -1); }

 private:
  int descriptor_ = -1;
};

// A failed system call: what it was about, and errno for the caller that tells cases apart.
struct FileError {
  int error_number = 0;
  std::string message;  // "can't open /x/y: Permission denied"
};

// Opens with O_CLOEXEC added to `flags`.
Result<FileDescriptor, FileError> open_file(const std::filesystem::path& path, int flags, unsigned mode = 0600);
// At most `limit` bytes; a longer file is an error.
Result<std::string, FileError> read_file(const std::filesystem::path& path, ByteCount limit = mebibytes(16));
// Writes all of it, over short writes and EINTR.
Result<void, FileError> write_all(int descriptor, std::string_view bytes);
Result<void, FileError> sync_file(int descriptor, const std::filesystem::path& name_for_message);
// fsync of the folder itself, so that a created or renamed entry survives a power cut.
Result<void, FileError> sync_folder(const std::filesystem::path& folder);

// errno as words, thread-safe.
std::string error_text(int error_number);

}  // namespace relay
