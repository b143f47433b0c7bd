#include "operations/file_body.hpp"

#include <algorithm>
#include <cerrno>
#include <istream>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/file.hpp"

namespace relay {
namespace {

// What can't be streamed is held in memory; no submission is anywhere near that long.
constexpr ByteCount largest_held = mebibytes(1024);

class TextBody : public HttpBodySource {
 public:
  explicit TextBody(std::string text) : text_(std::move(text)) {}
  ByteCount size() const override { return {text_.size()}; }
  Result<std::string> read(std::uint64_t offset, std::size_t limit) override {
    if (offset > text_.size()) return fail("read behind the end");
    return text_.substr(static_cast<std::size_t>(offset), limit);
  }

 private:
  std::string text_;
};

class FileBody : public HttpBodySource {
 public:
  FileBody(FileDescriptor file, std::string path, ByteCount size)
      : file_(std::move(file)), path_(std::move(path)), size_(size) {}
  ByteCount size() const override { return size_; }
  Result<std::string> read(std::uint64_t offset, std::size_t limit) override {
    std::string bytes(std::min<std::uint64_t>(limit, size_.value - std::min(offset, size_.value)), '\0');
    std::size_t filled = 0;
    while (filled < bytes.size()) {
      const ssize_t got =
          ::pread(file_.get(), bytes.data() + filled, bytes.size() - filled, static_cast<off_t>(offset + filled));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return fail(fmt::format("can't read {}: {}", path_, error_text(errno)));
      if (got == 0) return fail(fmt::format("{} became shorter while it was read", path_));
      filled += static_cast<std::size_t>(got);
    }
    return bytes;
  }

 private:
  FileDescriptor file_;
  std::string path_;
  ByteCount size_;
};

}  // namespace

std::shared_ptr<HttpBodySource> text_body(std::string text) {
  return std::make_shared<TextBody>(std::move(text));
}

Result<std::shared_ptr<HttpBodySource>> read_stream_body(std::istream& stream) {
  std::string text;
  char buffer[64 * 1024];
  while (stream.read(buffer, sizeof buffer) || stream.gcount() > 0) {
    text.append(buffer, static_cast<std::size_t>(stream.gcount()));
    if (text.size() > largest_held.value) return fail("standard input is longer than any submission may be");
  }
  if (stream.bad()) return fail("can't read standard input");
  return text_body(std::move(text));
}

Result<std::shared_ptr<HttpBodySource>> open_file_body(const std::string& path) {
  auto file = open_file(path, O_RDONLY);
  if (!file) return fail(file.error().message);
  struct stat status {};
  if (::fstat(file->get(), &status) != 0) return fail(fmt::format("can't read {}: {}", path, error_text(errno)));
  if (S_ISDIR(status.st_mode)) return fail(fmt::format("{} is a folder", path));
  if (S_ISREG(status.st_mode)) {
    const ByteCount size{static_cast<std::uint64_t>(status.st_size)};
    return std::shared_ptr<HttpBodySource>(std::make_shared<FileBody>(std::move(file).value(), path, size));
  }
  auto bytes = read_file(path, largest_held);
  if (!bytes) return fail(bytes.error().message);
  return text_body(std::move(bytes).value());
}

}  // namespace relay
