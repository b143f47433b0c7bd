// A journal that may not grow, and a disk that is full or fails: appends are refused, what goes out is still settled.
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <array>
#include <atomic>
#include <thread>

#include "journal/disk_guard.hpp"
#include "journal/reserve_file.hpp"
#include "journal_fixture.hpp"

namespace relay {
namespace {

using DiskTest = JournalTest;

TEST_F(DiskTest, AFullJournalTakesNothingButSettles) {
  options.max_size = kibibytes(1024);
  open();
  Result<Appended, AppendRefusal> last = append(small(std::string(50'000, 'x')));
  for (int i = 0; i < 100 && last.ok(); ++i) last = append(small(std::string(50'000, 'x')));
  ASSERT_FALSE(last.ok());
  EXPECT_EQ(last.error(), AppendRefusal::journal_full);
  EXPECT_EQ(journal->admission({50'000}), AppendRefusal::journal_full);
  EXPECT_FALSE(journal->condition().reason.empty() && journal->condition().refusing.has_value());
  EXPECT_LE(journal->condition().journal_bytes.value, options.max_size.value + 16 * 16384);
  EXPECT_TRUE(settle(claim_one().token, delivered()).ok());
  EXPECT_FALSE(append_chunk(*journal->open_upload(ids.next()), std::string(payload_chunk_size.value, 'x')).ok());
  expect_promise_7(*journal->snapshot());
}

TEST_F(DiskTest, WhenTheDiskIsLowNothingIsTakenAndTheReasonSaysHowLow) {
  options.min_free_disk = gibibytes(1ull << 30);
  open();
  EXPECT_EQ(journal->admission({1}), AppendRefusal::disk_low);
  const auto refused_append = append(small("payload"));
  ASSERT_FALSE(refused_append.ok());
  EXPECT_EQ(refused_append.error(), AppendRefusal::disk_low);
  EXPECT_EQ(journal->condition().refusing, AppendRefusal::disk_low);
  EXPECT_NE(journal->condition().reason.find("min_free_disk"), std::string::npos);
}

TEST_F(DiskTest, MoreThanFitsIsRefusedAtTheDoor) {
  options.max_size = mebibytes(10);
  open();
  EXPECT_FALSE(journal->admission(mebibytes(5)).has_value());
  EXPECT_EQ(journal->admission(mebibytes(11)), AppendRefusal::journal_full);
}

TEST_F(DiskTest, TheWalStaysSmallWhileNobodyHoldsIt) {
  open();
  for (int i = 0; i < 400; ++i) append_ok(small(std::string(60'000, 'x')));
  clock.advance(std::chrono::seconds(2));
  EXPECT_LT(journal->condition().wal_bytes.value, mebibytes(8).value);
}

// Holds the newest commit, as a reader does that never ends.
class EndlessReader {
 public:
  explicit EndlessReader(const std::string& path) {
    sqlite3_open_v2(path.c_str(), &handle_, SQLITE_OPEN_READONLY, nullptr);
    sqlite3_exec(handle_, "BEGIN; SELECT count(*) FROM journal", nullptr, nullptr, nullptr);
  }
  ~EndlessReader() { sqlite3_close(handle_); }
  EndlessReader(const EndlessReader&) = delete;
  EndlessReader& operator=(const EndlessReader&) = delete;

 private:
  sqlite3* handle_ = nullptr;
};

TEST_F(DiskTest, AReaderThatHoldsTheWalStopsWhatComesInAndNotWhatGoesOut) {
  open();
  append_ok(small("payload"));
  const Claim claim = claim_one();
  {
    const EndlessReader reader(options.path);
    // Many at once, so that a commit takes many.
    std::optional<AppendRefusal> refused;
    for (int commit = 0; commit < 200 && !refused; ++commit) {
      std::vector<std::future<Result<Appended, AppendRefusal>>> answers;
      for (int i = 0; i < 30; ++i) answers.push_back(append_later(small(std::string(60'000, 'x'))));
      for (auto& answer : answers) {
        if (const auto result = answer.get(); !result.ok()) refused = result.error();
      }
    }
    ASSERT_EQ(refused, AppendRefusal::journal_failing);
    EXPECT_NE(journal->condition().reason.find("WAL"), std::string::npos);
    EXPECT_TRUE(settle(claim.token, delivered()).ok());
    clock.advance(std::chrono::seconds(2));
    EXPECT_LT(journal->condition().wal_bytes.value, mebibytes(136).value);
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!append(small("goes on")).ok() && std::chrono::steady_clock::now() < deadline) {
    clock.advance(std::chrono::seconds(1));
  }
  append_ok(small("goes on"));
}

// Two that take turns, so that one of them reads at every moment.
class OverlappingReaders {
 public:
  explicit OverlappingReaders(const std::string& path) {
    for (sqlite3*& handle : handles_) sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READONLY, nullptr);
    begin(handles_[0]);
    thread_ = std::thread([this] {
      for (std::size_t next = 1; !ends_; next = 1 - next) {
        begin(handles_.at(next));
        sqlite3_exec(handles_.at(1 - next), "COMMIT", nullptr, nullptr, nullptr);
      }
    });
  }
  ~OverlappingReaders() {
    ends_ = true;
    thread_.join();
    for (sqlite3* handle : handles_) sqlite3_close(handle);
  }
  OverlappingReaders(const OverlappingReaders&) = delete;
  OverlappingReaders& operator=(const OverlappingReaders&) = delete;

 private:
  static void begin(sqlite3* handle) {
    sqlite3_exec(handle, "BEGIN; SELECT count(*) FROM journal", nullptr, nullptr, nullptr);
  }

  std::array<sqlite3*, 2> handles_{};
  std::atomic<bool> ends_{false};
  std::thread thread_;
};

TEST_F(DiskTest, ReadersThatOverlapDontLetTheWalGrow) {
  open();
  const OverlappingReaders readers(options.path);
  constexpr int commits = 50;
  constexpr std::size_t payload = 60'000;
  constexpr int together = 30;
  for (int commit = 0; commit < commits; ++commit) {
    std::vector<std::future<Result<Appended, AppendRefusal>>> answers;
    for (int i = 0; i < together; ++i) answers.push_back(append_later(small(std::string(payload, 'x'))));
    for (auto& answer : answers) ASSERT_TRUE(answer.get().ok());
    clock.advance(std::chrono::seconds(2));
  }
  EXPECT_LT(journal->condition().wal_bytes.value, commits * together * payload / 2);
}

class ReserveFileTest : public JournalTest {
 protected:
  const std::filesystem::path path = folder / "journal.reserve";
  struct stat status() const {
    struct stat status {};
    EXPECT_EQ(::stat(path.c_str(), &status), 0);
    return status;
  }
};

TEST_F(ReserveFileTest, IsAllocatedAndPrivate) {
  ReserveFile reserve(path, gibibytes(10));
  EXPECT_EQ(reserve.missing(), ReserveFile::largest);
  ASSERT_TRUE(reserve.make().ok());
  EXPECT_EQ(reserve.missing().value, 0u);
  EXPECT_EQ(status().st_mode & 0777u, 0600u);
  EXPECT_GE(static_cast<std::uint64_t>(status().st_blocks) * 512, ReserveFile::largest.value);
}

TEST_F(ReserveFileTest, IsGivenBackInSlicesToItsEnd) {
  ReserveFile reserve(path, mebibytes(40));
  ASSERT_TRUE(reserve.make().ok());
  ASSERT_EQ(reserve.size(), mebibytes(10));
  EXPECT_TRUE(reserve.give_back());
  EXPECT_EQ(reserve.size(), mebibytes(6));
  EXPECT_EQ(static_cast<std::uint64_t>(status().st_size), mebibytes(6).value);
  EXPECT_EQ(ReserveFile(path, mebibytes(40)).missing(), mebibytes(4)) << "found again by the next start";
  while (reserve.give_back()) {
  }
  EXPECT_EQ(reserve.size().value, 0u);
  EXPECT_FALSE(std::filesystem::exists(path));
  ASSERT_TRUE(reserve.make().ok());
  EXPECT_EQ(reserve.size(), mebibytes(10));
}

TEST_F(ReserveFileTest, ACopyFullOfHolesHoldsNothing) {
  std::ofstream(path).close();
  std::filesystem::resize_file(path, ReserveFile::largest.value);
  EXPECT_EQ(ReserveFile(path, gibibytes(10)).size().value, 0u);
}

TEST_F(ReserveFileTest, WhatWasGivenBackIsNotForSubmissions) {
  {
    ReserveFile reserve(path, gibibytes(10));
    ASSERT_TRUE(reserve.make().ok());
    ASSERT_TRUE(reserve.give_back());
  }
  options.min_free_disk = mebibytes(100);
  const DiskGuard guard(options, clock);
  const auto must_stay = mebibytes(100 + 4).value;
  EXPECT_NE(guard.explain(AppendRefusal::disk_low).find(std::to_string(must_stay) + " must stay free"),
            std::string::npos)
      << guard.explain(AppendRefusal::disk_low);
}

// Made at the very edge it would close the intake with the next few payloads.
TEST_F(ReserveFileTest, IsMadeOnlyWhereSomeMoreStaysFreeThanMust) {
  struct statvfs disk {};
  const auto must_stay = [&](ByteCount beside) {
    EXPECT_EQ(::statvfs(folder.c_str(), &disk), 0);
    return ByteCount{static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize - ReserveFile::largest.value -
                     beside.value};
  };
  options.min_free_disk = must_stay(mebibytes(8));
  DiskGuard(options, clock).tend_reserve();
  EXPECT_FALSE(std::filesystem::exists(path));
  options.min_free_disk = must_stay(mebibytes(24));
  DiskGuard(options, clock).tend_reserve();
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST_F(DiskTest, TheReserveIsMadeOnlyWhereEnoughStaysFree) {
  options.min_free_disk = gibibytes(1ull << 30);
  open();
  close();
  EXPECT_FALSE(std::filesystem::exists(folder / "journal.reserve"));
  options.min_free_disk = {0};
  open();
  append_ok(small("payload"));
  close();
  EXPECT_TRUE(std::filesystem::exists(folder / "journal.reserve"));
}

}  // namespace
}  // namespace relay
