// A storage account as a destination uses it: the addresses of its services, and the right to use them. Makes whole
// HTTP requests of AzureRequests: absolute URL, version, date, and SAS or SharedKey signature, all at the moment of
// sending.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/http_client.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "destinations/azure_request.hpp"
#include "destinations/azure_sas.hpp"
#include "settings/settings.hpp"

namespace relay {

class AzureAccount {
 public:
  // Throws std::invalid_argument for settings that give no address or right (load_settings lets none through).
  explicit AzureAccount(AzureStorageQueueSettings settings);

  // `request_id` comes back in Azure's logs (x-ms-client-request-id).
  HttpClientRequest signed_request(AzureRequest request, WallTime now, std::chrono::milliseconds timeout,
                                   std::string_view request_id) const;
  // Where the container's blob is to be found, without a right in it.
  std::string blob_url(std::string_view container, std::string_view blob) const;
  // The SAS that service is used with; nullptr: SharedKey.
  const AzureSas* sas_of(AzureService service) const;

  // Grows whenever secrets were read again and had changed.
  unsigned generation() const { return generation_; }
  // Reads ${file:} and other references again. True where a secret changed. On the caller's thread.
  Result<bool> refresh();

 private:
  struct Right {
    std::string endpoint;
    std::optional<AzureSas> sas{};
  };
  void derive();
  const Right& right_of(AzureService service) const;

  AzureStorageQueueSettings settings_;
  Secret key_;  // decoded
  Right queue_;
  Right blob_;
  Right table_;
  unsigned generation_ = 1;
};

}  // namespace relay
