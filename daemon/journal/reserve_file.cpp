#include "journal/reserve_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>

namespace relay {

namespace {

constexpr ByteCount slice = mebibytes(4);
constexpr std::uint64_t part_of_a_small_disk = 4;
constexpr std::uint64_t block_unit = 512;  // of st_blocks, stat(2)

// What is allocated: a copy of the file may be all holes.
ByteCount held(const std::filesystem::path& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return {0};
  return {
      std::min(static_cast<std::uint64_t>(status.st_size), static_cast<std::uint64_t>(status.st_blocks) * block_unit)};
}

}  // namespace

std::filesystem::path ReserveFile::path_for(const std::filesystem::path& database) {
  return std::filesystem::path(database).replace_extension(".reserve");
}

ReserveFile::ReserveFile(std::filesystem::path path, ByteCount disk)
    : path_(std::move(path)),
      wanted_{std::min(largest.value, disk.value / part_of_a_small_disk)},
      size_{std::min(held(path_).value, wanted_.value)} {}

ByteCount ReserveFile::missing() const {
  return {wanted_.value - size_.value};
}

Result<void, FileError> ReserveFile::make() {
  const auto file = open_file(path_, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
  if (!file) return Failure{file.error()};
  // Answers with the error, not with errno.
  if (const int error = ::posix_fallocate(file->get(), 0, static_cast<off_t>(wanted_.value)); error != 0) {
    remove();
    return Failure{FileError{
        error, fmt::format("can't reserve {} bytes in {}: {}", wanted_.value, path_.string(), error_text(error))}};
  }
  if (auto synced = sync_file(file->get(), path_); !synced) return synced;
  size_ = wanted_;
  return {};
}

bool ReserveFile::give_back() {
  if (size_.value == 0) return false;
  if (size_.value <= slice.value) {
    remove();
    return true;
  }
  const std::uint64_t rest = size_.value - slice.value;
  if (::truncate(path_.c_str(), static_cast<off_t>(rest)) != 0) {
    size_ = held(path_);
    return false;
  }
  size_ = {rest};
  return true;
}

void ReserveFile::remove() {
  std::error_code ignored;  // what can't be removed is found by its size when the journal is opened again
  std::filesystem::remove(path_, ignored);
  size_ = {0};
}

}  // namespace relay
