#include "base/hand_over.hpp"

#include <algorithm>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/execution/context.hpp>
#include <boost/asio/post.hpp>
#include <iterator>

namespace relay {

namespace asio = boost::asio;

namespace {

// Where a context has several threads, more than that is shared between them.
constexpr std::ptrdiff_t most_together = 32;

thread_local HandOver* standing = nullptr;

const asio::execution_context* context_of(const asio::any_io_executor& executor) {
  return &asio::query(executor, asio::execution::context);
}

}  // namespace

HandOver::HandOver() : outer_(std::exchange(standing, this)) {}

HandOver::~HandOver() {
  standing = outer_;
  while (!resumptions_.empty()) {
    const auto* context = context_of(resumptions_.front().executor);
    const auto others = std::stable_partition(resumptions_.begin(), resumptions_.end(),
                                              [&](const auto& each) { return context_of(each.executor) == context; });
    const auto end = std::next(resumptions_.begin(), std::min(most_together, others - resumptions_.begin()));
    post_together({std::make_move_iterator(resumptions_.begin()), std::make_move_iterator(end)});
    resumptions_.erase(resumptions_.begin(), end);
  }
  for (const auto& wake : wakes_) wake();
}

void HandOver::post(const asio::any_io_executor& executor, std::function<void()> resume) {
  if (standing == nullptr) {
    asio::post(executor, std::move(resume));
  } else {
    standing->resumptions_.push_back({executor, std::move(resume)});
  }
}

void HandOver::at_end(std::function<void()> wake) {
  if (standing == nullptr) {
    wake();
  } else {
    standing->wakes_.push_back(std::move(wake));
  }
}

// Each still runs on its own executor: dispatch() runs it in place where that executor's strand is free.
void HandOver::post_together(std::vector<Resumption> together) {
  const asio::any_io_executor first = together.front().executor;
  asio::post(first, [together = std::move(together)]() mutable {
    for (Resumption& each : together) asio::dispatch(each.executor, std::move(each.resume));
  });
}

}  // namespace relay
