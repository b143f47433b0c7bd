// Enumerators as they stand in rows: numbers, which damage may make any number. What isn't one of the enumeration
// becomes `otherwise`, so that a damaged row is shown and gone on from like any other; `verify` names it.
#pragma once

#include <cstdint>

#include "submission/confirmation.hpp"
#include "submission/delivery.hpp"
#include "submission/outcome.hpp"
#include "submission/submission.hpp"

namespace relay {

template <class Enum>
constexpr bool is_one_of(std::int64_t number, Enum first, Enum last) {
  return number >= static_cast<std::int64_t>(first) && number <= static_cast<std::int64_t>(last);
}

inline bool is_stored_intake(std::int64_t number) {
  return is_one_of(number, Intake::http, Intake::import);
}
inline bool is_stored_error_kind(std::int64_t number) {
  return is_one_of(number, ErrorKind::unreachable, ErrorKind::set_aside);
}
inline bool is_stored_outcome(std::int64_t number) {
  return is_one_of(number, Outcome::accepted, Outcome::unknown);
}
// Of an ended delivery.
inline bool is_stored_end(std::int64_t number) {
  return is_one_of(number, DeliveryState::delivered, DeliveryState::discarded);
}

// A person has to look at it.
inline DeliveryState stored_end(std::int64_t number) {
  return is_stored_end(number) ? static_cast<DeliveryState>(number) : DeliveryState::dead_letter;
}
inline Confirmation stored_confirmation(std::int64_t number) {
  return is_one_of(number, Confirmation::none, Confirmation::failed) ? static_cast<Confirmation>(number)
                                                                     : Confirmation::none;
}
inline Outcome stored_outcome(std::int64_t number) {
  return is_stored_outcome(number) ? static_cast<Outcome>(number) : Outcome::unknown;
}
inline ErrorKind stored_error_kind(std::int64_t number) {
  return is_stored_error_kind(number) ? static_cast<ErrorKind>(number) : ErrorKind::corrupt;
}
// The row's digest covers the number itself, so such a row isn't sound.
inline Intake stored_intake(std::int64_t number) {
  return is_stored_intake(number) ? static_cast<Intake>(number) : Intake::http;
}

}  // namespace relay
