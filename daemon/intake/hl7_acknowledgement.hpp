// The acknowledgement of an HL7 v2 message: MSH, MSA and, for an error, ERR, in the separators and the version of the
// one that it answers. HL7 v2.5.1 section 2.9 (processing), 2.15.8 (MSA), 2.15.5 (ERR); tables 0008 and 0357.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/uuid.hpp"
#include "submission/hl7_header_reader.hpp"
#include "submission/hl7_segment.hpp"

namespace relay {

// HL7 table 0008: application (original mode) and commit (enhanced mode) acknowledgements.
enum class AcknowledgementCode { AA, AE, AR, CA, CE, CR };
std::string_view acknowledgement_code_name(AcknowledgementCode code);

// HL7 table 0357.
enum class MessageErrorCode {
  segment_sequence_error = 100,
  data_type_error = 102,
  unsupported_message_type = 200,
  unsupported_processing_id = 202,
  application_internal_error = 207,
};

struct MessageError {
  MessageErrorCode code = MessageErrorCode::application_internal_error;
  std::string text;  // a sentence for people; no content
};

// What an acknowledgement takes from what it answers. By default: of something that couldn't be read.
struct AcknowledgedMessage {
  Hl7Separators separators;
  std::string sending_application{};
  std::string sending_facility{};
  std::string receiving_application{};
  std::string receiving_facility{};
  std::string trigger{};  // MSH-9.2
  std::string processing_id = "P";
  std::string version = "2.5.1";
  std::string character_set{};  // MSH-18
  std::string control_id{};     // for MSA-2
};
// Of its first MSH; where there is none, of the batch's or file's header.
AcknowledgedMessage acknowledged_message(const Hl7HeaderReader& reader);

// Segments end with CR, the last one too. `control_id` is the acknowledgement's own (MSH-10).
std::string write_acknowledgement(const AcknowledgedMessage& answered, AcknowledgementCode code,
                                  const std::optional<MessageError>& error, std::string_view control_id, WallTime now);
// 20 characters, as much as MSH-10 takes before version 2.7, from a UUID's time and randomness.
std::string acknowledgement_control_id(const Uuid& uuid);

}  // namespace relay
