// The Azure Storage REST calls that the relay makes, not yet signed: "Queue service REST API", "Blob service REST API"
// and "Table service REST API" on learn.microsoft.com/rest/api/storageservices.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/http_client.hpp"
#include "destinations/text_encoding.hpp"

namespace relay {

enum class AzureService { queue, blob, table };
std::string_view azure_service_name(AzureService service);  // queue, blob, table

// What a request is for; its answers are read accordingly (azure_answers.hpp).
enum class AzureStep {
  put_blob,
  insert_row,
  put_message,
  create_container,
  create_table,
  create_queue,
  look_at_container,
  look_at_table,
  look_at_queue,
};
AzureService service_of(AzureStep step);

using AzurePairs = std::vector<std::pair<std::string, std::string>>;

struct AzureRequest {
  AzureStep step = AzureStep::put_message;
  std::string method;
  std::string path;    // below the endpoint, percent-encoded, begins with '/'
  AzurePairs query;    // not encoded
  AzurePairs headers;  // without date, version and authorization
  std::variant<std::string, std::shared_ptr<HttpBodySource>> body;
};

// Put Blob: one call writes the whole block blob, over what was there.
AzureRequest put_blob_request(std::string_view container, std::string_view blob, std::string_view content_type,
                              std::shared_ptr<HttpBodySource> body);
// Insert Entity, asking for no content in return.
AzureRequest insert_row_request(std::string_view table, std::string_view entity_json);
// Put Message. `xml` is the whole body; without `ttl` the message never expires.
AzureRequest put_message_request(std::string_view queue, std::string xml, std::optional<std::chrono::seconds> ttl);

AzureRequest create_container_request(std::string_view container);
AzureRequest create_table_request(std::string_view table);
AzureRequest create_queue_request(std::string_view queue);

// Harmless reads: Get Container Properties, Query Entities (of one row that isn't there), Get Queue Metadata.
AzureRequest look_at_container_request(std::string_view container);
AzureRequest look_at_table_request(std::string_view table);
AzureRequest look_at_queue_request(std::string_view queue);

}  // namespace relay
