#include "base/log.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <regex>
#include <sstream>
#include <thread>
#include <vector>

#include "base/clock.hpp"

namespace relay {
namespace {

class Log : public testing::Test {
 protected:
  ~Log() override { configure_log(LogLevel::info, LogFormat::text, false); }

  // What one call writes to standard error.
  template <class F>
  static std::string written(F call) {
    testing::internal::CaptureStderr();
    call();
    return testing::internal::GetCapturedStderr();
  }
};

TEST_F(Log, ATextLineIsTimeLevelSentenceAndFields) {
  configure_log(LogLevel::info, LogFormat::text, false);
  const std::string line = written([] {
    log_info("Submission is in the journal.", {{"submission", "0190"}, {"size", 12}, {"why", "two words"}});
  });
  EXPECT_TRUE(std::regex_match(
      line,
      std::regex(
          R"re(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info Submission is in the journal\. submission=0190 size=12 why="two words"\n)re")))
      << line;
}

TEST_F(Log, ValuesAreQuotedWhereTheyWouldNotReadBack) {
  configure_log(LogLevel::info, LogFormat::text, true);
  EXPECT_EQ(written([] {
              log_info("x", {{"a", ""}, {"b", "q\"q"}, {"c", "k=v"}, {"d", "back\\slash"}, {"e", "plain-1.2:3/4"}});
            }),
            "<6>info x a=\"\" b=\"q\\\"q\" c=\"k=v\" d=\"back\\\\slash\" e=plain-1.2:3/4\n");
}

TEST_F(Log, NumbersStandBareAndIdsAsText) {
  configure_log(LogLevel::info, LogFormat::json, true);
  const auto id = Uuid::parse("0190a6c0-1c1e-7000-8000-0123456789ab");
  ASSERT_TRUE(id);
  EXPECT_EQ(written([&] {
              log_info("x", {{"submission", *id}, {"below", std::int64_t{-5}}, {"port", std::uint16_t{8870}}});
            }),
            "<6>{\"level\":\"info\",\"message\":\"x\",\"submission\":\"0190a6c0-1c1e-7000-8000-0123456789ab\","
            "\"below\":-5,\"port\":8870}\n");
}

TEST_F(Log, ALineStaysALineWhateverIsInIt) {
  configure_log(LogLevel::info, LogFormat::text, true);
  const std::string bad = std::string("a\nb\rc\td\0e\x1b[31m\x7f", 15) + "\xC2\x85\xE2\x80\xA8\xFFü";
  const std::string line = written([&] { log_error(bad, {{"value", bad}}); });
  const std::string escaped = "a\\nb\\rc\\td\\x00e\\x1b[31m\\x7f\\xc2\\x85\\xe2\\x80\\xa8\\xffü";
  EXPECT_EQ(line, "<3>error " + escaped + " value=\"" + escaped + "\"\n");
}

TEST_F(Log, AJsonLineIsOneObject) {
  configure_log(LogLevel::info, LogFormat::json, false);
  const std::string bad = std::string("a\nb\0\"\\\x1b\x7f", 8) + "\xFFü";
  const std::string line = written([&] {
    log_warning("Journal \"full\".", {{"bytes", 18446744073709551615ULL}, {"value", bad}});
  });
  ASSERT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  const auto object = boost::json::parse(line.substr(0, line.size() - 1)).as_object();
  EXPECT_TRUE(parse_rfc3339(object.at("time").as_string()));
  EXPECT_EQ(object.at("level"), "warning");
  EXPECT_EQ(object.at("message"), "Journal \"full\".");
  EXPECT_EQ(object.at("bytes").as_uint64(), UINT64_MAX);
  EXPECT_EQ(object.at("value").as_string(), std::string("a\nb\0\"\\\x1b\x7f", 8) + "\xEF\xBF\xBDü");
}

TEST_F(Log, UnderJournaldPrioritiesComeFirstAndTimeIsLeftToIt) {
  configure_log(LogLevel::trace, LogFormat::json, true);
  EXPECT_EQ(written([] { log_error("e"); }), "<3>{\"level\":\"error\",\"message\":\"e\"}\n");
  EXPECT_EQ(written([] { log_warning("w"); }), "<4>{\"level\":\"warning\",\"message\":\"w\"}\n");
  EXPECT_EQ(written([] { log_info("i"); }), "<6>{\"level\":\"info\",\"message\":\"i\"}\n");
  EXPECT_EQ(written([] { log_debug("d"); }), "<7>{\"level\":\"debug\",\"message\":\"d\"}\n");
}

TEST_F(Log, TheLevelDecidesWhatIsWritten) {
  configure_log(LogLevel::warning, LogFormat::text, true);
  EXPECT_EQ(written([] { log_info("quiet"); }), "");
  set_log_level(LogLevel::debug);
  EXPECT_EQ(written([] { log_debug("loud"); }), "<7>debug loud\n");
}

TEST_F(Log, LinesOfManyThreadsStayWhole) {
  configure_log(LogLevel::info, LogFormat::text, true);
  const std::string all = written([] {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([] {
        for (int i = 0; i < 500; ++i) log_info("The same line.", {{"long", std::string(200, 'x')}});
      });
    }
  });
  std::istringstream lines(all);
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    ASSERT_EQ(line, "<6>info The same line. long=" + std::string(200, 'x'));
  }
  EXPECT_EQ(count, 2'000);
}

}  // namespace
}  // namespace relay
