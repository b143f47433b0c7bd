// From a callback to a coroutine: `co_await await_callback<T>(start)` calls `start(done)` and resumes, on the
// coroutine's own executor, when `done(T)` has been called. `done` may be called from any thread, during `start` (then
// nothing is suspended and nothing posted) or later; once. A coroutine that is destroyed while it waits is simply not
// resumed.
#pragma once

#include <atomic>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace relay {

// One callback that somebody waits for. The two sides meet in `phase_`: whoever comes second does the resuming.
template <class T>
class CallbackMeeting : public std::enable_shared_from_this<CallbackMeeting<T>> {
 public:
  explicit CallbackMeeting(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}

  void complete(T value) {
    value_.emplace(std::move(value));
    if (phase_.exchange(Phase::completed) == Phase::suspended) resume_later();
  }
  bool completed() const { return phase_.load() == Phase::completed; }
  void suspend(std::function<void()> resume) {
    resume_ = std::move(resume);
    if (phase_.exchange(Phase::suspended) == Phase::completed) resume_later();
  }
  T take() { return std::move(*value_); }

 private:
  enum class Phase { started, completed, suspended };

  void resume_later() {
    boost::asio::post(executor_, [self = this->shared_from_this()] { std::exchange(self->resume_, nullptr)(); });
  }

  boost::asio::any_io_executor executor_;
  std::atomic<Phase> phase_ = Phase::started;
  std::optional<T> value_;
  std::function<void()> resume_;
};

template <class T, class Start>
boost::asio::awaitable<T> await_callback(Start start) {
  namespace asio = boost::asio;
  // g++ 12 destroys the captures of a lambda inside a co_await expression twice: nothing but references and pointers.
  static_assert(std::is_trivially_destructible_v<Start>);
  auto meeting = std::make_shared<CallbackMeeting<T>>(co_await asio::this_coro::executor);
  start([meeting](T value) { meeting->complete(std::move(value)); });
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
