// The envelope `reportstream`: blob name, table row and queue message exactly as the consumer of ReportStream's queue
// reads them (CDCgov/prime-reportstream, commit 5f58b4c574: the message is parsed by Jackson with default typing, which
// is why `headers` is an array of a class name and an object, and the digest is compared as text).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "submission/submission.hpp"

namespace relay {

// Azure takes 64 KiB of text, and base64 makes four bytes of three.
inline constexpr std::size_t reportstream_message_limit = 48 * 1024;
// ReportStream's own limit for a payload.
inline constexpr ByteCount reportstream_payload_limit{50'000'000};

// The types there is a file extension for on that path.
const std::vector<std::string>& reportstream_content_types();

// SHA-256 as Java's Integer.toHexString of each signed byte prints it: bytes from 0x80 on as ffffffXX, bytes below 0x10
// as one digit.
std::string reportstream_digest(const Digest& digest);
// receive/<client in lower case>/<id>.hl7
std::string reportstream_blob_name(const Submission& submission);
std::string reportstream_row(const Submission& submission, std::string_view blob_url);
// The JSON before base64; its header values hold no control character.
std::string reportstream_message(const Submission& submission, std::string_view blob_url, std::string_view queue);

}  // namespace relay
