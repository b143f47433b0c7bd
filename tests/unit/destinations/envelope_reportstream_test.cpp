#include "destinations/envelope_reportstream.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "base/digest.hpp"
#include "support/memory_payload.hpp"

namespace relay {
namespace {

constexpr std::string_view url = "https://acct.blob.core.windows.net/reports/receive/lab.one/x.hl7";

// Both printed by ReportStream's own code.
TEST(ReportStreamDigest, IsWrittenAsJavaWritesSignedBytes) {
  EXPECT_EQ(
      reportstream_digest(sha256("abc")),
      "ffffffba7816ffffffbfffffff8f1ffffffcfffffffea414140ffffffde5dffffffae2223ffffffb0361ffffffa3ffffff96177affff"
      "ff9cffffffb410ffffffff61fffffff2015ffffffad");
  EXPECT_EQ(
      reportstream_digest(sha256("MSH|^~\\&|LAB\r")),
      "ffffffafffffffeeffffffd6ffffff973bffffffefffffff98ffffff89fffffff4ffffffd67bffffffa65bffffffabfffffffa62ffff"
      "ffe7fffffffb2ffffff8c6effffffc4ffffffa5ffffffb1ffffffa075ffffffb8ffffff9f3a691effffffbf");
}

TEST(ReportStreamDigest, HasEveryByteValueRight) {
  Digest digest;
  digest.bytes = {0x00, 0x01, 0x09, 0x0a, 0x0f, 0x10, 0x7f, 0x80, 0xff};
  EXPECT_EQ(reportstream_digest(digest).substr(0, 25), "019af107fffffff80ffffffff");
}

TEST(ReportStreamEnvelope, IsTheMessageThatTheConsumerParses) {
  Submission submission = submission_of("abc", "State-X.Lab_One");
  submission.payload_name = "Sample \"One\".dat";
  const auto message = boost::json::parse(reportstream_message(submission, url, "elr-fhir-convert-submission"));
  const boost::json::value expected = {
      {"type", "receive"},
      {"reportId", submission.id.text()},
      {"blobURL", url},
      {"digest", reportstream_digest(sha256("abc"))},
      {"blobSubFolderName", "state-x.lab_one"},
      {"headers",
       boost::json::array{"java.util.LinkedHashMap", boost::json::object{{"client_id", "State-X.Lab_One"},
                                                                         {"content-type", "application/hl7-v2"},
                                                                         {"payloadname", "Sample \"One\".dat"},
                                                                         {"content-length", "3"}}}},
      {"messageQueueName", "elr-fhir-convert-submission"}};
  EXPECT_EQ(message, expected) << boost::json::serialize(message);
}

TEST(ReportStreamEnvelope, LeavesOutAPayloadNameThatIsntThere) {
  const Submission submission = submission_of("abc");
  EXPECT_EQ(reportstream_message(submission, url, "q").find("payloadname"), std::string::npos);
}

TEST(ReportStreamEnvelope, APayloadNameBringsNoLineBreakIntoTheHeaders) {
  Submission submission = submission_of("abc");
  submission.payload_name = std::string("a\r\nx-functions-key: b\n\x7F\0c", 25);
  const auto message = boost::json::parse(reportstream_message(submission, url, "q"));
  EXPECT_EQ(message.at_pointer("/headers/1/payloadname").as_string(), "a  x-functions-key: b   c");
}

TEST(ReportStreamEnvelope, APayloadNameThatIsntUtf8IsReadAsLatin1) {
  Submission submission = submission_of("abc");
  submission.payload_name = "J\xF6rg";
  const auto message = boost::json::parse(reportstream_message(submission, url, "q"));
  EXPECT_EQ(message.at_pointer("/headers/1/payloadname").as_string(), "J\xC3\xB6rg");
}

TEST(ReportStreamEnvelope, FitsAQueueMessageWithTheLongestNamesThereAre) {
  Submission submission = submission_of("abc", std::string(100, 'C'));
  submission.payload_name = std::string(16 * 1024, '"');  // as much as a header section takes, escaped
  EXPECT_LE(reportstream_message(submission, url, std::string(63, 'q')).size(), reportstream_message_limit);
}

TEST(ReportStreamEnvelope, NamesBlobAndRowByClientAndId) {
  Submission submission = submission_of("abc", "Lab.ONE");
  const std::string id = submission.id.text();
  EXPECT_EQ(reportstream_blob_name(submission), "receive/lab.one/" + id + ".hl7");
  submission.content_type = "application/fhir+ndjson";
  EXPECT_EQ(reportstream_blob_name(submission), "receive/lab.one/" + id + ".fhir");
  EXPECT_EQ(boost::json::parse(reportstream_row(submission, url)),
            (boost::json::value{{"PartitionKey", id}, {"RowKey", "Received"}, {"body_url", url}}));
}

}  // namespace
}  // namespace relay
