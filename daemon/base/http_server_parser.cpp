#include "base/http_server_parser.hpp"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "base/http_text.hpp"

namespace relay {
namespace {

namespace http = boost::beast::http;
using BeastError = boost::beast::error_code;

bool is_control(unsigned char byte) {
  return byte < 0x20 || byte == 0x7f;
}

// "METHOD target HTTP/1.x", each part there, one space between.
bool is_request_line(std::string_view line) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == 0 || first == std::string_view::npos || last <= first + 1) return false;
  if (line.find(' ', first + 1) != last) return false;
  const std::string_view version = line.substr(last + 1);
  return version == "HTTP/1.1" || version == "HTTP/1.0";
}

// RFC 3986: visible ASCII; a fragment never goes over the wire.
bool is_target(std::string_view target) {
  return std::all_of(target.begin(), target.end(), [](char c) { return c > 0x20 && c < 0x7f && c != '#'; });
}

// uri-host [":" port]: nothing in it that could end the authority.
bool is_authority(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return c > 0x20 && c < 0x7f && std::string_view("/?#@,\\\"<>^`{|}").find(c) == std::string_view::npos;
  });
}

// RFC 9112 section 3.2: the one Host, a must since 1.1.
bool host_is_sound(const HttpRequestHead& head, bool http_1_0) {
  const auto hosts = head.all("Host");
  if (hosts.size() > 1 || (hosts.empty() && !http_1_0)) return false;
  return hosts.empty() || is_authority(hosts.front());
}

// Section 3.2.2: the authority of an absolute-form target counts as the Host; one that contradicts it is refused.
bool split_target(HttpRequestHead& head) {
  std::string_view target = head.target;
  if (!is_target(target)) return false;
  if (target == "*") {
    head.path = "*";
    return head.method == "OPTIONS";
  }
  const std::string_view scheme = head.peer.tls ? "https://" : "http://";
  if (target.size() > scheme.size() && equal_ignoring_case(target.substr(0, scheme.size()), scheme)) {
    target.remove_prefix(scheme.size());
    const std::string_view authority = target.substr(0, target.find_first_of("/?"));
    const auto host = head.field("Host");
    if (authority.empty() || !is_authority(authority)) return false;
    if (host && !equal_ignoring_case(*host, authority)) return false;
    if (!host) head.fields.push_back({"Host", std::string(authority)});
    target.remove_prefix(authority.size());
    if (target.empty() || target.front() == '?') {
      head.path = "/";
      if (!target.empty()) head.query = target.substr(1);
      return true;
    }
  }
  if (target.empty() || target.front() != '/') return false;
  const std::size_t question = target.find('?');
  head.path = target.substr(0, question);
  if (question != std::string_view::npos) head.query = target.substr(question + 1);
  return true;
}

// Sections 6.1 to 6.3. One Content-Length of digits, or one lone "chunked" under HTTP/1.1, or neither.
bool read_framing(HttpRequestHead& head, bool http_1_0) {
  const auto codings = head.all("Transfer-Encoding");
  const auto lengths = head.all("Content-Length");
  if (!codings.empty()) {
    if (codings.size() > 1 || !lengths.empty() || http_1_0) return false;
    if (!equal_ignoring_case(codings.front(), "chunked")) return false;
    head.chunked = true;
    return true;
  }
  head.content_length = ByteCount{0};
  if (lengths.empty()) return true;
  const std::string_view digits = lengths.front();
  // 18 digits can't overflow and are more than any disk holds.
  if (lengths.size() > 1 || digits.empty() || digits.size() > 18) return false;
  for (const char c : digits) {
    if (c < '0' || c > '9') return false;
    head.content_length->value = head.content_length->value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return true;
}

}  // namespace

HttpHeadScanner::State HttpHeadScanner::scan(std::string_view bytes) {
  const std::string_view section = bytes.substr(0, max_header_section);
  for (;;) {
    const std::size_t line_feed = section.find('\n', at_);
    const bool ends_line = line_feed != std::string_view::npos;
    if (!sound(section.substr(at_, ends_line ? line_feed - at_ : std::string_view::npos), ends_line)) {
      return State::malformed;
    }
    if (!ends_line) break;
    const std::string_view line = section.substr(line_start_, line_feed - 1 - line_start_);
    const State state = end_of_line(line);
    at_ = line_start_ = line_feed + 1;
    if (state != State::need_more) return state;
  }
  // A CR at the end is looked at once more, with what follows it.
  at_ = section.ends_with('\r') ? section.size() - 1 : section.size();
  return bytes.size() > section.size() ? State::too_large : State::need_more;
}

bool HttpHeadScanner::sound(std::string_view arrived, bool ends_line) const {
  const bool folded = at_ == line_start_ && (arrived.starts_with(' ') || arrived.starts_with('\t'));
  if (folded) return false;
  if (arrived.ends_with('\r')) {
    arrived.remove_suffix(1);
  } else if (ends_line) {
    return false;
  }
  return std::none_of(arrived.begin(), arrived.end(),
                      [](char c) { return is_control(static_cast<unsigned char>(c)) && c != '\t'; });
}

HttpHeadScanner::State HttpHeadScanner::end_of_line(std::string_view line) {
  if (line.empty()) return State::complete;
  return line_start_ == 0 && !is_request_line(line) ? State::malformed : State::need_more;
}

class HttpRequestParser::Beast final : public http::basic_parser<true> {
 public:
  explicit Beast(HttpRequestHead& head) : head_(head) {
    eager(false);  // a step at a time, so that each piece of a chunk is handed out before the next is looked at
    body_limit(boost::none);
    header_limit(max_header_section + 1);
  }
  bool http_1_0() const { return version_ == 10; }
  std::string_view take_piece() { return std::exchange(piece_, {}); }

 private:
  void on_request_impl(http::verb, boost::beast::string_view method, boost::beast::string_view target, int version,
                       BeastError& error) override {
    constexpr std::size_t usual_fields = 12;
    head_.fields.reserve(usual_fields);
    head_.method.assign(method.data(), method.size());
    head_.target.assign(target.data(), target.size());
    version_ = version;
    error = {};
  }
  void on_response_impl(int, boost::beast::string_view, int, BeastError& error) override { error = {}; }
  void on_field_impl(http::field, boost::beast::string_view name, boost::beast::string_view value,
                     BeastError& error) override {
    error = {};
    if (is_header_done()) return;  // trailers mean nothing here
    head_.fields.push_back({std::string(name.data(), name.size()), std::string(value.data(), value.size())});
  }
  void on_header_impl(BeastError& error) override { error = {}; }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, BeastError& error) override { error = {}; }
  std::size_t on_body_impl(boost::beast::string_view, BeastError& error) override {
    error = http::error::unexpected_body;  // only chunks are read through Beast
    return 0;
  }
  void on_chunk_header_impl(std::uint64_t, boost::beast::string_view extensions, BeastError& error) override {
    // Beast lets a bare LF pass inside a quoted extension; other parsers would see a line end there.
    const bool sound = std::none_of(extensions.begin(), extensions.end(),
                                    [](char c) { return is_control(static_cast<unsigned char>(c)) && c != '\t'; });
    error = sound ? BeastError{} : BeastError{http::error::bad_chunk_extension};
  }
  std::size_t on_chunk_body_impl(std::uint64_t, boost::beast::string_view bytes, BeastError& error) override {
    piece_ = {bytes.data(), bytes.size()};
    error = {};
    return bytes.size();
  }
  void on_finish_impl(BeastError& error) override { error = {}; }

  HttpRequestHead& head_;
  int version_ = 11;
  std::string_view piece_;
};

HttpRequestParser::HttpRequestParser() : beast_(std::make_unique<Beast>(head_)) {}
HttpRequestParser::~HttpRequestParser() = default;

bool HttpRequestParser::parse_head(std::string_view section, const HttpPeer& peer) {
  head_.peer = peer;
  BeastError error;
  const std::size_t consumed = beast_->put({section.data(), section.size()}, error);
  if (error || consumed != section.size() || !beast_->is_header_done()) return false;
  const bool old = beast_->http_1_0();
  return host_is_sound(head_, old) && split_target(head_) && read_framing(head_, old);
}

bool HttpRequestParser::keep_alive() const {
  return beast_->keep_alive();
}
bool HttpRequestParser::http_1_0() const {
  return beast_->http_1_0();
}

bool HttpRequestParser::expects_continue() const {
  const auto expectation = head_.field("Expect");
  return expectation && !beast_->http_1_0() && equal_ignoring_case(*expectation, "100-continue");
}

HttpRequestParser::Chunk HttpRequestParser::next_chunk(std::string_view input) {
  if (beast_->is_done()) return {ChunkState::end, 0, {}};
  if (input.empty()) return {};
  BeastError error;
  Chunk chunk;
  chunk.consumed = beast_->put({input.data(), input.size()}, error);
  if (error == http::error::need_more) {
    // A chunk's header line or the trailers: they have the same bound as the header section.
    chunk.state = input.size() - chunk.consumed > max_header_section ? ChunkState::malformed : ChunkState::need_more;
    return chunk;
  }
  if (error) return {ChunkState::malformed, 0, {}};
  chunk.bytes = beast_->take_piece();
  chunk.state = beast_->is_done() ? ChunkState::end : ChunkState::bytes;  // no bytes behind a chunk's header alone
  return chunk;
}

}  // namespace relay
