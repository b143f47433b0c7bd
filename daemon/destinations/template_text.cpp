#include "destinations/template_text.hpp"

#include <algorithm>
#include <stdexcept>

#include "destinations/text_encoding.hpp"
#include "submission/media_type.hpp"

namespace relay {
namespace {

std::string encoded_payload_name(const Submission& submission) {
  const std::string name = submission.payload_name ? as_utf8(*submission.payload_name) : "";
  std::string encoded = percent_encode(name);
  if (encoded.starts_with('.')) encoded.replace(0, 1, "%2E");
  if (encoded.size() <= longest_payload_name) return encoded;
  std::size_t end = longest_payload_name;
  // No half of a %XX.
  for (std::size_t back = 1; back <= 2; ++back)
    if (encoded[longest_payload_name - back] == '%') end = longest_payload_name - back;
  encoded.resize(end);
  return encoded;
}

// 20261124T180000123Z
std::string timestamp_of(const Submission& submission) {
  std::string text = format_rfc3339(submission.accepted_at);
  std::erase_if(text, [](char c) { return c == '-' || c == ':' || c == '.'; });
  return text;
}

std::string value_of(NameField field, const Submission& submission) {
  switch (field) {
    case NameField::client:
      return submission.client;
    case NameField::id:
      return submission.id.text();
    case NameField::date:
      return timestamp_of(submission).substr(0, 8);
    case NameField::timestamp:
      return timestamp_of(submission);
    case NameField::extension:
      return std::string(extension_of(submission.content_type).substr(1));
    case NameField::payload_name:
      return encoded_payload_name(submission);
  }
  throw std::logic_error("no such field of a name");
}

}  // namespace

std::string fill_in(const NameTemplate& name, const Submission& submission) {
  std::string text;
  for (const auto& piece : name.pieces()) {
    text += piece.text;
    if (piece.field) text += value_of(*piece.field, submission);
  }
  return text;
}

std::string fill_in_for_show(const NameTemplate& name, const Submission& submission) {
  std::string text;
  for (const auto& piece : name.pieces()) {
    text += piece.text;
    if (piece.field == NameField::payload_name)
      text += "{payload_name}";
    else if (piece.field)
      text += value_of(*piece.field, submission);
  }
  return text;
}

}  // namespace relay
