#include "base/bearer_tokens.hpp"

#include <gtest/gtest.h>

namespace relay {
namespace {

TEST(BearerTokens, FindsTheOneThatWasGivenAmongSeveral) {
  const BearerTokens tokens({{sha256("old"), "lab.a"}, {sha256("new"), "lab.a"}, {sha256("other"), "lab.b"}});
  ASSERT_NE(tokens.find("old"), nullptr);
  EXPECT_EQ(tokens.find("old")->name, "lab.a");
  EXPECT_EQ(tokens.find("new")->name, "lab.a");
  EXPECT_EQ(tokens.find("other")->name, "lab.b");
}

TEST(BearerTokens, TakesNothingElse) {
  const BearerTokens tokens({{sha256("secret"), "lab.a"}});
  EXPECT_EQ(tokens.find("secre"), nullptr);
  EXPECT_EQ(tokens.find("secret "), nullptr);
  EXPECT_EQ(tokens.find(""), nullptr);
  EXPECT_EQ(tokens.find(sha256("secret").hex()), nullptr) << "the SHA-256 in the configuration is no key itself";
  EXPECT_EQ(BearerTokens().find(""), nullptr);
}

TEST(BearerTokens, ReadsTheAuthorizationFieldOfItsSchemeAlone) {
  EXPECT_EQ(bearer_token_in("Bearer abc"), "abc");
  EXPECT_EQ(bearer_token_in("bearer abc"), "abc");
  EXPECT_EQ(bearer_token_in("Bearer  abc "), "abc");
  EXPECT_EQ(bearer_token_in("Basic abc"), std::nullopt);
  EXPECT_EQ(bearer_token_in("Bearer"), std::nullopt);
  EXPECT_EQ(bearer_token_in("Bearer "), std::nullopt);
  EXPECT_EQ(bearer_token_in("Bearerabc"), std::nullopt);
}

TEST(BearerTokens, MakesNewOnesThatNobodyGuesses) {
  const Secret one = new_bearer_token();
  const Secret two = new_bearer_token();
  EXPECT_NE(one.reveal(), two.reveal());
  EXPECT_GE(one.reveal().size(), 64U);
  EXPECT_EQ(one.reveal().find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_"), std::string_view::npos);
}

}  // namespace
}  // namespace relay
