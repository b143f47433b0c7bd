// Content-Encoding: gzip (RFC 1952), undone while it streams in. Memory stays flat however much comes out of little.
#pragma once

#include <memory>

#include "base/digest.hpp"
#include "base/http_server.hpp"

namespace relay {

class GzipBody final : public HttpBody {
 public:
  // `sent` outlives it.
  explicit GzipBody(HttpBody& sent);
  ~GzipBody() override;

  // Decoded bytes; HttpBodyError::malformed where what was sent is no whole gzip.
  boost::asio::awaitable<Result<std::string_view, HttpBodyError>> read() override;
  // SHA-256 of the bytes as sent, once read() has seen the end.
  Digest sent_digest();

 private:
  struct Inflater;
  HttpBody& sent_;
  Sha256 sent_hash_;
  std::unique_ptr<Inflater> inflater_;
};

}  // namespace relay
