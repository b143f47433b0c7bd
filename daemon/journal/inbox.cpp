#include "journal/inbox.hpp"

namespace relay {

namespace {
// Payload bytes a commit: two thirds of them fill the WAL to its checkpoint, and a 50 MB upload beside small
// submissions holds each of their commits by eight chunks at most.
constexpr ByteCount arrivals_a_commit = mebibytes(2);
constexpr std::size_t arrivals_count = 4096;
}  // namespace

void Inbox::post(std::unique_ptr<Command> command) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    const bool idle = first_.empty() && arrivals_.empty();
    if (command->urgency() == Command::Urgency::first) {
      urgent_ = urgent_ || !command->may_wait();
      first_.push_back(std::move(command));
    } else {
      arrivals_.push_back(std::move(command));
    }
    if (!idle && !pressing()) return;  // it gathers already
  }
  arrived_.notify_one();
}

void Inbox::give_up(std::int64_t upload) {
  {
    const std::lock_guard lock(mutex_);
    given_up_.push_back(upload);
    woken_ = true;
  }
  arrived_.notify_one();
}

std::vector<std::int64_t> Inbox::take_given_up() {
  const std::lock_guard lock(mutex_);
  return std::exchange(given_up_, {});
}

void Inbox::wake() {
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  arrived_.notify_one();
}

bool Inbox::pressing() const {
  return urgent_ || !arrivals_.empty() || first_.size() >= gathered || woken_ || closed_;
}

Inbox::Batch Inbox::take(std::chrono::milliseconds patience) {
  Batch batch;
  std::unique_lock lock(mutex_);
  arrived_.wait_for(lock, patience, [&] { return !first_.empty() || pressing(); });
  if (!pressing() && !first_.empty()) arrived_.wait_for(lock, longest_gathering_, [&] { return pressing(); });
  woken_ = urgent_ = false;
  batch.first = std::exchange(first_, {});
  ByteCount bytes{0};
  while (!arrivals_.empty() && batch.arrivals.size() < arrivals_count) {
    bytes += arrivals_.front()->weight();
    if (!batch.arrivals.empty() && bytes > arrivals_a_commit) break;
    batch.arrivals.push_back(std::move(arrivals_.front()));
    arrivals_.pop_front();
  }
  batch.closed = closed_ && arrivals_.empty();
  return batch;
}

void Inbox::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  arrived_.notify_one();
}

}  // namespace relay
