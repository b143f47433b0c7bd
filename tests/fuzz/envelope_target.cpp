#include <algorithm>
#include <boost/json.hpp>
#include <string>

#include "base/digest.hpp"
#include "base/utf8.hpp"
#include "destinations/envelope_raw.hpp"
#include "destinations/envelope_reportstream.hpp"
#include "fuzz/targets.hpp"

namespace relay::fuzz {

namespace {

std::string text_of(const std::string& xml) {
  constexpr std::string_view before = "<QueueMessage><MessageText>";
  constexpr std::string_view behind = "</MessageText></QueueMessage>";
  require(xml.starts_with(before) && xml.ends_with(behind), "a message has one text");
  return xml.substr(before.size(), xml.size() - before.size() - behind.size());
}

// As an XML reader undoes it (XML 1.0, sections 2.4 and 4.1).
std::string unescaped(const std::string& text) {
  std::string plain;
  for (std::size_t at = 0; at < text.size();) {
    const std::string_view rest = std::string_view(text).substr(at);
    require(rest.front() != '<' && rest.front() != '\r', "nothing in it is markup, and no line end is turned");
    if (rest.front() != '&') {
      plain += rest.front();
      ++at;
      continue;
    }
    const std::size_t end = rest.find(';');
    const std::string_view entity = rest.substr(0, end);
    if (entity == "&amp") plain += '&';
    if (entity == "&lt") plain += '<';
    if (entity == "&gt") plain += '>';
    if (entity == "&#xD") plain += '\r';
    require(end != std::string_view::npos, "a reference has an end");
    at += end + 1;
  }
  return plain;
}

void raw(std::string_view bytes) {
  const auto base64 = raw_message_xml(bytes, RawEncoding::base64);
  require(base64.ok() && text_of(*base64) == base64_encode(bytes), "any payload goes in base64");
  const auto text = raw_message_xml(bytes, RawEncoding::text);
  if (text) require(unescaped(text_of(*text)) == bytes, "a text comes out as it went in");
  if (!is_utf8(bytes)) require(!text, "what isn't UTF-8 is no text");
}

}  // namespace

void envelope(std::string_view bytes) {
  raw(bytes.substr(0, raw_payload_limit(RawEncoding::base64).value));
  Submission submission;
  submission.client = "lab.default";
  submission.content_type = "application/hl7-v2";
  submission.payload_name = std::string(bytes);
  submission.sha256 = sha256(bytes);
  const std::string message = reportstream_message(submission, "https://example.org/blob", "queue");
  boost::system::error_code error;
  const auto parsed = boost::json::parse(message, error);
  require(!error, "whatever a sender calls its payload, the message is JSON");
  const auto& name = parsed.at("headers").as_array().at(1).at("payloadname").as_string();
  require(std::none_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }),
          "no control character gets into a header's value");
  require(is_utf8(std::string_view(name.data(), name.size())), "it is UTF-8");
}

}  // namespace relay::fuzz
