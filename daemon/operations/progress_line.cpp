#include "operations/progress_line.hpp"

#include <unistd.h>

#include <algorithm>
#include <iostream>

#include <fmt/format.h>

namespace relay {
namespace {

constexpr std::chrono::milliseconds say_every{200};
constexpr std::uint64_t bar_width = 30;

}  // namespace

ProgressLine::ProgressLine(std::ostream& stream)
    : stream_(stream), shown_(&stream == &std::cerr && ::isatty(STDERR_FILENO) == 1) {}

void ProgressLine::say(const std::string& text) {
  const auto now = std::chrono::steady_clock::now();
  if (!shown_ || now < next_) return;
  next_ = now + say_every;
  stream_ << "\r\033[K" << text << std::flush;
  dirty_ = true;
}

void ProgressLine::bar(std::uint64_t done, std::uint64_t whole, const std::string& text) {
  if (whole == 0) return say(text);
  const std::uint64_t part = std::min(done, whole);
  const auto filled = static_cast<std::size_t>(static_cast<double>(part) / static_cast<double>(whole) * bar_width);
  say(fmt::format("[{}{}] {:3}% {}", std::string(filled, '#'), std::string(bar_width - filled, '.'),
                  static_cast<unsigned>(static_cast<double>(part) / static_cast<double>(whole) * 100), text));
}

void ProgressLine::clear() {
  if (dirty_) stream_ << "\r\033[K" << std::flush;
  dirty_ = false;
}

}  // namespace relay
