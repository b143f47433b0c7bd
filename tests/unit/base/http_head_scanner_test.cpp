#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/http_server_parser.hpp"

namespace relay {
namespace {

using State = HttpHeadScanner::State;

struct Scanned {
  State state = State::need_more;
  std::size_t size = 0;  // of a complete section
  bool operator==(const Scanned&) const = default;
};

void PrintTo(const Scanned& scanned, std::ostream* out) {
  *out << "state " << static_cast<int>(scanned.state) << ", size " << scanned.size;
}

// As it arrives: `step` bytes more with each call.
Scanned scan(const std::string& bytes, std::size_t step) {
  HttpHeadScanner scanner;
  for (std::size_t end = step;; end += step) {
    const State state = scanner.scan(std::string_view(bytes).substr(0, end));
    if (state == State::complete) return {state, scanner.size()};
    if (state != State::need_more || end >= bytes.size()) return {state, 0};
  }
}

// A header section of that many bytes.
std::string section_of(std::size_t size) {
  std::string section = "GET / HTTP/1.1\r\nX: ";
  const std::string end = "\r\n\r\n";
  section.append(size - section.size() - end.size(), 'x');
  return section + end;
}

struct Case {
  std::string bytes;
  Scanned expected;
};

std::vector<Case> cases() {
  const std::string line = "POST /v1/submissions HTTP/1.1\r\n";
  const std::string head = line + "Host: a\r\nX:\tb\xc3\xa4\r\n\r\n";
  return {
      {head, {State::complete, head.size()}},
      {head + "a\x01\nbody", {State::complete, head.size()}},
      {line, {}},
      {line + "Host: a\r", {}},
      {line + "Host: a\r\n\r", {}},
      {line + "Host: a\n\r\n", {State::malformed, 0}},
      {line + "Host: a\rb\r\n\r\n", {State::malformed, 0}},
      {line + "Host: a\r\r\n\r\n", {State::malformed, 0}},
      {line + "Host: a\r\n\n", {State::malformed, 0}},
      {line + "Host: a\r\n\r\r\n", {State::malformed, 0}},
      {line + " Host: a\r\n\r\n", {State::malformed, 0}},
      {line + "Host: a\r\n\tfolded\r\n\r\n", {State::malformed, 0}},
      {line + std::string("Host: a\0b\r\n\r\n", 13), {State::malformed, 0}},
      {line + "Host: a\x7f\r\n\r\n", {State::malformed, 0}},
      {" " + head, {State::malformed, 0}},
      {"\n" + head, {State::malformed, 0}},
      {"GET / HTTP/2.0\r\n\r\n", {State::malformed, 0}},
      {"GET  / HTTP/1.1\r\n\r\n", {State::malformed, 0}},
  };
}

TEST(HttpHeadScanner, SaysTheSameHoweverTheBytesArrive) {
  for (const Case& each : cases()) {
    for (std::size_t step = 1; step <= each.bytes.size(); ++step) {
      EXPECT_EQ(scan(each.bytes, step), each.expected) << testing::PrintToString(each.bytes) << " by " << step;
    }
  }
}

// What can't become good is refused before its line ends: nobody is waited for.
TEST(HttpHeadScanner, RefusesAtTheFirstByteThatIsWrong) {
  const std::string line = "GET / HTTP/1.1\r\n";
  for (const char* wrong : {"Host: a\x01", "Host: a\rb", " ", "\n", "Host: a\n"}) {
    HttpHeadScanner scanner;
    EXPECT_EQ(scanner.scan(line), State::need_more);
    EXPECT_EQ(scanner.scan(line + wrong), State::malformed) << testing::PrintToString(wrong);
  }
}

TEST(HttpHeadScanner, TakesSixteenKibibytesAndNotOneByteMore) {
  for (const std::size_t step : {std::size_t{1}, std::size_t{4096}, max_header_section + 10}) {
    EXPECT_EQ(scan(section_of(max_header_section), step), (Scanned{State::complete, max_header_section}));
    for (std::size_t more = 1; more <= 5; ++more) {
      EXPECT_EQ(scan(section_of(max_header_section + more), step), (Scanned{State::too_large, 0})) << more;
    }
    // Wrong inside the section: that is said, although it is too large too.
    std::string wrong = section_of(max_header_section + 5);
    wrong[100] = '\x01';
    EXPECT_EQ(scan(wrong, step), (Scanned{State::malformed, 0}));
  }
}

}  // namespace
}  // namespace relay
