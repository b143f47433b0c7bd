#include <algorithm>
#include <set>

#include "base/http_text.hpp"
#include "base/listen_address.hpp"
#include "base/utf8.hpp"
#include "settings/section_readers.hpp"

namespace relay {
namespace {

constexpr std::string_view default_region = "us-east-1";
// "Object key naming" in the "Amazon S3 User Guide"; "Working with object metadata" there.
constexpr std::size_t longest_key = 1024;
constexpr std::size_t most_metadata = 2048;
constexpr std::string_view default_key = "{client}/{id}.{extension}";

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_word_of(std::string_view text, std::string_view also) {
  return !text.empty() && std::ranges::all_of(text, [also](char c) {
    return is_letter_or_digit(c) || also.find(c) != std::string_view::npos;
  });
}

// An address or `localhost` has no names below it that a bucket's could be one of.
bool has_no_subdomains(std::string_view endpoint) {
  std::string_view host = endpoint.substr(endpoint.find("://") + 3);
  host = host.substr(0, host.find('/'));
  host = host.substr(0, host.find(':', host.starts_with('[') ? host.find(']') : 0));
  return host == "localhost" || ListenAddress::parse(std::string(host) + ":1").has_value();
}

void read_where(const Section& section, S3Settings& s3) {
  if (const auto region = section.text("region")) {
    if (is_word_of(region->value, "-_"))
      s3.region = region->value;
    else
      section.error("region", region->quoted() + " isn't a region, like us-east-1");
  }
  if (!section.has("endpoint") && !section.has("region"))
    section.error("region is missing; or name the endpoint of another service than Amazon's");
  if (s3.region.empty()) s3.region = default_region;
  s3.endpoint = "https://s3." + s3.region + ".amazonaws.com";
  read_web_url(section, "endpoint", s3.endpoint);

  const auto bucket = section.text("bucket");
  if (!bucket) {
    if (!section.has("bucket")) section.error("bucket is missing");
    return;
  }
  if (bucket->value.size() < 3 || bucket->value.size() > 255 || !is_word_of(bucket->value, ".-_")) {
    section.error("bucket", bucket->quoted() + " isn't a bucket's name: letters, digits, '.', '-', '_'");
    return;
  }
  s3.bucket = bucket->value;
  // A certificate for *.s3.amazonaws.com holds for no name with one dot more.
  const bool dots_under_tls = s3.endpoint.starts_with("https://") && s3.bucket.find('.') != std::string::npos;
  s3.path_style = has_no_subdomains(s3.endpoint) || dots_under_tls;
  section.read("path_style", s3.path_style);
  if (!s3.path_style && has_no_subdomains(s3.endpoint))
    section.error("path_style", "must be true where the endpoint is an address or localhost");
}

// Whatever stands between two slashes is a folder's name to those who look at the bucket, and "." and ".." are none.
void check_key(const Section& section, const NameTemplate& key) {
  const auto written = section.text("key");
  if (!written) return;
  if (key.longest() > longest_key)
    section.error("key", "could become " + std::to_string(key.longest()) + " bytes long, and S3 takes 1024");
  const std::string padded = "/" + written->value + "/";
  if (std::ranges::any_of(written->value, [](unsigned char c) { return c < 0x20 || c == 0x7F; }) ||
      !is_utf8(written->value))
    section.error("key", "must be UTF-8 without control characters");
  if (written->value.starts_with('/') || padded.find("/./") != std::string::npos ||
      padded.find("/../") != std::string::npos)
    section.error("key", "must not begin with '/' or hold '.' or '..' as a part of its own");
}

void read_secret(const Section& section, std::string_view key, SecretText& target) {
  section.read(key, target);
  if (std::ranges::any_of(target.value().reveal(), [](unsigned char c) { return c <= 0x20 || c >= 0x7F; }))
    section.error(key, "holds characters that no such key has");
}

void read_encryption(const Section& section, S3Settings& s3) {
  if (const auto key = section.text("kms_key")) {
    if (key->value.empty() || std::ranges::any_of(key->value, [](unsigned char c) { return c <= 0x20 || c >= 0x7F; }))
      section.error("kms_key", "isn't a KMS key's id, ARN or alias");
    else
      s3.kms_key = key->value;
    s3.server_side_encryption = "aws:kms";
  }
  section.read_one_of<std::string>("server_side_encryption", s3.server_side_encryption,
                                   {{"AES256", "AES256"}, {"aws:kms", "aws:kms"}, {"aws:kms:dsse", "aws:kms:dsse"}});
  if (!s3.kms_key.empty() && s3.server_side_encryption == "AES256")
    section.error("kms_key", "needs server_side_encryption: aws:kms");
}

// The value becomes a header, which is signed with its spaces as they are.
std::optional<NameTemplate> read_metadata_value(const Section& section, const std::string& name, const Text& written) {
  const auto problem = [&](const std::string& words) {
    section.reading().problems.error(written.place, section.name("metadata") + "." + name + ": " + words);
  };
  auto value = NameTemplate::parse(written.value);
  if (!value) {
    problem(value.error().message);
    return std::nullopt;
  }
  if (std::ranges::any_of(written.value, [](unsigned char c) { return c < 0x20 || c >= 0x7F; }) ||
      written.value != trimmed(written.value) || written.value.find("  ") != std::string::npos) {
    problem("must be printable ASCII, without spaces at its ends or two in a row");
    return std::nullopt;
  }
  return std::move(*value);
}

void read_metadata(const Section& section, S3Settings& s3) {
  if (!section.has("metadata")) return;
  const Reading& reading = section.reading();
  if (!section.node("metadata").IsMap()) {
    section.error("metadata", "must be a section of names with their values");
    return;
  }
  std::set<std::string> seen = {s3_id_metadata};
  std::size_t bytes = std::string_view(s3_id_metadata).size() + 36;
  for (const auto& entry : section.node("metadata")) {
    const Place place = reading.document.place_of(entry.first.Mark());
    const std::string name = entry.first.IsScalar() ? entry.first.Scalar() : "";
    if (!is_word_of(name, "-_.")) {
      reading.problems.error(place, section.name("metadata") + ": a name is letters, digits, '-', '_', '.'");
      continue;
    }
    if (!seen.insert(to_lower_case(name)).second) {
      reading.problems.error(place, section.name("metadata") + "." + name +
                                        (equal_ignoring_case(name, s3_id_metadata) ? " is the relay's own"
                                                                                   : " stands here a second time"));
      continue;
    }
    const auto written = read_text(reading, entry.second, section.name("metadata") + "." + name, place);
    if (!written) continue;
    auto value = read_metadata_value(section, name, *written);
    if (!value) continue;
    bytes += name.size() + value->longest();
    s3.metadata.emplace_back(name, std::move(*value));
  }
  if (bytes > most_metadata)
    section.error("metadata", "could become " + std::to_string(bytes) + " bytes, and S3 takes 2048 for each object");
}

}  // namespace

S3Settings read_s3(const Section& section) {
  S3Settings s3;
  read_where(section, s3);
  s3.key = read_name_template(section, "key", default_key);
  check_key(section, s3.key);
  for (const char* key : {"access_key", "secret_key"})
    if (!section.has(key)) section.error(std::string(key) + " is missing");
  read_secret(section, "access_key", s3.access_key);
  read_secret(section, "secret_key", s3.secret_key);
  read_secret(section, "session_token", s3.session_token);
  read_encryption(section, s3);
  read_metadata(section, s3);
  s3.content_type = read_media_type(section, "content_type");
  section.read("if_none_match", s3.if_none_match);
  return s3;
}

}  // namespace relay
