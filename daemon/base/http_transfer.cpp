#include "base/http_transfer.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <cstring>
#include <new>
#include <stdexcept>
#include <utility>

#include "base/http_transfer_numbers.hpp"

namespace relay {
namespace {

constexpr std::uint64_t slowest_bytes_per_second = 16 * 1024;  // what intake asks of its senders, too
constexpr std::size_t header_section_limit = 64 * 1024;

struct UrlDeleter {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};

template <class Value>
void set(CURL* handle, CURLoption option, Value value) {
  const CURLcode code = curl_easy_setopt(handle, option, value);
  if (code == CURLE_OUT_OF_MEMORY) throw std::bad_alloc();
  if (code != CURLE_OK)
    throw std::logic_error("libcurl takes no option " + std::to_string(option) + ": " + curl_easy_strerror(code));
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  const auto first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

// libcurl undoes it: proxy credentials are taken for parts of a URL.
std::string percent_encoded(std::string_view text) {
  constexpr char digits[] = "0123456789ABCDEF";
  std::string result;
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    result += '%';
    result += digits[byte >> 4];
    result += digits[byte & 15];
  }
  return result;
}

void append_line(HeaderList& list, const std::string& line) {
  curl_slist* longer = curl_slist_append(list.get(), line.c_str());
  if (longer == nullptr) throw std::bad_alloc();
  (void)list.release();
  list.reset(longer);
}

HeaderList header_list(const HttpClientRequest& request) {
  HeaderList list;
  bool content_type = false;
  const auto breaks = [](char c) { return c == '\r' || c == '\n' || c == '\0'; };
  for (const auto& [name, value] : request.headers) {
    if (name.empty() || std::any_of(name.begin(), name.end(), breaks) || name.find(':') != std::string::npos ||
        std::any_of(value.begin(), value.end(), breaks))
      throw std::invalid_argument("a request header holds a line break, a NUL or a misplaced colon");
    content_type = content_type || lower(name) == "content-type";
    append_line(list, trimmed(value).empty() ? name + ";" : name + ": " + value);
  }
  append_line(list, "Expect:");  // a round trip saved; every server here takes the body at once
  if (!content_type) append_line(list, "Content-Type:");  // else libcurl claims a form
  return list;
}

}  // namespace

HostAndPort host_and_port(const std::string& url, PortDefault missing_port) {
  HostAndPort result;
  std::unique_ptr<CURLU, UrlDeleter> parsed(curl_url());
  const unsigned flags = CURLU_GUESS_SCHEME | CURLU_NON_SUPPORT_SCHEME;
  if (!parsed || curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), flags) != CURLUE_OK) return result;
  char* part = nullptr;
  if (curl_url_get(parsed.get(), CURLUPART_HOST, &part, 0) == CURLUE_OK) {
    result.host = part;
    curl_free(part);
  }
  if (missing_port == PortDefault::of_proxy && !url.starts_with("https://")) result.port = 1080;
  const unsigned port_flags = result.port == 0 ? CURLU_DEFAULT_PORT : 0;
  if (curl_url_get(parsed.get(), CURLUPART_PORT, &part, port_flags) == CURLUE_OK) {
    result.port = std::strtol(part, nullptr, 10);
    curl_free(part);
  }
  return result;
}

TransferRoute::TransferRoute(HttpClientOptions given) : options(std::move(given)) {
  if (!options.proxy.empty()) proxy = host_and_port(options.proxy, PortDefault::of_proxy);
  for (const std::string& entry : options.no_proxy) no_proxy += (no_proxy.empty() ? "" : ",") + entry;
}

HttpTransfer::HttpTransfer(std::uint64_t id, HttpClientRequest request, const TransferRoute& route, EasyHandle handle)
    : route_(route),
      id_(id),
      request_(std::move(request)),
      target_(host_and_port(request_.url, PortDefault::of_scheme)),
      handle_(std::move(handle)),
      headers_(header_list(request_)),
      deadline_(std::chrono::steady_clock::now() + request_.timeout) {
  if (const auto* source = std::get_if<std::shared_ptr<HttpBodySource>>(&request_.body))
    body_size_ = *source ? (*source)->size().value : 0;
  else
    body_size_ = std::get<std::string>(request_.body).size();
  set_transport();
  set_proxy();
  set_request();
  set_callbacks();
}

EasyHandle HttpTransfer::release_handle() {
  curl_easy_reset(handle_.get());
  return std::move(handle_);
}

void HttpTransfer::set_transport() {
  CURL* handle = handle_.get();
  const HttpClientOptions& options = route_.options;
  set(handle, CURLOPT_NOSIGNAL, 1L);
  set(handle, CURLOPT_QUICK_EXIT, 1L);
  set(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  set(handle, CURLOPT_FOLLOWLOCATION, 0L);
  set(handle, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  set(handle, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(handle, CURLOPT_TCP_KEEPALIVE, 1L);
  set(handle, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout.count()));
  set(handle, CURLOPT_SSL_VERIFYPEER, 1L);
  set(handle, CURLOPT_SSL_VERIFYHOST, 2L);
  set(handle, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (request_.report_certificate) set(handle, CURLOPT_CERTINFO, 1L);
  if (!options.ca_file.empty()) {
    // Those authorities alone: the system's folder is left out.
    set(handle, CURLOPT_CAPATH, static_cast<const char*>(nullptr));
    set(handle, CURLOPT_PROXY_CAPATH, static_cast<const char*>(nullptr));
    if (options.ca_file.starts_with("-----BEGIN")) {
      curl_blob pem{const_cast<char*>(options.ca_file.data()), options.ca_file.size(), CURL_BLOB_NOCOPY};
      set(handle, CURLOPT_CAINFO_BLOB, &pem);
      set(handle, CURLOPT_PROXY_CAINFO_BLOB, &pem);
    } else {
      set(handle, CURLOPT_CAINFO, options.ca_file.c_str());
      set(handle, CURLOPT_PROXY_CAINFO, options.ca_file.c_str());
    }
  }
  set_client_certificate();
  if (!options.unix_socket.empty()) set(handle, CURLOPT_UNIX_SOCKET_PATH, options.unix_socket.c_str());
  if (!options.user_agent.empty()) set(handle, CURLOPT_USERAGENT, options.user_agent.c_str());
}

void HttpTransfer::set_client_certificate() {
  const auto use = [this](const std::string& text, CURLoption path, CURLoption blob) {
    if (text.empty()) return;
    if (!text.starts_with("-----BEGIN")) return set(handle_.get(), path, text.c_str());
    curl_blob pem{const_cast<char*>(text.data()), text.size(), CURL_BLOB_NOCOPY};
    set(handle_.get(), blob, &pem);
  };
  use(route_.options.client_certificate, CURLOPT_SSLCERT, CURLOPT_SSLCERT_BLOB);
  use(route_.options.client_key, CURLOPT_SSLKEY, CURLOPT_SSLKEY_BLOB);
}

void HttpTransfer::set_proxy() {
  CURL* handle = handle_.get();
  // Set even when empty, so that http_proxy and no_proxy of the environment don't count.
  set(handle, CURLOPT_PROXY, route_.options.proxy.c_str());
  set(handle, CURLOPT_NOPROXY, route_.no_proxy.c_str());
  set(handle, CURLOPT_HEADEROPT, static_cast<long>(CURLHEADER_SEPARATE));  // the server's headers aren't the proxy's
  set(handle, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  if (route_.options.proxy_credentials.empty()) return;
  const std::string_view pair = route_.options.proxy_credentials.reveal();
  const auto colon = std::min(pair.find(':'), pair.size());
  set(handle, CURLOPT_PROXYAUTH, static_cast<long>(CURLAUTH_BASIC));
  const Secret user(percent_encoded(pair.substr(0, colon)));
  const Secret password(percent_encoded(pair.substr(std::min(colon + 1, pair.size()))));
  set(handle, CURLOPT_PROXYUSERNAME, user.reveal().data());  // a std::string behind it: ends with NUL
  set(handle, CURLOPT_PROXYPASSWORD, password.reveal().data());
}

void HttpTransfer::set_request() {
  CURL* handle = handle_.get();
  set(handle, CURLOPT_URL, request_.url.c_str());
  set(handle, CURLOPT_HTTPHEADER, headers_.get());
  const bool has_body = body_size_ > 0 || request_.method == "POST" || request_.method == "PUT" ||
                        request_.method == "PATCH" || request_.method == "MERGE";
  if (has_body) {
    set(handle, CURLOPT_UPLOAD, 1L);
    set(handle, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(body_size_));
    set(handle, CURLOPT_CUSTOMREQUEST, request_.method.c_str());
  } else if (request_.method == "HEAD") {
    set(handle, CURLOPT_NOBODY, 1L);
  } else {
    set(handle, CURLOPT_HTTPGET, 1L);
    set(handle, CURLOPT_CUSTOMREQUEST, request_.method.c_str());
  }
  const auto longest = request_.timeout + std::chrono::milliseconds(body_size_ * 1000 / slowest_bytes_per_second);
  set(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(std::max<std::int64_t>(longest.count(), 1)));
}

void HttpTransfer::set_callbacks() {
  CURL* handle = handle_.get();
  void* self = this;
  set(handle, CURLOPT_PRIVATE, self);
  set(handle, CURLOPT_ERRORBUFFER, said_.data());
  set(handle, CURLOPT_READFUNCTION, &read_body);
  set(handle, CURLOPT_READDATA, self);
  set(handle, CURLOPT_SEEKFUNCTION, &seek_body);
  set(handle, CURLOPT_SEEKDATA, self);
  set(handle, CURLOPT_HEADERFUNCTION, &take_header);
  set(handle, CURLOPT_HEADERDATA, self);
  set(handle, CURLOPT_WRITEFUNCTION, &take_body);
  set(handle, CURLOPT_WRITEDATA, self);
  set(handle, CURLOPT_NOPROGRESS, 0L);
  set(handle, CURLOPT_XFERINFOFUNCTION, &see_progress);
  set(handle, CURLOPT_XFERINFODATA, self);
  set(handle, CURLOPT_OPENSOCKETFUNCTION, &open_socket);
  set(handle, CURLOPT_OPENSOCKETDATA, self);
}

std::size_t HttpTransfer::read_body(char* buffer, std::size_t size, std::size_t count, void* self) {
  auto& transfer = *static_cast<HttpTransfer*>(self);
  const std::uint64_t left = transfer.body_size_ - transfer.body_offset_;
  const auto limit = static_cast<std::size_t>(std::min<std::uint64_t>(size * count, left));
  if (limit == 0) return 0;
  if (const auto* source = std::get_if<std::shared_ptr<HttpBodySource>>(&transfer.request_.body)) {
    const Result<std::string> piece = (*source)->read(transfer.body_offset_, limit);
    if (!piece || piece->empty() || piece->size() > limit) {
      transfer.body_failed_ = true;
      return CURL_READFUNC_ABORT;
    }
    std::memcpy(buffer, piece->data(), piece->size());
    transfer.body_offset_ += piece->size();
    return piece->size();
  }
  std::memcpy(buffer, std::get<std::string>(transfer.request_.body).data() + transfer.body_offset_, limit);
  transfer.body_offset_ += limit;
  return limit;
}

// libcurl sends a request again by itself where a kept connection was closed before a byte of the answer came. That is
// right for a request of which a part is missing, and for methods that may be repeated (RFC 9110 section 9.2.2). A POST
// whose whole body went out (libcurl's own counter has begun anew by now) may have been taken: its repeat would hide an
// unknown outcome, so it is refused here and the transfer ends as a reset after the request was sent.
int HttpTransfer::seek_body(void* self, curl_off_t offset, int origin) {
  auto& transfer = *static_cast<HttpTransfer*>(self);
  if (origin != SEEK_SET || offset < 0 || static_cast<std::uint64_t>(offset) > transfer.body_size_)
    return CURL_SEEKFUNC_FAIL;
  const std::string& method = transfer.request_.method;
  if ((method == "POST" || method == "PATCH") && transfer.uploaded_at_most_ >= transfer.body_size_) {
    transfer.repeat_refused_ = true;
    return CURL_SEEKFUNC_FAIL;
  }
  transfer.body_offset_ = static_cast<std::uint64_t>(offset);
  transfer.upload_ended_ = false;
  return CURL_SEEKFUNC_OK;
}

std::size_t HttpTransfer::take_header(char* data, std::size_t size, std::size_t count, void* self) {
  auto& transfer = *static_cast<HttpTransfer*>(self);
  const std::string_view line(data, size * count);
  if (line.starts_with("HTTP/")) {  // a new header section: after 100 Continue, or the answer to a repeat
    transfer.response_ = {};
    transfer.header_bytes_ = 0;
    return line.size();
  }
  transfer.header_bytes_ += line.size();
  const auto colon = line.find(':');
  if (colon != std::string_view::npos && transfer.header_bytes_ <= header_section_limit)
    transfer.response_.headers.emplace_back(lower(trimmed(line.substr(0, colon))), trimmed(line.substr(colon + 1)));
  return line.size();
}

std::size_t HttpTransfer::take_body(char* data, std::size_t size, std::size_t count, void* self) {
  auto& transfer = *static_cast<HttpTransfer*>(self);
  const std::size_t length = size * count;
  if (transfer.request_.sink && whole_number(transfer.handle_.get(), CURLINFO_RESPONSE_CODE) == 200) {
    return transfer.request_.sink({data, length}) ? length : 0;
  }
  std::string& body = transfer.response_.body;
  const std::uint64_t room = transfer.request_.response_limit.value - body.size();
  if (length > room) transfer.response_.body_truncated = true;
  body.append(data, static_cast<std::size_t>(std::min<std::uint64_t>(length, room)));
  return length;
}

int HttpTransfer::see_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t uploaded) {
  auto& transfer = *static_cast<HttpTransfer*>(self);
  transfer.uploaded_at_most_ = std::max(transfer.uploaded_at_most_, static_cast<std::uint64_t>(uploaded));
  return 0;
}

curl_socket_t HttpTransfer::open_socket(void* self, curlsocktype, curl_sockaddr* address) {
  std::uint16_t port = 0;
  if (address->family == AF_INET || address->family == AF_INET6) {
    // At the same place in sockaddr_in and sockaddr_in6.
    std::memcpy(&port, reinterpret_cast<const char*>(&address->addr) + sizeof(sa_family_t), sizeof port);
  }
  static_cast<HttpTransfer*>(self)->socket_port_ = ntohs(port);
  const int descriptor = ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  return descriptor < 0 ? CURL_SOCKET_BAD : descriptor;
}

bool HttpTransfer::out_of_time(std::chrono::steady_clock::time_point now) {
  const std::uint64_t sent = uploaded();
  if (sent != uploaded_seen_ && !upload_ended_) {
    uploaded_seen_ = sent;
    upload_ended_ = sent >= body_size_;
    deadline_ = now + request_.timeout;
  }
  return now >= deadline_;
}

}  // namespace relay
