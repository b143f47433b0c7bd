#include "base/http_client.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <new>
#include <stdexcept>
#include <utility>

#include "base/http_transfer.hpp"

namespace relay {
namespace {

struct MultiDeleter {
  void operator()(CURLM* handle) const { curl_multi_cleanup(handle); }
};

void initialise_curl_once() {
  static std::once_flag once;
  std::call_once(once, [] {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) throw std::runtime_error("libcurl can't be initialised");
  });
}

}  // namespace

std::optional<std::string_view> HttpClientResponse::header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (key == name) return value;
  return std::nullopt;
}

struct HttpClient::State {
  explicit State(HttpClientOptions options);
  ~State() { cancel_all(); }

  void start(std::uint64_t id, HttpClientRequest request);
  std::vector<TransferResult> poll(std::chrono::milliseconds timeout);
  void cancel_all();

  std::vector<TransferResult> perform();
  TransferResult end(std::uint64_t id, CURLcode code);
  std::chrono::milliseconds until_next_deadline(std::chrono::milliseconds at_most) const;

  TransferRoute route;
  std::unique_ptr<CURLM, MultiDeleter> multi;
  std::map<std::uint64_t, std::unique_ptr<HttpTransfer>> transfers;
  std::vector<EasyHandle> spare;  // their buffers are worth keeping
};

HttpClient::State::State(HttpClientOptions options) : route(std::move(options)) {
  initialise_curl_once();
  multi.reset(curl_multi_init());
  if (!multi) throw std::bad_alloc();
  const long most = static_cast<long>(std::max<std::size_t>(route.options.max_connections, 1));
  curl_multi_setopt(multi.get(), CURLMOPT_MAX_TOTAL_CONNECTIONS, most);
  curl_multi_setopt(multi.get(), CURLMOPT_MAXCONNECTS, most);
  curl_multi_setopt(multi.get(), CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_NOTHING));
}

void HttpClient::State::start(std::uint64_t id, HttpClientRequest request) {
  if (transfers.contains(id)) throw std::logic_error("HttpClient: this transfer is in flight already");
  EasyHandle handle;
  if (spare.empty()) {
    handle.reset(curl_easy_init());
    if (!handle) throw std::bad_alloc();
  } else {
    handle = std::move(spare.back());
    spare.pop_back();
  }
  auto transfer = std::make_unique<HttpTransfer>(id, std::move(request), route, std::move(handle));
  const auto [place, inserted] = transfers.emplace(id, std::move(transfer));
  const CURLMcode code = curl_multi_add_handle(multi.get(), place->second->handle());
  if (code == CURLM_OK) return;
  transfers.erase(place);
  throw std::runtime_error(std::string("libcurl takes no further transfer: ") + curl_multi_strerror(code));
}

TransferResult HttpClient::State::end(std::uint64_t id, CURLcode code) {
  auto node = transfers.extract(id);
  HttpTransfer& transfer = *node.mapped();
  // Closes the connection of a transfer that hasn't ended by itself.
  curl_multi_remove_handle(multi.get(), transfer.handle());
  TransferResult result = transfer.finish(code);
  if (spare.size() < route.options.max_connections) spare.push_back(transfer.release_handle());
  return result;
}

std::vector<TransferResult> HttpClient::State::perform() {
  int running = 0;
  curl_multi_perform(multi.get(), &running);
  std::vector<std::pair<std::uint64_t, CURLcode>> ended;
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    char* transfer = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
    ended.emplace_back(reinterpret_cast<HttpTransfer*>(transfer)->id(), message->data.result);
  }
  std::vector<TransferResult> results;
  results.reserve(ended.size());
  for (const auto& [id, code] : ended) results.push_back(end(id, code));

  const auto now = std::chrono::steady_clock::now();
  std::vector<std::uint64_t> late;
  for (const auto& [id, transfer] : transfers)
    if (transfer->out_of_time(now)) late.push_back(id);
  for (const std::uint64_t id : late) results.push_back(end(id, CURLE_OPERATION_TIMEDOUT));
  return results;
}

std::chrono::milliseconds HttpClient::State::until_next_deadline(std::chrono::milliseconds at_most) const {
  const auto now = std::chrono::steady_clock::now();
  for (const auto& [id, transfer] : transfers)
    at_most = std::min(at_most, std::chrono::ceil<std::chrono::milliseconds>(transfer->deadline() - now));
  return std::clamp<std::chrono::milliseconds>(at_most, std::chrono::milliseconds(0), std::chrono::hours(24));
}

std::vector<TransferResult> HttpClient::State::poll(std::chrono::milliseconds timeout) {
  std::vector<TransferResult> results = perform();
  if (!results.empty()) return results;
  const auto wait = until_next_deadline(timeout);
  curl_multi_poll(multi.get(), nullptr, 0, static_cast<int>(wait.count()), nullptr);
  return perform();
}

void HttpClient::State::cancel_all() {
  for (const auto& [id, transfer] : transfers) curl_multi_remove_handle(multi.get(), transfer->handle());
  transfers.clear();
}

HttpClient::HttpClient(HttpClientOptions options) : state_(std::make_unique<State>(std::move(options))) {}
HttpClient::~HttpClient() = default;
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;

void HttpClient::start(std::uint64_t transfer, HttpClientRequest request) {
  state_->start(transfer, std::move(request));
}
std::vector<TransferResult> HttpClient::poll(std::chrono::milliseconds timeout) {
  return state_->poll(timeout);
}
void HttpClient::use_proxy_credentials(Secret credentials) {
  state_->route.options.proxy_credentials = std::move(credentials);
}

std::size_t HttpClient::in_flight() const {
  return state_->transfers.size();
}
void HttpClient::cancel_all() {
  state_->cancel_all();
}
void HttpClient::wake() {
  curl_multi_wakeup(state_->multi.get());
}

}  // namespace relay
