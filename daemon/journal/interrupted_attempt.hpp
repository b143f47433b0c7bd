// A try whose start was saved and whose end wasn't: the process ended in between, or an operator took the delivery away
// before it was claimed again. What its history says of it.
#pragma once

#include "submission/outcome.hpp"

namespace relay {

inline DeliveryError interrupted_attempt_error() {
  return {ErrorKind::timeout,
          std::nullopt,
          "the relay was stopped while this was being sent; whether it arrived isn't known",
          {}};
}

}  // namespace relay
