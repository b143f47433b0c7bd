#include "journal/redirecting.hpp"

#include <fmt/format.h>

#include "journal/writer_statements.hpp"

namespace relay {

namespace {

using Kind = ActionRefusal::Kind;

bool movable(const StandingDelivery& delivery) {
  return delivery.state == DeliveryState::queued || delivery.state == DeliveryState::dead_letter;
}

}  // namespace

std::vector<std::int64_t> Redirection::listed_seqs(WriteTransaction& transaction, ClaimHold& hold,
                                                   Progress& progress) const {
  std::vector<std::int64_t> seqs;
  for (const SubmissionId& id : request_.only) {
    const auto row = transaction.statements.submissions.by_id(id);
    if (!row) {
      progress.refusal = {Kind::not_found, fmt::format("The journal has no submission {}.", id.text())};
      return {};
    }
    DeliveryChanges changes(transaction, parts_.cipher, hold);
    const auto number = number_of(transaction, request_.from);
    const auto delivery = number ? changes.at(*row, *number) : std::nullopt;
    if (!delivery || !movable(*delivery)) {
      progress.refusal = {Kind::wrong_state,
                          fmt::format("redirect takes a queued one or a dead_letter; {} {} for {}.", id.text(),
                                      delivery ? fmt::format("is {}", delivery_state_name(delivery->state))
                                               : std::string("has no delivery"),
                                      request_.from)};
      return {};
    }
    seqs.push_back(row->seq);
  }
  return seqs;
}

std::vector<std::int64_t> Redirection::next_seqs(WriteTransaction& transaction, DestinationNumber from,
                                                 Progress& progress) const {
  ActionStatements& statements = transaction.statements.actions;
  const bool checks = progress.phase == check_open || progress.phase == check_dead;
  const std::size_t limit = checks ? rows_looked_at : slice_size;
  std::vector<std::int64_t> seqs;
  if (progress.phase == check_open || progress.phase == move_open) {
    // So that what keeps an order arrives there in it.
    for (Rows rows = statements.open_by_client.rows(from, progress.client, progress.seq, limit); rows.next();) {
      progress.client = rows.string(0);
      progress.seq = rows.integer(1);
      seqs.push_back(progress.seq);
    }
  } else {
    for (Rows rows = statements.dead_letters.rows(from, progress.seq, limit); rows.next();) {
      progress.seq = rows.integer(0);
      seqs.push_back(progress.seq);
    }
  }
  return seqs;
}

void Redirection::check(WriteTransaction& transaction, ClaimHold& hold, const std::vector<std::int64_t>& seqs,
                        Progress& progress) const {
  const auto to = number_of(transaction, request_.to);
  for (const std::int64_t seq : seqs) {
    const auto row = transaction.statements.submissions.by_seq(seq);
    if (!row || request_.takes(row->submission)) continue;
    // What it has already is given up here, not sent there.
    if (to && DeliveryChanges(transaction, parts_.cipher, hold).at(*row, *to)) continue;
    progress.refusal = {Kind::wrong_state, fmt::format("{} can't take {} ({}, {} bytes): nothing was moved.",
                                                       request_.to, row->submission.id.text(),
                                                       row->submission.content_type, row->submission.size.value)};
    return;
  }
}

void Redirection::move(WriteTransaction& transaction, ClaimHold& hold, std::int64_t seq, DestinationNumber from,
                       DestinationNumber to, Progress& progress) const {
  const auto row = transaction.statements.submissions.by_seq(seq);
  DeliveryChanges changes(transaction, parts_.cipher, hold);
  const auto delivery = row ? changes.at(*row, from) : std::nullopt;
  if (!delivery || !movable(*delivery)) return;
  const bool there = changes.at(*row, to).has_value();
  const bool fits = there || request_.takes(row->submission);  // it may have come since the check
  const bool free = delivery->state == DeliveryState::dead_letter || !fits || hold.take(from, seq);
  if (!fits || !free) {
    ++progress.left;
    return;
  }
  if (there) {
    changes.discard(*row, *delivery, "redirected");
  } else {
    changes.redirect(*row, *delivery, to);
  }
  ++progress.changed;
}

void Redirection::slice(WriteTransaction& transaction, ClaimHold& hold, Progress& progress) {
  const auto from = number_of(transaction, request_.from);
  if (!from) {
    progress.refusal = {Kind::not_found, "There is no destination of that name."};
    return;
  }
  const bool listed = !request_.only.empty();
  const auto seqs = listed ? listed_seqs(transaction, hold, progress) : next_seqs(transaction, *from, progress);
  if (listed || progress.phase < move_open) check(transaction, hold, seqs, progress);
  if (progress.refusal) return;
  if (listed || progress.phase >= move_open) {
    const DestinationNumber to = transaction.state.totals.of(request_.to).destination;
    for (const std::int64_t seq : seqs) move(transaction, hold, seq, *from, to, progress);
  }
  if (listed) {
    progress.over = true;
  } else if (seqs.empty()) {
    progress.next_phase();
    progress.over = progress.phase > move_dead;
  }
}

}  // namespace relay
