// Progress: a thread that completes turns is well, one that doesn't is named, and a wait for the disk is told apart.
#include "base/thread_progress.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <thread>

namespace relay {
namespace {

using std::chrono::milliseconds;

std::optional<StalledThread> find(const std::string& name, milliseconds limit) {
  const auto stalled = stalled_threads(limit);
  const auto found = std::ranges::find(stalled, name, &StalledThread::name);
  return found == stalled.end() ? std::nullopt : std::optional(*found);
}

TEST(ThreadProgress, NamesAThreadFromItsLastTurnOn) {
  std::promise<void> listed;
  std::promise<void> turn;
  std::promise<void> turned;
  std::promise<void> end;
  std::thread worker([&] {
    ThreadProgress progress("worker-a");
    listed.set_value();
    turn.get_future().wait();
    progress.turn();
    turned.set_value();
    end.get_future().wait();
  });
  listed.get_future().wait();
  EXPECT_FALSE(find("worker-a", std::chrono::hours(1)));
  while (!find("worker-a", milliseconds(50))) std::this_thread::yield();
  const auto asked = std::chrono::steady_clock::now();
  turn.set_value();
  turned.get_future().wait();
  const auto after = find("worker-a", milliseconds(-1));
  ASSERT_TRUE(after);
  // Counted from the turn, which came after that moment.
  EXPECT_LE(after->since_turn, std::chrono::steady_clock::now() - asked);
  EXPECT_FALSE(after->in_disk_write);
  end.set_value();
  worker.join();
  EXPECT_FALSE(find("worker-a", milliseconds(-1))) << "a thread that has ended isn't stuck";
}

TEST(ThreadProgress, TellsAWaitForTheDiskFromAnotherStall) {
  std::promise<void> writing;
  std::promise<void> written;
  std::promise<void> out;
  std::promise<void> end;
  std::thread worker([&] {
    ThreadProgress progress("worker-b");
    {
      const ThreadProgress::DiskWrite disk_write;
      writing.set_value();
      written.get_future().wait();
    }
    out.set_value();
    end.get_future().wait();
  });
  writing.get_future().wait();
  const auto inside = find("worker-b", milliseconds(-1));
  ASSERT_TRUE(inside);
  EXPECT_TRUE(inside->in_disk_write);
  written.set_value();
  out.get_future().wait();
  EXPECT_FALSE(find("worker-b", milliseconds(-1))->in_disk_write);
  end.set_value();
  worker.join();
}

TEST(ThreadProgress, TellsWorkOnForeignFilesAndTakesStepsFromWithin) {
  std::promise<void> inside;
  std::promise<void> step;
  std::promise<void> stepped;
  std::promise<void> leave;
  std::promise<void> out;
  std::promise<void> end;
  std::thread worker([&] {
    ThreadProgress progress("worker-c");
    {
      const ThreadProgress::ForeignFiles foreign_files;
      inside.set_value();
      step.get_future().wait();
      ThreadProgress::step();
      stepped.set_value();
      leave.get_future().wait();
    }
    out.set_value();
    end.get_future().wait();
  });
  inside.get_future().wait();
  while (!find("worker-c", milliseconds(50))) std::this_thread::yield();
  EXPECT_TRUE(find("worker-c", milliseconds(50))->in_foreign_files);
  const auto asked = std::chrono::steady_clock::now();
  step.set_value();
  stepped.get_future().wait();
  EXPECT_LE(find("worker-c", milliseconds(-1))->since_turn, std::chrono::steady_clock::now() - asked);
  leave.set_value();
  out.get_future().wait();
  EXPECT_FALSE(find("worker-c", milliseconds(-1))->in_foreign_files);
  end.set_value();
  worker.join();
}

TEST(ThreadProgress, OfAThreadThatShowsNoneADiskWriteIsNothing) {
  const ThreadProgress::DiskWrite disk_write;
  const ThreadProgress::ForeignFiles foreign_files;
  ThreadProgress::step();
  EXPECT_FALSE(find("writer", milliseconds(-1)));
}

}  // namespace
}  // namespace relay
