// Fuzz targets: each takes any bytes a stranger may send, and ends the process (assert or sanitizer) where a promise
// doesn't hold. libFuzzer feeds them in the preset `fuzz`; unit_fuzz feeds them their corpora in every build, so that
// an input that once broke something is tried for ever. A new target: one function here, one file, one corpus folder,
// one line in `all`.
#pragma once

#include <array>
#include <string_view>

namespace relay::fuzz {

void http_request(std::string_view bytes);    // scanner, head, chunks, in pieces and at once
void request_fields(std::string_view bytes);  // Idempotency-Key, Content-Digest, Prefer, payload names
void settings(std::string_view bytes);        // a whole configuration
void azure_answer(std::string_view bytes);    // XML and JSON of a service or of somebody in its place
void hl7_header(std::string_view bytes);
void fhir_ndjson(std::string_view bytes);
void gzip(std::string_view bytes);         // Content-Encoding: gzip, in pieces and at once
void envelope(std::string_view bytes);     // what a payload and its name become in a message for a queue
void mllp(std::string_view bytes);         // a stream of frames, what is in them, and its answers
void payload_row(std::string_view bytes);  // a row of the journal's file, plain or sealed, and a receipt

struct Target {
  const char* name;  // also its folder in corpus/
  void (*run)(std::string_view);
};
inline constexpr std::array<Target, 10> all = {{{"http_request", http_request},
                                                {"request_fields", request_fields},
                                                {"settings", settings},
                                                {"azure_answer", azure_answer},
                                                {"hl7_header", hl7_header},
                                                {"fhir_ndjson", fhir_ndjson},
                                                {"gzip", gzip},
                                                {"envelope", envelope},
                                                {"mllp", mllp},
                                                {"payload_row", payload_row}}};

// Like assert, but in every build.
void require(bool holds, const char* promise);

// The next byte of an input, which says how to go on; 0 at its end.
inline unsigned char take_byte(std::string_view& bytes) {
  if (bytes.empty()) return 0;
  const auto byte = static_cast<unsigned char>(bytes.front());
  bytes.remove_prefix(1);
  return byte;
}

}  // namespace relay::fuzz
