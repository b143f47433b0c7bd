// Row digest: says whether a submission's row is as it was written. It covers what is fixed at intake: payload digest,
// id, client, content type with parameters, payload name, door, size, accepted_at, query parameters. Without encryption
// it finds damage, not forgery; with it, it is made with the journal's hash secret, so that nobody can try names
// against it.
#pragma once

#include <array>
#include <cstdint>

#include "journal/payload_cipher.hpp"
#include "submission/submission.hpp"

namespace relay {

// The first half of a SHA-256.
using RowDigest = std::array<std::uint8_t, 16>;

// Without a secret; also what a payload's seal is bound to.
RowDigest row_digest(const Submission& submission);
// As it is kept.
RowDigest row_digest(const Submission& submission, const PayloadCipher& cipher);
// Also where the row was written before encryption was turned on.
bool row_digest_holds(const RowDigest& kept, const Submission& submission, const PayloadCipher& cipher);

}  // namespace relay
