#include "support/answer_inbox.hpp"

#include <chrono>
#include <utility>

namespace relay {
namespace {

// Far beyond any commit on a disk in memory; reached, it is a hang.
constexpr auto patience = std::chrono::seconds(60);

}  // namespace

void AnswerInbox::expect() {
  std::lock_guard lock(mutex_);
  ++missing_;
}

void AnswerInbox::answer(std::function<void()> apply) {
  std::lock_guard lock(mutex_);
  answers_.push_back(std::move(apply));
  --missing_;
  changed_.notify_all();
}

std::size_t AnswerInbox::missing() const {
  std::lock_guard lock(mutex_);
  return missing_;
}

bool AnswerInbox::apply(std::size_t limit, const std::function<bool()>& give_up) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  std::unique_lock lock(mutex_);
  for (;;) {
    while (!answers_.empty()) {
      auto next = std::move(answers_.front());
      answers_.pop_front();
      lock.unlock();
      next();
      lock.lock();
    }
    if (missing_ <= limit || give_up()) return true;
    if (std::chrono::steady_clock::now() > deadline) return false;
    changed_.wait_for(lock, std::chrono::milliseconds(5));
  }
}

}  // namespace relay
