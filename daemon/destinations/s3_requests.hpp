// The requests to S3 that the relay makes: PutObject, HeadObject and GetObject ("Amazon S3 API Reference",
// docs.aws.amazon.com/AmazonS3/latest/API), signed as of version 4, none with a query string.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "base/http_client.hpp"
#include "base/result.hpp"
#include "settings/s3_settings.hpp"
#include "submission/submission.hpp"

namespace relay {

class S3Requests {
 public:
  S3Requests(const S3Settings& settings, std::chrono::milliseconds timeout, const Clock& clock)
      : settings_(settings), timeout_(timeout), clock_(clock) {}

  // The whole object in one request. `if_none_match`: only where there is none of that name.
  HttpClientRequest put(const Submission& submission, std::shared_ptr<HttpBodySource> body, bool if_none_match) const;
  // What is known of the object that a submission becomes.
  HttpClientRequest head(const Submission& submission) const;
  // A harmless read of an object that isn't there, beside those that will be: the error's code tells what is wrong.
  HttpClientRequest look() const;

  // Of the secrets that requests are signed with; grows with every change.
  unsigned generation() const { return generation_; }
  // Reads ${file:} and other references again. True where one changed. On the caller's thread.
  Result<bool> refresh();

 private:
  HttpClientRequest request_for(std::string method, const std::string& key) const;
  HttpClientRequest signed_now(HttpClientRequest request, const std::string& body_sha256) const;

  S3Settings settings_;
  std::chrono::milliseconds timeout_;
  const Clock& clock_;
  unsigned generation_ = 0;
};

}  // namespace relay
