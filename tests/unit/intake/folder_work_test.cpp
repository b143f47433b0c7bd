// The door's turns one by one, over a real receiver and journal, with a clock that the test moves.
#include "intake/folder_work.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "intake/folder_intake.hpp"
#include "support/stepped_clock.hpp"
#include "unit/intake/folder_fixture.hpp"
#include "unit/intake/intake_fixture.hpp"

namespace relay::test {
namespace {

using namespace std::chrono_literals;
using Names = std::vector<std::string>;

class FolderWorkTest : public IntakeTest {
 protected:
  FolderWorkTest() {
    settings.path = folder.path();
    settings.patterns = {"*.hl7"};
    settings.client = "lab.a";
    settings.settle = 5s;
  }
  ~FolderWorkTest() override { work.reset(); }

  // As a start of the relay does it.
  void start() {
    if (!journal_) open();
    stopping = false;
    trouble = std::make_unique<FolderTrouble>("outbox", clock);
    work = std::make_unique<FolderWork>(settings, *receiver_, *journal_, clock, *trouble, stopping);
  }
  void crash() {
    work.reset();
    journal_->close();
    journal_.reset();
    start();
  }
  FolderWork::Next turn() { return work->turn(watch); }
  // Long enough for a file to settle.
  void settle() {
    turn();
    clock.advance(5s);
    turn();
  }
  std::size_t submissions() {
    const auto page = journal_->list({});
    EXPECT_TRUE(page.ok());
    return page->submissions.size();
  }
  std::size_t notes() {
    const auto moves = journal_->pending_moves();
    EXPECT_TRUE(moves.ok());
    return moves->size();
  }
  std::string reason(const std::string& name) { return folder.content("failed/" + name + ".reason"); }
  Names done() {
    Names names;
    for (const std::string& file : folder.files()) {
      if (file.starts_with("done/")) names.push_back(file.substr(std::string("done/2026-11-24/").size()));
    }
    return names;
  }

  WatchedFolder folder;
  FolderSettings settings;
  SteppedClock clock{WallTime(std::chrono::sys_days(std::chrono::year(2026) / 11 / 24) + 12h)};
  std::atomic<bool> stopping = false;
  std::unique_ptr<FolderTrouble> trouble;
  FolderWatch watch;
  std::unique_ptr<FolderWork> work;
};

TEST_F(FolderWorkTest, ASettledFileIsTakenAndMoved) {
  start();
  folder.put("a.hl7", hl7);
  const auto next = turn();
  EXPECT_EQ(submissions(), 0U);
  EXPECT_LE(next.look_at, clock.monotonic_now() + 5s);
  clock.advance(5s);
  turn();
  EXPECT_EQ(submissions(), 1U);
  EXPECT_EQ(folder.files(), Names{"done/2026-11-24/a.hl7"});
  const Submission submission = journal_->list({})->submissions.at(0).submission;
  EXPECT_EQ(submission.intake, Intake::folder);
  EXPECT_EQ(submission.client, "lab.a");
  EXPECT_EQ(submission.payload_name, "a.hl7");
  EXPECT_EQ(kept_payload(submission.id), hl7);
  journal_->close();
  journal_.reset();
  open();
  EXPECT_EQ(notes(), 0U);
}

TEST_F(FolderWorkTest, LooksEveryMinuteWhateverEventsSay) {
  start();
  EXPECT_LE(turn().look_at, clock.monotonic_now() + 60s);
}

TEST_F(FolderWorkTest, ABatchOfMoreThanOneMoveComesInOrder) {
  settings.complete_when = FileCompleteWhen::renamed;
  start();
  for (int n = 0; n < 150; ++n) {
    const std::string name = std::to_string(1000 + n) + ".hl7";
    folder.put(name, hl7);
    std::filesystem::last_write_time(folder.path() / name,
                                     std::filesystem::file_time_type::clock::now() - std::chrono::minutes(200 - n));
  }
  turn();
  EXPECT_EQ(done().size(), 150U);
  SubmissionQuery all;
  all.limit = 500;
  const auto page = journal_->list(all);
  ASSERT_EQ(page->submissions.size(), 150U);
  for (int n = 0; n < 150; ++n) {
    EXPECT_EQ(page->submissions[static_cast<std::size_t>(149 - n)].submission.payload_name,
              std::to_string(1000 + n) + ".hl7");
  }
}

TEST_F(FolderWorkTest, AnEmptyFileFailsAfterAMinute) {
  start();
  folder.put("a.hl7", "");
  turn();
  clock.advance(59s);
  turn();
  EXPECT_TRUE(folder.has("a.hl7"));
  clock.advance(1s);
  turn();
  EXPECT_TRUE(reason("a.hl7").starts_with("empty_payload: "));
  crash();  // counters are saved with the next commit, or at the end
  EXPECT_EQ(counter("submissions_refused", {"folder", "empty_payload"}), 1U);
}

TEST_F(FolderWorkTest, AFileWithNulsWaitsTenMinutes) {
  start();
  folder.put("a.hl7", hl7 + std::string(10, '\0'));
  std::filesystem::last_write_time(folder.path() / "a.hl7", std::filesystem::file_time_type::clock::now());
  for (int n = 0; n < 12; ++n) {
    turn();
    clock.advance(49s);
  }
  EXPECT_TRUE(folder.has("a.hl7"));
  clock.advance(20s);
  turn();
  EXPECT_TRUE(reason("a.hl7").starts_with("invalid_payload: "));
  EXPECT_EQ(submissions(), 0U);
}

TEST_F(FolderWorkTest, ANulThatIsFilledMakesItComplete) {
  start();
  folder.put("a.hl7", hl7 + std::string(hl7.size(), '\0'));
  settle();
  EXPECT_EQ(submissions(), 0U);
  folder.put("a.hl7", hl7 + hl7);
  settle();
  EXPECT_EQ(submissions(), 1U);
  EXPECT_EQ(kept_payload(journal_->list({})->submissions.at(0).submission.id), hl7 + hl7);
}

TEST_F(FolderWorkTest, ANoteIsMetAfterACrashAndItsFileIsNotTakenAgain) {
  settings.complete_when = FileCompleteWhen::renamed;
  start();
  // A folder that can't be written keeps the file where it is, in the journal already.
  std::filesystem::create_directory(folder.beside() / "outside");
  std::filesystem::create_directory_symlink(folder.beside() / "outside", folder.path() / "done");
  folder.put("a.hl7", hl7);
  turn();
  EXPECT_EQ(submissions(), 1U);
  EXPECT_EQ(notes(), 1U);
  EXPECT_TRUE(trouble->now().has_value());
  folder.put("b.hl7", hl7);
  turn();
  EXPECT_EQ(submissions(), 1U) << "nothing more while what is taken can't be moved";
  crash();
  EXPECT_EQ(notes(), 1U);
  turn();
  EXPECT_EQ(submissions(), 1U);
  std::filesystem::remove(folder.path() / "done");
  turn();
  EXPECT_EQ(submissions(), 2U);
  EXPECT_EQ(done(), (Names{"a.hl7", "b.hl7"}));
  clock.advance(10s);
  turn();
  EXPECT_FALSE(trouble->now().has_value());
}

TEST_F(FolderWorkTest, AShareThatIsNotMountedLosesNoNote) {
  settings.complete_when = FileCompleteWhen::renamed;
  start();
  std::filesystem::create_symlink("nowhere", folder.path() / "done");
  folder.put("a.hl7", hl7);
  turn();
  EXPECT_EQ(notes(), 1U);
  std::filesystem::rename(folder.path(), folder.beside() / "unmounted");
  std::filesystem::create_directory(folder.path());
  crash();
  turn();
  EXPECT_EQ(notes(), 1U);
  folder.put("b.hl7", hl7);
  turn();
  EXPECT_EQ(submissions(), 2U) << "what comes meanwhile is taken";
  std::filesystem::remove_all(folder.path());
  std::filesystem::rename(folder.beside() / "unmounted", folder.path());
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    if (entry.path().filename() == "done") std::filesystem::remove(entry.path());
  }
  turn();
  EXPECT_EQ(submissions(), 2U);
  EXPECT_EQ(done(), Names{"a.hl7"});
}

TEST_F(FolderWorkTest, AFullJournalLeavesFilesAndTriesAgainSoon) {
  settings.complete_when = FileCompleteWhen::renamed;
  start();
  receiver_->stop();
  folder.put("a.hl7", hl7);
  folder.put("bad.hl7", "nonsense");
  const auto next = turn();
  EXPECT_LE(next.look_at, clock.monotonic_now() + 5s);
  EXPECT_EQ(folder.files(), (Names{"a.hl7", "bad.hl7"}));
  crash();  // counters are saved with the next commit, or at the end
  EXPECT_EQ(counter("submissions_refused", {"folder", "stopping"}), 1U) << "one is enough to know";
}

TEST_F(FolderWorkTest, StoppingBeginsNoFurtherFile) {
  settings.complete_when = FileCompleteWhen::renamed;
  start();
  folder.put("a.hl7", hl7);
  stopping = true;
  turn();
  EXPECT_EQ(folder.files(), Names{"a.hl7"});
}

TEST_F(FolderWorkTest, DoneFilesGoWhenTheirTimeHasCome) {
  settings.keep_done = 48h;
  start();
  folder.put("done/2026-11-21/old.hl7", "x");
  folder.put("done/2026-11-22/old.hl7", "x");  // until the end of that day, at the latest, it may have been put there
  folder.put("done/2026-11-23/new.hl7", "x");
  folder.put("done/elsewhere/old.hl7", "x");
  turn();
  EXPECT_EQ(folder.files(), (Names{"done/2026-11-22/old.hl7", "done/2026-11-23/new.hl7", "done/elsewhere/old.hl7"}));
  EXPECT_FALSE(folder.has("done/2026-11-21"));
  clock.advance(13h);
  turn();
  EXPECT_EQ(folder.files(), (Names{"done/2026-11-23/new.hl7", "done/elsewhere/old.hl7"}));
}

TEST_F(FolderWorkTest, NamesThatAreNoTextAreShownAsText) {
  settings.complete_when = FileCompleteWhen::renamed;
  start();
  folder.put("d\xE4\n.hl7", hl7);
  turn();
  EXPECT_EQ(journal_->list({})->submissions.at(0).submission.payload_name, "d\xC3\xA4_.hl7");
  EXPECT_EQ(done(), Names{"d\xE4\n.hl7"});
}

// ---- with its thread ----

TEST_F(FolderWorkTest, TheDoorTakesWhatComesAndStopsInGoodOrder) {
  open();
  settings.complete_when = FileCompleteWhen::renamed;
  FolderIntake door(settings, "folder-0", *receiver_, *journal_, clock);
  ASSERT_TRUE(door.start().ok());
  for (int n = 0; n < 20; ++n) folder.replace(std::to_string(n) + ".hl7", hl7);
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  while (done().size() < 20 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_EQ(done().size(), 20U);
  std::promise<void> drained;
  door.stop([&] { drained.set_value(); });
  drained.get_future().wait();
  EXPECT_EQ(submissions(), 20U);
  while (notes() > 0 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_EQ(notes(), 0U);
  door.stop({});
}

TEST_F(FolderWorkTest, ADoorThatNeverStartedIsDrainedAtOnce) {
  open();
  FolderIntake door(settings, "folder-0", *receiver_, *journal_, clock);
  bool drained = false;
  door.stop([&] { drained = true; });
  EXPECT_TRUE(drained);
}

}  // namespace
}  // namespace relay::test
