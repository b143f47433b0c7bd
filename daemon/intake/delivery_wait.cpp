#include "intake/delivery_wait.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <mutex>
#include <unordered_set>

namespace relay {
namespace {

namespace asio = boost::asio;

// One that waits. All but wake() on its executor, a strand.
struct Wait : std::enable_shared_from_this<Wait> {
  explicit Wait(const asio::any_io_executor& executor) : timer(executor) {}

  // Thread-safe.
  void wake() {
    asio::post(timer.get_executor(), [self = shared_from_this()] {
      self->over = true;
      self->timer.cancel();
    });
  }

  asio::steady_timer timer;
  bool over = false;
};

}  // namespace

struct DeliveryWaits::State {
  explicit State(Journal& journal_) : journal(journal_) {}

  // False once stopped.
  bool add(const std::shared_ptr<Wait>& wait) {
    const std::lock_guard lock(mutex);
    if (!stopped) waits.insert(wait);
    return !stopped;
  }
  void remove(const std::shared_ptr<Wait>& wait) {
    const std::lock_guard lock(mutex);
    waits.erase(wait);
  }

  Journal& journal;
  std::mutex mutex;
  bool stopped = false;
  std::unordered_set<std::shared_ptr<Wait>> waits;
};

DeliveryWaits::DeliveryWaits(Journal& journal) : state_(std::make_shared<State>(journal)) {}

asio::awaitable<void> DeliveryWaits::wait(SubmissionId id, std::chrono::seconds at_most) {
  const auto state = state_;
  const auto wait = std::make_shared<Wait>(co_await asio::this_coro::executor);
  if (!state->add(wait)) co_return;
  const std::uint64_t watch = state->journal.watch(id, [wait] { wait->wake(); });
  wait->timer.expires_after(at_most);
  boost::system::error_code ignored;
  if (!wait->over) co_await wait->timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  state->journal.unwatch(watch);
  state->remove(wait);
}

void DeliveryWaits::stop() {
  const std::lock_guard lock(state_->mutex);
  state_->stopped = true;
  for (const auto& wait : state_->waits) wait->wake();
}

}  // namespace relay
