// OperatorActions over SQLite: hands each change to the writer, and reads the audit.
#pragma once

#include <memory>

#include "journal/operator_command.hpp"
#include "journal/reading_pool.hpp"

namespace relay {

class SqliteOperatorActions : public OperatorActions {
 public:
  // All outlive it.
  SqliteOperatorActions(const ActionParts& parts, std::shared_ptr<ReadingPool> pool, const Clock& clock)
      : parts_(parts), pool_(std::move(pool)), clock_(clock), ids_(clock) {}

  void act(ActionRequest request, ActionCallback callback) override;
  void act_on_all(BulkRequest request, ActionCallback callback) override;
  void redirect(RedirectRequest request, ActionCallback callback) override;
  void pause(std::string destination, Operator by, ActionCallback callback) override;
  void resume(std::string destination, Operator by, ActionCallback callback) override;
  void note(AuditNote note, ActionCallback callback) override;
  void note_configuration(const Digest& digest, Operator by) override;
  Result<AuditPage> audit(const AuditQuery& query) override;
  std::unique_ptr<UndeliveredReader> undelivered() override;
  std::shared_ptr<ImportSession> begin_import(Operator by) override;
  void import(std::shared_ptr<ImportSession> session, CarriedSubmission carried, ImportCallback callback) override;

 private:
  AuditRow row(AuditNote note) { return {std::move(note), ids_.next(), parts_.cipher}; }

  const ActionParts parts_;
  const std::shared_ptr<ReadingPool> pool_;
  const Clock& clock_;
  UuidGenerator ids_;
};

}  // namespace relay
