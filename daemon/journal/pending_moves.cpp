#include "journal/pending_moves.hpp"

#include <algorithm>
#include <utility>

#include "base/log.hpp"
#include "journal/sealed_text.hpp"
#include "journal/writer_statements.hpp"

namespace relay {

void EndPendingMoveCommand::apply(WriteTransaction& transaction) {
  transaction.statements.erase_pending_move.run(blob_of(id_.bytes));
}

std::optional<SubmissionId> pending_move_id(const Rows& rows) {
  const std::string_view bytes = rows.bytes(0);
  SubmissionId id;
  if (bytes.size() != id.bytes.size()) return std::nullopt;
  std::copy(bytes.begin(), bytes.end(), id.bytes.begin());
  return id;
}

std::optional<std::string> read_pending_move(const Rows& rows, const SubmissionId& id, const PayloadCipher& cipher) {
  return read_text_column(rows, 1, {id, SealedField::pending_move}, cipher);
}

std::vector<PendingMove> read_pending_moves(Connection& connection, const PayloadCipher& cipher) {
  std::vector<PendingMove> moves;
  Statement all(connection, "SELECT submission_id, note FROM pending_move ORDER BY submission_id");
  for (Rows rows = all.rows(); rows.next();) {
    const auto id = pending_move_id(rows);
    auto note = id ? read_pending_move(rows, *id, cipher) : std::nullopt;
    if (note) {
      moves.push_back({*id, std::move(*note)});
    } else {
      log_error("the note of a file to be moved can't be read; if the file is still in its folder it is taken again",
                {{"submission", id ? id->text() : "-"}});
    }
  }
  return moves;
}

}  // namespace relay
