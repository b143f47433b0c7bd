#include "operations/human_text.hpp"

#include <gtest/gtest.h>

namespace relay {
namespace {

using std::chrono::seconds;

TEST(HumanText, DurationsHaveTheUnitsThatMatter) {
  EXPECT_EQ(human_duration(seconds(-5)), "0 s");
  EXPECT_EQ(human_duration(seconds(0)), "0 s");
  EXPECT_EQ(human_duration(seconds(119)), "119 s");
  EXPECT_EQ(human_duration(seconds(120)), "2 min");
  EXPECT_EQ(human_duration(seconds(3 * 3600 + 20 * 60)), "3 h 20 min");
  EXPECT_EQ(human_duration(seconds(4 * 3600)), "4 h");
  EXPECT_EQ(human_duration(seconds(50 * 3600)), "2 d 2 h");
}

TEST(HumanText, Sizes) {
  EXPECT_EQ(human_size({0}), "0 B");
  EXPECT_EQ(human_size({999}), "999 B");
  EXPECT_EQ(human_size({2100}), "2.1 kB");
  EXPECT_EQ(human_size({300'000}), "300 kB");
  EXPECT_EQ(human_size({999'900}), "1.0 MB");
  EXPECT_EQ(human_size({50'000'000}), "50 MB");
  EXPECT_EQ(human_size(gibibytes(5000)), "5.4 TB");
}

TEST(HumanText, WhatASenderChoseCantSteerATerminal) {
  EXPECT_EQ(one_line("a\033[2Jb\nc\x7f"), "a?[2Jb?c?");
  EXPECT_EQ(one_line("Ünïcode stays"), "Ünïcode stays");
  // C1 control characters are control characters too: U+009B is the one-byte "ESC [".
  EXPECT_EQ(one_line("a\xc2\x9b"
                     "2Jb"),
            "a?2Jb");
}

TEST(HumanText, TablesAreAligned) {
  TextTable table({{"NAME"}, {"COUNT", TextTable::Align::right}, {"LAST"}});
  table.add({"a", "1", ""});
  table.add({"Größe", "1000", "x"});
  EXPECT_EQ(table.text(),
            "NAME   COUNT  LAST\n"
            "a          1\n"
            "Größe   1000  x\n");
}

}  // namespace
}  // namespace relay
