#include "submission/client_name.hpp"

#include <gtest/gtest.h>

#include <string>

namespace relay {
namespace {

TEST(ClientName, TakesTheGrammarOfTheContract) {
  for (const std::string& name : {std::string("lab.default"), std::string("A"), std::string("0"),
                                  std::string("a-b_c.d"), "x" + std::string(99, '.')}) {
    EXPECT_TRUE(is_client_name(name)) << name;
  }
  for (const std::string& name :
       {std::string(""), std::string(".lab"), std::string("-lab"), std::string("_lab"), std::string("lab/x"),
        std::string("lab default"), std::string("lab\n"), std::string("lab\0x", 5), std::string("läb"),
        std::string(101, 'x'), std::string("../x"), std::string("*")}) {
    EXPECT_FALSE(is_client_name(name)) << name;
  }
}

TEST(Glob, StarAndQuestionMark) {
  EXPECT_TRUE(glob_matches("lab.*", "lab.default"));
  EXPECT_TRUE(glob_matches("lab.*", "lab."));
  EXPECT_TRUE(glob_matches("*", ""));
  EXPECT_TRUE(glob_matches("", ""));
  EXPECT_TRUE(glob_matches("*.default", "lab.default"));
  EXPECT_TRUE(glob_matches("l?b.*t", "lab.default"));
  EXPECT_TRUE(glob_matches("a*b*c", "a-b-b-c"));
  EXPECT_TRUE(glob_matches("**a**", "xax"));
  EXPECT_FALSE(glob_matches("lab.*", "Lab.default"));
  EXPECT_FALSE(glob_matches("lab.*", "lab"));
  EXPECT_FALSE(glob_matches("?", ""));
  EXPECT_FALSE(glob_matches("", "a"));
  EXPECT_FALSE(glob_matches("a*b", "a-b-c"));
  EXPECT_FALSE(glob_matches("lab.default", "lab.default2"));
}

// A backtracking matcher takes time exponential in the stars here; the test would not end.
TEST(Glob, AnAdversarialPatternCostsNoMoreThanTheProductOfTheLengths) {
  std::string pattern;
  for (int i = 0; i < 200; ++i) pattern += "a*";
  EXPECT_FALSE(glob_matches(pattern + "b", std::string(5'000, 'a')));
  EXPECT_TRUE(glob_matches(pattern, std::string(5'000, 'a')));
}

}  // namespace
}  // namespace relay
