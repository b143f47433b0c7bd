// The HTTP door: POST /v1/submissions, GET /v1/submissions/{id}, and ReportStream's own endpoints (contract, "HTTP
// intake"). One instance a listener.
#pragma once

#include <memory>
#include <string>

#include "base/http_server.hpp"
#include "base/result.hpp"
#include "intake/door.hpp"
#include "intake/receiver.hpp"
#include "journal/journal.hpp"
#include "settings/settings.hpp"

namespace relay {

class HttpIntake : public Door {
 public:
  HttpIntake(ServingContext context, const HttpListenerSettings& listener, const IntakeSettings& intake,
             Receiver& receiver, Journal& journal);
  ~HttpIntake() override;
  Result<void> start() override;
  std::uint16_t port() const;
  // The same address with another configuration: every request that comes from now on goes by it, whenever its
  // connection came. Any thread.
  void change(const HttpListenerSettings& listener, const IntakeSettings& intake);
  // As HttpServer::stop and close_all. Waiting `Prefer: wait` answers are given at once.
  void stop(std::function<void()> drained) override;
  void close_all() override;

 private:
  struct State;
  struct Listener;
  std::shared_ptr<Listener> listener_;
};

}  // namespace relay
