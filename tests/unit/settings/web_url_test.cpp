#include "settings/web_url.hpp"

#include <gtest/gtest.h>

namespace relay {
namespace {

TEST(WebUrl, TakesAddressesOfServices) {
  EXPECT_EQ(*parse_web_url("https://lab.queue.core.windows.net"), "https://lab.queue.core.windows.net");
  EXPECT_EQ(*parse_web_url("https://lab.queue.core.windows.net/"), "https://lab.queue.core.windows.net");
  EXPECT_EQ(*parse_web_url("http://127.0.0.1:10001/devstoreaccount1"), "http://127.0.0.1:10001/devstoreaccount1");
  EXPECT_EQ(*parse_web_url("http://[::1]:10001/x//"), "http://[::1]:10001/x");
}

TEST(WebUrl, TakesNothingElseAndQuotesNothing) {
  for (const char* text :
       {"", "lab.queue.core.windows.net", "ftp://hunter2", "https://", "https:///hunter2", "https://user:hunter2@host",
        "https://host/?sig=hunter2", "https://host/#hunter2", "https://host:0", "https://host:", "https://host:99999",
        "https://host:hunter2", "https://ho st", "https://host/\n", "https://[::1", "https://[hunter2]", "HTTPS://host",
        "https://h\"ost", "https://hôst"}) {
    const auto url = parse_web_url(text);
    ASSERT_FALSE(url) << text;
    EXPECT_EQ(url.error().message.find("hunter2"), std::string::npos);
  }
}

TEST(WebUrl, KnowsWhatOthersCanRead) {
  EXPECT_FALSE(is_readable_on_the_way("https://lab.example"));
  EXPECT_FALSE(is_readable_on_the_way("http://127.0.0.1:10001/x"));
  EXPECT_FALSE(is_readable_on_the_way("http://localhost:10001/x"));
  EXPECT_FALSE(is_readable_on_the_way("http://[::1]:10001/x"));
  EXPECT_TRUE(is_readable_on_the_way("http://10.0.0.1/x"));
  EXPECT_TRUE(is_readable_on_the_way("http://azurite"));
}

}  // namespace
}  // namespace relay
