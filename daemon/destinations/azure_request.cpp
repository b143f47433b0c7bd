#include "destinations/azure_request.hpp"

#include <stdexcept>

namespace relay {
namespace {

AzurePairs table_headers() {
  return {{"Accept", "application/json;odata=nometadata"}, {"DataServiceVersion", "3.0"}};
}

AzurePairs table_write_headers() {
  AzurePairs headers = table_headers();
  headers.emplace_back("Content-Type", "application/json");
  headers.emplace_back("Prefer", "return-no-content");
  return headers;
}

}  // namespace

std::string_view azure_service_name(AzureService service) {
  switch (service) {
    case AzureService::queue:
      return "queue";
    case AzureService::blob:
      return "blob";
    case AzureService::table:
      return "table";
  }
  throw std::logic_error("no such Azure service");
}

AzureService service_of(AzureStep step) {
  switch (step) {
    case AzureStep::put_blob:
    case AzureStep::create_container:
    case AzureStep::look_at_container:
      return AzureService::blob;
    case AzureStep::insert_row:
    case AzureStep::create_table:
    case AzureStep::look_at_table:
      return AzureService::table;
    case AzureStep::put_message:
    case AzureStep::create_queue:
    case AzureStep::look_at_queue:
      return AzureService::queue;
  }
  throw std::logic_error("no such Azure step");
}

AzureRequest put_blob_request(std::string_view container, std::string_view blob, std::string_view content_type,
                              std::shared_ptr<HttpBodySource> body) {
  AzureRequest request{AzureStep::put_blob, "PUT", {}, {}, {}, std::move(body)};
  request.path = "/" + percent_encode(container) + "/" + percent_encode_path(blob);
  request.headers = {{"Content-Type", std::string(content_type)}, {"x-ms-blob-type", "BlockBlob"}};
  return request;
}

AzureRequest insert_row_request(std::string_view table, std::string_view entity_json) {
  return {AzureStep::insert_row,   "POST", "/" + percent_encode(table), {}, table_write_headers(),
          std::string(entity_json)};
}

AzureRequest put_message_request(std::string_view queue, std::string xml, std::optional<std::chrono::seconds> ttl) {
  AzureRequest request{AzureStep::put_message, "POST", {}, {}, {}, std::move(xml)};
  request.path = "/" + percent_encode(queue) + "/messages";
  // -1 is "never": without the parameter Azure drops a message after seven days.
  request.query = {{"messagettl", std::to_string(ttl ? ttl->count() : -1)}, {"visibilitytimeout", "0"}};
  request.headers = {{"Content-Type", "application/xml"}};
  return request;
}

AzureRequest create_container_request(std::string_view container) {
  return {AzureStep::create_container, "PUT", "/" + percent_encode(container), {{"restype", "container"}}, {}, {}};
}

AzureRequest create_table_request(std::string_view table) {
  // A table's name is letters and digits alone, so that it needs no escaping in JSON (settings hold it to that).
  return {AzureStep::create_table,
          "POST",
          "/Tables",
          {},
          table_write_headers(),
          "{\"TableName\":\"" + std::string(table) + "\"}"};
}

AzureRequest create_queue_request(std::string_view queue) {
  return {AzureStep::create_queue, "PUT", "/" + percent_encode(queue), {}, {}, {}};
}

AzureRequest look_at_container_request(std::string_view container) {
  return {AzureStep::look_at_container, "GET", "/" + percent_encode(container), {{"restype", "container"}}, {}, {}};
}

AzureRequest look_at_table_request(std::string_view table) {
  AzureRequest request{AzureStep::look_at_table, "GET", "/" + percent_encode(table) + "()", {}, table_headers(), {}};
  request.query = {{"$filter", "PartitionKey eq 'edge-relay-check' and RowKey eq 'none'"}, {"$top", "1"}};
  return request;
}

AzureRequest look_at_queue_request(std::string_view queue) {
  return {AzureStep::look_at_queue, "GET", "/" + percent_encode(queue), {{"comp", "metadata"}}, {}, {}};
}

}  // namespace relay
