// Whether a file is complete: told by a clock of the test's own.
#include "intake/folder_completeness.hpp"

#include <gtest/gtest.h>

namespace relay {
namespace {

using namespace std::chrono_literals;
using Verdict = FileCompleteness::Verdict;
using Nul = FileCompleteness::Nul;

class Completeness : public testing::Test {
 protected:
  static FolderSettings settings(FileCompleteWhen when = FileCompleteWhen::settled) {
    FolderSettings made;
    made.complete_when = when;
    return made;
  }
  static FoundFile file(std::uint64_t size, std::int64_t modified = 1) {
    FoundFile made{"", "a.hl7", {}, {}};
    made.identity.inode = 7;
    made.identity.size = size;
    made.identity.modified = modified;
    return made;
  }
  // Seconds after the beginning.
  static MonotonicTime at(std::chrono::milliseconds time) { return MonotonicTime(1h) + time; }
  static constexpr WallTime wall{std::chrono::sys_days(std::chrono::year(2026) / 11 / 24)};
  static std::int64_t date(std::chrono::nanoseconds before) {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(wall.time_since_epoch() - before).count();
  }
};

TEST_F(Completeness, SettlesOnceNothingHasChangedForLongEnough) {
  FileCompleteness seen(settings());
  EXPECT_EQ(seen.verdict(file(10), at(0s)), Verdict::wait) << "no look has seen it";
  seen.look({file(10)}, at(0s));
  EXPECT_EQ(seen.verdict(file(10), at(4999ms)), Verdict::wait);
  EXPECT_EQ(seen.next(at(0s)), at(5s));
  EXPECT_EQ(seen.verdict(file(10), at(5s)), Verdict::ready);
  EXPECT_EQ(seen.verdict(file(11), at(5s)), Verdict::wait) << "not as it was seen";
}

TEST_F(Completeness, AFileThatGrowsInPausesUnderFourSecondsIsOnlyThenReady) {
  FileCompleteness seen(settings());
  for (int n = 0; n < 10; ++n) {
    seen.look({file(100 + static_cast<std::uint64_t>(n))}, at(n * 3900ms));
    EXPECT_EQ(seen.verdict(file(100 + static_cast<std::uint64_t>(n)), at(n * 3900ms + 3899ms)), Verdict::wait);
  }
  // Looks in between, in which nothing has changed, begin nothing anew.
  seen.look({file(109)}, at(9 * 3900ms + 4s));
  EXPECT_EQ(seen.verdict(file(109), at(9 * 3900ms + 5s)), Verdict::ready);
}

TEST_F(Completeness, EveryPartOfWhatAFileIsCounts) {
  for (const auto change :
       {+[](FileIdentity& i) { ++i.inode; }, +[](FileIdentity& i) { ++i.size; }, +[](FileIdentity& i) { ++i.modified; },
        +[](FileIdentity& i) { ++i.changed; }, +[](FileIdentity& i) { ++i.born; }}) {
    FileCompleteness seen(settings());
    seen.look({file(10)}, at(0s));
    FoundFile changed = file(10);
    change(changed.identity);
    seen.look({changed}, at(4s));
    EXPECT_EQ(seen.verdict(changed, at(8s)), Verdict::wait);
    EXPECT_EQ(seen.verdict(changed, at(9s)), Verdict::ready);
  }
}

TEST_F(Completeness, OneThatWasGoneBeginsAnew) {
  FileCompleteness seen(settings());
  seen.look({file(10)}, at(0s));
  seen.look({}, at(3s));
  seen.look({file(10)}, at(4s));
  EXPECT_EQ(seen.verdict(file(10), at(8s)), Verdict::wait);
  EXPECT_EQ(seen.verdict(file(10), at(9s)), Verdict::ready);
}

TEST_F(Completeness, ANameOrAMarkerSaysItAtOnce) {
  for (const FileCompleteWhen when : {FileCompleteWhen::renamed, FileCompleteWhen::marker}) {
    FileCompleteness seen(settings(when));
    seen.look({file(10)}, at(0s));
    EXPECT_EQ(seen.verdict(file(10), at(0s)), Verdict::ready);
  }
}

TEST_F(Completeness, AnEmptyOneIsGivenUpAfterAMinute) {
  for (const FileCompleteWhen when : {FileCompleteWhen::settled, FileCompleteWhen::renamed, FileCompleteWhen::marker}) {
    FileCompleteness seen(settings(when));
    seen.look({file(0)}, at(0s));
    EXPECT_EQ(seen.verdict(file(0), at(59s)), Verdict::wait);
    EXPECT_EQ(seen.verdict(file(0), at(60s)), Verdict::empty);
    seen.look({file(1)}, at(60s));
    EXPECT_EQ(seen.verdict(file(1), at(65s)), Verdict::ready) << "it got its content after all";
  }
}

TEST_F(Completeness, NulsAreGivenUpTenMinutesAfterTheLastChange) {
  FileCompleteness seen(settings());
  const FoundFile now = file(1000, date(0s));
  seen.look({now}, at(0s));
  EXPECT_EQ(seen.found_nul(now, 100, at(5s), wall + 5s), Nul::incomplete);
  EXPECT_EQ(seen.nul_in(now), 100U);
  EXPECT_EQ(seen.verdict(now, at(6s)), Verdict::wait) << "it isn't read again and again";
  EXPECT_EQ(seen.verdict(now, at(10s)), Verdict::ready);
  EXPECT_EQ(seen.found_nul(now, 100, at(599s), wall + 599s), Nul::incomplete);
  EXPECT_EQ(seen.found_nul(now, 100, at(600s), wall + 600s), Nul::stays);
}

TEST_F(Completeness, ContentThatComesIntoAFileWithoutASignCountsAsAChange) {
  FileCompleteness seen(settings());
  const FoundFile now = file(1000, date(0s));
  seen.look({now}, at(0s));
  EXPECT_EQ(seen.found_nul(now, 100, at(5s), wall), Nul::incomplete);
  EXPECT_EQ(seen.found_nul(now, 200, at(590s), wall + 590s), Nul::incomplete);
  EXPECT_EQ(seen.found_nul(now, 200, at(1100s), wall + 1100s), Nul::incomplete);
  EXPECT_EQ(seen.found_nul(now, 200, at(1190s), wall + 1190s), Nul::stays);
}

TEST_F(Completeness, AnOldDateTellsThatNulsHaveBeenThereForLong) {
  FileCompleteness seen(settings());
  const FoundFile old = file(1000, date(11min));
  seen.look({old}, at(0s));
  EXPECT_EQ(seen.found_nul(old, 100, at(10s), wall), Nul::incomplete) << "just seen, it may be on its way";
  EXPECT_EQ(seen.found_nul(old, 100, at(15s), wall), Nul::stays);
}

TEST_F(Completeness, TheDateOfACopyThatIsUnderWayIsNotBelieved) {
  FileCompleteness seen(settings());
  const FoundFile copying = file(1000, 315'532'800'000'000'000);  // 1980, as copying programs mark it
  seen.look({copying}, at(0s));
  EXPECT_EQ(seen.found_nul(copying, 100, at(500s), wall), Nul::incomplete);
}

TEST_F(Completeness, WhatFailedIsPutOff) {
  FileCompleteness seen(settings());
  seen.look({file(10)}, at(0s));
  seen.put_off(file(10), at(60s));
  EXPECT_EQ(seen.verdict(file(10), at(30s)), Verdict::wait);
  EXPECT_EQ(seen.next(at(30s)), at(60s));
  EXPECT_EQ(seen.verdict(file(10), at(60s)), Verdict::ready);
}

}  // namespace
}  // namespace relay
