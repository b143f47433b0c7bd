// One line on a terminal that says how far something has come; nothing anywhere else.
#pragma once

#include <chrono>
#include <iosfwd>
#include <string>

namespace relay {

class ProgressLine {
 public:
  // Shown where `stream` is standard error and that is a terminal.
  explicit ProgressLine(std::ostream& stream);
  ~ProgressLine() { clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  // At most a few times a second.
  void say(const std::string& text);
  // A bar for `done` of `whole`.
  void bar(std::uint64_t done, std::uint64_t whole, const std::string& text);
  void clear();

 private:
  std::ostream& stream_;
  const bool shown_;
  bool dirty_ = false;
  std::chrono::steady_clock::time_point next_{};
};

}  // namespace relay
