#include "intake/payload_validator.hpp"

#include <algorithm>

namespace relay {
namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
// BOM, segment name, field separator, at most five encoding characters, and what ends them.
constexpr std::size_t enough_bytes = 3 + 3 + 1 + 5 + 1;

bool is_separator(char c) {
  const bool letter_or_digit = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  return c > ' ' && c < '\x7f' && !letter_or_digit;
}

bool is_readable_header(std::string_view start) {
  if (start.starts_with(byte_order_mark)) start.remove_prefix(byte_order_mark.size());
  if (!start.starts_with("MSH") && !start.starts_with("BHS") && !start.starts_with("FHS")) return false;
  start.remove_prefix(3);
  if (start.empty() || !is_separator(start.front())) return false;
  const char field_separator = start.front();
  start.remove_prefix(1);
  const std::string ends = {field_separator, '\r', '\n'};
  const std::string_view encoding = start.substr(0, start.find_first_of(ends));
  // The component separator must be there; what the other four are for can be left out.
  return !encoding.empty() && encoding.size() <= 5 && std::all_of(encoding.begin(), encoding.end(), is_separator);
}

class Hl7Validator final : public PayloadValidator {
 public:
  void feed(std::string_view bytes) override {
    if (decided_) return;
    start_.append(bytes.substr(0, enough_bytes - start_.size()));
    if (start_.size() == enough_bytes) decide();
  }
  void finish() override {
    if (!decided_) decide();
  }

 private:
  void decide() {
    decided_ = true;
    if (!is_readable_header(start_)) found(1, "no readable MSH, BHS or FHS segment at the start");
  }

  std::string start_;
  bool decided_ = false;
};

}  // namespace

std::unique_ptr<PayloadValidator> make_hl7_validator() {
  return std::make_unique<Hl7Validator>();
}

std::unique_ptr<PayloadValidator> make_payload_validator(std::string_view media_type) {
  if (media_type == "application/hl7-v2") return make_hl7_validator();
  if (media_type == "application/fhir+ndjson") return make_fhir_ndjson_validator();
  return nullptr;
}

}  // namespace relay
