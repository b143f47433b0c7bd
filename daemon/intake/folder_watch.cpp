#include "intake/folder_watch.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "base/log.hpp"
#include "base/thread_progress.hpp"

namespace relay {
namespace {

// After that long the thread says that it still works.
constexpr std::chrono::milliseconds longest_wait{1'000};

constexpr std::uint32_t interest =
    IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE | IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_ONLYDIR | IN_EXCL_UNLINK;

FileDescriptor new_inotify() {
  return FileDescriptor(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
}

}  // namespace

FolderWatch::FolderWatch() : wakes_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), events_(new_inotify()) {
  if (!wakes_.valid()) throw std::system_error(errno, std::generic_category(), "eventfd");
}

bool FolderWatch::watch(const FolderHandle& root, const std::vector<std::string>& folders) {
  if (root.inode() != root_) {
    // Another folder than before, such as a share that was mounted.
    root_ = root.inode();
    watched_.clear();
    events_ = new_inotify();
  }
  bool added = false;
  bool blind = !events_.valid();
  for (const std::string& name : folders) {
    if (blind) break;
    const auto folder = root.folder(name);
    if (!folder) continue;
    // By way of the descriptor: so it is exactly the folder that was opened, whatever has its name now.
    const std::string path = "/proc/self/fd/" + std::to_string(folder->descriptor());
    const int watch = ::inotify_add_watch(events_.get(), path.c_str(), interest);
    if (watch < 0) {
      blind = true;
    } else {
      added = watched_.insert(watch).second || added;
    }
  }
  if (blind && !said_blind_) {
    log_warning(
        "the kernel gives no events for a watched folder (fs.inotify.max_user_watches or max_user_instances "
        "may be used up); it is looked at every minute");
  }
  said_blind_ = blind;
  return added;
}

bool FolderWatch::events_of_interest() {
  alignas(inotify_event) std::array<char, 16 * 1024> buffer{};
  bool any = false;
  for (;;) {
    const ssize_t got = ::read(events_.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return any;
    for (std::size_t at = 0; at + sizeof(inotify_event) <= static_cast<std::size_t>(got);) {
      inotify_event event{};
      std::memcpy(&event, buffer.data() + at, sizeof event);
      if ((event.mask & IN_IGNORED) != 0) watched_.erase(event.wd);
      // Dot files are other people's business, and our own moves.
      const bool dot_file = event.len > 0 && buffer[at + sizeof event] == '.';
      any = any || !dot_file;
      at += sizeof event + event.len;
    }
  }
}

void FolderWatch::wait(const Clock& clock, MonotonicTime until, bool for_events) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - clock.monotonic_now());
    ThreadProgress::step();
    const auto timeout = std::clamp<std::chrono::milliseconds::rep>(left.count(), 0, longest_wait.count());
    std::array<pollfd, 2> waited{pollfd{wakes_.get(), POLLIN, 0}, pollfd{for_events ? events_.get() : -1, POLLIN, 0}};
    const int ready = ::poll(waited.data(), waited.size(), static_cast<int>(timeout));
    if (ready < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "poll");
    if (ready > 0 && waited[0].revents != 0) {
      std::uint64_t count = 0;
      (void)!::read(wakes_.get(), &count, sizeof count);
      return;
    }
    if (ready > 0 && waited[1].revents != 0 && events_of_interest()) return;
    if (clock.monotonic_now() >= until) return;
  }
}

void FolderWatch::wait_until(const Clock& clock, MonotonicTime until) {
  wait(clock, until, true);
}

void FolderWatch::rest_until(const Clock& clock, MonotonicTime until) {
  wait(clock, until, false);
}

void FolderWatch::wake() {
  const std::uint64_t one = 1;
  (void)!::write(wakes_.get(), &one, sizeof one);
}

}  // namespace relay
