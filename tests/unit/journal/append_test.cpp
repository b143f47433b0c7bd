// What is appended is there, once, with its bytes; and stays there.
#include <thread>

#include "journal_fixture.hpp"

namespace relay {
namespace {

using AppendTest = JournalTest;

TEST_F(AppendTest, AnAppendedSubmissionIsFoundWithEverythingItCameWith) {
  open();
  NewSubmission made = small("MSH|^~\\&|");
  made.submission.content_type_parameters = "charset=utf-8";
  made.submission.payload_name = "results.hl7";
  made.submission.query_parameters = "processing=async&allowDuplicate=true";
  made.submission.intake = Intake::submit;
  made.destinations = {"cloud", "archive"};
  const Submission before = made.submission;
  const auto appended = append(std::move(made));
  ASSERT_TRUE(appended.ok());
  EXPECT_FALSE(appended->replayed);
  for (const SubmissionView& shown : {appended->view, view(before.id, true)}) {
    EXPECT_EQ(shown.submission.id, before.id);
    EXPECT_EQ(shown.submission.client, "lab.default");
    EXPECT_EQ(shown.submission.content_type, "application/hl7-v2");
    EXPECT_EQ(shown.submission.content_type_parameters, "charset=utf-8");
    EXPECT_EQ(shown.submission.payload_name, "results.hl7");
    EXPECT_EQ(shown.submission.query_parameters, "processing=async&allowDuplicate=true");
    EXPECT_EQ(shown.submission.intake, Intake::submit);
    EXPECT_EQ(shown.submission.size.value, 9u);
    EXPECT_EQ(shown.submission.sha256, before.sha256);
    EXPECT_EQ(shown.submission.accepted_at, before.accepted_at);
    EXPECT_EQ(shown.state, SubmissionState::queued);
    ASSERT_EQ(shown.deliveries.size(), 2u);
    EXPECT_EQ(shown.deliveries[0].destination, "cloud");
    EXPECT_EQ(shown.deliveries[1].destination, "archive");
    EXPECT_EQ(shown.deliveries[0].attempts, 0u);
    EXPECT_FALSE(shown.deliveries[0].last_error.has_value());
    EXPECT_FALSE(shown.deliveries[0].next_attempt_at.has_value());
  }
  EXPECT_FALSE(journal->find(ids.next(), false)->has_value());
}

TEST_F(AppendTest, WhatWasAnsweredIsThereAfterACleanEndAndANewStart) {
  open();
  const SubmissionId id = append_ok(small("payload"));
  reopen();
  EXPECT_EQ(view(id).state, SubmissionState::queued);
  EXPECT_EQ(read_all(*journal->payload(claim_one())), "payload");
}

TEST_F(AppendTest, PayloadsOfEveryShapeComeBackByteForByte) {
  open();
  std::string all_bytes;
  for (int i = 0; i < 256; ++i) all_bytes.push_back(static_cast<char>(i));
  for (const std::string& payload :
       {std::string("\0\r\n\x1c", 4), all_bytes, std::string(inline_payload_limit.value, '\xff'), std::string()}) {
    const SubmissionId id = append_ok(small(payload));
    EXPECT_EQ(read_all(**journal->payload_of(id)), payload);
  }
}

TEST_F(AppendTest, APayloadThatDoesntFitItsSubmissionIsABugOfTheCaller) {
  open();
  NewSubmission made = small("payload");
  made.submission.size = {3};
  EXPECT_THROW(journal->append(std::move(made), [](auto) {}), std::invalid_argument);
  EXPECT_THROW(journal->append(small(std::string(inline_payload_limit.value + 1, 'x')), [](auto) {}),
               std::invalid_argument);
  NewSubmission nowhere = small("payload");
  nowhere.destinations.clear();
  EXPECT_THROW(journal->append(std::move(nowhere), [](auto) {}), std::invalid_argument);
}

TEST_F(AppendTest, AnIdThatIsThereAlreadyIsRefusedAndHurtsNobodyInTheSameBatch) {
  open();
  NewSubmission first = small("first");
  NewSubmission second = small("second");
  second.submission.id = first.submission.id;
  const SubmissionId third_id = ids.next();
  NewSubmission third = small("third");
  third.submission.id = third_id;
  auto one = append_later(std::move(first));
  auto two = append_later(std::move(second));
  auto three = append_later(std::move(third));
  EXPECT_TRUE(one.get().ok());
  EXPECT_FALSE(two.get().ok());
  EXPECT_TRUE(three.get().ok());
  EXPECT_EQ(totals().accepted, 2u);
  EXPECT_EQ(verify_findings(), std::vector<std::string>());
}

TEST_F(AppendTest, ManyThreadsAppendAtOnceAndEachIsAnsweredOnce) {
  open();
  std::vector<std::thread> threads;
  std::atomic<int> answered{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) {
        if (append(small("payload " + std::to_string(i))).ok()) ++answered;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(answered, 400);
  auto snapshot = journal->snapshot();
  EXPECT_EQ(snapshot->destinations["cloud"].accepted, 400u);
  EXPECT_EQ(snapshot->destinations["cloud"].queued, 400u);
  EXPECT_EQ(snapshot->accepted_by_intake[Intake::http], 400u);
  expect_promise_7(*snapshot);
}

TEST_F(AppendTest, AfterStopAppendsNothingIsTakenButSettlementsGoThrough) {
  open();
  append_ok(small("payload"));
  const Claim claim = claim_one();
  journal->stop_appends();
  EXPECT_EQ(journal->admission({1}), AppendRefusal::stopping);
  const auto late = append(small("late"));
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error(), AppendRefusal::stopping);
  EXPECT_TRUE(settle(claim.token, delivered()).ok());
  EXPECT_EQ(totals().delivered, 1u);
}

}  // namespace
}  // namespace relay
