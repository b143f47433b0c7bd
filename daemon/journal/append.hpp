// Append: a submission gets its row, its deliveries and its key, in one transaction.
#pragma once

#include <optional>

#include "journal/command.hpp"
#include "journal/conditions.hpp"
#include "journal/idempotency.hpp"
#include "journal/row_digest.hpp"
#include "journal/submission_rows.hpp"
#include "journal/uploads.hpp"

namespace relay {

class AppendCommand : public Command {
 public:
  // Hashes, frames and seals here, on the caller's thread. Throws std::invalid_argument where the submission doesn't
  // fit its payload: a bug of the caller.
  AppendCommand(NewSubmission submission, AppendCallback callback, const Uuid& journal_id, const PayloadCipher& cipher,
                const ConditionBoard& conditions);
  Urgency urgency() const override { return Urgency::arrival; }
  ByteCount weight() const override { return {payload_row_.size()}; }
  void apply(WriteTransaction& transaction) override;
  void committed() override;
  Fate not_saved(AppendRefusal why) override;

 private:
  // What an earlier submission with this key or this id means for this one.
  enum class Earlier { none, replayed, conflict };
  Earlier meet(WriteTransaction& transaction, const SubmissionRow& earlier);
  // The submission that one of these hashes was kept for.
  static std::optional<SubmissionRow> find(WriteTransaction& transaction, const std::vector<IdempotencyHash>& hashes);
  // Whether the key of that submission is still remembered.
  static bool counts(WriteTransaction& transaction, const SubmissionRow& earlier);
  void meet_by_name(WriteTransaction& transaction);
  // Counts a repeat with the earlier submission.
  SubmissionView counted_repeat(WriteTransaction& transaction, const SubmissionRow& earlier, SubmissionView view);
  void insert(WriteTransaction& transaction);

  NewSubmission new_;
  AppendCallback callback_;
  const ConditionBoard& conditions_;
  RowDigest row_digest_;
  std::vector<IdempotencyHash> keys_;                // the first is kept
  std::vector<IdempotencyHash> names_;               // of the message's name, likewise
  std::vector<IdempotencyHash> names_with_payload_;  // of the name and the payload's digest, likewise
  StoredText content_type_parameters_;
  std::optional<StoredText> payload_name_;
  std::optional<StoredText> pending_move_;
  std::optional<StoredText> query_parameters_;
  std::shared_ptr<UploadState> upload_;
  std::string payload_row_;
  Earlier earlier_ = Earlier::none;
  Recurrence recurrence_ = Recurrence::none;
  SubmissionView earlier_view_;
};

}  // namespace relay
