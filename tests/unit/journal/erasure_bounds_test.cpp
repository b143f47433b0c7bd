// What bounds and guards erasure and the disk's use, each shown by a test that fails without it: slices of a commit, a
// clock that is set in the middle of a slice, the WAL that a start finds or makes.
#include <sqlite3.h>

#include <atomic>
#include <fstream>
#include <random>

#include "journal_fixture.hpp"
#include "support/crash_gate.hpp"
#include "support/fault_vfs.hpp"
#include "support/power_loss_vfs.hpp"

namespace relay {
namespace {

constexpr std::chrono::hours day{24};

class ErasureBoundsTest : public JournalTest {
 protected:
  SubmissionId deliver(const std::string& payload) {
    const SubmissionId id = append_ok(small(payload));
    EXPECT_TRUE(settle(claim_one().token, delivered()).ok());
    return id;
  }
  bool is_erased(const SubmissionId& id) {
    auto source = journal->payload_of(id);
    if (!source) return true;
    const auto read = (*source)->read(0, 10);
    return !read && read.error().failure == PayloadFailure::erased;
  }
  void turn() { EXPECT_FALSE(settle(ClaimToken{1}, delivered()).ok()); }  // answered by a turn of the writer
};

// Whoever waits for an answer waits for two slices at most.
TEST_F(ErasureBoundsTest, ACommitErasesAQuarterOfAMebibyteOfPayloadsAtMost) {
  constexpr std::size_t payload = 60'000;
  constexpr std::uint64_t a_slice = 256 * 1024 / payload + 1;
  constexpr std::uint64_t submissions = 4 * a_slice;
  open();
  std::vector<SubmissionId> ids_of_all;
  for (std::uint64_t i = 0; i < submissions; ++i) ids_of_all.push_back(deliver(std::string(payload, 'x')));
  clock.advance(8 * day);
  std::size_t most_at_once = 0;
  std::size_t erased = 0;
  CommitNumber as_of = journal->snapshot()->as_of;
  for (int tries = 0; tries < 10'000 && erased < submissions; ++tries) {
    turn();
    const CommitNumber now = journal->snapshot()->as_of;
    const auto gone = static_cast<std::size_t>(
        std::count_if(ids_of_all.begin(), ids_of_all.end(), [this](const auto& id) { return is_erased(id); }));
    const CommitNumber behind = journal->snapshot()->as_of;
    // Everything between the two looks: so many commits, so much gone.
    const CommitNumber commits = std::max<CommitNumber>(behind - as_of, 1);
    most_at_once = std::max(most_at_once, (gone - erased + commits - 1) / commits);
    as_of = now;
    erased = gone;
    clock.advance(std::chrono::seconds(2));
  }
  EXPECT_EQ(erased, submissions);
  EXPECT_LE(most_at_once, a_slice);
}

// Goes ahead by a month at the n-th look at it.
class ClockSetInBetween : public Clock {
 public:
  explicit ClockSetInBetween(const SettableClock& right) : right_(right) {}
  WallTime wall_now() const override {
    if (looks_left_ > 0 && --looks_left_ == 0) ahead_ = 30 * day;
    return right_.wall_now() + ahead_.load();
  }
  MonotonicTime monotonic_now() const override { return right_.monotonic_now(); }
  void set_at(int look) { looks_left_ = look; }
  bool is_set() const { return ahead_.load() > std::chrono::hours(0); }

 private:
  const SettableClock& right_;
  mutable std::atomic<int> looks_left_{0};
  mutable std::atomic<std::chrono::hours> ahead_{std::chrono::hours(0)};
};

// Between the look that finds something due and the slice that erases it.
TEST_F(ErasureBoundsTest, AClockSetWithinASliceErasesNothingYoung) {
  constexpr int looks_of_a_turn = 12;
  for (int look = 1; look <= looks_of_a_turn; ++look) {
    std::filesystem::create_directory(folder / std::to_string(look));
    options.path = (folder / std::to_string(look) / "journal.db").string();
    ClockSetInBetween set(clock);
    auto opened = open_journal(options, set);
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    journal = std::move(*opened);
    deliver("old enough soon");
    clock.advance(7 * day - std::chrono::minutes(1));
    const SubmissionId young = deliver("delivered just now");
    clock.advance(std::chrono::minutes(2));
    set.set_at(look);
    for (int i = 0; i < 2 * looks_of_a_turn; ++i) {
      turn();
      clock.advance(std::chrono::seconds(2));
    }
    EXPECT_TRUE(set.is_set());
    EXPECT_FALSE(is_erased(young)) << "with the clock set at look " << look;
    close();
  }
}

class StartThatCanNotCommitTest : public JournalTest {
 protected:
  StartThatCanNotCommitTest() { options.allow_tmpfs = true; }
  std::string lock_text() const {
    std::ifstream in(folder / "journal.lock", std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
};

// A full disk lets a start commit nothing, yet journal.lock says "running" from then on: the WAL must be there for
// good.
TEST_F(StartThatCanNotCommitTest, LeavesAWalThatOutlastsThePower) {
  constexpr int cuts = 40;
  auto disk = std::make_shared<PowerLossDisk>();
  SubmissionId taken;
  {
    const PowerLossVfs vfs(disk);
    options.vfs = vfs.name();
    open();
    taken = append_ok(small("payload"));
    close();
  }
  const PowerLossVfs below(disk);
  FaultVfs full(below.name());
  options.vfs = full.name();
  full.plan({.operation = FaultyOperation::write, .nth = 1, .kind = Fault::Kind::disk_full, .from_then_on = true});
  open();
  EXPECT_GT(full.failures(), 0u);
  const std::string running = lock_text();
  ASSERT_NE(running.find("running"), std::string::npos) << running;
  disk->cut_power();
  journal->close();
  journal.reset();
  std::mt19937_64 random(4711);
  for (int cut = 0; cut < cuts; ++cut) {
    const PowerLossVfs left(disk->after_power_cut(random));
    options.vfs = left.name();
    std::ofstream(folder / "journal.lock", std::ios::binary | std::ios::trunc) << running;
    auto opened = open_journal(options, clock);
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    journal = std::move(*opened);
    EXPECT_EQ(view(taken).state, SubmissionState::queued);
    close();
  }
}

}  // namespace
}  // namespace relay
