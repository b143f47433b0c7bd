#include "intake/submission_json.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "intake/problem.hpp"

namespace relay {
namespace {

SubmissionView example() {
  SubmissionView view;
  view.submission.id = *Uuid::parse("01935e3a-9b00-7000-8000-000000000001");
  view.submission.client = "lab.default";
  view.submission.content_type = "application/hl7-v2";
  view.submission.payload_name = "SECRET.hl7";
  view.submission.size = ByteCount{3};
  view.submission.sha256 = sha256("abc");
  view.submission.accepted_at = *parse_rfc3339("2026-11-24T18:00:00.123Z");
  DeliveryView delivery;
  delivery.destination = "reportstream";
  delivery.attempts = 2;
  delivery.last_attempt_at = *parse_rfc3339("2026-11-24T18:00:01Z");
  delivery.next_attempt_at = *parse_rfc3339("2026-11-24T18:00:09.5Z");
  DeliveryError error;
  error.kind = ErrorKind::unavailable;
  error.status = 503;
  error.message = "the queue answered 503";
  error.remote_text = "SECRET";
  delivery.last_error = error;
  delivery.resends = 1;
  AttemptRecord attempt;
  attempt.number = 1;
  attempt.started_at = *parse_rfc3339("2026-11-24T18:00:00.5Z");
  attempt.ended_at = *parse_rfc3339("2026-11-24T18:00:01Z");
  attempt.outcome = Outcome::try_later;
  attempt.error = error;
  delivery.history.push_back(attempt);
  view.deliveries.push_back(delivery);
  DeliveryView done;
  done.destination = "archive";
  done.state = DeliveryState::delivered;
  done.attempts = 1;
  done.delivered_at = *parse_rfc3339("2026-11-24T18:00:02Z");
  done.receipt = {{"path", "/a/b.hl7"}};
  view.deliveries.push_back(done);
  return view;
}

TEST(SubmissionJson, IsTheContractsForAnUnauthenticatedReader) {
  EXPECT_EQ(
      submission_json(example(), {}),
      R"({"id":"01935e3a-9b00-7000-8000-000000000001","state":"queued","client":"lab.default",)"
      R"("content_type":"application/hl7-v2","payload_name":null,"intake":"http","size":3,)"
      R"("sha256":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",)"
      R"("accepted_at":"2026-11-24T18:00:00.123Z","repeats":0,"deliveries":[)"
      R"({"destination":"reportstream","state":"queued","attempts":2,"last_attempt_at":"2026-11-24T18:00:01.000Z",)"
      R"("next_attempt_at":"2026-11-24T18:00:09.500Z",)"
      R"("last_error":{"kind":"unavailable","status":503,"message":"the queue answered 503"},)"
      R"("delivered_at":null,"confirmation":"none","receipt":{}},)"
      R"({"destination":"archive","state":"delivered","attempts":1,"last_attempt_at":null,"next_attempt_at":null,)"
      R"("last_error":null,"delivered_at":"2026-11-24T18:00:02.000Z","confirmation":"none",)"
      R"("receipt":{"path":"/a/b.hl7"}}]})");
}

TEST(SubmissionJson, ShowsNamesRemoteTextsAndHistoryWhereAllowed) {
  SubmissionJsonOptions options;
  options.payload_name = true;
  options.remote_text = true;
  options.history = true;
  options.receipt = false;
  const auto json = boost::json::parse(submission_json(example(), options));
  EXPECT_EQ(json.at("payload_name"), "SECRET.hl7");
  const auto& delivery = json.at("deliveries").as_array().at(0).as_object();
  EXPECT_FALSE(delivery.contains("receipt"));
  EXPECT_EQ(delivery.at("last_error").at("remote_text"), "SECRET");
  EXPECT_EQ(boost::json::serialize(delivery.at("history")),
            R"([{"number":1,"started_at":"2026-11-24T18:00:00.500Z","ended_at":"2026-11-24T18:00:01.000Z",)"
            R"("outcome":"try_later","counted":true,)"
            R"("error":{"kind":"unavailable","status":503,"message":"the queue answered 503","remote_text":"SECRET"},)"
            R"("receipt":{}}])");
}

TEST(Problem, HasTheContractsShape) {
  EXPECT_EQ(problem_json({ProblemName::no_route, "No route."}),
            R"({"type":"urn:edge-relay:problem:no_route","title":"No route takes this submission","status":422,)"
            R"("detail":"No route."})");
}

TEST(Problem, EveryNameHasItsStatus) {
  EXPECT_EQ(all_problem_names().size(), 26U);
  for (const ProblemName name : all_problem_names()) {
    EXPECT_FALSE(problem_name(name).empty());
    EXPECT_GE(problem_status(name), 400U);
  }
  EXPECT_EQ(problem_status(ProblemName::foreign_host), 403U);
  EXPECT_EQ(problem_status(ProblemName::wrong_state), 409U);
  EXPECT_EQ(problem_status(ProblemName::headers_too_large), 431U);
}

}  // namespace
}  // namespace relay
