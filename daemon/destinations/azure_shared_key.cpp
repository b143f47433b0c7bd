#include "destinations/azure_shared_key.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>

#include "base/digest.hpp"

namespace relay {
namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

std::string header_value(const AzurePairs& headers, std::string_view lower_case_name) {
  for (const auto& [name, value] : headers)
    if (lower(name) == lower_case_name) return value;
  return {};
}

// Version 2015-02-21 and newer: an empty Content-Length line where there is no body.
std::string of_queue_or_blob(const SharedKeyInput& input) {
  constexpr std::array<std::string_view, 11> lines = {
      "content-encoding",  "content-language", "content-length", "content-md5",         "content-type", "date",
      "if-modified-since", "if-match",         "if-none-match",  "if-unmodified-since", "range"};
  std::string text(input.method);
  for (const std::string_view name : lines) {
    text += '\n';
    if (name == "content-length")
      text += input.content_length == 0 ? "" : std::to_string(input.content_length);
    else
      text += header_value(input.headers, name);
  }
  text += '\n';

  std::map<std::string, std::string> vendor_headers;
  for (const auto& [name, value] : input.headers)
    if (const std::string key = lower(name); key.starts_with("x-ms-")) vendor_headers[key] = value;
  for (const auto& [name, value] : vendor_headers) text.append(name).append(":").append(value).append("\n");

  text.append("/").append(input.account).append(input.url_path);
  std::map<std::string, std::string> parameters;
  for (const auto& [name, value] : input.query) parameters[lower(name)] = value;
  for (const auto& [name, value] : parameters) text.append("\n").append(name).append(":").append(value);
  return text;
}

// The table service signs less, and Date is the value of x-ms-date.
std::string of_table(const SharedKeyInput& input) {
  std::string text(input.method);
  text.append("\n").append(header_value(input.headers, "content-md5"));
  text.append("\n").append(header_value(input.headers, "content-type"));
  text.append("\n").append(header_value(input.headers, "x-ms-date"));
  text.append("\n/").append(input.account).append(input.url_path);
  for (const auto& [name, value] : input.query)
    if (name == "comp") text.append("?comp=").append(value);
  return text;
}

}  // namespace

std::string shared_key_string_to_sign(const SharedKeyInput& input) {
  return input.service == AzureService::table ? of_table(input) : of_queue_or_blob(input);
}

std::string shared_key_authorization(const SharedKeyInput& input, std::string_view key) {
  const Digest signature = hmac_sha256(key, shared_key_string_to_sign(input));
  const std::string_view bytes(reinterpret_cast<const char*>(signature.bytes.data()), signature.bytes.size());
  return "SharedKey " + std::string(input.account) + ":" + base64_encode(bytes);
}

}  // namespace relay
