#include "intake/folder_reading.hpp"

#include <unistd.h>

#include <cerrno>
#include <future>
#include <memory>
#include <utility>

#include "base/thread_progress.hpp"

namespace relay {
namespace {

constexpr std::size_t piece_size = 256 * 1024;

FileUnreadable unreadable(int error_number) {
  return {FileError{error_number, "can't read a file: " + error_text(error_number)}};
}

// The callback has its share of the promise: it may still be inside it when the waiting thread goes on.
template <class Answer>
struct Awaited {
  std::shared_ptr<std::promise<Answer>> promise = std::make_shared<std::promise<Answer>>();
  auto callback() const {
    return [promise = promise](Answer answer) { promise->set_value(std::move(answer)); };
  }
  Answer wait() const { return promise->get_future().get(); }
};

Result<void, RequestProblem> write_and_wait(Reception& reception, std::string_view bytes) {
  const Awaited<Result<void, RequestProblem>> written;
  reception.write(bytes, written.callback());
  return written.wait();
}

Result<Appended, RequestProblem> finish_and_wait(Reception& reception) {
  const Awaited<Result<Appended, RequestProblem>> durable;
  reception.finish(durable.callback());
  return durable.wait();
}

// Bytes at that place; fewer at the end of the file.
Result<std::size_t, FileUnreadable> read_at(int file, std::string& buffer, std::uint64_t offset) {
  for (;;) {
    const ssize_t got = ::pread(file, buffer.data(), buffer.size(), static_cast<off_t>(offset));
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) return Failure{unreadable(errno)};
  }
}

bool still_has_nul_at(int file, std::uint64_t offset) {
  std::string byte(1, ' ');
  const auto got = read_at(file, byte, offset);
  return got && *got == 1 && byte[0] == '\0';
}

// Everything of the file into the reception; nothing where that worked.
std::optional<FileReading> read_through(int file, Reception& reception, const FileSubmission& submission) {
  std::string buffer(piece_size, '\0');
  for (std::uint64_t offset = 0;;) {
    ThreadProgress::step();
    const auto got = read_at(file, buffer, offset);
    if (!got) return got.error();
    if (*got == 0) return std::nullopt;
    const std::string_view piece(buffer.data(), *got);
    const std::size_t nul = submission.nul_is_incomplete ? piece.find('\0') : std::string_view::npos;
    if (nul != std::string_view::npos) return FileHasNul{offset + nul};
    auto written = write_and_wait(reception, piece);
    if (!written) return std::move(written.error());
    offset += *got;
  }
}

}  // namespace

FileReading submit_file(Receiver& receiver, const FolderHandle& folder, const std::string& name,
                        FileSubmission submission) {
  const auto file = folder.file(name);
  if (!file) {
    // Gone, or no regular file any more: the next look at the folder tells.
    const int error_number = file.error().error_number;
    if (error_number == ENOENT || error_number == ELOOP || error_number == EINVAL) return FileChanged{};
    return FileUnreadable{file.error()};
  }
  const auto before = identity_of(file->get());
  if (!before) return FileUnreadable{before.error()};
  if (*before != submission.identity) return FileChanged{};
  if (submission.nul_at && still_has_nul_at(file->get(), *submission.nul_at)) return FileHasNul{*submission.nul_at};

  submission.arrival.declared_size = ByteCount{before->size};
  auto admitted = receiver.admit(std::move(submission.arrival));
  if (!admitted) return std::move(admitted.error());
  if (auto trouble = read_through(file->get(), **admitted, submission)) return std::move(*trouble);
  const auto after = identity_of(file->get());
  if (!after) return FileUnreadable{after.error()};
  if (*after != *before) return FileChanged{};
  auto appended = finish_and_wait(**admitted);
  if (!appended) return std::move(appended.error());
  return std::move(*appended);
}

}  // namespace relay
