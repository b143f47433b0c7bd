// The HTTP door: POST /v1/submissions and GET /v1/submissions/{id} (contract, "HTTP intake"). One instance a listener.
#pragma once

#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>

#include "base/http_server.hpp"
#include "base/result.hpp"
#include "intake/receiver.hpp"
#include "journal/journal.hpp"
#include "settings/settings.hpp"

namespace relay {

class HttpIntake {
 public:
  HttpIntake(boost::asio::io_context& context, const HttpListenerSettings& listener, const IntakeSettings& intake,
             Receiver& receiver, Journal& journal);
  ~HttpIntake();
  Result<void> start();
  std::uint16_t port() const;
  // As HttpServer::stop and close_all. Waiting `Prefer: wait` answers are given at once.
  void stop(std::function<void()> drained);
  void close_all();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace relay
