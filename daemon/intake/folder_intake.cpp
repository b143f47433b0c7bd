#include "intake/folder_intake.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "base/thread_name.hpp"
#include "base/thread_progress.hpp"
#include "intake/folder_trouble.hpp"
#include "intake/folder_watch.hpp"
#include "intake/folder_work.hpp"

namespace relay {
namespace {

// A file that is read from a good disk is through by then.
constexpr std::chrono::seconds closing_patience{2};

// Two doors on one folder would take a file twice: each path has one at a time in this process.
class FolderClaim {
 public:
  ~FolderClaim() { give_back(); }
  bool take(const std::filesystem::path& path) {
    const std::lock_guard lock(mutex());
    if (!paths().insert(path).second) return false;
    path_ = path;
    return true;
  }
  void give_back() {
    const std::lock_guard lock(mutex());
    if (path_) paths().erase(*path_);
    path_.reset();
  }

 private:
  static std::mutex& mutex() {
    static std::mutex mutex;
    return mutex;
  }
  static std::set<std::filesystem::path>& paths() {
    static std::set<std::filesystem::path> paths;
    return paths;
  }
  std::optional<std::filesystem::path> path_;
};

}  // namespace

struct FolderIntake::State {
  State(const FolderSettings& settings_, std::string thread_name_, Receiver& receiver, Journal& journal,
        const Clock& clock_)
      : settings(settings_),
        thread_name(std::move(thread_name_)),
        clock(clock_),
        trouble(settings_.path.native(), clock_),
        work(settings, receiver, journal, clock_, trouble, stopping) {}

  void run();
  void ended();

  const FolderSettings settings;
  const std::string thread_name;
  const Clock& clock;
  FolderTrouble trouble;
  FolderWatch watch;
  std::atomic<bool> stopping = false;
  FolderWork work;

  FolderClaim claim;
  std::mutex mutex;
  std::condition_variable over;
  bool running = false;
  std::vector<std::function<void()>> drained;
  std::thread thread;
};

void FolderIntake::State::run() {
  name_this_thread(thread_name);
  ThreadProgress progress(thread_name);
  while (!stopping) {
    progress.turn();
    // The journal is waited for in there, too, but where it hangs its writer says so.
    auto foreign_files = std::make_optional<ThreadProgress::ForeignFiles>();
    const FolderWork::Next next = work.turn(watch);
    foreign_files.reset();
    if (stopping) break;
    watch.rest_until(clock, clock.monotonic_now() + next.rest);
    if (stopping) break;
    watch.wait_until(clock, next.look_at);
  }
  ended();
}

void FolderIntake::State::ended() {
  claim.give_back();
  std::vector<std::function<void()>> tell;
  {
    const std::lock_guard lock(mutex);
    running = false;
    tell = std::exchange(drained, {});
    over.notify_all();
  }
  for (const auto& each : tell) each();
}

FolderIntake::FolderIntake(const FolderSettings& settings, std::string thread_name, Receiver& receiver,
                           Journal& journal, const Clock& clock)
    : state_(std::make_unique<State>(settings, std::move(thread_name), receiver, journal, clock)) {}

FolderIntake::~FolderIntake() {
  stop({});
  if (state_->thread.joinable()) state_->thread.join();
}

Result<void> FolderIntake::start() {
  if (!state_->claim.take(state_->settings.path)) {
    return fail("the watched folder " + state_->settings.path.native() + " is still in use by a door that is closing");
  }
  state_->running = true;
  state_->thread = std::thread([state = state_.get()] { state->run(); });
  log_info("watching a folder", {{"folder", state_->settings.path.native()}});
  return {};
}

void FolderIntake::stop(std::function<void()> drained) {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
    if (state_->running && drained) state_->drained.push_back(std::exchange(drained, nullptr));
  }
  state_->watch.wake();
  if (drained) drained();
}

void FolderIntake::close_all() {
  std::unique_lock lock(state_->mutex);
  state_->over.wait_for(lock, closing_patience, [this] { return !state_->running; });
}

bool FolderIntake::ended() const {
  const std::lock_guard lock(state_->mutex);
  return !state_->running;
}

const FolderSettings& FolderIntake::settings() const {
  return state_->settings;
}

std::optional<std::string> FolderIntake::trouble() const {
  return state_->trouble.now();
}

}  // namespace relay
