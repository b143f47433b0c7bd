#include "destinations/envelope_reportstream.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "destinations/text_encoding.hpp"
#include "submission/media_type.hpp"

namespace relay {
namespace {

// A client's name is ASCII by its grammar.
std::string lower_client(const Submission& submission) {
  std::string name = submission.client;
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return name;
}

}  // namespace

const std::vector<std::string>& reportstream_content_types() {
  static const std::vector<std::string> types = {"application/hl7-v2", "application/fhir+ndjson"};
  return types;
}

std::string reportstream_digest(const Digest& digest) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : digest.bytes) {
    if (byte >= 0x80) text += "ffffff";
    if (byte >= 0x10) text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

std::string reportstream_blob_name(const Submission& submission) {
  return "receive/" + lower_client(submission) + "/" + submission.id.text() +
         std::string(extension_of(submission.content_type));
}

std::string reportstream_row(const Submission& submission, std::string_view blob_url) {
  return boost::json::serialize(
      boost::json::object{{"PartitionKey", submission.id.text()}, {"RowKey", "Received"}, {"body_url", blob_url}});
}

std::string reportstream_message(const Submission& submission, std::string_view blob_url, std::string_view queue) {
  boost::json::object headers;
  headers["client_id"] = submission.client;
  headers["content-type"] = submission.content_type;
  if (submission.payload_name) headers["payloadname"] = without_controls(as_utf8(*submission.payload_name));
  headers["content-length"] = std::to_string(submission.size.value);

  boost::json::object message;
  message["type"] = "receive";
  message["reportId"] = submission.id.text();
  message["blobURL"] = blob_url;
  message["digest"] = reportstream_digest(submission.sha256);
  message["blobSubFolderName"] = lower_client(submission);
  message["headers"] = boost::json::array{"java.util.LinkedHashMap", std::move(headers)};
  message["messageQueueName"] = queue;
  return boost::json::serialize(message);
}

}  // namespace relay
