#include "journal/inbox.hpp"

#include <algorithm>
#include <iterator>

namespace relay {

namespace {
// Payload bytes a commit: two thirds of them fill the WAL to its checkpoint.
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

void Inbox::take_arrivals(std::vector<std::unique_ptr<Command>>& taken) {
  const bool chunks_alone = std::ranges::all_of(arrivals_, [](const auto& each) { return each->brings_chunk(); });
  bool room_for_chunk = chunks_alone || chunks_were_passed_;
  ByteCount bytes{0};
  std::vector<std::unique_ptr<Command>> passed;
  while (!arrivals_.empty() && taken.size() < arrivals_count) {
    const bool chunk = arrivals_.front()->brings_chunk();
    const bool passes = chunk && !room_for_chunk;
    if (!passes) {
      const ByteCount weight = arrivals_.front()->weight();
      if (!taken.empty() && bytes + weight > arrivals_a_commit) break;
      bytes += weight;
      if (chunk) room_for_chunk = false;
    }
    (passes ? passed : taken).push_back(std::move(arrivals_.front()));
    arrivals_.pop_front();
  }
  chunks_were_passed_ = !chunks_alone && !chunks_were_passed_ && !passed.empty();
  arrivals_.insert(arrivals_.begin(), std::make_move_iterator(passed.begin()), std::make_move_iterator(passed.end()));
}

Inbox::Batch Inbox::take(std::chrono::milliseconds patience) {
  Batch batch;
  std::unique_lock lock(mutex_);
  arrived_.wait_for(lock, patience, [&] { return !first_.empty() || pressing(); });
  if (!pressing() && !first_.empty()) arrived_.wait_for(lock, longest_gathering_, [&] { return pressing(); });
  woken_ = urgent_ = false;
  batch.first = std::exchange(first_, {});
  take_arrivals(batch.arrivals);
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
