// SharedKey: what is signed, and how ("Authorize with Shared Key", learn.microsoft.com/rest/api/storageservices).
// Signed when sent, on every try: Azure refuses a signature more than 15 minutes old.
#pragma once

#include <string>
#include <string_view>

#include "destinations/azure_request.hpp"

namespace relay {

struct SharedKeyInput {
  AzureService service = AzureService::queue;
  std::string_view method;
  std::string_view account;
  std::string_view url_path;  // of the whole URL: on an emulator the account stands there, too
  AzurePairs query;           // not encoded
  AzurePairs headers;         // all that are sent, x-ms-date among them
  std::uint64_t content_length = 0;
};

std::string shared_key_string_to_sign(const SharedKeyInput& input);
// The value of Authorization; `key` is the key's bytes, not its base64.
std::string shared_key_authorization(const SharedKeyInput& input, std::string_view key);

}  // namespace relay
