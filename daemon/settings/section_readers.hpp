// One reader for each part of the configuration. All of them report into the same list and go on.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "settings/section.hpp"
#include "settings/settings.hpp"

namespace relay {

// Where a door opens, for what can only be seen with all doors side by side.
struct PlacedListener {
  ListenAddress address;
  Place place;
  std::string name;  // "intake.http[0].listen"
};

// A destination's name and where it stands. Those whose section is bad are listed too, so that a route to one isn't
// reported as well.
struct PlacedName {
  std::string name;
  Place place;
};

// read_top.cpp: site, clients, forward, log, shutdown_grace
void read_top(const Section& top, Settings& settings);

// read_journal.cpp
void read_journal(const Section& top, JournalSettings& journal);
// One item of journal.encryption_key; nothing where it isn't 32 bytes as base64.
std::optional<Secret> parse_encryption_key(std::string_view text);

// read_intake.cpp
void read_intake(const Section& top, IntakeSettings& intake, std::vector<PlacedListener>& listeners);

// read_mllp.cpp; `intake` is the section
void read_mllp(const Section& intake, std::vector<MllpListenerSettings>& mllp, std::vector<PlacedListener>& listeners);

// read_folder.cpp; `intake` is the section of that name
void read_folders(const Section& intake, const std::vector<std::string>& content_types,
                  std::vector<FolderSettings>& folders);
// What comes in from a folder must not be what was written there by the relay itself.
void check_folders_apart(const Section& top, const Settings& settings);

// read_admin.cpp
void read_admin(const Section& top, AdminSettings& admin, std::vector<PlacedListener>& listeners);

// read_listener.cpp: what the intake's and the operator's listeners have in common
void read_listen_address(const Section& section, ListenAddress& target);
void read_allowed_hosts(const Section& section, std::vector<std::string>& target);
// `allow_from`; nothing where it is absent: then every address may connect.
std::optional<std::vector<IpNetwork>> read_allow_from(const Section& section);
// A client's name; nothing where absent or bad.
std::optional<std::string> read_client(const Section& section, std::string_view key);
void check_listeners_apart(const Reading& reading, const std::vector<PlacedListener>& listeners);

// read_access.cpp: who may use a listener
// Certificate, key and, where the section knows it, client_ca. Unusable files are reported at their line.
TlsFiles read_tls_files(const Section& section);
// `tls`; nothing where it is absent. Unusable files are reported at their line.
std::optional<TlsListenerSettings> read_tls(const Section& listener, const KeySection& known);
// `command` makes a token, as the message says where there is none.
std::optional<Digest> read_token_sha256(const Section& section, std::string_view command);
std::vector<BearerToken> read_intake_tokens(const Section& listener);
std::vector<SenderKey> read_sender_keys(const Section& listener);
std::optional<Rate> read_rate(const Section& section);
// What a listener asks of those who come.
struct Reach {
  bool insecure = false;
  bool tls = false;
  bool asks_who = false;  // for a certificate or a token
  bool guarded() const { return tls && asks_who; }
};
// Beyond loopback it asks over TLS who comes, or has to be called insecure.
void check_reach(const Section& section, const ListenAddress& address, const Reach& reach);

// read_values.cpp
// An http(s) address; over http:// to another machine it is taken with a warning.
void read_web_url(const Section& section, std::string_view key, std::string& target);
// As written; empty where absent or bad.
std::string read_media_type(const Section& section, std::string_view key);
// With {id} in it; empty where bad.
NameTemplate read_name_template(const Section& section, std::string_view key, std::string_view fallback);
// Warns at `path` where no folder is there, and where none answers within two seconds; `needed` is what else the
// relay's user needs of it.
void warn_of_folder(const Section& section, const Text& path, std::string_view needed);

// read_destination.cpp
std::vector<PlacedName> read_destinations(const Section& top, std::vector<DestinationSettings>& destinations);

// read_hold_windows.cpp
std::vector<HoldWindowSettings> read_hold_windows(const Section& destination);

// read_azure_storage_queue.cpp
AzureStorageQueueSettings read_azure_storage_queue(const Section& section);
// read_reportstream.cpp
ReportStreamSettings read_reportstream(const Section& section);
// read_http.cpp
HttpSettings read_http(const Section& section);
// `certificate` and `key` of the section; empty where it has neither.
ClientCertificateSettings read_client_certificate(const Section& section);
// read_mllp_destination.cpp
MllpDestinationSettings read_mllp_destination(const Section& section);
// read_s3.cpp
S3Settings read_s3(const Section& section);
// read_sftp.cpp
SftpSettings read_sftp(const Section& section);
// read_transport.cpp
TransportSettings read_transport(const Section& section);
void read_ca_file(const Section& section, std::string& target);

// read_routes.cpp; reads `settings.destinations` and `settings.intake`
void read_routes(const Section& top, const std::vector<PlacedName>& destinations, Settings& settings);

// A client's name, in which '*' and '?' may stand.
bool is_client_glob(std::string_view text);
// A glob over a field of MSH; nothing where absent or bad.
std::optional<std::string> read_header_glob(const Section& section, std::string_view key);

}  // namespace relay
