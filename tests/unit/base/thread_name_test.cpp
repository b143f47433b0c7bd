#include "base/thread_name.hpp"

#include <gtest/gtest.h>
#include <pthread.h>

#include <thread>

namespace relay {
namespace {

std::string name_after(const std::string& wanted) {
  std::string got;
  std::jthread([&] {
    name_this_thread(wanted);
    char buffer[64] = {};
    ::pthread_getname_np(::pthread_self(), buffer, sizeof buffer);
    got = buffer;
  }).join();
  return got;
}

TEST(ThreadName, IsSeenFromOutside) {
  EXPECT_EQ(name_after("writer"), "writer");
}
TEST(ThreadName, ALongOneIsCutNotLost) {
  EXPECT_EQ(name_after("lane:a-long-destination"), "lane:a-long-des");
}

}  // namespace
}  // namespace relay
