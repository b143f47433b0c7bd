#include "bench/load_loop.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <stdexcept>
#include <string>
#include <system_error>

#include "base/file.hpp"

namespace relay::bench {
namespace {

using Time = std::chrono::steady_clock::time_point;

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

std::chrono::duration<double> own_cpu() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return std::chrono::seconds(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         std::chrono::microseconds(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

struct Connection {
  FileDescriptor socket;
  std::unique_ptr<LoadProtocol> protocol;
  std::string out;
  std::string in;
  std::deque<Time> due;  // of each write under way, oldest first
  bool wants_write = false;
};

class Load {
 public:
  Load(const LoadOptions& options, const std::function<std::unique_ptr<LoadProtocol>()>& protocol) : options_(options) {
    epoll_ = FileDescriptor(::epoll_create1(EPOLL_CLOEXEC));
    if (epoll_.get() < 0) fail("epoll_create1");
    for (unsigned i = 0; i < options.connections; ++i) connect(protocol());
  }

  LoadResult run() {
    const auto cpu_before = own_cpu();
    began_ = next_due_ = std::chrono::steady_clock::now();
    measure_from_ = began_ + options_.warm_up;
    end_ = measure_from_ + options_.measured;
    if (options_.rate > 0) {
      start_timer();
    } else {
      for (auto& each : connections_) {
        for (unsigned i = 0; i < options_.in_flight; ++i) ask(*each, began_);
        flush(*each);
      }
    }
    std::array<epoll_event, 256> events;
    while (under_way_ > 0 || (options_.rate > 0 && std::chrono::steady_clock::now() < end_)) {
      const int count = ::epoll_wait(epoll_.get(), events.data(), events.size(), 60'000);
      if (count == 0) throw std::runtime_error("no answer for a minute");
      if (count < 0 && errno != EINTR) fail("epoll_wait");
      for (int i = 0; i < count; ++i) {
        if (auto* connection = static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr)) {
          serve(*connection);
        } else {
          ask_what_is_due();
        }
      }
    }
    result_.wall = options_.measured;
    result_.own_cpu = own_cpu() - cpu_before;
    result_.measured = result_.microseconds.size();
    std::sort(result_.microseconds.begin(), result_.microseconds.end());
    return std::move(result_);
  }

 private:
  void connect(std::unique_ptr<LoadProtocol> protocol) {
    auto connection = std::make_unique<Connection>();
    connection->socket = FileDescriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(options_.port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int socket = connection->socket.get();
    if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fail("connect");
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    protocol->sign_in(socket);
    if (::fcntl(socket, F_SETFL, O_NONBLOCK) != 0) fail("fcntl");
    connection->protocol = std::move(protocol);
    watch(EPOLL_CTL_ADD, *connection);
    connections_.push_back(std::move(connection));
  }

  void watch(int operation, Connection& connection) {
    epoll_event event{};
    event.events = EPOLLIN | (connection.wants_write ? EPOLLOUT : 0U);
    event.data.ptr = &connection;
    if (::epoll_ctl(epoll_.get(), operation, connection.socket.get(), &event) != 0) fail("epoll_ctl");
  }

  // A tick a millisecond; what became due since the one before is asked.
  void start_timer() {
    timer_ = FileDescriptor(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    if (timer_.get() < 0) fail("timerfd_create");
    constexpr timespec tick{0, 1'000'000};
    const itimerspec interval{tick, tick};
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = nullptr;
    if (::timerfd_settime(timer_.get(), 0, &interval, nullptr) != 0 ||
        ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, timer_.get(), &event) != 0)
      fail("timerfd");
  }

  void ask_what_is_due() {
    std::uint64_t ticks = 0;
    if (::read(timer_.get(), &ticks, sizeof ticks) < 0 && errno != EAGAIN) fail("read");
    const auto now = std::chrono::steady_clock::now();
    const auto step = std::chrono::duration_cast<Time::duration>(std::chrono::duration<double>(1 / options_.rate));
    for (; next_due_ <= now && next_due_ < end_; next_due_ += step) {
      auto& connection = *connections_[next_connection_++ % connections_.size()];
      ask(connection, next_due_);
      flush(connection);
    }
  }

  void ask(Connection& connection, Time due) {
    connection.protocol->append_request(connection.out, number_++);
    connection.due.push_back(due);
    ++under_way_;
  }

  void flush(Connection& connection) {
    while (!connection.out.empty()) {
      const ssize_t sent = ::send(connection.socket.get(), connection.out.data(), connection.out.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno != EAGAIN) fail("send");
      if (sent < 0) break;
      connection.out.erase(0, static_cast<std::size_t>(sent));
    }
    if (const bool wants_write = !connection.out.empty(); wants_write != connection.wants_write) {
      connection.wants_write = wants_write;
      watch(EPOLL_CTL_MOD, connection);
    }
  }

  void serve(Connection& connection) {
    std::array<char, 65536> buffer;
    const ssize_t got = ::recv(connection.socket.get(), buffer.data(), buffer.size(), 0);
    if (got == 0) throw std::runtime_error("the server closed a connection");
    if (got < 0 && errno != EAGAIN) fail("recv");
    if (got > 0) connection.in.append(buffer.data(), static_cast<std::size_t>(got));
    const std::size_t answers = connection.protocol->take_answers(connection.in);
    const auto now = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < answers; ++i) {
      if (connection.due.empty()) throw std::runtime_error("more answers than writes");
      record(now, now - connection.due.front());
      connection.due.pop_front();
      --under_way_;
      if (options_.rate <= 0 && now < end_) ask(connection, now);
    }
    flush(connection);
  }

  void record(Time now, Time::duration latency) {
    ++result_.answered;
    if (now < measure_from_ || now >= end_) return;
    result_.microseconds.push_back(
        static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::microseconds>(latency).count()));
  }

  const LoadOptions options_;
  FileDescriptor epoll_;
  FileDescriptor timer_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::size_t next_connection_ = 0;
  std::uint64_t number_ = 0;
  std::uint64_t under_way_ = 0;
  Time began_{};
  Time next_due_{};
  Time measure_from_{};
  Time end_{};
  LoadResult result_;
};

}  // namespace

LoadResult run_load(const LoadOptions& options, const std::function<std::unique_ptr<LoadProtocol>()>& protocol) {
  return Load(options, protocol).run();
}

}  // namespace relay::bench
