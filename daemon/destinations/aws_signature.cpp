#include "destinations/aws_signature.hpp"

#include <algorithm>
#include <map>
#include <string_view>

#include "base/digest.hpp"
#include "base/http_text.hpp"

namespace relay {
namespace {

constexpr std::string_view algorithm = "AWS4-HMAC-SHA256";

struct Target {
  std::string host;  // as the Host header has it
  std::string path;
};

Target target_of(const std::string& url) {
  const auto begin = url.find("://") + 3;
  const auto path = std::min(url.find('/', begin), url.size());
  Target target{url.substr(begin, path - begin), url.substr(path)};
  const std::string_view usual_port = url.starts_with("https://") ? ":443" : ":80";
  if (target.host.ends_with(usual_port)) target.host.resize(target.host.size() - usual_port.size());
  if (target.path.empty()) target.path = "/";
  return target;
}

// 20261124T180000Z
std::string compact_time(WallTime now) {
  std::string text = format_rfc3339(now);
  text.erase(text.find('.'), text.size());
  std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
  return text + "Z";
}

// Without spaces around it, and one where there are several.
std::string canonical_value(std::string_view value) {
  std::string text(trimmed(value));
  const auto end = std::unique(text.begin(), text.end(), [](char a, char b) { return a == ' ' && b == ' '; });
  text.erase(end, text.end());
  return text;
}

std::string hmac(std::string_view key, std::string_view message) {
  const Digest digest = hmac_sha256(key, message);
  return {reinterpret_cast<const char*>(digest.bytes.data()), digest.bytes.size()};
}

}  // namespace

void sign_for_aws(HttpClientRequest& request, const AwsSigner& signer, const std::string& body_sha256_hex,
                  WallTime now) {
  const Target target = target_of(request.url);
  const std::string time = compact_time(now);
  request.headers.emplace_back("Host", target.host);
  request.headers.emplace_back("x-amz-date", time);
  request.headers.emplace_back("x-amz-content-sha256", body_sha256_hex);
  if (!signer.session_token.empty())
    request.headers.emplace_back("x-amz-security-token", signer.session_token.reveal());

  std::map<std::string, std::string> headers;
  for (const auto& [name, value] : request.headers) headers[to_lower_case(name)] = canonical_value(value);
  std::string lines;
  std::string names;
  for (const auto& [name, value] : headers) {
    lines += name + ":" + value + "\n";
    names += (names.empty() ? "" : ";") + name;
  }
  const std::string canonical =
      request.method + "\n" + target.path + "\n\n" + lines + "\n" + names + "\n" + body_sha256_hex;
  const std::string day = time.substr(0, 8);
  const std::string scope = day + "/" + signer.region + "/" + signer.service + "/aws4_request";
  const std::string to_sign = std::string(algorithm) + "\n" + time + "\n" + scope + "\n" + sha256(canonical).hex();

  const Secret first("AWS4" + std::string(signer.secret_key.reveal()));
  const Secret of_day(hmac(first.reveal(), day));
  const Secret of_region(hmac(of_day.reveal(), signer.region));
  const Secret of_service(hmac(of_region.reveal(), signer.service));
  const Secret key(hmac(of_service.reveal(), "aws4_request"));
  request.headers.emplace_back(
      "Authorization", std::string(algorithm) + " Credential=" + std::string(signer.access_key.reveal()) + "/" + scope +
                           ", SignedHeaders=" + names + ", Signature=" + hmac_sha256(key.reveal(), to_sign).hex());
}

}  // namespace relay
