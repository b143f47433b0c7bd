#include "intake/gzip_body.hpp"

#include <zlib.h>

#include <array>
#include <new>

namespace relay {
namespace {

// zlib: the largest window, and a gzip header and trailer around the data.
constexpr int gzip_window_bits = 15 + 16;

}  // namespace

struct GzipBody::Inflater {
  Inflater() {
    if (::inflateInit2(&stream, gzip_window_bits) != Z_OK) throw std::bad_alloc();
  }
  ~Inflater() { ::inflateEnd(&stream); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  void give(std::string_view bytes) {
    // zlib reads from it only, but its type says otherwise.
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
  }

  // Decoded bytes; empty where more has to be given first. Nothing: broken.
  std::optional<std::string_view> take() {
    // A file may have several members, one behind the other (RFC 1952 section 2.2).
    if (at_member_end && stream.avail_in > 0) {
      ::inflateReset(&stream);
      at_member_end = false;
    }
    if (at_member_end) return std::string_view();
    stream.next_out = reinterpret_cast<Bytef*>(output.data());
    stream.avail_out = static_cast<uInt>(output.size());
    const int result = ::inflate(&stream, Z_NO_FLUSH);
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) return std::nullopt;
    at_member_end = result == Z_STREAM_END;
    return std::string_view(output.data(), output.size() - stream.avail_out);
  }

  bool wants_more() const { return stream.avail_in == 0; }

  z_stream stream{};
  bool at_member_end = true;  // nothing has come yet
  std::array<char, 32 * 1024> output{};
};

GzipBody::GzipBody(HttpBody& sent) : sent_(sent), inflater_(std::make_unique<Inflater>()) {}
GzipBody::~GzipBody() = default;

boost::asio::awaitable<Result<std::string_view, HttpBodyError>> GzipBody::read() {
  for (;;) {
    const auto decoded = inflater_->take();
    if (!decoded) co_return Failure{HttpBodyError::malformed};
    if (!decoded->empty()) co_return *decoded;
    if (!inflater_->wants_more()) continue;
    auto piece = co_await sent_.read();
    if (!piece) co_return Failure{piece.error()};
    if (piece->empty() && !inflater_->at_member_end) co_return Failure{HttpBodyError::malformed};
    if (piece->empty()) co_return std::string_view();
    sent_hash_.update(*piece);
    inflater_->give(*piece);
  }
}

Digest GzipBody::sent_digest() {
  return sent_hash_.finish();
}

}  // namespace relay
