// Colour is for a terminal alone, and marks states where they stand alone.
#include "operations/terminal.hpp"

#include <sstream>

#include <gtest/gtest.h>

namespace relay {
namespace {

TEST(Terminal, StatesAreColouredWhereTheyAreCells) {
  EXPECT_EQ(with_coloured_states("id  dead_letter  lab\n"), "id  \033[31mdead_letter\033[0m  lab\n");
  EXPECT_EQ(with_coloured_states("ok: Accepting submissions.\n"), "\033[32mok\033[0m: Accepting submissions.\n");
  EXPECT_EQ(with_coloured_states("a  delivered"), "a  \033[32mdelivered\033[0m");
}

TEST(Terminal, WordsInASentenceStayAsTheyAre) {
  const std::string sentence = "archive is down (dns), 3 deliveries wait; it was delivered up to now.\n";
  EXPECT_EQ(with_coloured_states(sentence), sentence);
}

TEST(Terminal, WhatIsNoTerminalGetsNone) {
  std::ostringstream stream;
  EXPECT_EQ(for_stream("id  dead_letter\n", stream), "id  dead_letter\n");
}

}  // namespace
}  // namespace relay
