// Signatures of version 4, against the examples that Amazon publishes ("Authenticating Requests: Using the
// Authorization Header", Amazon S3 API Reference).
#include <gtest/gtest.h>

#include "base/digest.hpp"
#include "destinations/aws_signature.hpp"

namespace relay {
namespace {

const AwsSigner example{"us-east-1", "s3", Secret("AKIAIOSFODNN7EXAMPLE"),
                        Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), Secret()};
const WallTime example_time = *parse_rfc3339("2013-05-24T00:00:00Z");

std::string header_of(const HttpClientRequest& request, std::string_view name) {
  for (const auto& [key, value] : request.headers)
    if (key == name) return value;
  return {};
}

HttpClientRequest request_to(std::string method, std::string url) {
  HttpClientRequest request;
  request.method = std::move(method);
  request.url = std::move(url);
  return request;
}

TEST(AwsSignature, IsAmazonsOwnForAGet) {
  HttpClientRequest request = request_to("GET", "https://examplebucket.s3.amazonaws.com/test.txt");
  request.headers = {{"Range", "bytes=0-9"}};
  sign_for_aws(request, example, sha256("").hex(), example_time);
  EXPECT_EQ(header_of(request, "Authorization"),
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
            "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
            "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST(AwsSignature, IsAmazonsOwnForAPut) {
  HttpClientRequest request = request_to("PUT", "https://examplebucket.s3.amazonaws.com:443/test%24file.text");
  request.headers = {{"Date", "Fri, 24 May 2013 00:00:00 GMT"}, {"x-amz-storage-class", "  REDUCED_REDUNDANCY "}};
  sign_for_aws(request, example, "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072", example_time);
  EXPECT_TRUE(header_of(request, "Authorization")
                  .ends_with("Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"))
      << header_of(request, "Authorization");
  EXPECT_EQ(header_of(request, "Host"), "examplebucket.s3.amazonaws.com");
}

TEST(AwsSignature, HeadersAreSortedByTheirNamesAndATokenIsSigned) {
  AwsSigner signer = example;
  signer.session_token = Secret("token");
  HttpClientRequest request = request_to("PUT", "http://[::1]:9000/bucket/key");
  request.headers = {{"x-amz-meta-a-b", "1"}, {"x-amz-meta-a", "2"}};
  sign_for_aws(request, signer, sha256("").hex(), example_time);
  EXPECT_NE(header_of(request, "Authorization")
                .find("SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-meta-a;x-amz-meta-a-b;"
                      "x-amz-security-token,"),
            std::string::npos);
  EXPECT_EQ(header_of(request, "Host"), "[::1]:9000");
  EXPECT_EQ(header_of(request, "x-amz-date"), "20130524T000000Z");
}

}  // namespace
}  // namespace relay
