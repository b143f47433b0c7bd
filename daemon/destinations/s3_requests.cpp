#include "destinations/s3_requests.hpp"

#include <utility>

#include "base/digest.hpp"
#include "destinations/aws_signature.hpp"
#include "destinations/template_text.hpp"
#include "destinations/text_encoding.hpp"

namespace relay {

HttpClientRequest S3Requests::request_for(std::string method, const std::string& key) const {
  HttpClientRequest request;
  request.method = std::move(method);
  request.timeout = timeout_;
  const std::string path = "/" + percent_encode_path(key);
  const auto host = settings_.endpoint.find("://") + 3;
  request.url = settings_.path_style ? settings_.endpoint + "/" + settings_.bucket + path
                                     : settings_.endpoint.substr(0, host) + settings_.bucket + "." +
                                           settings_.endpoint.substr(host) + path;
  return request;
}

HttpClientRequest S3Requests::signed_now(HttpClientRequest request, const std::string& body_sha256) const {
  const AwsSigner signer{settings_.region, "s3", settings_.access_key.value(), settings_.secret_key.value(),
                         settings_.session_token.value()};
  sign_for_aws(request, signer, body_sha256, clock_.wall_now());
  return request;
}

HttpClientRequest S3Requests::put(const Submission& submission, std::shared_ptr<HttpBodySource> body,
                                  bool if_none_match) const {
  HttpClientRequest request = request_for("PUT", fill_in(settings_.key, submission));
  request.headers.emplace_back("Content-Type",
                               settings_.content_type.empty() ? submission.content_type : settings_.content_type);
  if (if_none_match) request.headers.emplace_back("If-None-Match", "*");
  if (!settings_.server_side_encryption.empty())
    request.headers.emplace_back("x-amz-server-side-encryption", settings_.server_side_encryption);
  if (!settings_.kms_key.empty())
    request.headers.emplace_back("x-amz-server-side-encryption-aws-kms-key-id", settings_.kms_key);
  request.headers.emplace_back("x-amz-meta-" + std::string(s3_id_metadata), submission.id.text());
  for (const auto& [name, value] : settings_.metadata)
    request.headers.emplace_back("x-amz-meta-" + name, fill_in(value, submission));
  request.body = std::move(body);
  return signed_now(std::move(request), submission.sha256.hex());
}

HttpClientRequest S3Requests::head(const Submission& submission) const {
  return signed_now(request_for("HEAD", fill_in(settings_.key, submission)), sha256("").hex());
}

HttpClientRequest S3Requests::look() const {
  const std::string& beginning = settings_.key.pieces().front().text;
  const std::string folder = beginning.substr(0, beginning.rfind('/') + 1);
  return signed_now(request_for("GET", folder + "edge-relay-check"), sha256("").hex());
}

Result<bool> S3Requests::refresh() {
  bool changed = false;
  for (SecretText* secret : {&settings_.access_key, &settings_.secret_key, &settings_.session_token}) {
    Result<bool> refreshed = secret->refresh();
    if (!refreshed) return refreshed;
    changed = changed || *refreshed;
  }
  if (changed) ++generation_;
  return changed;
}

}  // namespace relay
