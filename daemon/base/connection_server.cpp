#include "base/connection_server.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <unordered_set>
#include <utility>

#include "base/http_server_listen.hpp"
#include "base/log.hpp"

namespace relay {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

// How long accepting rests when the process has no descriptor or memory left for a connection.
constexpr std::chrono::milliseconds shortage_rest{200};
// How often connections are looked at for time-outs: often enough for the shortest of them, never in a hurry.
constexpr std::chrono::milliseconds shortest_sweep{10};
constexpr std::chrono::milliseconds longest_sweep{1000};

Peer peer_of(int descriptor, const sockaddr_storage& address, socklen_t length) {
  Peer peer;
  if (address.ss_family == AF_INET || address.ss_family == AF_INET6) {
    std::array<char, NI_MAXHOST> host{};
    const bool known = ::getnameinfo(reinterpret_cast<const sockaddr*>(&address), length, host.data(),
                                     static_cast<socklen_t>(host.size()), nullptr, 0, NI_NUMERICHOST) == 0;
    if (known) peer.address = host.data();
    const int one = 1;
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return peer;
  }
  peer.unix_socket = true;
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0) peer.uid = credentials.uid;
  return peer;
}

// accept(2): these are the new connection's own failures, or nothing at all.
bool is_passing(int error_number) {
  switch (error_number) {
    case EINTR:
    case ECONNABORTED:
    case EPERM:
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
      return true;
    default:
      return false;
  }
}

}  // namespace

asio::any_io_executor ServingContext::executor_of_connection() const {
  if (one_thread) return context.get_executor();
  return asio::make_strand(context);
}

// Everything but `options`, `port` and `stopping` belongs to the strand.
struct ConnectionServer::State : std::enable_shared_from_this<ConnectionServer::State> {
  State(ServingContext context_, ConnectionServerOptions options_, MakeConnection make_connection_)
      : context(context_),
        strand(asio::make_strand(context_.context)),
        options(std::move(options_)),
        make_connection(std::move(make_connection_)),
        listener(strand),
        room(strand),
        sweep_timer(strand) {}

  asio::awaitable<void> accept_connections();
  // False where accepting has to rest.
  bool accept_some();
  void add(FileDescriptor descriptor, Peer peer);
  void remove(const std::shared_ptr<ServedConnection>& connection);
  void sweep();
  void begin_stop(std::function<void()> drained);

  const ServingContext context;
  asio::strand<asio::io_context::executor_type> strand;
  const ConnectionServerOptions options;
  const MakeConnection make_connection;
  std::atomic<std::uint16_t> port = 0;
  std::atomic<bool> stopping = false;
  int family = AF_UNIX;

  asio::posix::stream_descriptor listener;
  SocketFile socket_file;
  asio::steady_timer room;  // cancelled when a connection ends
  asio::steady_timer sweep_timer;
  bool sweeping = false;
  bool shortage_told = false;
  std::unordered_set<std::shared_ptr<ServedConnection>> connections;
  std::vector<std::function<void()>> when_drained;
};

asio::awaitable<void> ConnectionServer::State::accept_connections() {
  const auto self = shared_from_this();
  while (!stopping) {
    error_code error;
    if (connections.size() >= options.max_connections) {
      room.expires_at(MonotonicTime::max());
      co_await room.async_wait(asio::redirect_error(asio::use_awaitable, error));
      continue;
    }
    co_await listener.async_wait(asio::posix::descriptor_base::wait_read,
                                 asio::redirect_error(asio::use_awaitable, error));
    if (error || stopping) co_return;
    if (!accept_some()) {
      room.expires_after(shortage_rest);
      co_await room.async_wait(asio::redirect_error(asio::use_awaitable, error));
    }
  }
}

bool ConnectionServer::State::accept_some() {
  while (connections.size() < options.max_connections) {
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    FileDescriptor descriptor(::accept4(listener.native_handle(), reinterpret_cast<sockaddr*>(&address), &length,
                                        SOCK_NONBLOCK | SOCK_CLOEXEC));
    const int error_number = errno;
    if (descriptor.valid()) {
      shortage_told = false;
      Peer peer = peer_of(descriptor.get(), address, length);
      add(std::move(descriptor), std::move(peer));
    } else if (error_number == EAGAIN) {
      return true;
    } else if (!is_passing(error_number)) {
      if (!std::exchange(shortage_told, true)) {
        log_warning("can't accept connections for now; they wait",
                    {{"listen", options.listen.text()}, {"reason", error_text(error_number)}});
      }
      return false;
    }
  }
  return true;
}

void ConnectionServer::State::add(FileDescriptor descriptor, Peer peer) {
  const asio::any_io_executor executor = context.executor_of_connection();
  StreamSocket socket(executor);
  error_code error;
  socket.assign({family, 0}, descriptor.get(), error);
  if (error) return;
  descriptor.release();
  const auto connection = make_connection(std::move(socket), std::move(peer));
  if (!connection) return;
  connections.insert(connection);
  asio::co_spawn(executor, connection->run(),
                 asio::bind_executor(strand, [self = shared_from_this(), connection](const std::exception_ptr& bug) {
                   if (bug) log_error("a connection ended by a bug", {{"listen", self->options.listen.text()}});
                   self->remove(connection);
                 }));
  if (!std::exchange(sweeping, true)) sweep();
}

void ConnectionServer::State::remove(const std::shared_ptr<ServedConnection>& connection) {
  connections.erase(connection);
  room.cancel();
  if (!connections.empty()) return;
  // Nothing is to be looked after any more: who runs the io_context until its work is done needn't wait for the timer.
  if (stopping) sweep_timer.cancel();
  for (auto& drained : std::exchange(when_drained, {})) drained();
}

void ConnectionServer::State::sweep() {
  sweep_timer.expires_after(std::clamp(options.shortest_timeout / 20, shortest_sweep, longest_sweep));
  sweep_timer.async_wait([self = shared_from_this()](error_code error) {
    if (error || self->connections.empty()) {
      self->sweeping = false;
      return;
    }
    const MonotonicTime now = std::chrono::steady_clock::now();
    for (const auto& connection : self->connections) connection->expire(now);
    self->sweep();
  });
}

void ConnectionServer::State::begin_stop(std::function<void()> drained) {
  error_code ignored;
  listener.close(ignored);
  socket_file.remove();
  room.cancel();
  for (const auto& connection : connections) connection->stop_when_idle();
  if (connections.empty()) {
    sweep_timer.cancel();
    drained();
  } else {
    when_drained.push_back(std::move(drained));
  }
}

ConnectionServer::ConnectionServer(ServingContext context, ConnectionServerOptions options,
                                   MakeConnection make_connection)
    : state_(std::make_shared<State>(context, std::move(options), std::move(make_connection))) {}

ConnectionServer::~ConnectionServer() {
  stop([] {});
  close_all();
}

Result<void> ConnectionServer::start() {
  const auto& options = state_->options;
  auto opened = open_listening_socket(options.listen, options.socket_group, options.socket_mode);
  if (!opened) return Failure{opened.error()};
  state_->port = opened->port;
  state_->family = options.listen.unix_socket()                         ? AF_UNIX
                   : options.listen.host.find(':') == std::string::npos ? AF_INET
                                                                        : AF_INET6;
  state_->socket_file = std::move(opened->file);
  state_->listener.assign(opened->descriptor.release());
  asio::co_spawn(state_->strand, state_->accept_connections(), asio::detached);
  return {};
}

std::uint16_t ConnectionServer::port() const {
  return state_->port;
}

void ConnectionServer::stop(std::function<void()> drained) {
  state_->stopping = true;
  asio::post(state_->strand,
             [state = state_, drained = std::move(drained)]() mutable { state->begin_stop(std::move(drained)); });
}

void ConnectionServer::close_all() {
  asio::post(state_->strand, [state = state_] {
    for (const auto& connection : state->connections) connection->close();
  });
}

}  // namespace relay
