// Reads a request off the bytes of a connection: where its header section ends, what it says, and its chunks. Stricter
// than RFC 9112 asks for wherever two parsers could come to two readings: that is what request smuggling lives on.
// Beast is behind it, in http_server_parser.cpp alone.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "base/http_server.hpp"

namespace relay {

// Request line, fields and the empty line behind them.
inline constexpr std::size_t max_header_section = 16 * 1024;

// Finds the end of a header section while it arrives, and refuses at once what can't become a good one: bare CR or LF,
// control characters, folded lines (RFC 9112 sections 2.2 and 5.2), a request line that isn't HTTP/1.0 or HTTP/1.1.
class HttpHeadScanner {
 public:
  enum class State { need_more, complete, malformed, too_large };
  // `bytes` begins with the request's first byte and has grown since the last call.
  State scan(std::string_view bytes);
  // Of the header section, once complete.
  std::size_t size() const { return at_; }

 private:
  // Of the line under way: what came since the last call, and whether it could stand in a good line.
  bool sound(std::string_view arrived, bool ends_line) const;
  State end_of_line(std::string_view line);

  std::size_t at_ = 0;  // everything before it has been looked at
  std::size_t line_start_ = 0;
};

// One request.
class HttpRequestParser {
 public:
  HttpRequestParser();
  ~HttpRequestParser();
  HttpRequestParser(const HttpRequestParser&) = delete;
  HttpRequestParser& operator=(const HttpRequestParser&) = delete;

  // A whole header section. False where it is malformed; then nothing else may be called.
  bool parse_head(std::string_view section, const HttpPeer& peer);
  const HttpRequestHead& head() const { return head_; }
  bool keep_alive() const;
  bool http_1_0() const;
  bool expects_continue() const;

  enum class ChunkState { need_more, bytes, end, malformed };
  struct Chunk {
    ChunkState state = ChunkState::need_more;
    std::size_t consumed = 0;
    std::string_view bytes;  // inside `input`
  };
  // The next step over a chunked body. What wasn't consumed is given again, with more behind it.
  Chunk next_chunk(std::string_view input);

 private:
  class Beast;
  std::unique_ptr<Beast> beast_;
  HttpRequestHead head_;
};

}  // namespace relay
