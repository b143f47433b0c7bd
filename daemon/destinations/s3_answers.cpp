#include "destinations/s3_answers.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "destinations/http_answer.hpp"
#include "destinations/xml_answer.hpp"
#include "settings/s3_settings.hpp"

namespace relay {
namespace {

constexpr std::size_t longest_code = 64;
constexpr std::size_t searched_for_code = 8 * 1024;

struct Row {
  unsigned status;        // 0: any that isn't a success
  std::string_view code;  // empty: any
  Outcome outcome;
  ErrorKind kind;
  std::string_view words;
};

constexpr std::string_view check_keys = "the sign-in isn't taken: check access_key and secret_key";
constexpr std::string_view check_token = "the session token has ended or isn't taken: renew the keys and the token";

// Rows with a code stand before their status's row without one.
constexpr std::array table = {
    Row{0, "ExpiredToken", Outcome::broken, ErrorKind::sign_in, check_token},
    Row{0, "InvalidToken", Outcome::broken, ErrorKind::sign_in, check_token},
    Row{0, "TokenRefreshRequired", Outcome::broken, ErrorKind::sign_in, check_token},
    Row{0, "InvalidAccessKeyId", Outcome::broken, ErrorKind::sign_in, check_keys},
    Row{0, "SignatureDoesNotMatch", Outcome::broken, ErrorKind::sign_in, check_keys},
    Row{0, "InvalidSecurity", Outcome::broken, ErrorKind::sign_in, check_keys},
    Row{0, "AuthorizationHeaderMalformed", Outcome::broken, ErrorKind::sign_in,
        "the signature is made for another region: check region"},
    Row{0, "RequestTimeTooSkewed", Outcome::broken, ErrorKind::clock,
        "this machine's clock is more than 15 minutes off: set it"},
    Row{400, "EntityTooLarge", Outcome::refused, ErrorKind::too_large, "the object is larger than the service takes"},
    Row{400, "KeyTooLongError", Outcome::refused, ErrorKind::refused, "the object's name is longer than S3 takes"},
    Row{400, "RequestTimeout", Outcome::try_later, ErrorKind::timeout, "the service gave up waiting for the request"},
    Row{400, "", Outcome::broken, ErrorKind::unexpected_answer, "the request itself isn't taken: check the settings"},
    Row{401, "", Outcome::broken, ErrorKind::sign_in, check_keys},
    Row{403, "", Outcome::broken, ErrorKind::forbidden,
        "this isn't allowed: check that the key may s3:PutObject and s3:GetObject there, and the bucket's policy"},
    Row{404, "NoSuchBucket", Outcome::broken, ErrorKind::not_found, "there is no such bucket: check bucket"},
    Row{404, "", Outcome::broken, ErrorKind::not_found, "there is no such thing: check endpoint and bucket"},
    Row{407, "", Outcome::broken, ErrorKind::proxy, "the proxy wants a sign-in: check proxy_credentials"},
    Row{408, "", Outcome::try_later, ErrorKind::timeout, "the service gave up waiting for the request"},
    Row{409, "", Outcome::try_later, ErrorKind::unavailable, "another request for the same object is under way"},
    Row{410, "", Outcome::broken, ErrorKind::gone, "it is gone for good, says the service"},
    Row{412, "", Outcome::broken, ErrorKind::unexpected_answer, "a condition fails that wasn't made"},
    Row{413, "", Outcome::refused, ErrorKind::too_large, "the object is larger than the service takes"},
    Row{429, "", Outcome::try_later, ErrorKind::throttled, "too many requests for the service"},
    Row{501, "", Outcome::broken, ErrorKind::unexpected_answer, "the service doesn't have what is asked of it"},
    Row{502, "", Outcome::unknown, ErrorKind::unavailable,
        "something in between failed; whether it was taken isn't known"},
    Row{503, "SlowDown", Outcome::try_later, ErrorKind::throttled, "too many requests for the service"},
    Row{503, "", Outcome::try_later, ErrorKind::unavailable, "the service is busy"},
    Row{504, "", Outcome::unknown, ErrorKind::timeout, "no answer in time; whether it was taken isn't known"},
    Row{511, "", Outcome::broken, ErrorKind::proxy, "the network wants a sign-in first (a portal)"},
};

Row row_of(unsigned status, std::string_view code) {
  if (code.starts_with("KMS."))
    return {status, "", Outcome::broken, ErrorKind::forbidden,
            "the KMS key can't be used: check kms_key, its state and the rights on it"};
  for (const Row& row : table)
    if ((row.status == status || row.status == 0) && (row.code.empty() || row.code == code)) return row;
  if (status >= 300 && status < 400)
    return {status, "", Outcome::broken, ErrorKind::redirect,
            "redirects are never followed: check region and endpoint"};
  if (status >= 500 && status < 600)
    return {status, "", Outcome::try_later, ErrorKind::unavailable, "the service failed"};
  return {status, "", Outcome::broken, ErrorKind::unexpected_answer, "this answer isn't known"};
}

// An error of S3's quotes the request that was signed, with its token: its message alone is kept.
std::string remote_words(const HttpClientResponse& response, const std::string& code) {
  return code.empty() ? remote_text_of(response) : std::string(xml_element_text(response.body, "Message"));
}

}  // namespace

std::string s3_error_code(const HttpClientResponse& response) {
  const std::string_view code = xml_element_text(std::string_view(response.body).substr(0, searched_for_code), "Code");
  const bool plain = code.size() <= longest_code && std::ranges::all_of(code, [](unsigned char c) {
                       return c == '.' || (c < 0x80 && std::isalnum(c) != 0);
                     });
  return plain ? std::string(code) : std::string();
}

AttemptResult classify_s3_answer(const S3AnswerContext& context, const HttpClientResponse& response) {
  AttemptResult result;
  const std::string code = s3_error_code(response);
  const bool page = is_web_page(response);
  if (response.status == 200 && response.header("etag") && !page && code.empty()) {
    result.outcome = Outcome::accepted;
    return result;
  }
  Row row = row_of(response.status, code);
  std::string words(row.words);
  if (page && code.empty() && response.status < 405 && response.status / 100 != 3) {
    row.outcome = Outcome::broken;
    row.kind = ErrorKind::unexpected_answer;
    words = "a web page came instead of the service's answer: something in between has answered";
  } else if (response.status / 100 == 2) {
    words = "this isn't the answer that the service gives when it has an object";
  } else if (response.status == 400 || response.status == 401 || response.status == 403) {
    const auto difference = clock_difference(response, context.now);
    if (difference && std::chrono::abs(*difference) > clock_tolerance) {
      row.outcome = Outcome::broken;
      row.kind = ErrorKind::clock;
      words = clock_words(*difference, "the service's");
    }
  }
  result.outcome = row.outcome;
  if (row.outcome == Outcome::try_later) result.retry_after = retry_after_of(response, context.now);
  DeliveryError error = answer_error(response, row.kind, words, code);
  error.message.insert(0, "bucket " + context.bucket + ": ");
  error.remote_text = remote_words(response, code);
  result.error = std::move(error);
  return result;
}

AttemptResult classify_s3_failure(const S3AnswerContext& context, const TransferError& failure) {
  AttemptResult result = classify_failure(failure);
  result.error->message.insert(0, "bucket " + context.bucket + ": ");
  result.possibly_delivered = false;  // it is looked for before it is sent again
  return result;
}

S3Object found_by_head(const HttpClientResponse& response, std::string_view id) {
  if (response.status == 404) return S3Object::absent;
  if (response.status != 200 || !response.header("etag") || is_web_page(response)) return S3Object::unknown;
  return response.header("x-amz-meta-" + std::string(s3_id_metadata)) == id ? S3Object::ours : S3Object::another;
}

}  // namespace relay
