#include "fuzz/feed_in_pieces.hpp"
#include "fuzz/targets.hpp"
#include "intake/payload_validator.hpp"

namespace relay::fuzz {

void hl7_header(std::string_view bytes) {
  feed_in_pieces(bytes, make_hl7_validator);
}

void fhir_ndjson(std::string_view bytes) {
  feed_in_pieces(bytes, make_fhir_ndjson_validator);
}

}  // namespace relay::fuzz
