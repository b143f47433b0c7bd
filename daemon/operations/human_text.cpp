#include "operations/human_text.hpp"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

namespace relay {

std::string human_duration(std::chrono::seconds duration) {
  const auto total = std::max<std::int64_t>(duration.count(), 0);
  const auto minutes = total / 60;
  const auto hours = minutes / 60;
  const auto days = hours / 24;
  if (total < 120) return fmt::format("{} s", total);
  if (minutes < 120) return fmt::format("{} min", minutes);
  if (hours < 48) {
    return minutes % 60 == 0 ? fmt::format("{} h", hours) : fmt::format("{} h {} min", hours, minutes % 60);
  }
  return hours % 24 == 0 ? fmt::format("{} d", days) : fmt::format("{} d {} h", days, hours % 24);
}

std::string human_size(ByteCount size) {
  static constexpr const char* units[] = {"kB", "MB", "GB", "TB"};
  if (size.value < 1000) return fmt::format("{} B", size.value);
  double amount = static_cast<double>(size.value);
  std::size_t unit = 0;
  amount /= 1000;
  while (amount >= 999.5 && unit + 1 < std::size(units)) {
    amount /= 1000;
    ++unit;
  }
  return amount < 9.95 ? fmt::format("{:.1f} {}", amount, units[unit]) : fmt::format("{:.0f} {}", amount, units[unit]);
}

std::string counted(std::uint64_t count, std::string_view singular, std::string_view plural) {
  return fmt::format("{} {}", count, count == 1 ? singular : plural);
}

std::string one_line(std::string_view text) {
  std::string line;
  line.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0;
    if (byte < 0x20 || byte == 0x7f) {
      line += '?';
    } else if (byte == 0xc2 && next >= 0x80 && next <= 0x9f) {
      line += '?';  // U+0080 to U+009F: control characters in two bytes
      ++i;
    } else {
      line += text[i];
    }
  }
  return line;
}

namespace {

// Columns on the screen: continuation bytes of UTF-8 take none.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

void append_cell(std::string& line, std::string_view cell, std::size_t width, TextTable::Align align) {
  const std::string padding(width - std::min(width, width_of(cell)), ' ');
  if (align == TextTable::Align::right) line += padding;
  line += cell;
  if (align == TextTable::Align::left) line += padding;
}

}  // namespace

void TextTable::add(std::vector<std::string> cells) {
  if (cells.size() != columns_.size()) throw std::logic_error("TextTable: a row with another number of cells");
  rows_.push_back(std::move(cells));
}

std::string TextTable::text() const {
  std::vector<std::size_t> widths;
  for (std::size_t column = 0; column < columns_.size(); ++column) {
    std::size_t width = width_of(columns_[column].title);
    for (const auto& row : rows_) width = std::max(width, width_of(row[column]));
    widths.push_back(width);
  }
  std::string text;
  const auto append_line = [&](auto&& cell_of) {
    std::string line;
    for (std::size_t column = 0; column < columns_.size(); ++column) {
      if (column > 0) line += "  ";
      append_cell(line, cell_of(column), widths[column], columns_[column].align);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  };
  append_line([&](std::size_t column) -> std::string_view { return columns_[column].title; });
  for (const auto& row : rows_) append_line([&](std::size_t column) -> std::string_view { return row[column]; });
  return text;
}

}  // namespace relay
