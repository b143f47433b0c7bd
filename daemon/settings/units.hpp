// The spellings of sizes, numbers, modes and truth in the configuration: strict, so that a slip is told rather than
// guessed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/byte_count.hpp"

namespace relay {

// "64KiB 50MB 10GiB": KiB MiB GiB TiB count in 1024, kB KB MB GB TB in 1000, B or nothing in bytes. Nothing for
// anything else or an overflow.
std::optional<ByteCount> parse_byte_count(std::string_view text);
// The shortest exact spelling of those: 50MB, 64KiB, 1234B.
std::string format_byte_count(ByteCount count);

// Decimal digits alone.
std::optional<std::uint64_t> parse_whole_number(std::string_view text);
// "true" or "false".
std::optional<bool> parse_truth(std::string_view text);
// Permissions in octal, up to 0777: 0660, 660.
std::optional<unsigned> parse_file_mode(std::string_view text);

}  // namespace relay
