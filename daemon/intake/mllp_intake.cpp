#include "intake/mllp_intake.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <mutex>
#include <utility>

#include "base/connection_server.hpp"
#include "intake/listener_certificates.hpp"
#include "intake/mllp_connection.hpp"

namespace relay {
namespace {

std::shared_ptr<const MllpRules> rules_of(const MllpListenerSettings& listener, const IntakeSettings& intake) {
  return std::make_shared<const MllpRules>(MllpRules{listener, intake.max_payload, intake.request_timeout});
}

ConnectionServerOptions server_options(const MllpListenerSettings& listener, const IntakeSettings& intake) {
  ConnectionServerOptions options;
  options.listen = listener.listen;
  options.max_connections = listener.max_connections;
  options.shortest_timeout = intake.request_timeout;
  return options;
}

// Connections stay open for months with nothing to say; a peer that is gone without a word is found out within four
// minutes, so that it holds no place among max_connections.
void keep_alive(StreamSocket& socket) {
  const int descriptor = socket.native_handle();
  constexpr std::array<std::array<int, 3>, 4> options = {{{SOL_SOCKET, SO_KEEPALIVE, 1},
                                                          {IPPROTO_TCP, TCP_KEEPIDLE, 120},
                                                          {IPPROTO_TCP, TCP_KEEPINTVL, 20},
                                                          {IPPROTO_TCP, TCP_KEEPCNT, 6}}};
  for (const auto& [level, name, value] : options) ::setsockopt(descriptor, level, name, &value, sizeof value);
}

}  // namespace

struct MllpIntake::State : std::enable_shared_from_this<MllpIntake::State> {
  State(const MllpListenerSettings& listener, const IntakeSettings& intake)
      : certificates(listener.tls, listener.listen), now{rules_of(listener, intake), certificates.context()} {}

  std::shared_ptr<const MllpRules> rules() const {
    const std::lock_guard lock(mutex);
    return now.rules;
  }
  void change(const MllpListenerSettings& listener, const IntakeSettings& intake) {
    certificates.change(listener.tls);
    Now changed{rules_of(listener, intake), certificates.context()};
    const std::lock_guard lock(mutex);
    std::swap(now, changed);
  }
  std::shared_ptr<ServedConnection> connection(StreamSocket socket, Peer peer);

  ListenerCertificates certificates;
  std::shared_ptr<MllpShared> shared;
  std::unique_ptr<ConnectionServer> server;

 private:
  struct Now {
    std::shared_ptr<const MllpRules> rules;
    std::shared_ptr<TlsContext> tls;
  };
  Now of_now() const {
    const std::lock_guard lock(mutex);
    return now;
  }

  mutable std::mutex mutex;
  Now now;
};

std::shared_ptr<ServedConnection> MllpIntake::State::connection(StreamSocket socket, Peer peer) {
  const auto [rules, tls] = of_now();
  if (!rules->listener.may_connect(peer.address)) {
    shared->events.note(MllpEvent::foreign_address, peer.address);
    shared->receiver.count_refusal(Intake::mllp, ProblemName::client_not_allowed);
    return nullptr;
  }
  keep_alive(socket);
  return std::make_shared<MllpConnection>(std::move(socket), std::move(peer), tls ? tls->current() : nullptr, rules,
                                          shared);
}

MllpIntake::MllpIntake(ServingContext context, const MllpListenerSettings& listener, const IntakeSettings& intake,
                       Receiver& receiver, const Clock& clock)
    : state_(std::make_shared<State>(listener, intake)) {
  // What is called from connections must not keep what owns them.
  const std::weak_ptr<State> weak = state_;
  const auto first = state_->rules();
  state_->shared.reset(
      new MllpShared{receiver, clock, UuidGenerator(clock), MllpEventLog(listener.listen.text(), clock), [weak, first] {
                       const auto state = weak.lock();
                       return state ? state->rules() : first;
                     }});
  state_->server = std::make_unique<ConnectionServer>(
      context, server_options(listener, intake),
      [weak](StreamSocket socket, Peer peer) -> std::shared_ptr<ServedConnection> {
        const auto state = weak.lock();
        return state ? state->connection(std::move(socket), std::move(peer)) : nullptr;
      });
}

MllpIntake::~MllpIntake() {
  state_->shared->stopping = true;
}

Result<void> MllpIntake::start() {
  if (auto usable = state_->certificates.usable(); !usable) return usable;
  return state_->server->start();
}

std::uint16_t MllpIntake::port() const {
  return state_->server->port();
}

void MllpIntake::change(const MllpListenerSettings& listener, const IntakeSettings& intake) {
  state_->change(listener, intake);
}

void MllpIntake::stop(std::function<void()> drained) {
  state_->shared->stopping = true;
  state_->server->stop(std::move(drained));
}

void MllpIntake::close_all() {
  state_->server->close_all();
}

}  // namespace relay
