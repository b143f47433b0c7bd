#include "destinations/azure_shared_key.hpp"

#include <gtest/gtest.h>

#include "base/digest.hpp"

namespace relay {
namespace {

SharedKeyInput put_message() {
  SharedKeyInput input;
  input.service = AzureService::queue;
  input.method = "POST";
  input.account = "devstoreaccount1";
  input.url_path = "/devstoreaccount1/elr/messages";
  input.query = {{"visibilitytimeout", "0"}, {"messagettl", "-1"}};
  input.headers = {{"x-ms-version", "2021-12-02"},
                   {"Content-Type", "application/xml"},
                   {"x-ms-date", "Tue, 24 Nov 2026 18:00:00 GMT"},
                   {"X-MS-Client-Request-Id", "one"}};
  input.content_length = 65;
  return input;
}

TEST(SharedKey, SignsAQueueMessageAsWritten) {
  EXPECT_EQ(shared_key_string_to_sign(put_message()),
            "POST\n\n\n65\n\napplication/xml\n\n\n\n\n\n\n"
            "x-ms-client-request-id:one\nx-ms-date:Tue, 24 Nov 2026 18:00:00 GMT\nx-ms-version:2021-12-02\n"
            "/devstoreaccount1/devstoreaccount1/elr/messages\nmessagettl:-1\nvisibilitytimeout:0");
}

TEST(SharedKey, LeavesTheLengthOutWhereThereIsNoBody) {
  SharedKeyInput input;
  input.service = AzureService::blob;
  input.method = "PUT";
  input.account = "acct";
  input.url_path = "/reports";
  input.query = {{"restype", "container"}};
  input.headers = {{"x-ms-date", "D"}};
  EXPECT_EQ(shared_key_string_to_sign(input),
            "PUT\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:D\n/acct/reports\nrestype:container");
}

TEST(SharedKey, SignsLessForTheTableService) {
  SharedKeyInput input;
  input.service = AzureService::table;
  input.method = "POST";
  input.account = "acct";
  input.url_path = "/submission";
  input.query = {{"$top", "1"}};
  input.headers = {{"x-ms-date", "D"}, {"x-ms-version", "V"}, {"Content-Type", "application/json"}};
  input.content_length = 10;
  EXPECT_EQ(shared_key_string_to_sign(input), "POST\n\napplication/json\nD\n/acct/submission");
  input.query.emplace_back("comp", "acl");
  EXPECT_EQ(shared_key_string_to_sign(input), "POST\n\napplication/json\nD\n/acct/submission?comp=acl");
}

TEST(SharedKey, TheSignatureIsAnHmacOfThatString) {
  const std::string key("key\0bytes", 9);
  const Digest expected = hmac_sha256(key, shared_key_string_to_sign(put_message()));
  const std::string bytes(expected.bytes.begin(), expected.bytes.end());
  EXPECT_EQ(shared_key_authorization(put_message(), key), "SharedKey devstoreaccount1:" + base64_encode(bytes));
}

}  // namespace
}  // namespace relay
