// The checks of what people did and left in the journal.
#include <algorithm>

#include "journal/delivery_by_client.hpp"
#include "journal/sealed_text.hpp"
#include "journal/verify_rows.hpp"

namespace relay {

namespace {

std::optional<Uuid> uuid_in(const Rows& rows, int column) {
  Uuid id;
  const std::string_view bytes = rows.bytes(column);
  if (bytes.size() != id.bytes.size()) return std::nullopt;
  std::copy(bytes.begin(), bytes.end(), id.bytes.begin());
  return id;
}

}  // namespace

void VerifyRows::check_operator_rows(const Pause& pause) {
  Statement audit(connection_, "SELECT number, id, detail, changed FROM audit");
  for (Rows rows = audit.rows(); rows.next();) {
    if (rows.integer(0) % 256 == 0) pause();
    const auto id = uuid_in(rows, 1);
    if (!id || rows.integer(3) < 0) {
      add_("state", "-", "an entry of the audit has impossible values");
    } else if (seals_checked_ && !read_text_column(rows, 2, {*id, SealedField::audit_detail}, cipher_)) {
      add_("seal", "-", "the detail of an entry of the audit doesn't open");
    }
  }

  Statement paused(connection_,
                   "SELECT 1 FROM paused p WHERE NOT EXISTS"
                   " (SELECT 1 FROM totals t WHERE t.destination = p.destination)");
  for (Rows rows = paused.rows(); rows.next();) add_("orphan", "-", "a destination that isn't known is paused");

  pause();
  Statement reasons(connection_,
                    "SELECT d.seq, d.destination, d.reason, s.id, r.state IS 4 FROM discard_reason d"
                    " LEFT JOIN submission s ON s.seq = d.seq"
                    " LEFT JOIN record r ON r.seq = d.seq AND r.destination = d.destination");
  for (Rows rows = reasons.rows(); rows.next();) {
    const auto id = uuid_in(rows, 3);
    const std::string shown = id ? id->text() : "-";
    if (!rows.flag(4)) add_("orphan", shown, "a reason is kept of a delivery that isn't discarded");
    const TextPlace place{id.value_or(Uuid()), SealedField::discard_reason, rows.integer(1)};
    if (id && seals_checked_ && !read_text_column(rows, 2, place, cipher_)) {
      add_("seal", shown, "the reason of a discarded delivery doesn't open");
    }
  }

  pause();
  Statement redirections(connection_, "SELECT x.seq, s.id, t.name IS NULL, coalesce(r.recorded, " +
                                          select_recorded("x") +
                                          "), x.up_to"
                                          " FROM redirected x LEFT JOIN submission s ON s.seq = x.seq"
                                          " LEFT JOIN totals t ON t.destination = x.other"
                                          " LEFT JOIN record r ON r.seq = x.seq AND r.destination = x.destination");
  for (Rows rows = redirections.rows(); rows.next();) {
    const auto id = uuid_in(rows, 1);
    const std::string shown = id ? id->text() : "-";
    if (rows.is_null(3)) {
      add_("orphan", shown, "a note of a redirection has no delivery");
    } else if (rows.flag(2) || rows.integer(4) < 1 || rows.integer(4) > rows.integer(3)) {
      add_("state", shown, "a note of a redirection has impossible values");
    }
  }
}

}  // namespace relay
