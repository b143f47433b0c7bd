// The MLLP door (contract, "MLLP intake"). One instance a listener.
#pragma once

#include <functional>
#include <memory>

#include "base/clock.hpp"
#include "base/connection_server.hpp"
#include "base/result.hpp"
#include "intake/door.hpp"
#include "intake/receiver.hpp"
#include "settings/settings.hpp"

namespace relay {

class MllpIntake : public Door {
 public:
  // Receiver and clock outlive it.
  MllpIntake(ServingContext context, const MllpListenerSettings& listener, const IntakeSettings& intake,
             Receiver& receiver, const Clock& clock);
  ~MllpIntake() override;

  Result<void> start() override;
  std::uint16_t port() const;
  // The same address with another configuration: frames and connections that begin from now on go by it. Any thread.
  void change(const MllpListenerSettings& listener, const IntakeSettings& intake);
  // As ConnectionServer::stop and close_all: a message whose frame has begun is still taken and answered.
  void stop(std::function<void()> drained) override;
  void close_all() override;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace relay
