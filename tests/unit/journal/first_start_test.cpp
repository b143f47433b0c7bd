// The first start of all, with the power cut at each of its operations on the disk: the next start makes a journal that
// is whole, and what that one takes is there after one more.
#include "journal/database.hpp"
#include "journal/lock_file.hpp"
#include "journal_fixture.hpp"
#include "support/lock_file_keeper.hpp"
#include "support/power_loss_disk.hpp"
#include "support/power_loss_vfs.hpp"

namespace relay {
namespace {

// More than a first start needs.
constexpr std::uint64_t operations_of_a_start = 70;

class FirstStartTest : public JournalTest, public testing::WithParamInterface<unsigned> {
 protected:
  // What is left of a first start that the power ended at its `n`th operation.
  std::shared_ptr<PowerLossDisk> cut_at(std::uint64_t n) {
    auto disk = std::make_shared<PowerLossDisk>();
    LockFileKeeper lock(LockFile::path_for(options.path));
    PowerLossVfs vfs(disk);
    options.vfs = vfs.name();
    disk->cut_power_at(n, [&lock](unsigned left) { lock.near_cut(left); });
    if (auto opened = open_journal(options, clock)) (*opened)->close();
    disk->cut_power();
    const bool before_last = lock.restore(random_);
    return disk->after_power_cut(random_, before_last);
  }

  std::mt19937_64 random_{GetParam()};
};

TEST_P(FirstStartTest, TheNextOneMakesAWholeJournal) {
  for (std::uint64_t n = 1; n <= operations_of_a_start; ++n) {
    SCOPED_TRACE("power cut at operation " + std::to_string(n));
    PowerLossVfs vfs(cut_at(n));
    options.vfs = vfs.name();
    open();
    const SubmissionId id = append_ok(small("payload"));
    reopen();
    EXPECT_EQ(Connection(options.path, Connection::Mode::read, options.vfs).text("PRAGMA journal_mode"), "wal");
    EXPECT_EQ(view(id).submission.id, id);
    journal.reset();
    std::filesystem::remove(LockFile::path_for(options.path));
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, FirstStartTest, testing::Range(1u, 4u));

}  // namespace
}  // namespace relay
