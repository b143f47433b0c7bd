#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <optional>
#include <string>

#include "base/digest.hpp"
#include "fuzz/targets.hpp"
#include "intake/gzip_body.hpp"

namespace relay::fuzz {

namespace {

constexpr std::size_t most_decoded = 4 * 1024 * 1024;  // the intake stops at max_payload

class SentInPieces final : public HttpBody {
 public:
  SentInPieces(std::string_view bytes, std::size_t step) : bytes_(bytes), step_(step) {}
  boost::asio::awaitable<Result<std::string_view, HttpBodyError>> read() override {
    const std::string_view piece = bytes_.substr(0, step_);
    bytes_.remove_prefix(piece.size());
    co_return piece;
  }

 private:
  std::string_view bytes_;
  const std::size_t step_;
};

struct Decoded {
  std::string bytes;
  bool whole = false;
  std::optional<Digest> sent{};
};

boost::asio::awaitable<void> read_all(GzipBody& body, Decoded& decoded) {
  while (decoded.bytes.size() < most_decoded) {
    const auto piece = co_await body.read();
    if (!piece) co_return;
    if (piece->empty()) {
      decoded.whole = true;
      decoded.sent = body.sent_digest();
      co_return;
    }
    decoded.bytes += *piece;
  }
}

Decoded decode(std::string_view bytes, std::size_t step) {
  SentInPieces sent(bytes, step);
  GzipBody body(sent);
  Decoded decoded;
  boost::asio::io_context context;
  boost::asio::co_spawn(context, read_all(body, decoded), boost::asio::detached);
  context.run();
  return decoded;
}

}  // namespace

void gzip(std::string_view bytes) {
  const std::size_t step = 1 + take_byte(bytes) % 64;
  const Decoded at_once = decode(bytes, std::max<std::size_t>(bytes.size(), 1));
  const Decoded in_pieces = decode(bytes, step);
  require(at_once.whole == in_pieces.whole, "pieces don't change whether it is a whole gzip");
  if (!at_once.whole) return;
  require(at_once.bytes == in_pieces.bytes, "pieces don't change what comes out");
  require(at_once.sent == sha256(bytes), "the digest is of the bytes as sent");
}

}  // namespace relay::fuzz
