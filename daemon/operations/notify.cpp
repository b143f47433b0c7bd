#include "operations/notify.hpp"

#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <string_view>

#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>
#include <systemd/sd-daemon.h>

#include "base/log.hpp"
#include "operations/human_text.hpp"

namespace relay {
namespace {

void notify(const std::string& state) {
  const int result = sd_notify(0, state.c_str());
  if (result < 0) log_warning("the service manager can't be told", {{"errno", -result}});
}

}  // namespace

void ServiceNotifier::ready() {
  notify("READY=1");
}

void ServiceNotifier::reloading() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  notify(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", now.tv_sec * 1'000'000 + now.tv_nsec / 1'000));
}

void ServiceNotifier::stopping() {
  notify("STOPPING=1");
}

void ServiceNotifier::alive() {
  notify("WATCHDOG=1");
}

std::optional<std::chrono::microseconds> ServiceNotifier::watchdog_time() {
  std::uint64_t microseconds = 0;
  if (sd_watchdog_enabled(0, &microseconds) <= 0) return std::nullopt;
  return std::chrono::microseconds(microseconds);
}

void ServiceNotifier::status(const std::string& sentence) {
  if (sentence == last_status_) return;
  last_status_ = sentence;
  notify("STATUS=" + one_line(sentence));
}

bool stderr_is_journald() {
  // Read at start, before there are other threads.
  const char* stream = std::getenv("JOURNAL_STREAM");  // NOLINT(concurrency-mt-unsafe)
  struct stat status {};
  if (stream == nullptr || ::fstat(STDERR_FILENO, &status) != 0) return false;
  return std::string_view(stream) == fmt::format("{}:{}", status.st_dev, status.st_ino);
}

}  // namespace relay
