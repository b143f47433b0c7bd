// What a server is asked to keep, and how its "kept" is read: HTTP, Redis, PostgreSQL and RabbitMQ spoken over plain
// sockets, so that one loop drives them all and costs each of them the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace relay::bench {

class LoadProtocol {
 public:
  virtual ~LoadProtocol() = default;
  // On a fresh, blocking socket, before anything is measured. Throws std::runtime_error where the server refuses.
  virtual void sign_in(int socket) = 0;
  // One durable write, behind what `out` holds; no two have the same number.
  virtual void append_request(std::string& out, std::uint64_t number) = 0;
  // Takes whole answers off the front of `input` and says how many writes they confirm. Throws where one says that
  // something wasn't kept: then nothing was measured.
  virtual std::size_t take_answers(std::string& input) = 0;
};

// A synthetic HL7 v2 message of that size with a control id of its own.
class NumberedPayload {
 public:
  explicit NumberedPayload(std::size_t size);
  // Valid until the next call.
  std::string_view make(std::uint64_t number);

 private:
  std::string text_;
  std::size_t digits_at_ = 0;
};

// http (POST of `target`, as `client` where one is named), redis (XADD), postgresql (INSERT, a commit each), rabbitmq
// (a quorum queue with confirms). One object a connection. Throws std::invalid_argument for another name.
std::unique_ptr<LoadProtocol> make_protocol(std::string_view name, std::size_t payload_size, std::string_view target,
                                            std::string_view client);

}  // namespace relay::bench
