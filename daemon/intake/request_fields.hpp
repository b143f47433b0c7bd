// The header fields by which a submission says more than its payload: each read by its own grammar.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.hpp"
#include "base/result.hpp"

namespace relay {

// 1 to 255 characters, quoted (RFC 9651 section 3.3.3) or bare; nothing for anything else.
std::optional<std::string> parse_idempotency_key(std::string_view text);

// Content-Digest (RFC 9530): the sha-256 member; no digest where only other algorithms are named. Fails where it isn't
// a dictionary of byte sequences, or sha-256 has no 32 bytes.
Result<std::optional<Digest>> parse_content_digest(const std::vector<std::string_view>& values);

// Prefer (RFC 7240): wait=SECONDS, cut to `longest`; nothing where it isn't asked for or can't be read.
std::optional<std::chrono::seconds> parse_wait(const std::vector<std::string_view>& values,
                                               std::chrono::seconds longest);

// The one content coding in lower case ("gzip" also for x-gzip), empty for none or identity; several as one text that
// is no coding's name.
std::string parse_content_coding(const std::vector<std::string_view>& values);

// As UTF-8: a name that isn't is read as ISO 8859-1, which header fields once were.
std::string payload_name_text(std::string_view value);

}  // namespace relay
