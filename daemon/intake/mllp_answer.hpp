// What an MLLP door answers, as a function of how a message ended and of what its sender asked for (contract, "MLLP
// intake"; HL7 v2.5.1 section 2.9.2 and 2.9.3, tables 0008, 0155 and 0357).
#pragma once

#include <optional>
#include <string_view>

#include "intake/hl7_acknowledgement.hpp"
#include "intake/problem.hpp"
#include "settings/mllp_settings.hpp"

namespace relay {

struct MllpVerdict {
  enum class Kind {
    kept,         // in the journal, or a repeat of what is
    unfit,        // its content can't be taken: type, size, validation
    rejected,     // what it is or from whom it comes can't be taken
    unavailable,  // it can't be kept now
  };
  Kind kind = Kind::kept;
  std::optional<MessageError> error{};
};

// A refusal, as HL7 words it.
MllpVerdict verdict_of(const RequestProblem& problem);

// MSH-15 asks for enhanced mode, where `ack: auto` leaves it to the sender.
bool answers_enhanced(AcknowledgementMode mode, std::string_view accept_acknowledgement_type);
// Nothing: the sender wants no answer.
std::optional<AcknowledgementCode> answer_to(MllpVerdict::Kind kind, AcknowledgementMode mode,
                                             std::string_view accept_acknowledgement_type);

}  // namespace relay
