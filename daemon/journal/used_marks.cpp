#include "journal/used_marks.hpp"

#include <algorithm>
#include <utility>

namespace relay {

UseOnceCommand::UseOnceCommand(std::string_view mark, WallTime until, UseOnceCallback callback, const Uuid& journal_id,
                               const PayloadCipher& cipher)
    // Apart from idempotency keys, whatever they are.
    : hashes_(idempotency_hashes(journal_id, cipher, "used mark\n" + std::string(mark))),
      until_(until),
      callback_(std::move(callback)) {}

// Tokens are asked for every few minutes: statements that are prepared each time cost less than keeping them.
void UseOnceCommand::apply(WriteTransaction& transaction) {
  Connection& connection = transaction.connection;
  Statement(connection, "DELETE FROM used_mark WHERE until <= ?1").run(transaction.now);
  first_ = std::ranges::none_of(hashes_, [&](const IdempotencyHash& hash) {
    Statement find(connection, "SELECT 1 FROM used_mark WHERE hash = ?1");
    Rows rows = find.rows(blob_of(hash));
    return rows.next();
  });
  if (first_) Statement(connection, "INSERT INTO used_mark VALUES (?1, ?2)").run(blob_of(hashes_.front()), until_);
}

Command::Fate UseOnceCommand::not_saved(AppendRefusal why) {
  callback_(Failure{why});
  return Fate::done;
}

}  // namespace relay
