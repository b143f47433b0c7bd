#include "bench/load_protocols.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <stdexcept>

namespace relay::bench {
namespace {

void send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) throw std::runtime_error("the server closed the connection while signing in");
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

std::string receive_exactly(int socket, std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t at = 0; at < size;) {
    const ssize_t got = ::recv(socket, bytes.data() + at, size - at, 0);
    if (got <= 0) throw std::runtime_error("the server closed the connection while signing in");
    at += static_cast<std::size_t>(got);
  }
  return bytes;
}

void append_big_endian(std::string& out, std::uint64_t value, unsigned bytes) {
  while (bytes-- > 0) out += static_cast<char>(value >> (8 * bytes) & 0xff);
}

std::uint64_t big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}

// ---- HTTP/1.1 (RFC 9112): answers with Content-Length alone ---------------------------------------------------------

class Http final : public LoadProtocol {
 public:
  Http(std::size_t payload_size, std::string_view target, std::string_view client)
      : payload_(payload_size),
        head_("POST " + std::string(target) +
              " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/hl7-v2\r\n"
              "Content-Length: " +
              std::to_string(payload_.make(0).size()) + "\r\n") {
    if (!client.empty()) head_.append("Relay-Client: ").append(client).append("\r\n");
    head_ += "\r\n";
  }

  void sign_in(int) override {}
  void append_request(std::string& out, std::uint64_t number) override {
    out.append(head_).append(payload_.make(number));
  }
  std::size_t take_answers(std::string& input) override {
    std::size_t answers = 0;
    std::size_t taken = 0;
    for (;;) {
      const std::string_view rest = std::string_view(input).substr(taken);
      const auto head_size = rest.find("\r\n\r\n");
      if (head_size == std::string_view::npos) break;
      const std::size_t whole = head_size + 4 + content_length(rest.substr(0, head_size));
      if (!rest.starts_with("HTTP/1.1 2"))
        throw std::runtime_error("answered " + std::string(rest.substr(0, std::min(whole, rest.size()))));
      if (rest.size() < whole) break;
      taken += whole;
      ++answers;
    }
    input.erase(0, taken);
    return answers;
  }

 private:
  static std::size_t content_length(std::string_view head) {
    constexpr std::string_view name = "\r\nContent-Length: ";
    const auto at = head.find(name);
    std::size_t length = 0;
    if (at == std::string_view::npos) throw std::runtime_error("an answer without Content-Length");
    std::from_chars(head.data() + at + name.size(), head.data() + head.size(), length);
    return length;
  }

  NumberedPayload payload_;
  std::string head_;
};

// ---- Redis (RESP2): XADD answers with the entry's id as a bulk string -----------------------------------------------

class Redis final : public LoadProtocol {
 public:
  explicit Redis(std::size_t payload_size) : payload_(payload_size) {}

  void sign_in(int) override {}
  void append_request(std::string& out, std::uint64_t number) override {
    const auto payload = payload_.make(number);
    out.append("*5\r\n$4\r\nXADD\r\n$7\r\nresults\r\n$1\r\n*\r\n$7\r\npayload\r\n$")
        .append(std::to_string(payload.size()))
        .append("\r\n")
        .append(payload)
        .append("\r\n");
  }
  std::size_t take_answers(std::string& input) override {
    std::size_t answers = 0;
    std::size_t taken = 0;
    for (;;) {
      const auto line_end = input.find("\r\n", taken);
      if (line_end == std::string::npos) break;
      if (input[taken] != '$') throw std::runtime_error("Redis answered " + input.substr(taken, line_end - taken));
      const auto end = input.find("\r\n", line_end + 2);
      if (end == std::string::npos) break;
      taken = end + 2;
      ++answers;
    }
    input.erase(0, taken);
    return answers;
  }

 private:
  NumberedPayload payload_;
};

// ---- PostgreSQL (frontend/backend protocol 3.0): a prepared INSERT, one transaction each
// -----------------------------

class Postgresql final : public LoadProtocol {
 public:
  explicit Postgresql(std::size_t payload_size) : payload_(payload_size) {}

  void sign_in(int socket) override {
    std::string startup;
    append_big_endian(startup, 3 << 16, 4);
    startup.append(text("user") + text("bench") + text("database") + text("bench")) += '\0';
    std::string framed;
    append_big_endian(framed, startup.size() + 4, 4);
    send_all(socket, framed + startup);
    await_ready(socket);

    // Parse: the statement's name, its text, no parameter types. Then Sync.
    std::string prepare;
    append_message(prepare, 'P',
                   text("keep") + text("INSERT INTO results (payload) VALUES ($1)") + std::string(2, '\0'));
    append_message(prepare, 'S', {});
    send_all(socket, prepare);
    await_ready(socket);
  }
  void append_request(std::string& out, std::uint64_t number) override {
    const auto payload = payload_.make(number);
    // Bind: portal, statement, one format (binary), one value, no result formats.
    std::string bind = text("") + text("keep");
    append_big_endian(bind, 1, 2);
    append_big_endian(bind, 1, 2);
    append_big_endian(bind, 1, 2);
    append_big_endian(bind, payload.size(), 4);
    bind.append(payload);
    append_big_endian(bind, 0, 2);
    append_message(out, 'B', bind);
    append_message(out, 'E', std::string(5, '\0'));
    append_message(out, 'S', {});
  }
  std::size_t take_answers(std::string& input) override {
    std::size_t answers = 0;
    std::size_t taken = 0;
    while (input.size() - taken >= 5) {
      const std::size_t whole = 1 + big_endian(std::string_view(input).substr(taken + 1, 4));
      if (input.size() - taken < whole) break;
      refuse_error(input[taken], std::string_view(input).substr(taken + 5, whole - 5));
      answers += input[taken] == 'Z';  // ReadyForQuery: behind the commit
      taken += whole;
    }
    input.erase(0, taken);
    return answers;
  }

 private:
  // With the zero byte that ends it.
  static std::string text(std::string_view words) { return std::string(words) += '\0'; }
  static void append_message(std::string& out, char type, std::string_view body) {
    out += type;
    append_big_endian(out, body.size() + 4, 4);
    out.append(body);
  }
  static void refuse_error(char type, std::string_view body) {
    if (type != 'E') return;
    std::string words(body);
    std::replace(words.begin(), words.end(), '\0', ' ');
    throw std::runtime_error("PostgreSQL answered " + words);
  }
  static void await_ready(int socket) {
    for (char type = 0; type != 'Z';) {
      const std::string head = receive_exactly(socket, 5);
      type = head[0];
      const std::string body = receive_exactly(socket, big_endian(std::string_view(head).substr(1)) - 4);
      refuse_error(type, body);
      if (type == 'R' && big_endian(body) != 0)
        throw std::runtime_error("PostgreSQL asks for a password: trust is expected");
    }
  }

  NumberedPayload payload_;
};

// ---- RabbitMQ (AMQP 0-9-1): persistent messages to a quorum queue, a confirm each
// ------------------------------------

class Rabbitmq final : public LoadProtocol {
 public:
  explicit Rabbitmq(std::size_t payload_size) : payload_(payload_size) {}

  void sign_in(int socket) override {
    send_all(socket, std::string_view("AMQP\0\0\x09\x01", 8));
    await_method(socket, 10, 10);  // connection.start
    std::string start_ok = method(10, 11);
    append_big_endian(start_ok, 0, 4);  // no client properties
    append_short_string(start_ok, "PLAIN");
    constexpr std::string_view guest("\0guest\0guest", 12);
    append_big_endian(start_ok, guest.size(), 4);
    start_ok.append(guest);
    append_short_string(start_ok, "en_US");
    send_all(socket, frame(1, 0, start_ok));
    const std::string tune = await_method(socket, 10, 30);
    send_all(socket, frame(1, 0, method(10, 31) + tune.substr(0, 6) + std::string(2, '\0')));  // as asked, no heartbeat
    std::string open = method(10, 40);
    append_short_string(open, "/");
    open.append(2, '\0');
    send_all(socket, frame(1, 0, open));
    await_method(socket, 10, 41);
    send_all(socket, frame(1, 1, method(20, 10) + '\0'));  // channel.open
    await_method(socket, 20, 11);
    send_all(socket, frame(1, 1, queue_declare()));
    await_method(socket, 50, 11);
    send_all(socket, frame(1, 1, method(85, 10) + '\0'));  // confirm.select
    await_method(socket, 85, 11);
  }
  void append_request(std::string& out, std::uint64_t number) override {
    const auto payload = payload_.make(number);
    std::string publish = method(60, 40);
    publish.append(2, '\0');             // reserved
    append_short_string(publish, "");    // the default exchange: straight to the queue of that name
    append_short_string(publish, name);  // routing key
    publish += '\1';                     // mandatory: what no queue takes comes back
    std::string header;
    append_big_endian(header, 60, 2);
    append_big_endian(header, 0, 2);
    append_big_endian(header, payload.size(), 8);
    append_big_endian(header, 1 << 12, 2);  // delivery-mode alone
    header += '\2';                         // persistent
    out.append(frame(1, 1, publish)).append(frame(2, 1, header)).append(frame(3, 1, payload));
    unconfirmed_.insert(++last_tag_);
  }
  std::size_t take_answers(std::string& input) override {
    const std::size_t before = unconfirmed_.size();
    std::size_t taken = 0;
    while (input.size() - taken >= 7) {
      const std::size_t size = big_endian(std::string_view(input).substr(taken + 3, 4));
      if (input.size() - taken < size + 8) break;
      take_frame(input[taken], std::string_view(input).substr(taken + 7, size));
      taken += size + 8;
    }
    input.erase(0, taken);
    return before - unconfirmed_.size();
  }

 private:
  static constexpr std::string_view name = "results";

  static std::string method(unsigned class_id, unsigned method_id) {
    std::string text;
    append_big_endian(text, class_id, 2);
    append_big_endian(text, method_id, 2);
    return text;
  }
  static std::string frame(char type, unsigned channel, std::string_view body) {
    std::string text(1, type);
    append_big_endian(text, channel, 2);
    append_big_endian(text, body.size(), 4);
    return text.append(body) += '\xce';
  }
  static void append_short_string(std::string& out, std::string_view text) {
    out += static_cast<char>(text.size());
    out.append(text);
  }
  static std::string queue_declare() {
    std::string arguments;
    append_short_string(arguments, "x-queue-type");
    arguments += 'S';
    append_big_endian(arguments, 6, 4);
    arguments += "quorum";
    std::string declare = method(50, 10);
    declare.append(2, '\0');
    append_short_string(declare, name);
    declare += '\2';  // durable
    append_big_endian(declare, arguments.size(), 4);
    return declare.append(arguments);
  }
  // The arguments of that method, which must come next.
  static std::string await_method(int socket, unsigned class_id, unsigned method_id) {
    const std::string head = receive_exactly(socket, 7);
    std::string body = receive_exactly(socket, big_endian(std::string_view(head).substr(3)) + 1);
    body.pop_back();
    if (body.substr(0, 4) != method(class_id, method_id))
      throw std::runtime_error("RabbitMQ refused while signing in: " +
                               body.substr(std::min<std::size_t>(body.size(), 4)));
    return body.substr(4);
  }
  void take_frame(char type, std::string_view body) {
    if (type != 1) return;  // a heartbeat
    // basic.ack: a tag, and whether it is for all up to it.
    if (!body.starts_with(method(60, 80))) throw std::runtime_error("RabbitMQ answered something else than a confirm");
    const std::uint64_t tag = big_endian(body.substr(4, 8));
    const bool all_up_to_it = body.substr(12, 1) != std::string_view("\0", 1);
    unconfirmed_.erase(all_up_to_it ? unconfirmed_.begin() : unconfirmed_.find(tag), unconfirmed_.upper_bound(tag));
  }

  NumberedPayload payload_;
  std::uint64_t last_tag_ = 0;
  std::set<std::uint64_t> unconfirmed_;
};

}  // namespace

NumberedPayload::NumberedPayload(std::size_t size) {
  text_ = "MSH|^~\\&|LOAD|TESTLAB|RELAY|STATE|20261124||ORU^R01|L000000000000|T|2.5.1\rNTE|1||";
  digits_at_ = text_.find("L000000000000") + 1;
  if (text_.size() < size) text_.append(size - text_.size(), 'x');
}

std::string_view NumberedPayload::make(std::uint64_t number) {
  for (std::size_t digit = 12; digit-- > 0; number /= 10)
    text_[digits_at_ + digit] = static_cast<char>('0' + number % 10);
  return text_;
}

std::unique_ptr<LoadProtocol> make_protocol(std::string_view name, std::size_t payload_size, std::string_view target,
                                            std::string_view client) {
  if (name == "http") return std::make_unique<Http>(payload_size, target, client);
  if (name == "redis") return std::make_unique<Redis>(payload_size);
  if (name == "postgresql") return std::make_unique<Postgresql>(payload_size);
  if (name == "rabbitmq") return std::make_unique<Rabbitmq>(payload_size);
  throw std::invalid_argument("no protocol " + std::string(name) + ": http, redis, postgresql, rabbitmq");
}

}  // namespace relay::bench
