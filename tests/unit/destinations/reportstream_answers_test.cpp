// ReportStream's table of answers, line by line.
#include <gtest/gtest.h>

#include "destinations/hl7_answer.hpp"
#include "destinations/http_answer.hpp"
#include "destinations/reportstream_answers.hpp"
#include "destinations/reportstream_requests.hpp"
#include "support/memory_payload.hpp"

namespace relay {
namespace {

using namespace std::chrono_literals;

HttpClientResponse response(unsigned status, std::string body = "", std::string type = "application/json") {
  HttpClientResponse made;
  made.status = status;
  made.headers = {{"content-type", std::move(type)}};
  made.body = std::move(body);
  return made;
}

ReportStreamContext in_doubt() {
  ReportStreamContext context;
  context.possibly_delivered = true;
  return context;
}

AttemptResult classify(const HttpClientResponse& answer, ReportStreamContext context = {}) {
  AttemptResult result = classify_reportstream_answer(context, answer);
  EXPECT_EQ(result.error.has_value(), result.outcome != Outcome::accepted);
  EXPECT_EQ(result.possibly_delivered, result.outcome == Outcome::unknown);
  return result;
}

std::string acknowledgement(const std::string& code, const std::string& control_id) {
  return "MSH|^~\\&|RS|CDC|LAB|L|20261124||ACK^R01^ACK|9|P|2.5.1\rMSA|" + code + "|" + control_id + "|text\r";
}

TEST(ReportStreamAnswers, EachStatusHasItsOutcome) {
  struct Row {
    unsigned status;
    Outcome outcome;
    ErrorKind kind;
  };
  for (const Row& row : {Row{204, Outcome::broken, ErrorKind::unexpected_answer},
                         Row{302, Outcome::broken, ErrorKind::redirect},
                         Row{307, Outcome::broken, ErrorKind::redirect},
                         Row{400, Outcome::refused, ErrorKind::refused},
                         Row{401, Outcome::broken, ErrorKind::sign_in},
                         Row{402, Outcome::broken, ErrorKind::unexpected_answer},
                         Row{403, Outcome::broken, ErrorKind::forbidden},
                         Row{404, Outcome::broken, ErrorKind::not_found},
                         Row{405, Outcome::broken, ErrorKind::unexpected_answer},
                         Row{407, Outcome::broken, ErrorKind::proxy},
                         Row{408, Outcome::unknown, ErrorKind::timeout},
                         Row{409, Outcome::broken, ErrorKind::unexpected_answer},
                         Row{410, Outcome::broken, ErrorKind::gone},
                         Row{413, Outcome::refused, ErrorKind::too_large},
                         Row{415, Outcome::refused, ErrorKind::refused},
                         Row{422, Outcome::refused, ErrorKind::refused},
                         Row{429, Outcome::try_later, ErrorKind::throttled},
                         Row{500, Outcome::unknown, ErrorKind::unavailable},
                         Row{501, Outcome::broken, ErrorKind::unexpected_answer},
                         Row{502, Outcome::unknown, ErrorKind::unavailable},
                         Row{503, Outcome::try_later, ErrorKind::unavailable},
                         Row{504, Outcome::unknown, ErrorKind::timeout},
                         Row{511, Outcome::broken, ErrorKind::proxy},
                         Row{524, Outcome::unknown, ErrorKind::unavailable}}) {
    const auto result = classify(response(row.status, "bare text", "text/plain"));
    EXPECT_EQ(result.outcome, row.outcome) << row.status;
    ASSERT_TRUE(result.error) << row.status;
    EXPECT_EQ(result.error->kind, row.kind) << row.status;
    EXPECT_EQ(result.error->status, static_cast<int>(row.status));
    EXPECT_EQ(result.error->message.find("bare text"), std::string::npos);
  }
}

TEST(ReportStreamAnswers, ItsOwnJsonIsAcceptedWithItsReceipt) {
  auto answer = response(201, R"({"id":"0e7e","submissionId":42,"overallStatus":"Received"})");
  answer.headers.emplace_back("location", "https://rs.example/api/waters/report/0e7e/history");
  const auto result = classify(answer);
  EXPECT_EQ(result.outcome, Outcome::accepted);
  EXPECT_EQ(result.receipt, (Receipt{{"id", "0e7e"},
                                     {"submissionId", "42"},
                                     {"Location", "https://rs.example/api/waters/report/0e7e/history"}}));
  for (const unsigned status : {200u, 202u})
    EXPECT_EQ(classify(response(status, R"({"id":null,"reportId":"r"})")).receipt.at("id"), "r");
}

TEST(ReportStreamAnswers, SuccessThatIsntItsOwnIsBroken) {
  for (const auto& answer :
       {response(200, "<html>welcome</html>", "text/html"), response(201, "<!DOCTYPE html><p>"), response(201),
        response(201, "{}"), response(201, R"({"id":null})"), response(201, R"({"id":{}})"), response(201, "[]"),
        response(201, "OK", "text/plain"), response(203, R"({"id":"x"})"), response(201, R"({"id":"a b"})"),
        response(201, R"({"id":")")}) {
    const auto result = classify(answer);
    EXPECT_EQ(result.outcome, Outcome::broken) << answer.body;
    EXPECT_EQ(result.error->kind, ErrorKind::unexpected_answer);
  }
}

TEST(ReportStreamAnswers, AnAcknowledgementCountsForItsOwnMessageAlone) {
  ReportStreamContext context;
  context.control_id = "MSG-1";
  const auto hl7 = [&](const std::string& code, const std::string& id) {
    return classify(response(201, acknowledgement(code, id), "application/hl7-v2"), context);
  };
  EXPECT_EQ(hl7("AA", "MSG-1").outcome, Outcome::accepted);
  EXPECT_EQ(hl7("CA", "MSG-1").outcome, Outcome::accepted);
  for (const char* code : {"AE", "CE", "AR", "CR"}) EXPECT_EQ(hl7(code, "MSG-1").outcome, Outcome::refused) << code;
  for (const char* code : {"AA", "AE"}) EXPECT_EQ(hl7(code, "MSG-2").outcome, Outcome::broken) << code;
  EXPECT_EQ(hl7("XX", "MSG-1").outcome, Outcome::broken);
  context.control_id.clear();
  EXPECT_EQ(hl7("AA", "").outcome, Outcome::broken) << "two messages without an id are not one";
}

TEST(ReportStreamAnswers, DuplicatesCountAsTakenOnlyWhereSomethingIsInDoubt) {
  const auto answer = response(400, R"({"errors":[{"message":"All items in this submission are duplicates."}]})");
  EXPECT_EQ(classify(answer).outcome, Outcome::refused);
  EXPECT_EQ(classify(answer, in_doubt()).outcome, Outcome::accepted);
  EXPECT_EQ(classify(response(400, "another error"), in_doubt()).outcome, Outcome::refused);
}

TEST(ReportStreamAnswers, ARefusalNamesCodesFieldsAndItemsAndQuotesNothing) {
  const auto result = classify(response(400, R"({"id":null,"errors":[
      {"scope":"item","message":"Doe^Jane is no date","errorCode":"INVALID_HL7_MSG_VALIDATION","field":"PID-7","indices":[1,3]},
      {"message":"x","errorCode":"Jane Doe","field":"born on 1 May 1980"}]})"));
  EXPECT_EQ(result.error->message,
            "HTTP 400: the submission isn't taken: INVALID_HL7_MSG_VALIDATION field PID-7 item 1, 3");
  EXPECT_NE(result.error->remote_text.find("Doe^Jane"), std::string::npos);
}

TEST(ReportStreamAnswers, NoAnswerIsUnknownOnlyAfterTheWholeRequest) {
  TransferError failure{TransferFailure::timeout, false, "nothing came"};
  EXPECT_EQ(classify_failure(failure).outcome, Outcome::broken);
  failure.request_sent = true;
  const auto result = classify_failure(failure);
  EXPECT_EQ(result.outcome, Outcome::unknown);
  EXPECT_TRUE(result.possibly_delivered);
}

TEST(ReportStreamAnswers, TheHistorySaysWhatBecameOfIt) {
  const auto status = [](const std::string& said, std::chrono::milliseconds age = 1h) {
    return reportstream_status(response(200, R"({"overallStatus":")" + said + "\"}"), age);
  };
  for (const char* pending : {"Received", "Valid", "Waiting to Deliver"})
    EXPECT_EQ(status(pending)->confirmation, Confirmation::pending) << pending;
  EXPECT_EQ(status("Delivered")->confirmation, Confirmation::confirmed);
  for (const char* failed : {"Error", "Not Delivering"})
    EXPECT_EQ(status(failed)->confirmation, Confirmation::failed) << failed;
  EXPECT_EQ(status("Partially Delivered")->confirmation, Confirmation::pending);
  EXPECT_EQ(status("Partially Delivered", 7 * 24h)->confirmation, Confirmation::failed);
  EXPECT_EQ(status("Delivered")->overall_status, "Delivered");
  EXPECT_FALSE(status("Something new"));
  EXPECT_FALSE(reportstream_status(response(404, R"({"overallStatus":"Delivered"})"), 1h));
}

TEST(ReportStreamRequests, TheNameEndsInOurIdAndCantBreakAHeader) {
  auto submission = submission_of("x");
  const std::string id = submission.id.text();
  EXPECT_EQ(reportstream_payload_name(submission), id);
  submission.payload_name = "results.hl7";
  EXPECT_EQ(reportstream_payload_name(submission), "results.hl7~" + id);
  submission.payload_name = "a\r\nX-Evil: 1";
  EXPECT_EQ(reportstream_payload_name(submission), "a  X-Evil: 1~" + id);
  submission.payload_name = std::string(1023, 'x') + "\xC3\xB6";
  EXPECT_EQ(reportstream_payload_name(submission), std::string(1023, 'x') + "~" + id);
}

TEST(Hl7Answers, AreReadInAnySeparatorsAndLineEnds) {
  const auto answer = read_hl7_answer("MSH#^~\\&#a\nMSA#AA#id 1#\n");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->code, "AA");
  EXPECT_EQ(answer->control_id, "id 1");
  for (const char* text : {"", "MSA|AA|1", "{\"id\":1}", "MSH|^~\\&|a\rPID|1\r", "MSH"})
    EXPECT_FALSE(read_hl7_answer(text));
  MemoryPayload payload("MSH|^~\\&|LAB||||20261124||ORU^R01|MSG-1|P|2.5.1\rPID|1\r");
  EXPECT_EQ(control_id_of(payload), "MSG-1");
}

}  // namespace
}  // namespace relay
