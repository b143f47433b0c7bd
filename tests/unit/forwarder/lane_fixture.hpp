// A lane between the real journal and a scripted destination, and a clock that the test moves.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "forwarder/lane.hpp"
#include "journal/journal.hpp"
#include "support/passing_time.hpp"
#include "support/scripted_destination.hpp"
#include "support/stepped_clock.hpp"

namespace relay {

class LaneTest : public testing::Test {
 protected:
  static constexpr auto name = "there";

  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "lane-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    settings_.name = name;
    settings_.concurrency = 4;
    settings_.backoff = {std::chrono::seconds(1), std::chrono::minutes(5), std::nullopt};
    open();
  }
  void TearDown() override {
    close();
    std::filesystem::remove_all(folder_);
  }

  void open() {
    JournalOptions options;
    options.path = (folder_ / "journal.db").string();
    options.allow_tmpfs = true;
    options.min_free_disk = mebibytes(1);
    options.max_backoff = settings_.backoff.max;
    options.destinations = {name};
    options.vfs = vfs_;
    auto opened = open_journal(options, clock_);
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    journal_ = std::move(opened.value());
  }
  void close() {
    lane_.reset();
    if (journal_) journal_->close();
    journal_.reset();
  }
  void start_lane(Jitter jitter = [] { return 0.5; }) {
    lane_ = std::make_unique<Lane>(*journal_, clock_, settings_, std::make_unique<ScriptedDestination>(script_),
                                   std::move(jitter));
  }
  void stop_lane(std::chrono::milliseconds grace = std::chrono::seconds(20)) {
    if (!lane_) return;
    lane_->stop_within(grace);
    lane_->join();
    lane_.reset();
  }

  SubmissionId submit(const std::string& client = "lab.a", const std::string& payload = "MSH|^~\\&|") {
    NewSubmission made;
    made.submission.id = ids_.next();
    made.submission.client = client;
    made.submission.content_type = "application/hl7-v2";
    made.submission.size = {payload.size()};
    made.submission.sha256 = sha256(payload);
    made.submission.accepted_at = clock_.wall_now();
    made.destinations = destinations_;
    made.payload = payload;
    made.order = order_;
    const SubmissionId id = made.submission.id;
    std::mutex mutex;
    std::condition_variable appended;
    std::optional<bool> ok;
    journal_->append(std::move(made), [&](Result<Appended, AppendRefusal> result) {
      const std::lock_guard lock(mutex);
      ok = result.ok();
      appended.notify_all();
    });
    std::unique_lock lock(mutex);
    appended.wait(lock, [&] { return ok.has_value(); });
    EXPECT_TRUE(*ok);
    return id;
  }
  DeliveryView delivery(const SubmissionId& id) {
    auto found = journal_->find(id, true);
    if (!found.ok() || !found.value()) {
      ADD_FAILURE() << "not found: " << id.text();
      return {};
    }
    return found.value()->view.deliveries.at(0);
  }
  DeliveryState state(const SubmissionId& id) { return delivery(id).state; }
  DestinationTotals totals() {
    auto snapshot = journal_->snapshot();
    EXPECT_TRUE(snapshot.ok());
    return snapshot->destinations[name];
  }
  DestinationCondition condition() { return journal_->conditions()[name]; }

  // Moves the clock and lets the lane see it.
  void pass(std::chrono::milliseconds time) {
    clock_.advance(time);
    script_->wake();
  }
  // Waits until it holds, without moving the clock; false after half a minute of real time.
  template <class Condition>
  bool await(Condition holds) {
    return await_condition(holds, [] {});
  }
  // The same while the clock runs on by `step` at each look.
  template <class Condition>
  bool await_passing(std::chrono::milliseconds step, Condition holds) {
    return await_condition(holds, [&] { pass(step); });
  }

  std::filesystem::path folder_;
  std::vector<std::string> destinations_ = {name};
  std::optional<DeliveryOrder> order_{};  // of what is submitted
  std::string vfs_;                       // below the journal; empty: the default
  SteppedClock clock_{WallTime{} + std::chrono::hours(24 * 365 * 56)};
  UuidGenerator ids_{clock_};
  DestinationSettings settings_;
  std::shared_ptr<DestinationScript> script_ = std::make_shared<DestinationScript>();
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<Lane> lane_;
};

}  // namespace relay
