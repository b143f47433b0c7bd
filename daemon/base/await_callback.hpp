// From a callback to a coroutine: `co_await await_callback<T>(start)` calls `start(done)` and resumes, on the
// coroutine's own executor, when `done(T)` has been called. `done` may be called from any thread, during `start` (then
// nothing is suspended and nothing posted) or later; once. Where its last copy goes without a call, which is the other
// side's bug, std::logic_error is thrown here. Both must happen before the io_context goes.
#pragma once

#include <atomic>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "base/hand_over.hpp"

namespace relay {

// One callback that somebody waits for. The two sides meet in `phase_`: whoever comes second does the resuming.
template <class T>
class CallbackMeeting : public std::enable_shared_from_this<CallbackMeeting<T>> {
 public:
  explicit CallbackMeeting(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}

  void complete(T&& value) {
    value_.emplace(std::move(value));
    end();
  }
  // No value will come.
  void abandon() { end(); }
  bool completed() const { return phase_.load() == Phase::completed; }
  void suspend(std::function<void()> resume) {
    resume_ = std::move(resume);
    if (phase_.exchange(Phase::suspended) == Phase::completed) resume_later();
  }
  T take() {
    if (!value_) throw std::logic_error("a callback was dropped without a call");
    return std::move(*value_);
  }

 private:
  enum class Phase { started, completed, suspended };

  void end() {
    if (phase_.exchange(Phase::completed) == Phase::suspended) resume_later();
  }
  // What is posted owns the coroutine, so that both go with the io_context; the coroutine owns this.
  void resume_later() {
    const auto self = this->shared_from_this();
    HandOver::post(executor_, std::exchange(resume_, nullptr));
  }

  boost::asio::any_io_executor executor_;
  std::atomic<Phase> phase_ = Phase::started;
  std::optional<T> value_;
  std::function<void()> resume_;
};

// The caller's side of the meeting; all copies of a `done` share it.
template <class T>
class CallbackPromise {
 public:
  explicit CallbackPromise(std::shared_ptr<CallbackMeeting<T>> meeting) : meeting_(std::move(meeting)) {}
  ~CallbackPromise() {
    if (!called_) meeting_->abandon();
  }
  CallbackPromise(const CallbackPromise&) = delete;
  CallbackPromise& operator=(const CallbackPromise&) = delete;

  void call(T&& value) {
    called_ = true;
    meeting_->complete(std::move(value));
  }

 private:
  const std::shared_ptr<CallbackMeeting<T>> meeting_;
  bool called_ = false;
};

template <class T, class Start>
boost::asio::awaitable<T> await_callback(Start start) {
  namespace asio = boost::asio;
  // g++ 12 destroys the captures of a lambda inside a co_await expression twice: nothing but references and pointers.
  static_assert(std::is_trivially_destructible_v<Start>);
  auto meeting = std::make_shared<CallbackMeeting<T>>(co_await asio::this_coro::executor);
  start([promise = std::make_shared<CallbackPromise<T>>(meeting)](T value) { promise->call(std::move(value)); });
  if (!meeting->completed()) {
    const auto suspend = [waiting = meeting.get()](auto handler) {
      // The work guard keeps the io_context running until the callback has come.
      auto work = asio::make_work_guard(asio::any_io_executor(asio::get_associated_executor(handler)));
      auto shared = std::make_shared<std::pair<decltype(handler), decltype(work)>>(std::move(handler), std::move(work));
      waiting->suspend([shared] { std::move(shared->first)(); });
    };
    co_await asio::async_initiate<const asio::use_awaitable_t<>&, void()>(suspend, asio::use_awaitable);
  }
  co_return meeting->take();
}

}  // namespace relay
