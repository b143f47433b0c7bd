#include "destinations/azure_account.hpp"

#include <stdexcept>

#include "base/digest.hpp"
#include "destinations/azure_shared_key.hpp"
#include "settings/azure_connection_string.hpp"

namespace relay {
namespace {

// Queue and blob: the first version with all that is used here that emulators and Azure Stack know, too. The table
// service has stayed at its own.
constexpr std::string_view queue_and_blob_version = "2021-12-02";
constexpr std::string_view table_version = "2019-02-02";

// The answers that count are a few hundred bytes; of an error page the beginning will do.
constexpr ByteCount longest_answer = kibibytes(64);

// https://host:port/path → /path; nothing behind the host: empty.
std::string_view path_of(std::string_view endpoint) {
  const auto scheme = endpoint.find("://");
  const auto slash = endpoint.find('/', scheme == std::string_view::npos ? 0 : scheme + 3);
  return slash == std::string_view::npos ? std::string_view() : endpoint.substr(slash);
}

std::string query_text(const AzurePairs& query, const AzureSas* sas) {
  std::string text;
  for (const auto& [name, value] : query)
    text.append(text.empty() ? "?" : "&").append(percent_encode(name)).append("=").append(percent_encode(value));
  if (sas != nullptr) text.append(text.empty() ? "?" : "&").append(sas->query().reveal());
  return text;
}

std::uint64_t size_of(const AzureRequest& request) {
  if (const auto* source = std::get_if<std::shared_ptr<HttpBodySource>>(&request.body))
    return *source ? (*source)->size().value : 0;
  return std::get<std::string>(request.body).size();
}

}  // namespace

AzureAccount::AzureAccount(AzureStorageQueueSettings settings) : settings_(std::move(settings)) {
  derive();
}

void AzureAccount::derive() {
  if (const auto derived = derive_azure_services(settings_); !derived)
    throw std::invalid_argument("azure_storage_queue: " + derived.error().front().message);
  const auto key = base64_decode(settings_.account_key.value().reveal());
  if (!key) throw std::invalid_argument("azure_storage_queue: account_key isn't base64");
  key_ = Secret(*key);
  const auto right = [](const AzureServiceSettings& service) {
    Right result{service.endpoint};
    if (!service.sas.empty()) result.sas.emplace(service.sas.value().reveal());
    return result;
  };
  queue_ = right(settings_.queue_service);
  blob_ = right(settings_.blob_service);
  table_ = right(settings_.table_service);
}

Result<bool> AzureAccount::refresh() {
  Result<bool> changed = refresh_azure_secrets(settings_);
  if (!changed || !*changed) return changed;
  derive();
  ++generation_;
  return true;
}

const AzureAccount::Right& AzureAccount::right_of(AzureService service) const {
  switch (service) {
    case AzureService::queue:
      return queue_;
    case AzureService::blob:
      return blob_;
    case AzureService::table:
      return table_;
  }
  throw std::logic_error("no such Azure service");
}

const AzureSas* AzureAccount::sas_of(AzureService service) const {
  const Right& right = right_of(service);
  return right.sas ? &*right.sas : nullptr;
}

std::string AzureAccount::blob_url(std::string_view container, std::string_view blob) const {
  return blob_.endpoint + "/" + percent_encode(container) + "/" + percent_encode_path(blob);
}

HttpClientRequest AzureAccount::signed_request(AzureRequest request, WallTime now, std::chrono::milliseconds timeout,
                                               std::string_view request_id) const {
  const AzureService service = service_of(request.step);
  const Right& right = right_of(service);
  const AzureSas* sas = sas_of(service);
  request.headers.emplace_back("x-ms-version", service == AzureService::table ? table_version : queue_and_blob_version);
  request.headers.emplace_back("x-ms-date", format_http_date(now));
  request.headers.emplace_back("x-ms-client-request-id", request_id);

  HttpClientRequest signed_one;
  signed_one.url = right.endpoint + request.path + query_text(request.query, sas);
  if (sas == nullptr) {
    SharedKeyInput input;
    input.service = service;
    input.method = request.method;
    input.account = settings_.account_name;
    const std::string url_path = std::string(path_of(right.endpoint)) + request.path;
    input.url_path = url_path;
    input.query = request.query;
    input.headers = request.headers;
    input.content_length = size_of(request);
    request.headers.emplace_back("Authorization", shared_key_authorization(input, key_.reveal()));
  }
  signed_one.method = std::move(request.method);
  signed_one.headers = std::move(request.headers);
  signed_one.body = std::move(request.body);
  signed_one.timeout = timeout;
  signed_one.response_limit = longest_answer;
  return signed_one;
}

}  // namespace relay
