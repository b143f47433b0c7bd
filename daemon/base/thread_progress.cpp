#include "base/thread_progress.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <utility>

#include "base/file.hpp"

namespace relay {

struct ThreadProgress::State {
  State(std::string name_, long thread_id_, MonotonicTime::rep turned_)
      : name(std::move(name_)), thread_id(thread_id_), turned(turned_) {}

  const std::string name;
  const long thread_id;
  std::atomic<MonotonicTime::rep> turned;
  std::atomic<MonotonicTime::rep> disk_write_began{0};  // 0: it isn't in one
  std::atomic<bool> in_foreign_files{false};
};

namespace {

struct Listed {
  std::mutex mutex;
  std::vector<std::shared_ptr<ThreadProgress::State>> threads;
};

// Never destroyed: threads may end while the process does.
Listed& listed() {
  static auto* const the_list = new Listed;
  return *the_list;
}

thread_local ThreadProgress::State* this_thread = nullptr;

MonotonicTime::rep now() {
  return std::chrono::steady_clock::now().time_since_epoch().count();
}

std::chrono::milliseconds since(MonotonicTime::rep then) {
  const MonotonicTime::duration passed(std::max<MonotonicTime::rep>(now() - then, 0));
  return std::chrono::duration_cast<std::chrono::milliseconds>(passed);
}

// A thread that a debugger holds isn't waiting for the disk, whatever call it was stopped in (proc(5), stat: t, T).
bool held_by_debugger(long thread_id) {
  const auto stat = read_file("/proc/self/task/" + std::to_string(thread_id) + "/stat");
  if (!stat) return false;
  const auto name_end = stat->rfind(')');
  if (name_end == std::string::npos || name_end + 2 >= stat->size()) return false;
  const char state = (*stat)[name_end + 2];
  return state == 't' || state == 'T';
}

}  // namespace

ThreadProgress::ThreadProgress(std::string name)
    : state_(std::make_shared<State>(std::move(name), ::syscall(SYS_gettid), now())) {
  this_thread = state_.get();
  Listed& list = listed();
  const std::lock_guard lock(list.mutex);
  list.threads.push_back(state_);
}

ThreadProgress::~ThreadProgress() {
  if (this_thread == state_.get()) this_thread = nullptr;
  Listed& list = listed();
  const std::lock_guard lock(list.mutex);
  std::erase(list.threads, state_);
}

void ThreadProgress::turn() noexcept {
  state_->turned.store(now(), std::memory_order_relaxed);
}

void ThreadProgress::step() noexcept {
  if (this_thread != nullptr) this_thread->turned.store(now(), std::memory_order_relaxed);
}

ThreadProgress::ForeignFiles::ForeignFiles() {
  if (this_thread != nullptr) this_thread->in_foreign_files.store(true, std::memory_order_relaxed);
}

ThreadProgress::ForeignFiles::~ForeignFiles() {
  if (this_thread != nullptr) this_thread->in_foreign_files.store(false, std::memory_order_relaxed);
}

ThreadProgress::DiskWrite::DiskWrite() {
  if (this_thread != nullptr) this_thread->disk_write_began.store(now(), std::memory_order_relaxed);
}

ThreadProgress::DiskWrite::~DiskWrite() {
  if (this_thread != nullptr) this_thread->disk_write_began.store(0, std::memory_order_relaxed);
}

std::vector<StalledThread> stalled_threads(std::chrono::milliseconds limit) {
  std::vector<StalledThread> stalled;
  Listed& list = listed();
  const std::lock_guard lock(list.mutex);
  for (const auto& thread : list.threads) {
    StalledThread one{thread->name, since(thread->turned.load(std::memory_order_relaxed))};
    if (one.since_turn <= limit) continue;
    const auto began = thread->disk_write_began.load(std::memory_order_relaxed);
    const bool foreign = thread->in_foreign_files.load(std::memory_order_relaxed);
    if ((began != 0 || foreign) && !held_by_debugger(thread->thread_id)) {
      if (began != 0) one.in_disk_write = since(began);
      one.in_foreign_files = foreign;
    }
    stalled.push_back(std::move(one));
  }
  std::ranges::sort(stalled, std::ranges::greater{}, &StalledThread::since_turn);
  return stalled;
}

}  // namespace relay
