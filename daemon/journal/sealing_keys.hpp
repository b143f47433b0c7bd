// Which keys a journal was sealed with. Table sealing_key has a row for each key that has sealed since encryption was
// first turned on: the journal's own hash secret sealed with it (which tells a wrong key before anything is touched),
// and which submissions were taken while it was the first of the list.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "base/uuid.hpp"
#include "journal/database.hpp"
#include "journal/payload_cipher.hpp"

namespace relay {

// How many keys have sealed something in this journal, as far as is known. Any schema version.
std::int64_t sealing_keys_of(Connection& connection);

// The cipher for a journal with these keys (journal.encryption_key, 32 bytes each, the first seals). Reads only. Error:
// something is sealed that none of them opens; the message says so and what to do.
Result<std::shared_ptr<const PayloadCipher>> unlock_journal(Connection& connection, const Uuid& journal_id,
                                                            const std::vector<Secret>& keys);

// Writes down which key seals from now on, in a transaction of its own, before the first seal is made, and drops keys
// that nothing needs any more. Writes nothing where all of that is so already. `next_seq`: the next submission's
// number. Throws DatabaseError.
void record_sealing_keys(Connection& connection, const Uuid& journal_id, std::int64_t next_seq,
                         const PayloadCipher& cipher);

}  // namespace relay
