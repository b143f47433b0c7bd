#include <algorithm>
#include <string>

#include "base/http_server_parser.hpp"
#include "fuzz/targets.hpp"

namespace relay::fuzz {

namespace {

HttpHeadScanner::State scan_in_pieces(std::string_view bytes, std::size_t step, std::size_t& size) {
  HttpHeadScanner scanner;
  auto state = HttpHeadScanner::State::need_more;
  for (std::size_t end = step; state == HttpHeadScanner::State::need_more; end += step) {
    state = scanner.scan(bytes.substr(0, end));
    if (end >= bytes.size()) break;
  }
  size = scanner.size();
  return state;
}

void read_chunks(HttpRequestParser& parser, std::string_view input) {
  while (true) {
    const auto chunk = parser.next_chunk(input);
    require(chunk.consumed <= input.size(), "a chunk takes no more than is there");
    require(chunk.bytes.empty() || (chunk.bytes.data() >= input.data() &&
                                    chunk.bytes.data() + chunk.bytes.size() <= input.data() + chunk.consumed),
            "a chunk's bytes lie in what it takes");
    // A chunk's header alone brings no bytes, but is taken.
    if (chunk.consumed == 0 || chunk.state == HttpRequestParser::ChunkState::end ||
        chunk.state == HttpRequestParser::ChunkState::malformed) {
      return;
    }
    input.remove_prefix(chunk.consumed);
  }
}

bool clean(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

}  // namespace

void http_request(std::string_view bytes) {
  const std::size_t step = 1 + take_byte(bytes) % 16;
  std::size_t size = 0;
  std::size_t size_in_pieces = 0;
  const auto state = scan_in_pieces(bytes, std::max<std::size_t>(bytes.size(), 1), size);
  require(scan_in_pieces(bytes, step, size_in_pieces) == state, "pieces don't change what a head is");
  if (state != HttpHeadScanner::State::complete) return;
  require(size == size_in_pieces && size <= bytes.size() && size <= max_header_section, "a head has one end");

  HttpRequestParser parser;
  if (!parser.parse_head(bytes.substr(0, size), {})) return;
  const HttpRequestHead& head = parser.head();
  require(clean(head.target) && clean(head.method), "no line break gets into a request line");
  for (const auto& field : head.fields) require(clean(field.name) && clean(field.value), "none gets into a field");
  require(!(head.chunked && head.content_length), "a body has one framing");
  (void)parser.keep_alive();
  (void)parser.expects_continue();
  (void)head.query_parameter("client");
  if (head.chunked) read_chunks(parser, bytes.substr(size));
}

}  // namespace relay::fuzz
