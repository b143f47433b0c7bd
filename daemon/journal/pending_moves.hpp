// Notes "this file is in the journal and is to be moved": written in the transaction of the append, erased when the
// drop folder's door has moved the file. After a crash they tell it which files it has taken already.
//
// A note is a text of the door's own; the journal doesn't read it. It stays until the door ends it, also when the
// submission's record has been erased long since: only the note keeps that file from being taken once more.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "journal/command.hpp"
#include "journal/payload_cipher.hpp"

namespace relay {

class EndPendingMoveCommand : public Command {
 public:
  explicit EndPendingMoveCommand(const SubmissionId& id) : id_(id) {}
  Urgency urgency() const override { return Urgency::first; }
  void apply(WriteTransaction& transaction) override;
  void committed() override {}
  // Not tried again: at the next start the note meets a file that isn't there any more, and ends.
  Fate not_saved(AppendRefusal) override { return Fate::done; }

 private:
  SubmissionId id_;
};

// Rows of `SELECT submission_id, note FROM pending_move`; nothing where the id isn't one.
std::optional<SubmissionId> pending_move_id(const Rows& rows);
// Nothing where its seal doesn't open.
std::optional<std::string> read_pending_move(const Rows& rows, const SubmissionId& id, const PayloadCipher& cipher);

// Throws DatabaseError.
std::vector<PendingMove> read_pending_moves(Connection& connection, const PayloadCipher& cipher);

}  // namespace relay
