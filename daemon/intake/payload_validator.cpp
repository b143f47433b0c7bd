#include "intake/payload_validator.hpp"

#include "submission/hl7_segment.hpp"

namespace relay {
namespace {

// BOM, segment name, field separator, at most five encoding characters, and what ends them.
constexpr std::size_t enough_bytes = 3 + 3 + 1 + 5 + 1;

bool is_readable_header(std::string_view start) {
  if (start.starts_with(utf8_byte_order_mark)) start.remove_prefix(utf8_byte_order_mark.size());
  return read_hl7_separators(start).has_value();
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
  if (media_type == "text/csv") return make_csv_validator();
  return nullptr;
}

}  // namespace relay
