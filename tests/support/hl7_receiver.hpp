// An HL7 receiver inside the test: plain sockets, a thread a connection, answers as it is told.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace relay {

class Hl7Receiver {
 public:
  // What to write for one message, as it stands: mllp_framed() makes a frame of a text. Nothing: no answer comes, and
  // the connection stays.
  using Handler = std::function<std::optional<std::string>(const std::string& message, unsigned connection)>;

  explicit Hl7Receiver(Handler handler);
  ~Hl7Receiver();
  Hl7Receiver(const Hl7Receiver&) = delete;
  Hl7Receiver& operator=(const Hl7Receiver&) = delete;

  std::uint16_t port() const { return port_; }
  void set_handler(Handler handler);
  std::vector<std::string> messages() const;
  unsigned connections() const;
  // Ends the connections there are; new ones are taken.
  void cut_connections();
  // Nobody listens and no connection is left; start() takes the same port again.
  void stop();
  void start();

  // As an answer: the connection ends instead of one.
  static const std::string hang_up;

 private:
  void accept_loop();
  void serve(int socket, unsigned number);
  bool answer(int socket, const std::string& message, unsigned number);

  mutable std::mutex mutex_;
  Handler handler_;
  std::vector<std::string> messages_;
  std::set<int> open_;
  unsigned connections_ = 0;
  std::uint16_t port_ = 0;
  int listener_ = -1;
  std::thread acceptor_;
  std::vector<std::thread> servers_;
};

std::string mllp_framed(const std::string& text);
// An acknowledgement of version 2.5.1, framed. `error`: a whole ERR segment, or nothing.
std::string acknowledged(const std::string& code, const std::string& control_id, const std::string& error = "");

}  // namespace relay
