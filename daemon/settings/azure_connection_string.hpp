// Connection strings of Azure Storage, and what follows from them and from the explicit keys: each service's address
// and right. Used when the configuration is read, and by the destination after a sign-in failed.
//
// The format is Microsoft's "Configure Azure Storage connection strings": NAME=VALUE pairs between semicolons, a pair
// split on its first '=' only, names in any case. Four kinds: account key with DefaultEndpointsProtocol and
// EndpointSuffix; explicit BlobEndpoint, QueueEndpoint, TableEndpoint; SharedAccessSignature;
// UseDevelopmentStorage=true.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "settings/settings.hpp"

namespace relay {

struct AzureConnectionString {
  std::string account_name;
  Secret account_key;  // base64
  Secret sas;          // without '?'
  // Without trailing slash; empty where the string names none. From the account's name they are made only where no
  // endpoint is named, or EndpointSuffix is: otherwise a forgotten one would send payloads to another cloud.
  std::string queue_endpoint;
  std::string blob_endpoint;
  std::string table_endpoint;
};

// The error never quotes the string: any part of a mistyped one may be the key.
Result<AzureConnectionString> parse_azure_connection_string(std::string_view text);

// Fills account_name, account_key and account_sas from connection_string where that is given; then gives a service
// without a SAS of its own the account's. Errors name all that the envelope needs and doesn't have; at least one.
Result<void, std::vector<Error>> derive_azure_services(AzureStorageQueueSettings& settings);

// Reads every reference again and derives anew. True when a secret changed; on an error the settings are as before.
Result<bool> refresh_azure_secrets(AzureStorageQueueSettings& settings);

}  // namespace relay
