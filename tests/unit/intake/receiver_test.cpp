#include "intake/receiver.hpp"

#include "unit/intake/intake_fixture.hpp"

namespace relay::test {
namespace {

using ReceiverTest = IntakeTest;

std::string pattern(std::size_t size) {
  std::string bytes = hl7;
  while (bytes.size() < size) bytes.push_back(static_cast<char>(bytes.size() * 37 % 253));
  bytes.resize(size);
  return bytes;
}

TEST_F(ReceiverTest, KeepsTheBytesOfEverySizeAroundItsLimits) {
  open();
  for (const std::size_t size :
       {std::size_t{60}, std::size_t{65'535}, std::size_t{65'536}, std::size_t{65'537}, std::size_t{262'143},
        std::size_t{262'144}, std::size_t{262'145}, std::size_t{524'288}, std::size_t{1'000'001}}) {
    const std::string payload = pattern(size);
    for (const std::size_t piece : {std::size_t{4'096}, std::size_t{700'000}}) {
      const auto taken = submit(arrival("archive.a"), payload, piece);
      ASSERT_TRUE(taken.ok()) << size << ": " << taken.error().detail;
      const Submission& submission = taken->view.submission;
      EXPECT_EQ(submission.size, ByteCount{size});
      EXPECT_EQ(submission.sha256, sha256(payload));
      EXPECT_TRUE(kept_payload(submission.id) == payload) << size;
    }
  }
}

TEST_F(ReceiverTest, MakesADeliveryForEachDestinationOfTheFirstRouteThatMatches) {
  open();
  const auto taken = submit(arrival("small.a"), hl7);
  ASSERT_TRUE(taken.ok());
  ASSERT_EQ(taken->view.deliveries.size(), 2U);
  EXPECT_EQ(taken->view.deliveries[0].destination, "archive");
  EXPECT_EQ(taken->view.deliveries[1].destination, "small");
  EXPECT_EQ(taken->view.state, SubmissionState::queued);
}

TEST_F(ReceiverTest, RefusesInTheContractsOrder) {
  open({"lab.*", "small.*", "other"});
  receiver_->stop();
  Arrival all_wrong;
  all_wrong.client = "evil";
  all_wrong.declared_size = ByteCount{100'000'000};
  EXPECT_EQ(refusal(all_wrong), ProblemName::client_not_allowed);
  all_wrong.client = "other";
  EXPECT_EQ(refusal(all_wrong), ProblemName::content_type_missing);
  all_wrong.content_type = MediaType{"image/png", ""};
  EXPECT_EQ(refusal(all_wrong), ProblemName::content_type_not_taken);
  all_wrong.content_type = MediaType{"application/xml", ""};
  all_wrong.content_coding = "br";
  EXPECT_EQ(refusal(all_wrong), ProblemName::content_type_not_taken);
  all_wrong.content_coding = "gzip";
  EXPECT_EQ(refusal(all_wrong), ProblemName::no_route);
  all_wrong.client = "lab.a";
  EXPECT_EQ(refusal(all_wrong), ProblemName::content_type_not_taken) << "by the route's destination";
  all_wrong.content_type = MediaType{"application/hl7-v2", ""};
  EXPECT_EQ(refusal(all_wrong), ProblemName::payload_too_large);
  all_wrong.declared_size = ByteCount{1001};
  EXPECT_EQ(refusal(all_wrong), ProblemName::stopping);
  all_wrong.client = "small.a";
  EXPECT_EQ(refusal(all_wrong), ProblemName::payload_too_large) << "by the route's destination";
}

TEST_F(ReceiverTest, GoesByAnotherConfigurationFromThenOnAndEndsWhatIsUnderWay) {
  open();
  auto under_way = receiver_->admit(arrival("lab.a"));
  ASSERT_TRUE(under_way.ok());
  IntakeSettings changed = settings_;
  changed.content_types = {"text/csv"};
  changed.max_payload = ByteCount{100};
  receiver_->change(changed, {"new.*"}, RouteTable({}, {"archive"}, {{"archive", {}}}));
  EXPECT_EQ(refusal(arrival("lab.a")), ProblemName::client_not_allowed);
  EXPECT_EQ(refusal(arrival("new.a")), ProblemName::content_type_not_taken);
  EXPECT_EQ(submit(arrival("new.a", "text/csv"), std::string(101, 'x')).error().name, ProblemName::payload_too_large);
  EXPECT_TRUE(submit(arrival("new.a", "text/csv"), "a,b\n").ok());

  ASSERT_TRUE(write(**under_way, hl7).ok());
  std::promise<Result<Appended, RequestProblem>> durable;
  (*under_way)->finish([&](auto result) { durable.set_value(std::move(result)); });
  const auto taken = durable.get_future().get();
  ASSERT_TRUE(taken.ok());
  EXPECT_EQ(taken->view.deliveries.at(0).destination, "reportstream");
}

TEST_F(ReceiverTest, AsksNoListOfClientsOfTheOperatorsSocket) {
  open({"archive.*"});
  Arrival from = arrival("lab.a");
  EXPECT_EQ(refusal(from), ProblemName::client_not_allowed);
  from.any_client = true;
  EXPECT_EQ(refusal(from), std::nullopt);
}

TEST_F(ReceiverTest, NamesTheTypesThatWouldBeTaken) {
  open();
  const auto field = [](const auto& admitted, std::string_view name) {
    for (const auto& [given, value] : admitted.error().fields) {
      if (given == name) return value;
    }
    return std::string();
  };
  EXPECT_EQ(field(receiver_->admit(arrival("lab.a", "text/csv")), "Accept-Post"),
            "application/hl7-v2, application/fhir+ndjson");
  EXPECT_EQ(field(receiver_->admit(arrival("lab.a", "image/png")), "Accept-Post"),
            "application/hl7-v2, application/fhir+ndjson, application/fhir+json, text/csv, application/xml, "
            "application/octet-stream");
  Arrival coded = arrival();
  coded.content_coding = "deflate";
  EXPECT_EQ(field(receiver_->admit(coded), "Accept-Encoding"), "gzip");
}

TEST_F(ReceiverTest, StopsAPayloadOfUnknownSizeAtTheLimitOfItsRoute) {
  open();
  EXPECT_EQ(submit(arrival("small.a"), pattern(1001)).error().name, ProblemName::payload_too_large);
  EXPECT_EQ(submit(arrival("archive.a"), pattern(3'000'001)).error().name, ProblemName::payload_too_large);
  EXPECT_TRUE(submit(arrival("small.a"), pattern(1000)).ok());
  EXPECT_EQ(accepted("small"), 1U);
}

TEST_F(ReceiverTest, ChecksEmptyDigestAndValidationInThatOrder) {
  open();
  Arrival from = arrival();
  from.content_digest = sha256("another");
  EXPECT_EQ(submit(from, "").error().name, ProblemName::empty_payload);
  EXPECT_EQ(submit(from, "no MSH").error().name, ProblemName::digest_mismatch);
  from.content_digest = sha256("no MSH");
  EXPECT_EQ(submit(from, "no MSH").error().name, ProblemName::invalid_payload);
  from.content_digest = sha256(hl7);
  EXPECT_TRUE(submit(from, hl7).ok());
  EXPECT_EQ(accepted("reportstream"), 1U);
}

TEST_F(ReceiverTest, ChecksTheDigestOfAnInvalidPayloadThatIsNotKept) {
  open();
  const std::string invalid = std::string(1'000'000, 'x');
  Arrival from = arrival();
  from.content_digest = sha256(invalid);
  EXPECT_EQ(submit(from, invalid).error().name, ProblemName::invalid_payload);
  from.content_digest = sha256("another");
  EXPECT_EQ(submit(from, invalid).error().name, ProblemName::digest_mismatch);
}

TEST_F(ReceiverTest, ValidatesByItselfOnlyWhatReachesReportStream) {
  open();
  EXPECT_TRUE(submit(arrival("archive.a"), "no MSH").ok());
  EXPECT_FALSE(submit(arrival("lab.a"), "no MSH").ok());
}

TEST_F(ReceiverTest, ValidatesAllOrNothingWhereItIsToldTo) {
  settings_.validate = Validation::off;
  open();
  EXPECT_TRUE(submit(arrival("lab.a"), "no MSH").ok());
  settings_.validate = Validation::envelope;
  receiver_ = std::make_unique<Receiver>(settings_, std::vector<std::string>(), RouteTable({}, {"archive"}, {}),
                                         *journal_, system_clock());
  EXPECT_FALSE(submit(arrival("archive.a"), "no MSH").ok());
  EXPECT_TRUE(submit(arrival("archive.a", "application/xml"), "no MSH").ok());
}

TEST_F(ReceiverTest, AnswersARepeatWithTheFirstSubmissionAndCountsIt) {
  open();
  for (const std::size_t size : {std::size_t{100}, std::size_t{400'000}}) {
    Arrival from = arrival();
    from.idempotency_key = "key-" + std::to_string(size);
    const auto first = submit(from, pattern(size));
    const auto again = submit(from, pattern(size));
    ASSERT_TRUE(first.ok() && again.ok());
    EXPECT_FALSE(first->replayed);
    EXPECT_TRUE(again->replayed);
    EXPECT_EQ(again->view.submission.id, first->view.submission.id);
    EXPECT_EQ(again->view.repeats, 1U);
  }
  EXPECT_EQ(accepted("reportstream"), 2U);
  ASSERT_TRUE(submit(arrival(), hl7).ok());  // a commit carries the counters
  EXPECT_EQ(counter("repeats_absorbed", {"http"}), 2U);
}

TEST_F(ReceiverTest, RefusesAKeyWithAnotherPayloadOrTypeButNotOfAnotherClient) {
  open();
  Arrival from = arrival("archive.a");
  from.idempotency_key = "key";
  ASSERT_TRUE(submit(from, hl7).ok());
  EXPECT_EQ(submit(from, hl7 + "PV1|1\r").error().name, ProblemName::idempotency_conflict);
  from.content_type->type = "application/xml";
  EXPECT_EQ(submit(from, hl7).error().name, ProblemName::idempotency_conflict);
  Arrival other = arrival("archive.b");
  other.idempotency_key = "key";
  EXPECT_TRUE(submit(other, hl7 + "PV1|1\r").ok());
}

TEST_F(ReceiverTest, BoundsWhatArrivingPayloadsHoldAndGivesItBack) {
  settings_.memory = kibibytes(128);
  open();
  Arrival from = arrival();
  from.declared_size = kibibytes(60);
  auto first = receiver_->admit(from);
  auto second = receiver_->admit(from);
  ASSERT_TRUE(first.ok() && second.ok());
  const auto third = receiver_->admit(from);
  ASSERT_FALSE(third.ok());
  EXPECT_EQ(third.error().name, ProblemName::memory_full);
  EXPECT_GE(third.error().retry_after.value_or(std::chrono::seconds(0)).count(), 1);
  std::move(first).value().reset();
  EXPECT_TRUE(submit(from, hl7).ok());
}

TEST_F(ReceiverTest, BoundsAPayloadOfUnknownSizeWhileItComes) {
  settings_.memory = kibibytes(128);
  open();
  Arrival known = arrival();
  known.declared_size = kibibytes(100);
  const auto holder = receiver_->admit(known);
  ASSERT_TRUE(holder.ok());
  EXPECT_EQ(submit(arrival(), pattern(40'000), 4'000).error().name, ProblemName::memory_full);
  EXPECT_TRUE(submit(arrival(), pattern(20'000), 4'000).ok());
}

TEST_F(ReceiverTest, TakesALargePayloadWithLittleMemory) {
  settings_.memory = kibibytes(64);
  open();
  EXPECT_TRUE(submit(arrival(), pattern(2'000'000)).ok());
}

TEST_F(ReceiverTest, LeavesNothingBehindOfAPayloadThatIsGivenUp) {
  open();
  {
    auto admitted = receiver_->admit(arrival());
    ASSERT_TRUE(admitted.ok());
    const std::string half = pattern(600'000);
    ASSERT_TRUE(write(**admitted, half).ok());
  }
  ASSERT_TRUE(submit(arrival(), hl7).ok());
  EXPECT_EQ(accepted("reportstream"), 1U);
}

TEST_F(ReceiverTest, CountsRefusalsByReason) {
  open();
  refusal(arrival("nobody"));
  refusal(arrival("nobody"));
  ASSERT_FALSE(submit(arrival(), "no MSH").ok());
  ASSERT_FALSE(submit(arrival(), "").ok());
  receiver_->count_refusal(Intake::submit, ProblemName::malformed_request);
  ASSERT_TRUE(submit(arrival(), hl7).ok());  // a commit carries the counters
  EXPECT_EQ(counter("submissions_refused", {"http", "no_route"}), 2U);
  EXPECT_EQ(counter("submissions_refused", {"http", "invalid_payload"}), 1U);
  EXPECT_EQ(counter("submissions_refused", {"http", "empty_payload"}), 1U);
  EXPECT_EQ(counter("submissions_refused", {"submit", "malformed_request"}), 1U);
}

TEST_F(ReceiverTest, SaysWhenTheJournalIsFull) {
  max_journal_ = mebibytes(1);
  open();
  std::optional<RequestProblem> problem;
  for (int i = 0; i < 100 && !problem; ++i) {
    const auto taken = submit(arrival(), pattern(60'000));
    if (!taken) problem = taken.error();
  }
  ASSERT_TRUE(problem);
  EXPECT_EQ(problem->name, ProblemName::journal_full);
  EXPECT_TRUE(problem->retry_after);
}

TEST_F(ReceiverTest, SaysThatItStopsWhereTheJournalStopsInTheMiddle) {
  open();
  auto admitted = receiver_->admit(arrival());
  ASSERT_TRUE(admitted.ok());
  ASSERT_TRUE(write(**admitted, hl7).ok());
  journal_->stop_appends();
  std::promise<Result<Appended, RequestProblem>> durable;
  (*admitted)->finish([&](auto result) { durable.set_value(std::move(result)); });
  const auto result = durable.get_future().get();
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().name, ProblemName::stopping);
}

}  // namespace
}  // namespace relay::test
