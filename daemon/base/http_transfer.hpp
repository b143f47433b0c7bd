// One HTTP request under way in libcurl: its options, its callbacks, and what its end means. The inside of http_client;
// nobody else includes this.
#pragma once

#include <curl/curl.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "base/http_client.hpp"

namespace relay {

struct EasyDeleter {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
struct HeaderListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using EasyHandle = std::unique_ptr<CURL, EasyDeleter>;
using HeaderList = std::unique_ptr<curl_slist, HeaderListDeleter>;

struct HostAndPort {
  std::string host;
  long port = 0;
};
// What a URL without a port means: its scheme's, or (of a proxy, as libcurl reads it) 1080 unless https.
enum class PortDefault { of_scheme, of_proxy };
HostAndPort host_and_port(const std::string& url, PortDefault missing_port);

// Options of all transfers of one client, worked out once.
struct TransferRoute {
  explicit TransferRoute(HttpClientOptions given);
  HttpClientOptions options;
  HostAndPort proxy;
  std::string no_proxy;  // as libcurl wants it
};

// Its address is fixed: libcurl's callbacks hold it.
class HttpTransfer {
 public:
  // `handle` is fresh or reset. Throws std::invalid_argument for a header with a line break.
  HttpTransfer(std::uint64_t id, HttpClientRequest request, const TransferRoute& route, EasyHandle handle);
  HttpTransfer(const HttpTransfer&) = delete;
  HttpTransfer& operator=(const HttpTransfer&) = delete;

  std::uint64_t id() const { return id_; }
  CURL* handle() const { return handle_.get(); }
  // The handle, ready for another transfer.
  EasyHandle release_handle();
  // What it came to. Once, after libcurl let go of the handle.
  TransferResult finish(CURLcode code);
  // Looks at what has been sent since the last look; true once HttpClientRequest::timeout has run out.
  bool out_of_time(std::chrono::steady_clock::time_point now);
  std::chrono::steady_clock::time_point deadline() const { return deadline_; }

 private:
  static std::size_t read_body(char* buffer, std::size_t size, std::size_t count, void* self);
  static int seek_body(void* self, curl_off_t offset, int origin);
  static std::size_t take_header(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t take_body(char* data, std::size_t size, std::size_t count, void* self);
  static int see_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t uploaded);
  static curl_socket_t open_socket(void* self, curlsocktype purpose, curl_sockaddr* address);

  void set_transport();
  void set_client_certificate();
  void set_proxy();
  void set_request();
  void set_callbacks();
  TransferError describe(CURLcode code) const;
  bool request_may_have_arrived() const;
  bool goes_by_proxy() const;
  std::uint64_t uploaded() const;

  const TransferRoute& route_;
  std::uint64_t id_;
  HttpClientRequest request_;
  HostAndPort target_;
  EasyHandle handle_;
  HeaderList headers_;
  HttpClientResponse response_;
  std::size_t header_bytes_ = 0;
  std::uint64_t body_size_ = 0;
  std::uint64_t body_offset_ = 0;
  bool body_failed_ = false;
  bool repeat_refused_ = false;               // see seek_body
  std::array<char, CURL_ERROR_SIZE> said_{};  // by libcurl, of an error; may hold remote text
  long socket_port_ = 0;                      // of the last socket that was opened
  std::uint64_t uploaded_at_most_ = 0;        // over all of libcurl's own repeats
  std::uint64_t uploaded_seen_ = 0;
  bool upload_ended_ = false;
  std::chrono::steady_clock::time_point deadline_;
};

}  // namespace relay
