// Numbers, times and tables as people read them in a terminal. Nothing here is meant to be parsed: that is what --json
// is for.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_count.hpp"

namespace relay {

// "0 s", "45 s", "12 min", "3 h 20 min", "5 d 2 h".
std::string human_duration(std::chrono::seconds duration);
// "812 B", "2.1 kB", "300 kB", "50 MB", "1.2 GB" (powers of ten, as the configuration's MB).
std::string human_size(ByteCount size);
// "1 delivery", "3 deliveries".
std::string counted(std::uint64_t count, std::string_view singular, std::string_view plural);
// One line of text: control characters, line breaks too, become '?', so that what a sender chose can't steer a
// terminal.
std::string one_line(std::string_view text);

// Columns as wide as their widest cell, two blanks between them, no blanks at the line's end.
class TextTable {
 public:
  enum class Align { left, right };
  struct Column {
    std::string title;
    Align align = Align::left;
  };
  explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}
  // As many cells as there are columns.
  void add(std::vector<std::string> cells);
  std::string text() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace relay
