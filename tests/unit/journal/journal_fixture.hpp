// A journal in a folder of its own, with a clock that stands still unless it is moved, and answers awaited.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "journal/journal.hpp"
#include "journal/verify.hpp"

namespace relay {

// Gives itself out for printing in a failed expectation.
inline void PrintTo(const Uuid& id, std::ostream* out) {
  *out << id.text();
}

class SettableClock : public Clock {
 public:
  WallTime wall_now() const override {
    const std::lock_guard lock(mutex_);
    return wall_;
  }
  MonotonicTime monotonic_now() const override {
    const std::lock_guard lock(mutex_);
    return monotonic_;
  }
  void advance(std::chrono::milliseconds by) {
    const std::lock_guard lock(mutex_);
    wall_ += by;
    monotonic_ += by;
  }
  // The wall clock alone, as an administrator or NTP does it.
  void set_wall(WallTime time) {
    const std::lock_guard lock(mutex_);
    wall_ = time;
  }

 private:
  mutable std::mutex mutex_;
  WallTime wall_{std::chrono::milliseconds(1'790'000'000'000)};
  MonotonicTime monotonic_{std::chrono::hours(1)};
};

class JournalTest : public testing::Test {
 protected:
  JournalTest() {
    std::string name = (std::filesystem::temp_directory_path() / "relay-journal-XXXXXX").string();
    folder = mkdtemp(name.data());
    options.path = (folder / "journal.db").string();
    options.min_free_disk = {0};
    options.destinations = {"cloud"};
  }
  ~JournalTest() override {
    journal.reset();
    std::filesystem::remove_all(folder);
  }

  void open() {
    auto opened = open_journal(options, clock);
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    journal = std::move(*opened);
  }
  void close() {
    journal->close();
    journal.reset();
  }
  void reopen() {
    close();
    open();
  }
  // Saves what was counted.
  void save_counts() {
    std::promise<void> saved;
    if (journal->save_counts([&] { saved.set_value(); })) saved.get_future().wait();
  }
  Result<void, SettleRefusal> begin(ClaimToken token, AttemptStart start) {
    std::promise<Result<void, SettleRefusal>> promise;
    auto future = promise.get_future();
    journal->begin_attempt(token, start, [&](Result<void, SettleRefusal> saved) { promise.set_value(saved); });
    return future.get();
  }

  Submission submission(const std::string& payload, const std::string& client = "lab.default") {
    Submission made;
    made.id = ids.next();
    made.client = client;
    made.content_type = "application/hl7-v2";
    made.size = {payload.size()};
    made.sha256 = sha256(payload);
    made.accepted_at = clock.wall_now();
    return made;
  }
  NewSubmission small(const std::string& payload, const std::string& client = "lab.default") {
    return {submission(payload, client), {"cloud"}, std::nullopt, payload};
  }

  std::future<Result<Appended, AppendRefusal>> append_later(NewSubmission made) {
    auto promise = std::make_shared<std::promise<Result<Appended, AppendRefusal>>>();
    auto future = promise->get_future();
    journal->append(std::move(made),
                    [promise](Result<Appended, AppendRefusal> result) { promise->set_value(std::move(result)); });
    return future;
  }
  Result<Appended, AppendRefusal> append(NewSubmission made) { return append_later(std::move(made)).get(); }
  SubmissionId append_ok(NewSubmission made) {
    auto result = append(std::move(made));
    EXPECT_TRUE(result.ok());
    return result.ok() ? result->view.submission.id : SubmissionId{};
  }
  Result<void, AppendRefusal> append_chunk(PayloadUpload& upload, std::string bytes) {
    std::promise<Result<void, AppendRefusal>> promise;
    auto future = promise.get_future();
    journal->append_chunk(upload, std::move(bytes),
                          [&promise](Result<void, AppendRefusal> result) { promise.set_value(std::move(result)); });
    return future.get();
  }
  std::unique_ptr<PayloadUpload> upload(const SubmissionId& id, const std::string& payload) {
    auto opened = journal->open_upload(id);
    for (std::size_t at = 0; at < payload.size(); at += payload_chunk_size.value) {
      EXPECT_TRUE(append_chunk(*opened, payload.substr(at, payload_chunk_size.value)).ok());
    }
    return opened;
  }
  NewSubmission large(const std::string& payload) {
    Submission made = submission(payload);
    auto chunks = upload(made.id, payload);
    return {std::move(made), {"cloud"}, std::nullopt, std::move(chunks)};
  }

  Result<void, SettleRefusal> settle(ClaimToken token, Settlement settlement) {
    std::promise<Result<void, SettleRefusal>> promise;
    auto future = promise.get_future();
    journal->settle(token, std::move(settlement),
                    [&promise](Result<void, SettleRefusal> result) { promise.set_value(std::move(result)); });
    return future.get();
  }
  AttemptRecord attempt(Outcome outcome) {
    AttemptRecord made;
    made.started_at = clock.wall_now();
    made.ended_at = clock.wall_now();
    made.outcome = outcome;
    made.counted = outcome != Outcome::broken;
    if (outcome != Outcome::accepted) made.error = DeliveryError{ErrorKind::unavailable, 503, "503 from there", "busy"};
    return made;
  }
  Settlement delivered(Receipt receipt = {{"message_id", "m-1"}}) {
    Settlement made;
    made.kind = Settlement::Kind::delivered;
    made.attempt = attempt(Outcome::accepted);
    made.attempt.receipt = std::move(receipt);
    return made;
  }
  Settlement refused() {
    Settlement made;
    made.kind = Settlement::Kind::dead_letter;
    made.attempt = attempt(Outcome::refused);
    made.attempt.error = DeliveryError{ErrorKind::refused, 422, "422 from there", "field MSH-9"};
    return made;
  }
  Settlement try_again(Outcome outcome, std::optional<WallTime> not_before = std::nullopt) {
    Settlement made;
    made.kind = Settlement::Kind::try_again;
    made.attempt = attempt(outcome);
    made.not_before = not_before;
    return made;
  }

  Claim claim_one(const std::string& destination = "cloud") {
    auto claims = journal->claim(destination, 1);
    EXPECT_EQ(claims.size(), 1u);
    return claims.empty() ? Claim{} : claims.front();
  }
  std::string read_all(PayloadSource& source, std::size_t step = 100'000) {
    std::string all;
    while (true) {
      auto piece = source.read(all.size(), step);
      EXPECT_TRUE(piece.ok()) << piece.error().message;
      if (!piece || piece->empty()) return all;
      all += *piece;
    }
  }
  SubmissionView view(const SubmissionId& id, bool with_history = false) {
    auto found = journal->find(id, with_history);
    EXPECT_TRUE(found.ok() && found->has_value());
    return found.ok() && found->has_value() ? (*found)->view : SubmissionView{};
  }
  DestinationTotals totals(const std::string& destination = "cloud") {
    return journal->snapshot()->destinations[destination];
  }
  static void expect_promise_7(const JournalSnapshot& snapshot) {
    for (const auto& [name, t] : snapshot.destinations) {
      EXPECT_EQ(t.accepted + t.moved_in, t.delivered + t.queued + t.dead_letter + t.discarded + t.moved_out) << name;
    }
  }

  std::vector<std::string> verify_findings(const std::string& path = "") {
    std::vector<std::string> findings;
    auto report = verify_journal(path.empty() ? options.path : path, "", [&](const VerifyFinding& finding) {
      findings.push_back(finding.code + " " + finding.submission + " " + finding.text);
    });
    if (!report) return {"can't be opened: " + report.error().message};
    for (const std::string& what : report->not_checked) findings.push_back("not checked: " + what);
    return findings;
  }
  // Every file of the folder with its bytes, but for SQLite's shared memory.
  std::map<std::string, std::string> files() const {
    std::map<std::string, std::string> contents;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      if (entry.path().extension() == ".db-shm") continue;
      std::ifstream in(entry.path(), std::ios::binary);
      std::stringstream bytes;
      bytes << in.rdbuf();
      contents[entry.path().filename().string()] = bytes.str();
    }
    return contents;
  }

  // Which files changed, appeared or went; never their bytes.
  static std::vector<std::string> changed_files(std::map<std::string, std::string> before,
                                                std::map<std::string, std::string> after) {
    std::vector<std::string> changed;
    for (const auto& [name, bytes] : before) {
      if (!after.contains(name) || after[name] != bytes) changed.push_back(name);
    }
    for (const auto& [name, bytes] : after) {
      if (!before.contains(name)) changed.push_back(name);
    }
    return changed;
  }

  std::filesystem::path folder;
  SettableClock clock;
  UuidGenerator ids{clock};
  JournalOptions options;
  std::unique_ptr<Journal> journal;
};

}  // namespace relay
