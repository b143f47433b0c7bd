// A mark is used once until its time is over, whatever happens to the process.
#include <future>

#include "journal/use_once.hpp"
#include "journal_fixture.hpp"

namespace relay {
namespace {

class UsedMarkTest : public JournalTest {
 protected:
  Result<bool, AppendRefusal> use(const std::string& mark, std::chrono::seconds from_now = std::chrono::seconds(300)) {
    std::promise<Result<bool, AppendRefusal>> answer;
    use_once_of(*journal).use_once(mark, clock.wall_now() + from_now,
                                   [&](Result<bool, AppendRefusal> used) { answer.set_value(std::move(used)); });
    return answer.get_future().get();
  }
};

TEST_F(UsedMarkTest, IsUsedOnceAlsoOverARestart) {
  open();
  EXPECT_TRUE(*use("one"));
  EXPECT_FALSE(*use("one"));
  EXPECT_TRUE(*use("two"));
  reopen();
  EXPECT_FALSE(*use("one"));
  EXPECT_TRUE(*use("three"));
  EXPECT_TRUE(verify_findings().empty());
}

TEST_F(UsedMarkTest, IsForgottenOnceItsTimeIsOver) {
  open();
  EXPECT_TRUE(*use("one", std::chrono::seconds(60)));
  clock.advance(std::chrono::seconds(59));
  EXPECT_FALSE(*use("one"));
  clock.advance(std::chrono::seconds(1));
  EXPECT_TRUE(*use("one"));
}

TEST_F(UsedMarkTest, IsUsedOnlyWhereThatCanBeKept) {
  open();
  journal->stop_appends();
  const auto used = use("one");
  ASSERT_FALSE(used.ok());
  EXPECT_EQ(used.error(), AppendRefusal::stopping);
}

TEST_F(UsedMarkTest, IsNotAnIdempotencyKey) {
  open();
  EXPECT_TRUE(*use("key"));
  NewSubmission keyed = small("payload");
  keyed.idempotency_key = "key";
  const auto appended = append(std::move(keyed));
  ASSERT_TRUE(appended.ok());
  EXPECT_FALSE(appended->replayed);
}

}  // namespace
}  // namespace relay
