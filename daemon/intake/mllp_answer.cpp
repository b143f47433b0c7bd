#include "intake/mllp_answer.hpp"

namespace relay {
namespace {

AcknowledgementCode original_code(MllpVerdict::Kind kind) {
  switch (kind) {
    case MllpVerdict::Kind::kept:
      return AcknowledgementCode::AA;
    case MllpVerdict::Kind::unfit:
      return AcknowledgementCode::AE;
    case MllpVerdict::Kind::rejected:
    case MllpVerdict::Kind::unavailable:
      break;
  }
  return AcknowledgementCode::AR;
}

AcknowledgementCode enhanced_code(MllpVerdict::Kind kind) {
  switch (kind) {
    case MllpVerdict::Kind::kept:
      return AcknowledgementCode::CA;
    case MllpVerdict::Kind::rejected:
      return AcknowledgementCode::CR;
    case MllpVerdict::Kind::unfit:
    case MllpVerdict::Kind::unavailable:
      break;
  }
  return AcknowledgementCode::CE;
}

MllpVerdict verdict(MllpVerdict::Kind kind, MessageErrorCode code, const RequestProblem& problem) {
  return {kind, MessageError{code, problem.detail}};
}

}  // namespace

MllpVerdict verdict_of(const RequestProblem& problem) {
  using Kind = MllpVerdict::Kind;
  switch (problem.name) {
    case ProblemName::invalid_payload:
    case ProblemName::malformed_request:
    case ProblemName::empty_payload:
    case ProblemName::digest_mismatch:
    case ProblemName::idempotency_conflict:
      return verdict(Kind::unfit, MessageErrorCode::segment_sequence_error, problem);
    case ProblemName::payload_too_large:
      return verdict(Kind::unfit, MessageErrorCode::data_type_error, problem);
    case ProblemName::content_type_missing:
    case ProblemName::content_type_not_taken:
      return verdict(Kind::unfit, MessageErrorCode::unsupported_message_type, problem);
    case ProblemName::no_route:
    case ProblemName::no_client:
    case ProblemName::bad_client:
    case ProblemName::client_not_allowed:
    case ProblemName::unauthenticated:
      return verdict(Kind::rejected, MessageErrorCode::unsupported_message_type, problem);
    default:
      break;
  }
  // A full or failing journal, memory, a rate, a stop: and whatever isn't known to be the message's own fault.
  return verdict(Kind::unavailable, MessageErrorCode::application_internal_error, problem);
}

bool answers_enhanced(AcknowledgementMode mode, std::string_view type) {
  if (mode == AcknowledgementMode::automatic) return type == "AL" || type == "ER" || type == "SU";
  return mode == AcknowledgementMode::enhanced;
}

std::optional<AcknowledgementCode> answer_to(MllpVerdict::Kind kind, AcknowledgementMode mode, std::string_view type) {
  if (!answers_enhanced(mode, type)) return original_code(kind);
  const bool kept = kind == MllpVerdict::Kind::kept;
  // Anything else, and nothing, is "always".
  const bool wanted = type == "NE" ? false : type == "ER" ? !kept : type == "SU" ? kept : true;
  return wanted ? std::optional(enhanced_code(kind)) : std::nullopt;
}

}  // namespace relay
