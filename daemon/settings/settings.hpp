// The configuration as plain structs, defaults filled in (contract, "Configuration"). Made by load_settings alone.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bearer_tokens.hpp"
#include "base/byte_count.hpp"
#include "base/ip_network.hpp"
#include "base/listen_address.hpp"
#include "base/log.hpp"
#include "base/secret.hpp"
#include "settings/access_settings.hpp"
#include "settings/folder_settings.hpp"
#include "settings/hold_window_settings.hpp"
#include "settings/http_settings.hpp"
#include "settings/mllp_destination_settings.hpp"
#include "settings/mllp_settings.hpp"
#include "settings/reportstream_settings.hpp"
#include "settings/s3_settings.hpp"
#include "settings/secret_text.hpp"
#include "settings/sftp_settings.hpp"
#include "submission/route_table.hpp"

namespace relay {

struct JournalSettings {
  std::filesystem::path path = "/var/lib/edge-relay/journal.db";
  ByteCount max_size = gibibytes(50);
  ByteCount min_free_disk = gibibytes(1);
  bool allow_tmpfs = false;
  std::chrono::milliseconds keep_delivered_payload{std::chrono::hours(24 * 7)};
  std::chrono::milliseconds keep_record{std::chrono::hours(24 * 365 * 2)};
  std::chrono::milliseconds keep_audit{std::chrono::hours(24 * 365 * 7)};
  std::vector<Secret> encryption_keys;  // 32 bytes each: the first seals, all open; empty: nothing is sealed
};

struct HttpListenerSettings {
  ListenAddress listen{"127.0.0.1", 8870, ""};
  std::optional<std::string> client{};
  std::vector<std::string> allowed_hosts;
  std::size_t max_connections = 1024;
  std::string group = "edge-relay";  // of a unix: listener
  unsigned mode = 0660;
  bool insecure = false;
  std::optional<TlsListenerSettings> tls{};
  std::vector<BearerToken> tokens;  // each names its client, or nobody: then the request does
  std::vector<SenderKey> public_keys;
  std::optional<std::vector<IpNetwork>> allow_from{};
  std::optional<Rate> rate{};          // of each client
  unsigned reportstream_status = 201;  // of a report that was taken at the drop-in endpoints

  bool asks_for_tokens() const { return !tokens.empty() || !public_keys.empty(); }
  bool asks_who() const { return asks_for_tokens() || (tls && tls->asks_for_certificates()); }
};

enum class Validation { off, envelope, automatic };

struct IntakeSettings {
  ByteCount max_payload{50'000'000};
  std::vector<std::string> content_types = {"application/hl7-v2", "application/fhir+ndjson", "application/fhir+json",
                                            "text/csv", "application/xml"};
  ByteCount memory = mebibytes(64);
  std::chrono::milliseconds request_timeout{30'000};
  std::chrono::milliseconds keep_idempotency{std::chrono::hours(24 * 7)};
  Validation validate = Validation::automatic;
  std::vector<HttpListenerSettings> http = {HttpListenerSettings{}};
  std::vector<MllpListenerSettings> mllp;
  std::vector<FolderSettings> folder;
};

struct AdminSettings {
  std::optional<ListenAddress> listen = ListenAddress{"127.0.0.1", 8871, ""};
  std::filesystem::path socket = "/run/edge-relay/admin.sock";
  std::string socket_group = "edge-relay";
  unsigned socket_mode = 0660;
  std::vector<std::string> allowed_hosts;
  bool insecure = false;
  bool token_to_read = false;  // over TCP nothing is shown without one; so it is beyond loopback where there are any
  std::vector<BearerToken> tokens;  // of operators; each has a name
  std::optional<TlsListenerSettings> tls{};

  bool guarded() const { return tls && (!tokens.empty() || tls->asks_for_certificates()); }
};

struct BackoffSettings {
  std::chrono::milliseconds initial{1'000};
  std::chrono::milliseconds max{300'000};
  std::optional<unsigned> give_up_after{};  // "try later" answers; nothing: never
};

// How HTTP destinations reach the other side.
struct TransportSettings {
  std::string ca_file;  // path or PEM text; empty: the system's
  std::string proxy;
  SecretText proxy_credentials;
  std::vector<std::string> no_proxy;
};

// One Azure service's address and right to use it.
struct AzureServiceSettings {
  std::string
      endpoint;    // without trailing slash: https://ACCOUNT.queue.core.windows.net, http://127.0.0.1:10001/ACCOUNT
  SecretText sas;  // query string without '?'; empty: SharedKey
};

enum class ReportStreamEnvelope { reportstream, cloudevents, raw };
enum class RawEncoding { base64, text };

struct AzureStorageQueueSettings {
  // Where the connection string was given it stays the one source: refresh `connection_string`, then derive again.
  SecretText connection_string;
  std::string account_name;
  SecretText account_key;  // base64, as the portal shows it
  SecretText account_sas;
  AzureServiceSettings queue_service;
  AzureServiceSettings blob_service;
  AzureServiceSettings table_service;
  std::string queue;
  ReportStreamEnvelope envelope = ReportStreamEnvelope::reportstream;
  RawEncoding encoding = RawEncoding::base64;
  std::string blob_container = "reports";
  std::string table = "submission";                        // empty: no row ("none" in the file)
  std::optional<std::chrono::milliseconds> message_ttl{};  // nothing: never
  bool create = false;
};

struct DirectorySettings {
  std::filesystem::path path;
};

struct DestinationSettings {
  std::string name;
  std::variant<AzureStorageQueueSettings, DirectorySettings, ReportStreamSettings, HttpSettings,
               MllpDestinationSettings, S3Settings, SftpSettings>
      system;
  std::size_t concurrency = 16;
  std::chrono::milliseconds timeout{60'000};
  std::optional<Rate> rate{};  // of deliveries; nothing: as fast as it goes
  BackoffSettings backoff;
  TransportSettings transport;
  std::chrono::milliseconds alarm_after{std::chrono::minutes(15)};
  std::vector<HoldWindowSettings> hold_windows;
};
// "azure_storage_queue", "directory", "reportstream", "http", "mllp", "s3", "sftp".
std::string_view destination_type_name(const DestinationSettings& destination);

struct Settings {
  std::filesystem::path file;        // where it was read
  std::string site;                  // default: the host's name
  std::vector<std::string> clients;  // globs; empty: any
  JournalSettings journal;
  IntakeSettings intake;
  AdminSettings admin;
  std::vector<DestinationSettings> destinations;  // in the file's order
  ByteCount forward_memory = mebibytes(64);
  std::vector<Route> routes;
  std::vector<std::string> otherwise;
  LogLevel log_level = LogLevel::info;
  LogFormat log_format = LogFormat::text;
  std::chrono::milliseconds shutdown_grace{20'000};
};

}  // namespace relay
