#include "destinations/azure_sas.hpp"

namespace relay {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string percent_decode(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
      result += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    } else {
      result += text[i];
    }
  }
  return result;
}

// 2026-11-24, 2026-11-24T18:00Z and 2026-11-24T18:00:00Z are all in use.
std::optional<WallTime> sas_time(std::string text) {
  constexpr std::size_t date = 10;
  constexpr std::size_t minutes = 17;
  if (text.size() == date) text += "T00:00:00Z";
  if (text.size() == minutes && text.back() == 'Z') text.insert(minutes - 1, ":00");
  return parse_rfc3339(text);
}

struct NeededRight {
  char service;        // of ss=
  char resource_type;  // of srt=
  char right;          // of sp=
  std::string_view words;
};

// A repeat writes over its own blob, so that create alone isn't enough.
NeededRight needed_for(AzureStep step) {
  switch (step) {
    case AzureStep::put_blob:
      return {'b', 'o', 'w', "write (w) blobs"};
    case AzureStep::insert_row:
      return {'t', 'o', 'a', "add (a) table rows"};
    case AzureStep::put_message:
      return {'q', 'o', 'a', "add (a) queue messages"};
    case AzureStep::create_container:
      return {'b', 'c', 'c', "create (c) blob containers"};
    case AzureStep::create_table:
      return {'t', 'c', 'c', "create (c) tables"};
    case AzureStep::create_queue:
      return {'q', 'c', 'c', "create (c) queues"};
    case AzureStep::look_at_container:
      return {'b', 'c', 'r', "read (r) properties of blob containers"};
    case AzureStep::look_at_table:
      return {'t', 'o', 'r', "read (r) table rows"};
    case AzureStep::look_at_queue:
      return {'q', 'c', 'r', "read (r) properties of queues"};
  }
  return {};
}

bool has(const std::string& set, char letter) {
  return set.find(letter) != std::string::npos;
}

}  // namespace

AzureSas::AzureSas(std::string_view query) {
  if (query.starts_with('?')) query.remove_prefix(1);
  query_ = Secret(std::string(query));
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    const auto equals = pair.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view name = pair.substr(0, equals);
    const std::string value = percent_decode(pair.substr(equals + 1));
    if (name == "se") expires_at_ = sas_time(value);
    if (name == "st") starts_at_ = sas_time(value);
    if (name == "sp") rights_ = value;
    if (name == "ss") services_ = value;
    if (name == "srt") resource_types_ = value;
    if (name == "sr") resource_ = value;
  }
}

std::optional<std::string> AzureSas::out_of_time(WallTime now) const {
  if (expires_at_ && *expires_at_ <= now) return "the SAS expired at " + format_rfc3339(*expires_at_);
  if (starts_at_ && *starts_at_ > now) return "the SAS isn't valid before " + format_rfc3339(*starts_at_);
  return std::nullopt;
}

std::optional<std::string> AzureSas::missing_right(AzureStep step) const {
  const NeededRight needed = needed_for(step);
  const std::string words(needed.words);
  if (!services_.empty() && !has(services_, needed.service))
    return "the SAS isn't for the " + std::string(azure_service_name(service_of(step))) + " service (ss), it can't " +
           words;
  if (!resource_types_.empty() && !has(resource_types_, needed.resource_type))
    return "the SAS lacks the resource type " + std::string(1, needed.resource_type) + " (srt), it can't " + words;
  if (resource_ == "b" && step == AzureStep::put_blob)
    return "the SAS is for one blob (sr=b), it can't " + words + " of other names";
  if (!rights_.empty() && !has(rights_, needed.right)) return "the SAS lacks the right to " + words + " (sp)";
  return std::nullopt;
}

}  // namespace relay
