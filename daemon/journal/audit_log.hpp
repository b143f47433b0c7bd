// The audit: who did what, when and from where. A row goes in the transaction of the change that it tells of;
// keep_audit later it is erased (retention.hpp).
#pragma once

#include <optional>

#include "journal/command.hpp"
#include "journal/operator_actions.hpp"
#include "journal/payload_cipher.hpp"
#include "journal/reading_pool.hpp"

namespace relay {

// A note on its way to the journal. Sealed on the caller's thread.
class AuditRow {
 public:
  AuditRow(AuditNote note, const Uuid& id, const PayloadCipher& cipher);

  const AuditNote& note() const { return note_; }
  // Writes it, or adds `changed` to what it says where it was written before: one row an action, however many slices.
  void write(WriteTransaction& transaction, std::uint64_t changed);
  // The transaction is durable, or was rolled back.
  void settled(bool committed);

 private:
  const AuditNote note_;
  const Uuid id_;
  const StoredText detail_;
  std::optional<std::int64_t> number_;   // as committed
  std::optional<std::int64_t> written_;  // in the transaction under way
};

// The digest that the last noted configuration has; nothing where none was noted, or its seal doesn't open.
std::optional<std::string> last_configuration(WriteTransaction& transaction, const PayloadCipher& cipher);

// Within a read transaction of the caller's. Throws DatabaseError.
Result<AuditPage> read_audit(JournalReader& reader, const AuditQuery& query);

}  // namespace relay
