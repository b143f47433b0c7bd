// AWS Signature Version 4 ("Create a signed AWS API request", IAM User Guide; "Signature Calculations for the
// Authorization Header: Transferring Payload in a Single Chunk", Amazon S3 API Reference).
//
// Not libcurl's: version 7.88 sorts a header's name together with its value, so that it signs
// x-amz-server-side-encryption and x-amz-server-side-encryption-aws-kms-key-id in the wrong order, and signs headers
// that it then doesn't send.
#pragma once

#include <string>

#include "base/clock.hpp"
#include "base/http_client.hpp"
#include "base/secret.hpp"

namespace relay {

struct AwsSigner {
  std::string region;
  std::string service;  // s3
  Secret access_key;
  Secret secret_key;
  Secret session_token;  // empty: none
};

// Adds Host, x-amz-date, x-amz-content-sha256, x-amz-security-token and Authorization; all headers that are there are
// signed. The URL's path is percent-encoded as of S3, once, and there is no query. Good for 15 minutes.
void sign_for_aws(HttpClientRequest& request, const AwsSigner& signer, const std::string& body_sha256_hex,
                  WallTime now);

}  // namespace relay
