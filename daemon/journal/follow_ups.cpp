#include "journal/follow_ups.hpp"

#include "journal/receipt_text.hpp"
#include "journal/writer_statements.hpp"

namespace relay {

FollowUpReader::FollowUpReader(Connection& connection, const PayloadCipher& cipher)
    : due_(connection,
           "SELECT seq, ended_at FROM record INDEXED BY record_follow_up"
           " WHERE destination = ?1 AND follow_up_due <= ?2 ORDER BY follow_up_due LIMIT ?3"),
      next_due_(connection,
                "SELECT follow_up_due FROM record INDEXED BY record_follow_up"
                " WHERE destination = ?1 AND follow_up_due IS NOT NULL ORDER BY follow_up_due LIMIT 1"),
      late_(connection,
            "SELECT ended_at FROM record INDEXED BY record_unconfirmed"
            " WHERE destination = ?1 AND ended_at <= ?2 AND follow_up_due IS NOT NULL ORDER BY ended_at LIMIT ?3"),
      failed_(connection,
              "SELECT confirmed_at FROM record INDEXED BY record_unconfirmable"
              " WHERE destination = ?1 AND confirmed_at > ?2 AND confirmation = 3 ORDER BY confirmed_at LIMIT ?3"),
      receipt_(connection,
               "SELECT receipt FROM attempt WHERE seq = ?1 AND destination = ?2 AND outcome = 1"
               " ORDER BY number DESC LIMIT 1"),
      submissions_(connection, cipher) {}

std::vector<FollowUp> FollowUpReader::due(DestinationNumber destination, WallTime now, std::size_t count) {
  std::vector<FollowUp> found;
  for (Rows rows = due_.rows(destination, now, count); rows.next();) {
    const std::int64_t seq = rows.integer(0);
    auto submission = submissions_.by_seq(seq);
    if (!submission || !submission->sound) continue;  // verify names it
    found.push_back({std::move(submission->submission), receipt_of(destination, seq), rows.time(1)});
  }
  return found;
}

Receipt FollowUpReader::receipt_of(DestinationNumber destination, std::int64_t seq) {
  Rows rows = receipt_.rows(seq, destination);
  if (!rows.next() || rows.is_null(0)) return {};
  return parse_receipt(rows.bytes(0));
}

std::optional<WallTime> FollowUpReader::next_due(DestinationNumber destination) {
  Rows rows = next_due_.rows(destination);
  if (!rows.next()) return std::nullopt;
  return rows.time(0);
}

ConfirmationCounts FollowUpReader::counts(DestinationNumber destination, WallTime now) {
  ConfirmationCounts counts;
  for (Rows rows = late_.rows(destination, now - ConfirmationCounts::late_after, ConfirmationCounts::most);
       rows.next();) {
    if (++counts.late == 1) counts.late_since = rows.time(0) + ConfirmationCounts::late_after;
  }
  for (Rows rows = failed_.rows(destination, now - ConfirmationCounts::failed_counts_for, ConfirmationCounts::most);
       rows.next();) {
    if (++counts.failed == 1) counts.failed_since = rows.time(0);
  }
  return counts;
}

void FollowUpCommand::apply(WriteTransaction& transaction) {
  const auto row = transaction.statements.submissions.by_id(news_.id);
  if (!row) return;
  const bool over = news_.confirmation == Confirmation::confirmed || news_.confirmation == Confirmation::failed;
  transaction.statements.save_follow_up.run(
      row->seq, destination_, news_.delivered_at, news_.confirmation,
      news_.overall_status.empty() ? std::nullopt : std::optional(news_.overall_status), news_.ask_again_at,
      over ? std::optional(transaction.now) : std::nullopt);
}

}  // namespace relay
