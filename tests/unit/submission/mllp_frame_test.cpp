#include "submission/mllp_frame.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace relay {
namespace {

using namespace std::string_literals;
using Kind = MllpFrameScanner::Kind;

struct Seen {
  std::vector<std::string> frames;  // whole ones
  std::string outside;
  int interrupted = 0;
  bool inside = false;
  bool at_end_mark = false;
};

Seen scan(std::string_view input, std::size_t step = 1'000'000) {
  Seen seen;
  MllpFrameScanner scanner;
  std::string frame;
  for (std::size_t at = 0; at < input.size(); at += step) {
    // A copy, so that nothing can lean on bytes that have gone.
    const std::string copy(input.substr(at, step));
    std::string_view piece = copy;
    for (;;) {
      const auto got = scanner.next(piece);
      if (got.kind == Kind::need_more) break;
      if (got.kind == Kind::outside) seen.outside += got.bytes;
      if (got.kind == Kind::begin) frame.clear();
      if (got.kind == Kind::content) frame += got.bytes;
      if (got.kind == Kind::interrupted) ++seen.interrupted;
      if (got.kind == Kind::end) seen.frames.push_back(frame);
    }
    EXPECT_TRUE(piece.empty());
  }
  seen.inside = scanner.inside();
  seen.at_end_mark = scanner.at_end_mark();
  return seen;
}

class MllpFrames : public testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(Pieces, MllpFrames, testing::Values(1, 2, 3, 5, 1000));

TEST_P(MllpFrames, StandBetweenTheirMarks) {
  const Seen seen = scan("\x0bMSH|1\x1c\r\x0bMSH|2\x1c\r", GetParam());
  EXPECT_EQ(seen.frames, (std::vector<std::string>{"MSH|1", "MSH|2"}));
  EXPECT_FALSE(seen.inside);
  EXPECT_EQ(seen.outside, "");
}

TEST_P(MllpFrames, BytesOutsideBelongToNothing) {
  const Seen seen = scan("hello\r\n\x0bMSH\x1c\r\x1cjunk\r\x0bMSH\x1c\r\n", GetParam());
  EXPECT_EQ(seen.frames.size(), 2U);
  EXPECT_EQ(seen.outside.substr(0, 5), "hello");
}

TEST_P(MllpFrames, TheEndMarkEndsBeforeALineEndOrTheNextFrame) {
  EXPECT_EQ(scan("\x0b"
                 "a\x1c\n\x0b"
                 "b\x1c\x0b"
                 "c\x1c\r",
                 GetParam())
                .frames,
            (std::vector<std::string>{"a", "b", "c"}));
}

TEST_P(MllpFrames, TheEndMarkBeforeAnythingElseIsContent) {
  EXPECT_EQ(scan("\x0b"
                 "a\x1c"
                 "b\x1c\x1c\r",
                 GetParam())
                .frames,
            std::vector<std::string>{"a\x1c"
                                     "b\x1c"});
}

TEST_P(MllpFrames, AnEndMarkAtTheEndWaits) {
  const Seen seen = scan("\x0bMSH\x1c", GetParam());
  EXPECT_TRUE(seen.at_end_mark);
  EXPECT_TRUE(seen.frames.empty());
}

TEST_P(MllpFrames, AFrameThatBeginsInsideAnotherInterruptsIt) {
  for (const char* name : {"MSH", "BHS", "FHS", "\xEF\xBB\xBFMSH"}) {
    const Seen seen = scan("\x0bMSH|half\r\x0b"s + name + "|whole\x1c\r", GetParam());
    EXPECT_EQ(seen.frames, std::vector<std::string>{name + "|whole"s});
    EXPECT_EQ(seen.interrupted, 1);
  }
}

TEST_P(MllpFrames, AStartMarkThatBeginsNoFrameIsContent) {
  const std::string content =
      "MSH|a\x0b"
      "b\x0bM\x0bMS\x0b\x0b\xEF\xBB\x0b\xEF\xBB\xBFMSx\x0b";
  const Seen seen = scan("\x0b" + content + "\x1c\r", GetParam());
  EXPECT_EQ(seen.frames, std::vector<std::string>{content});
  EXPECT_EQ(seen.interrupted, 0);
}

TEST(MllpFrame, CanBeEndedAtItsMark) {
  MllpFrameScanner scanner;
  std::string_view input = "\x0bMSH\x1c";
  while (scanner.next(input).kind != Kind::need_more) {
  }
  ASSERT_TRUE(scanner.at_end_mark());
  scanner.end_at_mark();
  EXPECT_FALSE(scanner.inside());
  input = "\r\x0b";
  EXPECT_EQ(scanner.next(input).kind, Kind::begin) << "the CR that came late belongs to nothing";
}

}  // namespace
}  // namespace relay
