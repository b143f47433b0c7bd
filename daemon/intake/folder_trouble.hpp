// Why a watched folder's files can't be taken, said once when it begins and once when it is over.
#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/file.hpp"

namespace relay {

// Thread-safe.
class FolderTrouble {
 public:
  FolderTrouble(std::string folder, const Clock& clock) : folder_(std::move(folder)), clock_(clock) {}

  // Logs what is new, and what stays now and then.
  void is(const FileError& error);
  void over();
  std::optional<std::string> now() const;

 private:
  const std::string folder_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::optional<std::string> message_;
  MonotonicTime said_at_{};
};

// What the reader can do about it.
std::string folder_advice(const FileError& error, const std::string& folder);

}  // namespace relay
