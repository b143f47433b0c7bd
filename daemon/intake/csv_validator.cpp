// CSV (RFC 4180): one column count throughout, at most 10,000 rows behind the header and 2,000 columns, as ReportStream
// takes them. Lines end with CRLF, LF or CR; the last end is optional.
#include <limits>

#include "intake/payload_validator.hpp"

namespace relay {
namespace {

constexpr std::size_t most_rows = 10'000;
constexpr std::size_t most_columns = 2'000;
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

class CsvValidator final : public PayloadValidator {
 public:
  void feed(std::string_view bytes) override {
    for (const char c : bytes) {
      if (problem()) return;
      if (mark_matched_ < byte_order_mark.size()) {
        if (c == byte_order_mark[mark_matched_]) {
          ++mark_matched_;
          continue;
        }
        // What looked like the start of a mark was text, and text of no meaning here.
        if (mark_matched_ > 0) place_ = Place::unquoted;
        mark_matched_ = byte_order_mark.size();
      }
      take(c);
    }
  }

  void finish() override {
    if (problem()) return;
    if (place_ == Place::quoted) return found(quote_line_, "a quoted field that begins here doesn't end");
    if (row_has_bytes_) end_row();
    if (!problem() && rows_ == 0) found(1, "there is no header row");
  }

 private:
  enum class Place { field_start, unquoted, quoted, behind_quote };

  void take(char c) {
    const bool second_half = c == '\n' && previous_was_cr_;
    previous_was_cr_ = false;
    if (place_ == Place::quoted) return take_quoted(c, second_half);
    if (c == '\r' || c == '\n') {
      previous_was_cr_ = c == '\r';
      if (!second_half) end_line();
      return;
    }
    row_has_bytes_ = true;
    if (c == ',') {
      ++columns_;
      place_ = Place::field_start;
      if (columns_ > most_columns) found(row_line_, "the row has more than 2,000 columns");
    } else if (c == '"') {
      take_quote();
    } else if (place_ == Place::behind_quote) {
      found(line_, "text stands behind a closing quote");
    } else {
      place_ = Place::unquoted;
    }
  }

  void take_quoted(char c, bool second_half) {
    if (c == '"') {
      place_ = Place::behind_quote;
    } else if (c == '\r' || (c == '\n' && !second_half)) {
      previous_was_cr_ = c == '\r';
      ++line_;
    }
  }

  void take_quote() {
    if (place_ == Place::unquoted) return found(line_, "a quote stands inside a field that isn't quoted");
    // Two in a row inside a quoted field are one quote of its text.
    if (place_ == Place::field_start) quote_line_ = line_;
    place_ = Place::quoted;
  }

  void end_line() {
    end_row();
    ++line_;
    row_line_ = line_;
  }

  void end_row() {
    if (rows_ == 0) expected_columns_ = columns_;
    if (columns_ != expected_columns_) found(row_line_, "the row has another number of columns than the first one");
    ++rows_;
    if (rows_ > most_rows + 1) found(row_line_, "there are more than 10,000 rows behind the header");
    columns_ = 1;
    row_has_bytes_ = false;
    place_ = Place::field_start;
  }

  std::size_t mark_matched_ = 0;
  Place place_ = Place::field_start;
  bool previous_was_cr_ = false;
  bool row_has_bytes_ = false;
  std::size_t line_ = 1;
  std::size_t row_line_ = 1;
  std::size_t quote_line_ = 1;
  std::size_t rows_ = 0;
  std::size_t columns_ = 1;
  std::size_t expected_columns_ = std::numeric_limits<std::size_t>::max();
};

}  // namespace

std::unique_ptr<PayloadValidator> make_csv_validator() {
  return std::make_unique<CsvValidator>();
}

}  // namespace relay
