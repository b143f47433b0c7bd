// What a thread hands to others while it has more to hand over: all of it at the end, once.
#include "base/hand_over.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <string>
#include <thread>

namespace relay {
namespace {

namespace asio = boost::asio;

using Steps = std::vector<std::string>;

TEST(HandOver, PostsAtItsEndInTheOrderGivenEachOnItsOwnExecutor) {
  asio::io_context context;
  const auto first = asio::make_strand(context);
  const auto second = asio::make_strand(context);
  Steps steps;
  {
    const HandOver answers;
    HandOver::post(first, [&] { steps.push_back(first.running_in_this_thread() ? "first" : "elsewhere"); });
    HandOver::post(second, [&] { steps.push_back(second.running_in_this_thread() ? "second" : "elsewhere"); });
    HandOver::post(first, [&] { steps.push_back(first.running_in_this_thread() ? "first again" : "elsewhere"); });
    EXPECT_EQ(context.poll(), 0U) << "nothing was posted yet";
    context.restart();
  }
  EXPECT_TRUE(steps.empty());
  EXPECT_EQ(context.run(), 1U) << "one wake for all of them";
  EXPECT_EQ(steps, (Steps{"first", "second", "first again"}));
}

TEST(HandOver, ManyAreSharedBetweenAContextsThreads) {
  asio::io_context context;
  int resumed = 0;
  {
    const HandOver answers;
    for (int i = 0; i < 100; ++i) HandOver::post(context.get_executor(), [&] { ++resumed; });
  }
  EXPECT_EQ(context.run(), 4U) << "32 at a time";
  EXPECT_EQ(resumed, 100);
}

TEST(HandOver, EachContextGetsItsOwn) {
  asio::io_context one;
  asio::io_context other;
  Steps steps;
  {
    const HandOver answers;
    HandOver::post(one.get_executor(), [&] { steps.push_back("one"); });
    HandOver::post(other.get_executor(), [&] { steps.push_back("other"); });
    HandOver::post(one.get_executor(), [&] { steps.push_back("one again"); });
  }
  EXPECT_EQ(other.run(), 1U);
  EXPECT_EQ(steps, Steps{"other"});
  one.run();
  EXPECT_EQ(steps, (Steps{"other", "one", "one again"}));
}

TEST(HandOver, WakesAtItsEndAndWithoutOneAtOnce) {
  Steps steps;
  {
    const HandOver answers;
    HandOver::at_end([&] { steps.push_back("woken"); });
    steps.push_back("more to do");
  }
  HandOver::at_end([&] { steps.push_back("at once"); });
  EXPECT_EQ(steps, (Steps{"more to do", "woken", "at once"}));
}

TEST(HandOver, IsOfItsThreadAlone) {
  asio::io_context context;
  const HandOver answers;
  std::thread([&] { HandOver::post(context.get_executor(), [] {}); }).join();
  EXPECT_EQ(context.run(), 1U);
}

}  // namespace
}  // namespace relay
