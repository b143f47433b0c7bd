#include "base/await_callback.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <string>
#include <thread>
#include <vector>

namespace relay {
namespace {

namespace asio = boost::asio;

TEST(AwaitCallback, GoesOnAtOnceWhereTheCallbackCameDuringTheCall) {
  asio::io_context context;
  std::vector<std::string> steps;
  asio::co_spawn(
      context,
      [&]() -> asio::awaitable<void> {
        asio::post(context, [&] { steps.push_back("another handler"); });
        steps.push_back(co_await await_callback<std::string>([](auto done) { done("inside"); }));
      },
      asio::detached);
  context.run();
  EXPECT_EQ(steps, (std::vector<std::string>{"inside", "another handler"}));
}

TEST(AwaitCallback, ResumesOnItsOwnThreadAndKeepsTheContextRunning) {
  asio::io_context context;
  std::thread other;
  std::thread::id resumed_on;
  std::string value;
  asio::co_spawn(
      context,
      [&]() -> asio::awaitable<void> {
        value = co_await await_callback<std::string>([&](auto done) {
          other = std::thread([done] {
            std::this_thread::yield();
            done("from another thread");
          });
        });
        resumed_on = std::this_thread::get_id();
      },
      asio::detached);
  context.run();
  other.join();
  EXPECT_EQ(value, "from another thread");
  EXPECT_EQ(resumed_on, std::this_thread::get_id());
}

TEST(AwaitCallback, MeetsTheCallbackWhicheverSideIsFirst) {
  asio::io_context context;
  int sum = 0;
  asio::co_spawn(
      context,
      [&]() -> asio::awaitable<void> {
        for (int i = 0; i < 2000; ++i) {
          std::thread other;
          sum += co_await await_callback<int>([&](auto done) { other = std::thread([done] { done(1); }); });
          other.join();
        }
      },
      asio::detached);
  context.run();
  EXPECT_EQ(sum, 2000);
}

TEST(AwaitCallback, ThrowsWhereTheCallbackIsDroppedWithoutACall) {
  asio::io_context context;
  std::function<void(int)> kept;
  bool thrown = false;
  asio::co_spawn(
      context,
      [&]() -> asio::awaitable<void> {
        try {
          co_await await_callback<int>([&](auto done) { kept = done; });
        } catch (const std::logic_error&) {
          thrown = true;
        }
      },
      asio::detached);
  context.poll();
  EXPECT_FALSE(thrown);
  kept = nullptr;
  context.run();
  EXPECT_TRUE(thrown);
}

TEST(AwaitCallback, LetsACoroutineGoWithItsContext) {
  std::function<void(int)> kept;
  bool resumed = false;
  {
    asio::io_context context;
    asio::co_spawn(
        context,
        [&]() -> asio::awaitable<void> {
          co_await await_callback<int>([&](auto done) { kept = done; });
          resumed = true;
        },
        asio::detached);
    context.poll();
    kept(1);
    kept = nullptr;
  }
  EXPECT_FALSE(resumed);
}

}  // namespace
}  // namespace relay
