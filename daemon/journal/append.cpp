#include "journal/append.hpp"

#include <stdexcept>

#include "journal/payload_row.hpp"
#include "journal/sealed_text.hpp"
#include "journal/writer_statements.hpp"

namespace relay {

AppendCommand::AppendCommand(NewSubmission submission, AppendCallback callback, const Uuid& journal_id,
                             const PayloadCipher& cipher, const ConditionBoard& conditions)
    : new_(std::move(submission)),
      callback_(std::move(callback)),
      conditions_(conditions),
      row_digest_(row_digest(new_.submission, cipher)) {
  if (new_.destinations.empty()) throw std::invalid_argument("a submission without a destination was appended");
  if (new_.idempotency_key) keys_ = idempotency_hashes(journal_id, cipher, *new_.idempotency_key);
  if (new_.message_name) {
    // Apart from idempotency keys, whatever they are.
    const std::string name = "message name\n" + new_.message_name->text;
    names_ = idempotency_hashes(journal_id, cipher, name);
    names_with_payload_ = idempotency_hashes(journal_id, cipher, name + '\n' + new_.submission.sha256.hex());
  }
  if (new_.order) {
    order_keys_ = order_keys(journal_id, cipher, *new_.order);
    if (new_.order->on_dead_letter == OnDeadLetter::stop) stops_others_ = StopsOthers::yes;
  }
  const Submission& sealed = new_.submission;
  content_type_parameters_ =
      store_text(sealed.content_type_parameters, {sealed.id, SealedField::content_type_parameters}, cipher);
  if (sealed.payload_name) {
    payload_name_ = store_text(*sealed.payload_name, {sealed.id, SealedField::payload_name}, cipher);
  }
  if (new_.pending_move) {
    pending_move_ = store_text(*new_.pending_move, {sealed.id, SealedField::pending_move}, cipher);
  }
  if (!sealed.query_parameters.empty()) {
    query_parameters_ = store_text(sealed.query_parameters, {sealed.id, SealedField::query_parameters}, cipher);
  }
  if (auto* bytes = std::get_if<std::string>(&new_.payload)) {
    if (bytes->size() != new_.submission.size.value || bytes->size() > inline_payload_limit.value) {
      throw std::invalid_argument(
          "a payload was appended that doesn't have the submission's size, or is too large to "
          "be kept in its row");
    }
    const RowDigest unkeyed = cipher.seals() ? row_digest(new_.submission) : row_digest_;
    payload_row_ = frame_payload(std::move(*bytes), {new_.submission.id, 0, true, unkeyed}, cipher);
    return;
  }
  const auto* upload = dynamic_cast<const JournalUpload*>(std::get<std::unique_ptr<PayloadUpload>>(new_.payload).get());
  if (upload == nullptr) throw std::invalid_argument("an upload of another journal was appended");
  upload_ = upload->state();
  if (upload_->bytes != new_.submission.size.value || upload_->id != new_.submission.id) {
    throw std::invalid_argument("an upload was appended whose chunks aren't the submission's payload");
  }
}

void AppendCommand::apply(WriteTransaction& transaction) {
  earlier_ = Earlier::none;
  recurrence_ = Recurrence::none;
  if (const auto earlier = find(transaction, keys_); earlier && counts(transaction, *earlier)) {
    earlier_ = meet(transaction, *earlier);
  }
  if (earlier_ == Earlier::none && new_.message_name) meet_by_name(transaction);
  if (earlier_ != Earlier::none) return;
  insert(transaction);
}

std::optional<SubmissionRow> AppendCommand::find(WriteTransaction& transaction,
                                                 const std::vector<IdempotencyHash>& hashes) {
  for (const IdempotencyHash& hash : hashes) {
    const auto seq = transaction.statements.idempotency.find(hash, transaction.state.idempotency_current);
    auto earlier = seq ? transaction.statements.submissions.by_seq(*seq) : std::nullopt;
    if (earlier) return earlier;
  }
  return std::nullopt;
}

// A key of what is still open counts however old it is.
bool AppendCommand::counts(WriteTransaction& transaction, const SubmissionRow& earlier) {
  return !transaction.key_memory.is_over(earlier.submission.accepted_at, transaction.now) ||
         transaction.statements.submissions.any_queued(earlier);
}

// Two names are kept: one with the payload, so that of several payloads under one name each is known again, and one
// without, which tells that a name was used for several.
void AppendCommand::meet_by_name(WriteTransaction& transaction) {
  const auto within_window = [&](const SubmissionRow& earlier) {
    return transaction.now - earlier.submission.accepted_at < new_.message_name->window;
  };
  if (const auto earlier = find(transaction, names_with_payload_); earlier && within_window(*earlier)) {
    SubmissionView view = transaction.statements.submissions.view(*earlier, false);
    if (view.state == SubmissionState::queued || view.state == SubmissionState::delivered) {
      recurrence_ = Recurrence::repeat;
      earlier_view_ = counted_repeat(transaction, *earlier, std::move(view));
      if (new_.message_name->absorb) earlier_ = Earlier::replayed;
    }
    return;
  }
  const auto namesake = find(transaction, names_);
  const bool other_payload = namesake && namesake->submission.sha256 != new_.submission.sha256;
  if (other_payload && within_window(*namesake)) recurrence_ = Recurrence::name_reused;
}

SubmissionView AppendCommand::counted_repeat(WriteTransaction& transaction, const SubmissionRow& earlier,
                                             SubmissionView view) {
  transaction.statements.add_repeat.run(earlier.seq);
  ++view.repeats;
  return view;
}

AppendCommand::Earlier AppendCommand::meet(WriteTransaction& transaction, const SubmissionRow& earlier) {
  const Submission& before = earlier.submission;
  const Submission& now = new_.submission;
  if (before.sha256 != now.sha256 || before.size != now.size || before.content_type != now.content_type ||
      before.client != now.client) {
    return Earlier::conflict;
  }
  SubmissionView view = transaction.statements.submissions.view(earlier, false);
  // What was refused or given up may be sent again: it is a new submission then.
  if (view.state == SubmissionState::dead_letter || view.state == SubmissionState::discarded) return Earlier::none;
  earlier_view_ = counted_repeat(transaction, earlier, std::move(view));
  return Earlier::replayed;
}

void AppendCommand::insert(WriteTransaction& transaction) {
  const Submission& submission = new_.submission;
  WriterStatements& statements = transaction.statements;
  const std::int64_t seq = transaction.state.next_seq++;
  const auto upload = upload_ ? std::optional(upload_->number.load()) : std::nullopt;
  const auto payload = upload_ ? std::nullopt : std::optional(Blob{payload_row_});
  statements.insert_submission.run(seq, blob_of(submission.id.bytes), submission.client, submission.content_type,
                                   content_type_parameters_, payload_name_, submission.intake, submission.size.value,
                                   blob_of(submission.sha256.bytes), submission.accepted_at, blob_of(row_digest_),
                                   new_.destinations.size(), upload, payload);
  if (query_parameters_) statements.insert_query.run(seq, *query_parameters_);
  if (upload) statements.erase_upload.run(*upload);
  std::int64_t position = 0;
  for (const std::string& name : new_.destinations) {
    TotalsRow& totals = transaction.state.totals.of(name);
    ++totals.accepted;
    ++totals.queued;
    const OrderColumns order{statements.turns.key_of_new(totals.destination, order_keys_), stops_others_};
    statements.insert_delivery.run(totals.destination, seq, submission.client, position++, submission.accepted_at,
                                   statements.turns.first_due(totals.destination, order, seq), order.key_column(),
                                   order.stops);
    transaction.new_work.push_back(totals.destination);
  }
  transaction.state.totals.count_intake(submission.intake);
  if (pending_move_) statements.insert_pending_move.run(blob_of(submission.id.bytes), *pending_move_);
  for (const auto* hashes : {&keys_, &names_, &names_with_payload_}) {
    if (!hashes->empty()) statements.idempotency.remember(hashes->front(), seq, transaction.state.idempotency_current);
  }
}

void AppendCommand::committed() {
  if (earlier_ == Earlier::conflict) {
    callback_(Failure{AppendRefusal::idempotency_conflict});
    return;
  }
  Appended appended;
  appended.replayed = earlier_ == Earlier::replayed;
  appended.recurrence = recurrence_;
  if (appended.replayed) {
    appended.view = std::move(earlier_view_);
  } else {
    if (upload_) upload_->taken = true;
    appended.view.submission = std::move(new_.submission);
    for (std::string& name : new_.destinations) {
      DeliveryView delivery;
      delivery.destination = std::move(name);
      appended.view.deliveries.push_back(std::move(delivery));
    }
  }
  conditions_.merge_into(appended.view);
  callback_(std::move(appended));
}

Command::Fate AppendCommand::not_saved(AppendRefusal why) {
  callback_(Failure{why});
  return Fate::done;
}

}  // namespace relay
