#include "base/digest.hpp"
#include "settings/section_readers.hpp"

namespace relay {
namespace {

constexpr std::size_t encryption_key_bytes = 32;

void read_encryption_keys(const Section& section, JournalSettings& journal) {
  constexpr std::string_view key = "encryption_key";
  if (!section.has(key)) return;
  std::vector<Text> written;
  if (section.node(key).IsSequence()) {
    written = section.texts(key).value_or(std::vector<Text>());
    if (section.items(key).empty()) section.error(key, "lists no key; leave the line out to seal nothing");
  } else if (auto one = section.text(key)) {
    written.push_back(std::move(*one));
  }
  for (const Text& text : written) {
    if (auto parsed = parse_encryption_key(text.value)) {
      journal.encryption_keys.push_back(std::move(*parsed));
    } else {
      section.reading().problems.error(text.place, section.name(key) +
                                                       " isn't 32 bytes as base64, which is 44 characters; "
                                                       "`head -c 32 /dev/urandom | base64` makes one");
    }
  }
}

}  // namespace

std::optional<Secret> parse_encryption_key(std::string_view text) {
  auto bytes = base64_decode(text);
  if (!bytes) return std::nullopt;
  Secret key(std::move(*bytes));
  return key.reveal().size() == encryption_key_bytes ? std::optional(std::move(key)) : std::nullopt;
}

void read_journal(const Section& top, JournalSettings& journal) {
  const Section section = top.section("journal", keys::journal());
  if (const auto path = section.text("path")) {
    const std::filesystem::path written = path->value;
    if (!written.is_absolute() || !written.has_filename()) {
      section.error("path", path->quoted() + " isn't the full path of a file, beginning with '/'");
    } else {
      journal.path = written;
    }
  }
  section.read("max_size", journal.max_size, mebibytes(1), gibibytes(1024ULL * 1024));
  section.read("min_free_disk", journal.min_free_disk, ByteCount{0}, gibibytes(1024ULL * 1024));
  section.read("allow_tmpfs", journal.allow_tmpfs);
  constexpr std::chrono::milliseconds longest = std::chrono::hours(24 * 365 * 100);
  section.read("keep_delivered_payload", journal.keep_delivered_payload, std::chrono::milliseconds(0), longest);
  section.read("keep_record", journal.keep_record, std::chrono::milliseconds(0), longest);
  section.read("keep_audit", journal.keep_audit, std::chrono::milliseconds(0), longest);
  read_encryption_keys(section, journal);
}

}  // namespace relay
