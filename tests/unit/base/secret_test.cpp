#include "base/secret.hpp"

#include <gtest/gtest.h>

#include <new>
#include <ostream>
#include <type_traits>

namespace relay {
namespace {

template <class T>
concept Printable = requires(std::ostream& stream, const T& value) {
  stream << value;
};

static_assert(!Printable<Secret>, "a secret must not be printable");
static_assert(!std::is_convertible_v<Secret, std::string> && !std::is_convertible_v<Secret, std::string_view>);

TEST(Secret, IsReadOnlyByReveal) {
  const Secret secret("s3cret");
  EXPECT_EQ(secret.reveal(), "s3cret");
  EXPECT_FALSE(secret.empty());
  EXPECT_TRUE(Secret().empty());
}

TEST(Secret, CopiesAndMoves) {
  Secret first(std::string(100, 'x'));
  Secret copy = first;
  EXPECT_EQ(copy.reveal(), first.reveal());
  const Secret moved = std::move(first);
  EXPECT_EQ(moved.reveal(), copy.reveal());
}

TEST(Secret, OverwritesItsTextWhenItEnds) {
  // A short text lives inside the object, so its bytes can be looked at afterwards.
  alignas(Secret) unsigned char place[sizeof(Secret)];
  auto* secret = new (place) Secret("short");
  ASSERT_EQ(std::string_view(secret->reveal().data(), 5), "short");
  secret->~Secret();
  const std::string_view left(reinterpret_cast<const char*>(place), sizeof place);
  EXPECT_EQ(left.find("short"), std::string_view::npos);
}

}  // namespace
}  // namespace relay
