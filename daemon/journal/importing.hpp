// Import: a submission that another relay has carried out gets its rows here, its undelivered deliveries as they stood.
#pragma once

#include <optional>

#include "journal/audit_log.hpp"
#include "journal/command.hpp"
#include "journal/operator_actions.hpp"
#include "journal/payload_cipher.hpp"
#include "journal/row_digest.hpp"
#include "journal/uploads.hpp"

namespace relay {

class AuditedImport : public ImportSession {
 public:
  explicit AuditedImport(AuditRow row) : audit(std::move(row)) {}
  AuditRow audit;
};

class ImportCommand : public Command {
 public:
  // Frames and seals the payload here, on the caller's thread. Throws std::invalid_argument where the submission
  // doesn't fit its payload, or has no delivery that is queued or a dead letter: a bug of the caller.
  ImportCommand(std::shared_ptr<AuditedImport> session, CarriedSubmission carried, ImportCallback callback,
                const PayloadCipher& cipher);
  Urgency urgency() const override { return Urgency::arrival; }
  ByteCount weight() const override { return {payload_row_.size()}; }
  void apply(WriteTransaction& transaction) override;
  void committed() override;
  Fate not_saved(AppendRefusal why) override;

 private:
  void insert(WriteTransaction& transaction);
  void insert_delivery(WriteTransaction& transaction, std::int64_t seq, std::int64_t position,
                       const DeliveryView& delivery);
  void insert_history(WriteTransaction& transaction, std::int64_t seq, const TotalsRow& destination,
                      const DeliveryView& delivery);

  const std::shared_ptr<AuditedImport> session_;
  const CarriedSubmission carried_;
  const ImportCallback callback_;
  const PayloadCipher& cipher_;
  RowDigest row_digest_;
  std::shared_ptr<UploadState> upload_;
  std::string payload_row_;
  enum class Earlier { none, same, another };
  Earlier earlier_ = Earlier::none;
};

}  // namespace relay
