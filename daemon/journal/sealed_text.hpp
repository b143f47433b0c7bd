// Texts of the journal that can carry a name, one by one: payload name, content type parameters, a remote side's text,
// the note of a pending move.
// A column holds such a text as TEXT where it is plain, and as a BLOB where it is sealed.
#pragma once

#include <optional>
#include <string>

#include "base/uuid.hpp"
#include "journal/database.hpp"
#include "journal/payload_cipher.hpp"

namespace relay {

enum class SealedField : char {
  payload_name = 'n',
  content_type_parameters = 'p',
  remote_text = 'r',
  discard_reason = 'd',
  audit_detail = 'a',
  pending_move = 'm',
  query_parameters = 'q',
};

// What a seal binds a text to.
struct TextPlace {
  Uuid submission;  // or the audit entry's own id
  SealedField field;
  std::int64_t destination = 0;  // of a remote text or a discard reason
};

// Sealed where there is a key; an empty text says nothing and stays plain.
StoredText store_text(std::string text, const TextPlace& place, const PayloadCipher& cipher);
// Nothing where its seal can't be opened.
std::optional<std::string> read_text_column(const Rows& rows, int column, const TextPlace& place,
                                            const PayloadCipher& cipher);

}  // namespace relay
