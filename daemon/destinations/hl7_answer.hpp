// What an HL7 acknowledgement says: HL7 v2.5.1 section 2.14.8 (MSA), 2.14.5 (ERR), tables 0008 and 0357.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "submission/payload_source.hpp"

namespace relay {

struct Hl7Answer {
  std::string code;        // MSA-1: AA, AE, AR, CA, CE, CR
  std::string control_id;  // MSA-2: the message that it answers
  // Of every ERR: ERR-3.1, or where it has none (before v2.5) ERR-1.4 of each error.
  std::vector<std::string> error_codes{};
};
// Of a text that begins with MSH, in any version's separators; nothing where it holds no MSA that can be read. Takes
// any bytes.
std::optional<Hl7Answer> read_hl7_answer(std::string_view text);

// What the payload is known by to an HL7 receiver (MSH-10; of a batch BHS-11, else FHS-11); empty where it has none, or
// can't be read now. Reads its beginning.
std::string control_id_of(PayloadSource& payload);

}  // namespace relay
