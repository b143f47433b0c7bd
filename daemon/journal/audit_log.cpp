#include "journal/audit_log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "journal/sealed_text.hpp"
#include "journal/writer_statements.hpp"

namespace relay {

namespace {

constexpr std::string_view cursor_start = "a1.";

std::optional<std::int64_t> parse_cursor(std::string_view text) {
  if (!text.starts_with(cursor_start)) return std::nullopt;
  text.remove_prefix(cursor_start.size());
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

std::optional<Uuid> uuid_of(std::string_view bytes) {
  Uuid id;
  if (bytes.size() != id.bytes.size()) return std::nullopt;
  std::copy(bytes.begin(), bytes.end(), id.bytes.begin());
  return id;
}

AuditEntry read_entry(const Rows& rows, const PayloadCipher& cipher) {
  AuditEntry entry;
  entry.number = rows.count(0);
  entry.at = rows.time(1);
  entry.note.action = rows.string(3);
  entry.note.by = {rows.string(4), rows.string(5)};
  if (!rows.is_null(6)) entry.note.submission = uuid_of(rows.bytes(6));
  if (!rows.is_null(7)) entry.note.destination = rows.string(7);
  const TextPlace place{uuid_of(rows.bytes(2)).value_or(Uuid()), SealedField::audit_detail};
  // One whose seal doesn't open is left out here; verify names it.
  entry.note.detail = read_text_column(rows, 8, place, cipher).value_or("");
  entry.note.changed = rows.count(9);
  return entry;
}

}  // namespace

AuditRow::AuditRow(AuditNote note, const Uuid& id, const PayloadCipher& cipher)
    : note_(std::move(note)), id_(id), detail_(store_text(note_.detail, {id_, SealedField::audit_detail}, cipher)) {}

void AuditRow::write(WriteTransaction& transaction, std::uint64_t changed) {
  ActionStatements& statements = transaction.statements.actions;
  if (number_) {
    statements.add_to_audit.run(*number_, changed);
    return;
  }
  {
    Rows rows = statements.next_audit_number.rows();
    rows.next();
    written_ = rows.integer(0);
  }
  const auto submission = note_.submission ? std::optional(blob_of(note_.submission->bytes)) : std::nullopt;
  statements.insert_audit.run(*written_, transaction.now, blob_of(id_.bytes), note_.action, note_.by.who, note_.by.from,
                              submission, note_.destination, detail_, changed);
}

void AuditRow::settled(bool committed) {
  if (committed && written_) number_ = written_;
  written_.reset();
}

std::optional<std::string> last_configuration(WriteTransaction& transaction, const PayloadCipher& cipher) {
  Rows rows = transaction.statements.actions.last_configuration.rows();
  if (!rows.next()) return std::nullopt;
  return read_text_column(rows, 1, {uuid_of(rows.bytes(0)).value_or(Uuid()), SealedField::audit_detail}, cipher);
}

Result<AuditPage> read_audit(JournalReader& reader, const AuditQuery& query) {
  std::int64_t below = INT64_MAX;
  if (query.cursor) {
    const auto cursor = parse_cursor(*query.cursor);
    if (!cursor) return fail("this cursor isn't one that an earlier page gave; leave it out to start anew");
    below = *cursor;
  }
  AuditPage page;
  page.as_of = reader.as_of();
  Rows rows = reader.audit_below.rows(below, query.limit + 1);
  while (rows.next()) {
    if (page.entries.size() == query.limit) {
      page.next_cursor = fmt::format("{}{}", cursor_start, page.entries.back().number);
      break;
    }
    AuditEntry entry = read_entry(rows, reader.cipher);
    if (query.since && entry.at < *query.since) break;
    page.entries.push_back(std::move(entry));
  }
  return page;
}

}  // namespace relay
