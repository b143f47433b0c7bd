#include "support/storage_service.hpp"

#include <boost/json.hpp>
#include <stdexcept>
#include <utility>

namespace relay {
namespace {

FaultAnswer respond(unsigned status, std::string body = {}, std::string type = {}) {
  FaultAnswer answer;
  answer.status = status;
  if (!type.empty()) answer.headers.emplace_back("Content-Type", type);
  answer.body = std::move(body);
  return answer;
}

std::string replace_all(std::string text, const std::string& from, const std::string& to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

// As an XML reader sees it: line ends first (XML 1.0 section 2.11), then references.
std::string undo_xml(std::string text) {
  text = replace_all(std::move(text), "\r\n", "\n");
  text = replace_all(std::move(text), "\r", "\n");
  text = replace_all(std::move(text), "&#xD;", "\r");
  text = replace_all(std::move(text), "&lt;", "<");
  text = replace_all(std::move(text), "&gt;", ">");
  return replace_all(std::move(text), "&amp;", "&");
}

std::string between(const std::string& text, const std::string& from, const std::string& to) {
  const auto start = text.find(from);
  const auto end = text.find(to, start);
  if (start == std::string::npos || end == std::string::npos) throw std::runtime_error("not the body of a message");
  return text.substr(start + from.size(), end - start - from.size());
}

}  // namespace

StorageService::StorageService(bool stocked) : server_([this](const SeenRequest& request) { return answer(request); }) {
  if (stocked) things_ = {"queue elr", "blob reports", "table submission"};
}

std::string StorageService::endpoint(const std::string& service) const {
  return server_.url() + "/" + service;
}

AzureStorageQueueSettings StorageService::settings() const {
  AzureStorageQueueSettings settings;
  settings.account_name = "testaccount";
  settings.account_key = SecretText("QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=");
  settings.queue_service.endpoint = endpoint("queue");
  settings.blob_service.endpoint = endpoint("blob");
  settings.table_service.endpoint = endpoint("table");
  settings.queue = "elr";
  return settings;
}

void StorageService::interfere(Interference interference) {
  const std::lock_guard lock(mutex_);
  interference_ = std::move(interference);
}
void StorageService::expect_signature(std::string signature) {
  const std::lock_guard lock(mutex_);
  signature_ = std::move(signature);
}
std::map<std::string, std::string> StorageService::blobs() const {
  const std::lock_guard lock(mutex_);
  return blobs_;
}
std::vector<std::string> StorageService::messages() const {
  const std::lock_guard lock(mutex_);
  return messages_;
}
std::map<std::string, std::string> StorageService::rows() const {
  const std::lock_guard lock(mutex_);
  return rows_;
}
std::set<std::string> StorageService::things() const {
  const std::lock_guard lock(mutex_);
  return things_;
}

FaultAnswer StorageService::error(unsigned status, const std::string& code, const std::string& service) {
  if (service == "table")
    return respond(status, R"({"odata.error":{"code":")" + code + R"(","message":{"lang":"en-US","value":"No."}}})",
                   "application/json");
  FaultAnswer answer = respond(
      status, "\xEF\xBB\xBF<?xml version=\"1.0\"?><Error><Code>" + code + "</Code><Message>No.</Message></Error>",
      "application/xml");
  answer.headers.emplace_back("x-ms-error-code", code);
  return answer;
}

FaultAnswer StorageService::web_page(unsigned status) {
  return respond(status, "<!DOCTYPE html><html><body>Please accept the terms.</body></html>", "text/html");
}

FaultAnswer StorageService::answer(const SeenRequest& request) {
  const std::string path = request.target.substr(1, request.target.find('?') - 1);
  const std::string service = path.substr(0, path.find('/'));
  const std::string rest = path.substr(std::min(service.size() + 1, path.size()));
  Interference interference;
  {
    const std::lock_guard lock(mutex_);
    interference = interference_;
  }
  if (interference)
    if (auto wrong = interference(service, request)) return *wrong;
  const std::lock_guard lock(mutex_);
  if (signature_ && request.target.find("sig=" + *signature_) == std::string::npos)
    return error(403, "AuthenticationFailed", service);
  if (service == "queue") return answer_of_queue(request, rest);
  if (service == "blob") return answer_of_blob(request, rest);
  return answer_of_table(request, rest);
}

FaultAnswer StorageService::answer_of_queue(const SeenRequest& request, const std::string& path) {
  const std::string queue = path.substr(0, path.find('/'));
  if (request.method == "PUT") return respond(things_.insert("queue " + queue).second ? 201 : 204);
  if (!things_.contains("queue " + queue)) return error(404, "QueueNotFound");
  if (request.method == "GET") return respond(200);
  messages_.push_back(undo_xml(between(request.body, "<QueueMessage><MessageText>", "</MessageText></QueueMessage>")));
  return respond(201,
                 "<?xml version=\"1.0\" encoding=\"utf-8\"?><QueueMessagesList><QueueMessage><MessageId>message-" +
                     std::to_string(messages_.size()) +
                     "</MessageId><InsertionTime>Tue, 24 Nov 2026 18:00:00 GMT</InsertionTime><ExpirationTime>Fri, 31 "
                     "Dec 9999 23:59:59 GMT</ExpirationTime><PopReceipt>AgAAAA==</PopReceipt><TimeNextVisible>Tue, 24 "
                     "Nov 2026 18:00:00 GMT</TimeNextVisible></QueueMessage></QueueMessagesList>",
                 "application/xml");
}

FaultAnswer StorageService::answer_of_blob(const SeenRequest& request, const std::string& path) {
  const std::string container = path.substr(0, path.find('/'));
  if (request.target.find("restype=container") != std::string::npos && request.method == "PUT")
    return things_.insert("blob " + container).second ? respond(201) : error(409, "ContainerAlreadyExists");
  if (!things_.contains("blob " + container)) return error(404, "ContainerNotFound");
  if (request.method == "GET") return respond(200);
  blobs_[path] = request.body;
  return respond(201);
}

FaultAnswer StorageService::answer_of_table(const SeenRequest& request, const std::string& path) {
  if (path == "Tables") {
    const std::string name(boost::json::parse(request.body).at("TableName").as_string());
    return things_.insert("table " + name).second ? respond(204) : error(409, "TableAlreadyExists", "table");
  }
  const std::string table = path.substr(0, path.find('('));
  if (!things_.contains("table " + table)) return error(404, "TableNotFound", "table");
  if (request.method == "GET") return respond(200, R"({"value":[]})", "application/json");
  const std::string key(boost::json::parse(request.body).at("PartitionKey").as_string());
  return rows_.emplace(key, request.body).second ? respond(204) : error(409, "EntityAlreadyExists", "table");
}

}  // namespace relay
