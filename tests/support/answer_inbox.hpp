// AnswerInbox: answers on their way from the journal's threads to the one thread that drives a workload.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>

namespace relay {

// Thread-safe. Kept alive by the callbacks themselves, so that a late one finds it.
class AnswerInbox {
 public:
  void expect();                             // one answer more
  void answer(std::function<void()> apply);  // from any thread
  // Applies what came; waits until at most `limit` answers are missing, `give_up` says so, or it takes too long
  // (false).
  bool apply(std::size_t limit, const std::function<bool()>& give_up);
  std::size_t missing() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> answers_;
  std::size_t missing_ = 0;
};

}  // namespace relay
