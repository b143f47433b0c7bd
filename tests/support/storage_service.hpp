// Azure Storage as far as the relay uses it, inside the test: queue, blob and table service behind one FaultHttpServer,
// with answers as documented, and with whatever wrong answer a test wants instead. Signatures aren't checked (the
// functional tests do that against Microsoft's emulator); a SAS is taken where its sig= is the expected one.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "settings/settings.hpp"
#include "support/fault_http_server.hpp"

namespace relay {

class StorageService {
 public:
  // Queue "elr", container "reports" and table "submission" are there where `stocked`.
  explicit StorageService(bool stocked = true);

  FaultHttpServer& server() { return server_; }
  // Settings that sign in with SharedKey.
  AzureStorageQueueSettings settings() const;
  std::string endpoint(const std::string& service) const;  // of "queue", "blob" or "table"

  // Asked first: an answer in place of the right one, or nothing. `service` is queue, blob or table.
  using Interference = std::function<std::optional<FaultAnswer>(const std::string& service, const SeenRequest&)>;
  void interfere(Interference interference);
  // Only a SAS with that signature is taken from now on.
  void expect_signature(std::string signature);

  std::map<std::string, std::string> blobs() const;  // by container/name
  std::vector<std::string> messages() const;         // texts with XML undone, in order
  std::map<std::string, std::string> rows() const;   // JSON by PartitionKey
  std::set<std::string> things() const;              // "queue elr", "blob reports", "table submission"

  // An error as the service writes it (JSON for the table service).
  static FaultAnswer error(unsigned status, const std::string& code, const std::string& service = "queue");
  static FaultAnswer web_page(unsigned status);

 private:
  FaultAnswer answer(const SeenRequest& request);
  FaultAnswer answer_of_queue(const SeenRequest& request, const std::string& path);
  FaultAnswer answer_of_blob(const SeenRequest& request, const std::string& path);
  FaultAnswer answer_of_table(const SeenRequest& request, const std::string& path);

  mutable std::mutex mutex_;
  Interference interference_;
  std::optional<std::string> signature_{};
  std::set<std::string> things_;
  std::map<std::string, std::string> blobs_;
  std::vector<std::string> messages_;
  std::map<std::string, std::string> rows_;
  FaultHttpServer server_;  // last: its threads use the rest
};

}  // namespace relay
