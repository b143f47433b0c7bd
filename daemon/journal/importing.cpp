#include "journal/importing.hpp"

#include <algorithm>
#include <stdexcept>

#include "journal/payload_row.hpp"
#include "journal/receipt_text.hpp"
#include "journal/sealed_text.hpp"
#include "journal/writer_statements.hpp"

namespace relay {

namespace {

bool undelivered(const DeliveryView& delivery) {
  return delivery.state == DeliveryState::queued || delivery.state == DeliveryState::dead_letter;
}

ImportRefusal::Kind refusal_of(AppendRefusal why) {
  switch (why) {
    case AppendRefusal::journal_full:
      return ImportRefusal::Kind::journal_full;
    case AppendRefusal::disk_low:
      return ImportRefusal::Kind::disk_low;
    case AppendRefusal::stopping:
      return ImportRefusal::Kind::stopping;
    case AppendRefusal::journal_failing:
    case AppendRefusal::idempotency_conflict:
      break;
  }
  return ImportRefusal::Kind::journal_failing;
}

}  // namespace

ImportCommand::ImportCommand(std::shared_ptr<AuditedImport> session, CarriedSubmission carried, ImportCallback callback,
                             const PayloadCipher& cipher)
    : session_(std::move(session)),
      carried_(std::move(carried)),
      callback_(std::move(callback)),
      cipher_(cipher),
      row_digest_(row_digest(carried_.submission, cipher)) {
  const Submission& submission = carried_.submission;
  if (carried_.deliveries.empty() ||
      !std::all_of(carried_.deliveries.begin(), carried_.deliveries.end(), undelivered)) {
    throw std::invalid_argument("a submission without an undelivered delivery was imported");
  }
  if (const auto* bytes = std::get_if<std::string>(&carried_.payload)) {
    if (bytes->size() != submission.size.value || bytes->size() > inline_payload_limit.value) {
      throw std::invalid_argument("a payload was imported that doesn't have the submission's size, or is too large");
    }
    payload_row_ = frame_payload(*bytes, {submission.id, 0, true, row_digest(submission)}, cipher);
    return;
  }
  const auto* upload =
      dynamic_cast<const JournalUpload*>(std::get<std::unique_ptr<PayloadUpload>>(carried_.payload).get());
  if (upload == nullptr) throw std::invalid_argument("an upload of another journal was imported");
  upload_ = upload->state();
  if (upload_->bytes != submission.size.value || upload_->id != submission.id) {
    throw std::invalid_argument("an upload was imported whose chunks aren't the submission's payload");
  }
}

void ImportCommand::apply(WriteTransaction& transaction) {
  earlier_ = Earlier::none;
  session_->audit.settled(false);
  if (const auto row = transaction.statements.submissions.by_id(carried_.submission.id)) {
    const bool same = row->submission.sha256 == carried_.submission.sha256 &&
                      row->submission.size == carried_.submission.size &&
                      row->submission.client == carried_.submission.client &&
                      row->submission.content_type == carried_.submission.content_type;
    earlier_ = same ? Earlier::same : Earlier::another;
    return;
  }
  insert(transaction);
  session_->audit.write(transaction, 1);
}

void ImportCommand::insert(WriteTransaction& transaction) {
  const Submission& submission = carried_.submission;
  WriterStatements& statements = transaction.statements;
  const std::int64_t seq = transaction.state.next_seq++;
  const auto parameters =
      store_text(submission.content_type_parameters, {submission.id, SealedField::content_type_parameters}, cipher_);
  std::optional<StoredText> payload_name;
  if (submission.payload_name) {
    payload_name = store_text(*submission.payload_name, {submission.id, SealedField::payload_name}, cipher_);
  }
  // g++ 12, optimising, takes an optional made in one go for uninitialised.
  std::optional<std::int64_t> upload;
  if (upload_) upload = upload_->number.load();
  const auto payload = upload_ ? std::nullopt : std::optional(Blob{payload_row_});
  statements.insert_submission.run(seq, blob_of(submission.id.bytes), submission.client, submission.content_type,
                                   parameters, payload_name, submission.intake, submission.size.value,
                                   blob_of(submission.sha256.bytes), submission.accepted_at, blob_of(row_digest_),
                                   carried_.deliveries.size(), upload, payload);
  if (!submission.query_parameters.empty()) {
    statements.insert_query.run(
        seq, store_text(submission.query_parameters, {submission.id, SealedField::query_parameters}, cipher_));
  }
  if (upload) statements.erase_upload.run(*upload);
  std::int64_t position = 0;
  for (const DeliveryView& delivery : carried_.deliveries) insert_delivery(transaction, seq, position++, delivery);
  transaction.state.totals.count_intake(submission.intake);
}

void ImportCommand::insert_delivery(WriteTransaction& transaction, std::int64_t seq, std::int64_t position,
                                    const DeliveryView& delivery) {
  TotalsRow& totals = transaction.state.totals.of(delivery.destination);
  ++totals.accepted;
  ++totals.of_state(delivery.state);
  const unsigned recorded = delivery.history.empty() ? 0 : delivery.history.back().number;
  if (delivery.state == DeliveryState::queued) {
    transaction.statements.actions.insert_delivery.run(
        totals.destination, 0, seq, carried_.submission.client, position, transaction.now, delivery.attempts, recorded,
        delivery.possibly_delivered, delivery.resends, std::nullopt, StopsOthers::no);
    transaction.may_have_work.push_back(totals.destination);
  } else {
    transaction.statements.insert_record.run(seq, totals.destination, position, delivery.state, transaction.now,
                                             delivery.attempts, recorded, delivery.possibly_delivered, delivery.resends,
                                             std::nullopt, StopsOthers::no);
  }
  insert_history(transaction, seq, totals, delivery);
}

void ImportCommand::insert_history(WriteTransaction& transaction, std::int64_t seq, const TotalsRow& destination,
                                   const DeliveryView& delivery) {
  const TextPlace place{carried_.submission.id, SealedField::remote_text, destination.destination};
  for (const AttemptRecord& attempt : delivery.history) {
    const auto receipt = receipt_text(attempt.receipt);
    std::optional<ErrorKind> kind;
    std::optional<int> status;
    std::optional<std::string> message;
    std::optional<StoredText> remote_text;
    if (attempt.error) {
      kind = attempt.error->kind;
      status = attempt.error->status;
      message = attempt.error->message;
      remote_text = store_text(attempt.error->remote_text, place, cipher_);
    }
    transaction.statements.insert_attempt.run(seq, destination.destination, attempt.number, attempt.started_at,
                                              attempt.ended_at, attempt.outcome, attempt.counted, kind, status, message,
                                              remote_text, receipt);
  }
}

void ImportCommand::committed() {
  session_->audit.settled(true);
  if (earlier_ == Earlier::another) {
    callback_(Failure{ImportRefusal{ImportRefusal::Kind::another}});
    return;
  }
  if (earlier_ == Earlier::none && upload_) upload_->taken = true;
  callback_(Imported{earlier_ == Earlier::same});
}

Command::Fate ImportCommand::not_saved(AppendRefusal why) {
  session_->audit.settled(false);
  callback_(Failure{ImportRefusal{refusal_of(why)}});
  return Fate::done;
}

}  // namespace relay
