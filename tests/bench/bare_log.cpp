#include "bench/bare_log.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <exception>
#include <iostream>
#include <system_error>

namespace relay::bench {
namespace {

constexpr std::uint64_t log_size = 256ULL << 20;

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

void write_at(int file, std::string_view bytes, std::uint64_t at) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (written <= 0) fail("pwrite");
    bytes.remove_prefix(static_cast<std::size_t>(written));
    at += static_cast<std::uint64_t>(written);
  }
}

}  // namespace

BareLog::BareLog(const std::string& path) : file_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
  if (!file_.valid()) fail("open");
  // Written once, not only allocated: writing over it later changes no metadata of the file.
  const std::string zeros(1 << 20, '\0');
  for (std::uint64_t at = 0; at < log_size; at += zeros.size()) write_at(file_.get(), zeros, at);
  if (::fsync(file_.get()) != 0) fail("fsync");
  writer_ = std::thread([this] {
    try {
      write_batches();
    } catch (const std::exception& error) {
      std::cerr << "bare_server: " << error.what() << '\n';
      ::_exit(1);
    }
  });
}

BareLog::~BareLog() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  writer_.join();
}

void BareLog::append(std::string record, std::function<void()> kept) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back({std::move(record), std::move(kept)});
  }
  changed_.notify_one();
}

void BareLog::write_batches() {
  std::vector<Entry> batch;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      batch.swap(waiting_);
    }
    write_one(batch);
    for (const auto& each : batch) each.kept();
    batch.clear();
  }
}

void BareLog::write_one(const std::vector<Entry>& batch) {
  buffer_.clear();
  for (const auto& each : batch) {
    const auto size = static_cast<std::uint32_t>(each.record.size());
    buffer_.append(reinterpret_cast<const char*>(&size), sizeof size).append(each.record);
  }
  if (at_ + buffer_.size() > log_size) at_ = 0;
  write_at(file_.get(), buffer_, at_);
  if (::fdatasync(file_.get()) != 0) fail("fdatasync");
  at_ += buffer_.size();
}

}  // namespace relay::bench
