#include "destinations/destination.hpp"

#include <stdexcept>

namespace relay {

void Destination::reconcile(Delivery) {
  throw std::logic_error("a destination was asked after a try that it knows nothing of");
}

void Destination::follow_up(FollowUp) {
  throw std::logic_error("a destination was asked what it never says");
}

}  // namespace relay
