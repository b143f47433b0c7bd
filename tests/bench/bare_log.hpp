// A log with nothing but what durability needs: batches appended to a preallocated file, one write and one fdatasync
// each. No index, no state: as fast as any journal on this disk could be.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/file.hpp"

namespace relay::bench {

class BareLog {
 public:
  // Writes over the file from its beginning, and again once it is full. Throws where the disk fails.
  explicit BareLog(const std::string& path);
  ~BareLog();
  BareLog(const BareLog&) = delete;
  BareLog& operator=(const BareLog&) = delete;

  // Any thread. `kept` runs on the writer's thread once the record is on the disk, and must only hand over.
  void append(std::string record, std::function<void()> kept);

 private:
  struct Entry {
    std::string record;
    std::function<void()> kept;
  };
  void write_batches();
  void write_one(const std::vector<Entry>& batch);

  FileDescriptor file_;
  std::uint64_t at_ = 0;
  std::string buffer_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Entry> waiting_;
  bool stopping_ = false;
  std::thread writer_;
};

}  // namespace relay::bench
