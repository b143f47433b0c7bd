#include "journal/sending_again.hpp"

#include "journal/writer_statements.hpp"

namespace relay {

namespace {

bool ended_within(const BulkRequest& request, const StandingDelivery& delivery) {
  return (!request.since || delivery.ended_at >= *request.since) &&
         (!request.until || delivery.ended_at < *request.until);
}

std::optional<DestinationNumber> known(const WriteTransaction& transaction, const std::string& name,
                                       BulkAction::Progress& progress) {
  const auto number = number_of(transaction, name);
  if (!number) progress.refusal = {ActionRefusal::Kind::not_found, "There is no destination of that name."};
  return number;
}

}  // namespace

void RetryAll::slice(WriteTransaction& transaction, ClaimHold& hold, Progress& progress) {
  const auto destination = known(transaction, request_.destination, progress);
  if (!destination) return;
  std::vector<std::int64_t> seqs;
  for (Rows rows = transaction.statements.actions.dead_letters.rows(*destination, progress.seq, slice_size);
       rows.next();) {
    seqs.push_back(rows.integer(0));
  }
  DeliveryChanges changes(transaction, parts_.cipher, hold);
  for (const std::int64_t seq : seqs) {
    progress.seq = seq;
    const auto row = transaction.statements.submissions.by_seq(seq);
    const auto delivery = row ? changes.at(*row, *destination) : std::nullopt;
    if (!delivery || delivery->state != DeliveryState::dead_letter || !ended_within(request_, *delivery)) continue;
    changes.retry(*row, *delivery);
    ++progress.changed;
  }
  progress.over = seqs.empty();
}

std::vector<std::int64_t> ResendAll::candidates(WriteTransaction& transaction, Progress& progress) const {
  ActionStatements& statements = transaction.statements.actions;
  std::vector<std::int64_t> seqs;
  if (progress.phase == 0) {
    const auto since = request_.since ? request_.since->time_since_epoch().count() - 1 : INT64_MIN;
    const std::int64_t from = std::max(progress.time, since);
    for (Rows rows = statements.ended_since.rows(from, from == progress.time ? progress.seq : INT64_MAX, slice_size);
         rows.next();) {
      progress.time = rows.integer(0);
      progress.seq = rows.integer(1);
      seqs.push_back(progress.seq);
    }
    return seqs;
  }
  const auto& destinations = transaction.state.totals.rows();
  for (; progress.destination < destinations.size(); ++progress.destination) {
    const DestinationNumber number = destinations[progress.destination].destination;
    if (progress.phase == 1) {
      for (Rows rows = statements.dead_letters.rows(number, progress.seq, slice_size); rows.next();) {
        seqs.push_back(rows.integer(0));
      }
    } else {
      for (Rows rows = statements.open_by_client.rows(number, progress.client, progress.seq, slice_size);
           rows.next();) {
        progress.client = rows.string(0);
        seqs.push_back(rows.integer(1));
      }
    }
    if (!seqs.empty()) {
      progress.seq = seqs.back();
      return seqs;
    }
    progress.seq = 0;
    progress.client.clear();
  }
  return seqs;
}

void ResendAll::look_at(WriteTransaction& transaction, ClaimHold& hold, DestinationNumber destination, std::int64_t seq,
                        Progress& progress) const {
  {
    // Most aren't of that destination and time: asked before the submission is read.
    Rows rows = transaction.statements.actions.ended_delivery.rows(seq, destination);
    if (!rows.next() || static_cast<DeliveryState>(rows.integer(0)) != DeliveryState::delivered) return;
  }
  DeliveryChanges changes(transaction, parts_.cipher, hold);
  const auto row = transaction.statements.submissions.by_seq(seq);
  const auto delivery = row ? changes.at(*row, destination) : std::nullopt;
  if (!delivery || delivery->state != DeliveryState::delivered || !ended_within(request_, *delivery)) return;
  if (changes.payload_erased(*row)) {
    ++progress.left;
    return;
  }
  changes.resend(*row, *delivery);
  ++progress.changed;
}

void ResendAll::slice(WriteTransaction& transaction, ClaimHold& hold, Progress& progress) {
  const auto destination = known(transaction, request_.destination, progress);
  if (!destination) return;
  const auto seqs = candidates(transaction, progress);
  for (const std::int64_t seq : seqs) look_at(transaction, hold, *destination, seq, progress);
  if (seqs.empty()) progress.next_phase();
  progress.over = progress.phase > 2;
}

}  // namespace relay
