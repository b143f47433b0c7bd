#include "settings/units.hpp"

#include <array>
#include <charconv>
#include <limits>

namespace relay {
namespace {

struct SizeUnit {
  std::string_view name;
  std::uint64_t bytes;
};
// In the order in which format_byte_count looks: of two exact spellings the larger unit is the shorter.
constexpr std::array<SizeUnit, 11> size_units = {{{"TiB", 1ULL << 40},
                                                  {"TB", 1'000'000'000'000},
                                                  {"GiB", 1ULL << 30},
                                                  {"GB", 1'000'000'000},
                                                  {"MiB", 1ULL << 20},
                                                  {"MB", 1'000'000},
                                                  {"KiB", 1ULL << 10},
                                                  {"kB", 1'000},
                                                  {"KB", 1'000},
                                                  {"B", 1},
                                                  {"", 1}}};

}  // namespace

std::optional<std::uint64_t> parse_whole_number(std::string_view text) {
  if (text.empty() || text.front() < '0' || text.front() > '9') return std::nullopt;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<ByteCount> parse_byte_count(std::string_view text) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = parse_whole_number(text.substr(0, digits));
  if (!number) return std::nullopt;
  for (const auto& unit : size_units) {
    if (text.substr(digits) != unit.name) continue;
    if (*number > std::numeric_limits<std::uint64_t>::max() / unit.bytes) return std::nullopt;
    return ByteCount{*number * unit.bytes};
  }
  return std::nullopt;
}

std::string format_byte_count(ByteCount count) {
  if (count.value == 0) return "0B";
  for (const auto& unit : size_units) {
    if (count.value % unit.bytes == 0) return std::to_string(count.value / unit.bytes).append(unit.name);
  }
  return std::to_string(count.value);
}

std::optional<bool> parse_truth(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return std::nullopt;
}

std::optional<unsigned> parse_file_mode(std::string_view text) {
  if (text.starts_with("0o")) text.remove_prefix(2);
  if (text.empty() || text.size() > 4 || text.front() < '0' || text.front() > '7') return std::nullopt;
  unsigned mode = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), mode, 8);
  if (error != std::errc() || end != text.data() + text.size() || mode > 0777) return std::nullopt;
  return mode;
}

}  // namespace relay
