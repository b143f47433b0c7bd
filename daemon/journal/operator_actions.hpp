// What people do to what the journal keeps (contract, "Command line"): retry, resend, set aside, discard, redirect,
// pause, resume, carry undelivered submissions away and bring them in; and the record of all that.
//
// Each change is made by the journal's writer in one transaction with its row in the audit. A delivery that is in
// flight isn't touched: its outcome comes first (wrong_state for one, `left` where many are meant). Threads and
// callbacks as in journal.hpp.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "journal/journal.hpp"

namespace relay {

// Who acts, as the audit shows it.
struct Operator {
  std::string who;   // "uid 1000 (anna)", "token on-call", "relay"
  std::string from;  // "socket", or an address
};

enum class SubmissionAction : int { retry, resend, set_aside, discard };
// As commands and requests spell it: retry, resend, set-aside, discard.
std::string_view submission_action_name(SubmissionAction action);

struct ActionRequest {
  SubmissionAction action = SubmissionAction::retry;
  SubmissionId id;
  // Nothing: retry acts on dead letters, resend on what was delivered, the others where exactly one delivery is in a
  // state that they take.
  std::optional<std::string> destination{};
  std::string reason;  // a discarded delivery keeps it
  Operator by;
};

// retry or resend, of all deliveries of a destination.
struct BulkRequest {
  SubmissionAction action = SubmissionAction::retry;
  std::string destination;
  std::optional<WallTime> since{};  // delivered, or a dead letter, at or after
  std::optional<WallTime> until{};  // and before; nothing: before this request
  std::string reason;
  Operator by;
};

struct RedirectRequest {
  std::string from;
  std::string to;
  // Whether `to` takes it by type and size; asked on the writer's thread.
  std::function<bool(const Submission&)> takes;
  std::vector<SubmissionId> only;  // empty: every queued delivery and dead letter of `from`
  std::string reason;
  Operator by;
};

struct ActionDone {
  std::uint64_t changed = 0;  // deliveries
  std::uint64_t left = 0;     // of many: in flight, or their payload is gone
};
struct ActionRefusal {
  enum class Kind { not_found, wrong_state, journal_failing, stopping };
  Kind kind = Kind::not_found;
  std::string message;  // a sentence
};
using ActionCallback = std::function<void(Result<ActionDone, ActionRefusal>)>;

// One line of the record.
struct AuditNote {
  std::string action;  // retry, pause, configuration, …
  Operator by;
  std::optional<SubmissionId> submission{};
  std::optional<std::string> destination{};
  std::string detail;  // the reason as it was given; may carry a name, so it is sealed
  std::uint64_t changed = 0;
};
struct AuditEntry {
  std::uint64_t number = 0;
  WallTime at{};
  AuditNote note;
};
struct AuditQuery {
  std::optional<WallTime> since{};
  std::size_t limit = 100;
  std::optional<std::string> cursor{};
};
struct AuditPage {
  CommitNumber as_of = 0;
  std::vector<AuditEntry> entries;  // newest first
  std::optional<std::string> next_cursor{};
};

// The submissions that have a queued delivery or a dead letter, a few at a time. One thread at a time; the journal
// outlives it. What changes meanwhile may or may not be in it.
class UndeliveredReader {
 public:
  virtual ~UndeliveredReader() = default;
  // With history. Empty: that was all.
  virtual Result<std::vector<SubmissionView>> next(std::size_t limit) = 0;
};

// A submission that another relay has carried out: what is undelivered of it, with attempts and reasons.
struct CarriedSubmission {
  Submission submission;
  std::vector<DeliveryView> deliveries;  // queued or dead_letter, with history
  std::variant<std::string, std::unique_ptr<PayloadUpload>> payload;
};
// One act of importing: its submissions share a row of the audit. One submission at a time.
class ImportSession {
 public:
  virtual ~ImportSession() = default;
};
struct Imported {
  bool already_there = false;
};
struct ImportRefusal {
  // `another`: the journal has a submission of that id with other content.
  enum class Kind { another, journal_full, disk_low, journal_failing, stopping };
  Kind kind = Kind::another;
};
using ImportCallback = std::function<void(Result<Imported, ImportRefusal>)>;

class OperatorActions {
 public:
  virtual ~OperatorActions() = default;

  virtual void act(ActionRequest request, ActionCallback callback) = 0;
  // In slices; those that are done stay done where a later one can't be saved.
  virtual void act_on_all(BulkRequest request, ActionCallback callback) = 0;
  // wrong_state, and nothing changed, where `to` doesn't take one of them. Where `to` has a submission already, its
  // delivery to `from` becomes discarded, reason "redirected".
  virtual void redirect(RedirectRequest request, ActionCallback callback) = 0;
  // Nothing more is claimed of that destination; survives a restart. Changes 0 where it was paused already. The caller
  // knows that there is such a destination, or was.
  virtual void pause(std::string destination, Operator by, ActionCallback callback) = 0;
  virtual void resume(std::string destination, Operator by, ActionCallback callback) = 0;

  // For what isn't done here.
  virtual void note(AuditNote note, ActionCallback callback) = 0;
  // Notes a configuration unless the last one noted has the same digest.
  virtual void note_configuration(const Digest& digest, Operator by) = 0;
  // Error: a cursor that isn't one of ours, or the journal can't be read.
  virtual Result<AuditPage> audit(const AuditQuery& query) = 0;

  virtual std::unique_ptr<UndeliveredReader> undelivered() = 0;
  virtual std::shared_ptr<ImportSession> begin_import(Operator by) = 0;
  // As append(): durable, with its deliveries as they stood, when called back. An id that is there already changes
  // nothing.
  virtual void import(std::shared_ptr<ImportSession> session, CarriedSubmission carried, ImportCallback callback) = 0;
};

}  // namespace relay
