// Checks that a payload is what its content type says (contract, "Validation"), while it streams by. Only the envelope
// is looked at: whether a receiver could read it at all.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace relay {

class PayloadValidator {
 public:
  virtual ~PayloadValidator() = default;
  // The next bytes, in any pieces.
  virtual void feed(std::string_view bytes) = 0;
  // Nothing more comes.
  virtual void finish() = 0;
  // The first thing that is wrong, with its line, never with content; nothing while all is well.
  const std::optional<std::string>& problem() const { return problem_; }

 protected:
  void found(std::size_t line, std::string_view what) {
    if (!problem_) problem_ = "line " + std::to_string(line) + ": " + std::string(what);
  }
  void take_over(const PayloadValidator& other) {
    if (!problem_) problem_ = other.problem_;
  }

 private:
  std::optional<std::string> problem_;
};

// HL7 v2: MSH, BHS or FHS at the start, after an optional UTF-8 BOM, with separators that can be told apart (HL7 v2.5.1
// section 2.5.4).
std::unique_ptr<PayloadValidator> make_hl7_validator();
// FHIR NDJSON: every line one JSON object with a `resourceType`, no blank line, ends of LF or CRLF, the last optional.
std::unique_ptr<PayloadValidator> make_fhir_ndjson_validator();
// CSV: one column count throughout, at most 10,000 rows behind the header and 2,000 columns.
std::unique_ptr<PayloadValidator> make_csv_validator();
// What is to go out in an MLLP frame: bytes that begin or end one (0x0B, 0x1C) don't occur, and a receiver can name it
// by MSH-10 (of a batch by BHS-11 or FHS-11). `first` sees the payload, too, and its problem comes first; may be
// nullptr.
std::unique_ptr<PayloadValidator> make_mllp_frame_validator(std::unique_ptr<PayloadValidator> first);
// The one for a media type; nullptr where there is none, which lets every payload pass.
std::unique_ptr<PayloadValidator> make_payload_validator(std::string_view media_type);

}  // namespace relay
