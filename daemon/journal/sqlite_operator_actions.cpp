#include "journal/sqlite_operator_actions.hpp"

#include <stdexcept>

#include "base/log.hpp"
#include "journal/importing.hpp"
#include "journal/pausing.hpp"
#include "journal/redirecting.hpp"
#include "journal/sending_again.hpp"
#include "journal/submission_action.hpp"
#include "journal/undelivered.hpp"

namespace relay {

namespace {

constexpr std::string_view configuration_action = "configuration";

// Writes the note alone.
class NoteCommand : public OperatorCommand {
 public:
  // `once`: nothing is written where the last note of a configuration has the same detail.
  NoteCommand(const ActionParts& parts, AuditRow audit, bool once, ActionCallback callback)
      : OperatorCommand(parts, std::move(audit), std::move(callback)), once_(once) {}

 protected:
  Result<ActionDone, ActionRefusal> change(WriteTransaction& transaction) override {
    if (!once_ || last_configuration(transaction, parts_.cipher) != audit_.note().detail) {
      audit_.write(transaction, audit_.note().changed);
    }
    return ActionDone{audit_.note().changed, 0};
  }

 private:
  const bool once_;
};

}  // namespace

void SqliteOperatorActions::act(ActionRequest request, ActionCallback callback) {
  AuditRow audit = row({std::string(submission_action_name(request.action)), request.by, request.id,
                        request.destination, request.reason, 0});
  parts_.inbox.post(
      std::make_unique<SubmissionActionCommand>(parts_, std::move(request), std::move(audit), std::move(callback)));
}

void SqliteOperatorActions::act_on_all(BulkRequest request, ActionCallback callback) {
  // What fails or arrives anew while it goes on isn't meant.
  if (!request.until) request.until = clock_.wall_now() + std::chrono::milliseconds(1);
  AuditRow audit = row({std::string(submission_action_name(request.action)), request.by, std::nullopt,
                        request.destination, request.reason, 0});
  if (request.action == SubmissionAction::retry) {
    BulkAction::start(std::make_shared<RetryAll>(parts_, std::move(request), std::move(audit), std::move(callback)));
  } else if (request.action == SubmissionAction::resend) {
    BulkAction::start(std::make_shared<ResendAll>(parts_, std::move(request), std::move(audit), std::move(callback)));
  } else {
    throw std::invalid_argument("only retry and resend take many");
  }
}

void SqliteOperatorActions::redirect(RedirectRequest request, ActionCallback callback) {
  const std::string detail = request.reason.empty() ? "to " + request.to : "to " + request.to + ": " + request.reason;
  AuditRow audit = row({"redirect", request.by, std::nullopt, request.from, detail, 0});
  BulkAction::start(std::make_shared<Redirection>(parts_, std::move(request), std::move(audit), std::move(callback)));
}

void SqliteOperatorActions::pause(std::string destination, Operator by, ActionCallback callback) {
  AuditRow audit = row({"pause", std::move(by), std::nullopt, destination, "", 0});
  parts_.inbox.post(
      std::make_unique<PauseCommand>(parts_, std::move(destination), true, std::move(audit), std::move(callback)));
}

void SqliteOperatorActions::resume(std::string destination, Operator by, ActionCallback callback) {
  AuditRow audit = row({"resume", std::move(by), std::nullopt, destination, "", 0});
  parts_.inbox.post(
      std::make_unique<PauseCommand>(parts_, std::move(destination), false, std::move(audit), std::move(callback)));
}

void SqliteOperatorActions::note(AuditNote note, ActionCallback callback) {
  parts_.inbox.post(std::make_unique<NoteCommand>(parts_, row(std::move(note)), false, std::move(callback)));
}

void SqliteOperatorActions::note_configuration(const Digest& digest, Operator by) {
  AuditRow audit =
      row({std::string(configuration_action), std::move(by), std::nullopt, std::nullopt, "sha256 " + digest.hex(), 0});
  parts_.inbox.post(std::make_unique<NoteCommand>(
      parts_, std::move(audit), true, [](const Result<ActionDone, ActionRefusal>& result) {
        if (!result.ok()) log_error("the audit lacks a change of the configuration: the journal couldn't save it");
      }));
}

Result<AuditPage> SqliteOperatorActions::audit(const AuditQuery& query) {
  try {
    auto reader = pool_->lease();
    const ReadTransaction transaction(reader->connection);
    return read_audit(*reader, query);
  } catch (const DatabaseError& error) {
    return fail(std::string("the journal can't be read: ") + error.what());
  }
}

std::unique_ptr<UndeliveredReader> SqliteOperatorActions::undelivered() {
  return std::make_unique<JournalUndelivered>(pool_);
}

std::shared_ptr<ImportSession> SqliteOperatorActions::begin_import(Operator by) {
  return std::make_shared<AuditedImport>(row({"import", std::move(by), std::nullopt, std::nullopt, "", 0}));
}

void SqliteOperatorActions::import(std::shared_ptr<ImportSession> session, CarriedSubmission carried,
                                   ImportCallback callback) {
  auto ours = std::dynamic_pointer_cast<AuditedImport>(std::move(session));
  if (!ours) throw std::invalid_argument("a submission was imported in another journal's session");
  auto command =
      std::make_unique<ImportCommand>(std::move(ours), std::move(carried), std::move(callback), parts_.cipher);
  if (parts_.stopping) command->refuse_because_stopping();
  parts_.inbox.post(std::move(command));
}

}  // namespace relay
