// Answers of S3 that only a close look tells apart; functional tests go through the table itself.
#include <gtest/gtest.h>

#include "destinations/s3_answers.hpp"

namespace relay {
namespace {

HttpClientResponse response(unsigned status, std::string body,
                            std::vector<std::pair<std::string, std::string>> headers = {}) {
  return {status, std::move(headers), std::move(body), false};
}

const S3AnswerContext context{"reports", *parse_rfc3339("2026-11-24T18:00:00Z")};

TEST(S3Answers, OnlyTheServicesOwnSuccessIsAccepted) {
  EXPECT_EQ(classify_s3_answer(context, response(200, "", {{"etag", "\"1\""}})).outcome, Outcome::accepted);
  for (const auto& other : {response(200, ""), response(201, "", {{"etag", "\"1\""}}),
                            response(200, "<html>", {{"etag", "\"1\""}, {"content-type", "text/html"}}),
                            response(200, "<Error><Code>InternalError</Code></Error>", {{"etag", "\"1\""}})}) {
    EXPECT_NE(classify_s3_answer(context, other).outcome, Outcome::accepted) << other.body;
  }
}

TEST(S3Answers, ATokenInAnErrorsBodyIsNotKept) {
  const auto result = classify_s3_answer(
      context, response(403,
                        "<Error><Code>SignatureDoesNotMatch</Code><Message>Does not match</Message>"
                        "<CanonicalRequest>x-amz-security-token:hunter2</CanonicalRequest></Error>"));
  EXPECT_EQ(result.error->remote_text, "Does not match");
  EXPECT_EQ(result.error->message.find("Does not match"), std::string::npos);
}

TEST(S3Answers, ACodeIsShortAndPlainOrNone) {
  EXPECT_EQ(s3_error_code(response(400, "<Error><Code>KMS.DisabledException</Code></Error>")), "KMS.DisabledException");
  EXPECT_EQ(s3_error_code(response(400, "<Error><Code>a b</Code></Error>")), "");
  EXPECT_EQ(s3_error_code(response(400, "<Error><Code>" + std::string(65, 'a') + "</Code></Error>")), "");
  EXPECT_EQ(s3_error_code(response(400, std::string(9000, ' ') + "<Code>Late</Code>")), "");
  EXPECT_EQ(s3_error_code(response(400, "")), "");
}

TEST(S3Answers, AHeadTellsOursFromOthers) {
  const auto object = [](const std::string& id) {
    return response(200, "", {{"etag", "\"1\""}, {"x-amz-meta-edge-relay-id", id}});
  };
  EXPECT_EQ(found_by_head(object("id-1"), "id-1"), S3Object::ours);
  EXPECT_EQ(found_by_head(object("id-2"), "id-1"), S3Object::another);
  EXPECT_EQ(found_by_head(response(200, "", {{"etag", "\"1\""}}), "id-1"), S3Object::another);
  EXPECT_EQ(found_by_head(response(404, ""), "id-1"), S3Object::absent);
  for (const unsigned status : {400U, 403U, 500U, 302U})
    EXPECT_EQ(found_by_head(response(status, ""), "id-1"), S3Object::unknown);
  EXPECT_EQ(found_by_head(response(200, "", {{"content-type", "text/html"}}), "id-1"), S3Object::unknown);
}

TEST(S3Answers, TheTableFollowsStatusAndCode) {
  const auto outcome = [](unsigned status, const std::string& code) {
    return classify_s3_answer(context, response(status, "<Error><Code>" + code + "</Code></Error>"));
  };
  EXPECT_EQ(outcome(409, "ConditionalRequestConflict").outcome, Outcome::try_later);
  EXPECT_EQ(outcome(400, "RequestTimeTooSkewed").error->kind, ErrorKind::clock);
  EXPECT_EQ(outcome(403, "ExpiredToken").error->kind, ErrorKind::sign_in);
  EXPECT_EQ(outcome(400, "SomethingNew").outcome, Outcome::broken);
  EXPECT_EQ(outcome(412, "PreconditionFailed").outcome, Outcome::broken);
  EXPECT_EQ(outcome(501, "NotImplemented").outcome, Outcome::broken);
  EXPECT_EQ(outcome(502, "").outcome, Outcome::unknown);
  EXPECT_EQ(outcome(504, "").outcome, Outcome::unknown);
  EXPECT_EQ(outcome(507, "").outcome, Outcome::try_later);
  EXPECT_EQ(outcome(418, "").outcome, Outcome::broken);
}

}  // namespace
}  // namespace relay
