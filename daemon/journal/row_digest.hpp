// Row digest: says whether a submission's row is as it was written. It covers what is fixed at intake: payload digest,
// id, client, content type with parameters, payload name, door, size, accepted_at. It finds damage, not forgery: it has
// no key.
#pragma once

#include <array>
#include <cstdint>

#include "submission/submission.hpp"

namespace relay {

// The first half of a SHA-256.
using RowDigest = std::array<std::uint8_t, 16>;

RowDigest row_digest(const Submission& submission);

}  // namespace relay
