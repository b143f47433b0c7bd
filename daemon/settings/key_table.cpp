#include "settings/key_table.hpp"

#include <algorithm>

#include "settings/key_table_parts.hpp"

namespace relay {

KeySection section(std::string path, std::initializer_list<Key> own, std::initializer_list<Key> common) {
  KeySection made{std::move(path), own};
  made.keys.insert(made.keys.end(), common);
  return made;
}

// Of every destination, whatever its type.
const std::initializer_list<Key>& common_destination_keys() {
  static const std::initializer_list<Key> common = {
      {"type", built, "", "the system: azure_storage_queue, directory, reportstream, http, mllp, s3, sftp"},
      {"concurrency", built, "16", "deliveries in flight at once, 1 to 256"},
      {"timeout", built, "60s", "how long one request may take"},
      {"backoff", built, "", "how long to wait before what failed is tried again"},
      {"alarm_after", built, "15m", "how long it may be down before an alarm is raised"},
      {"rate", built, "", "deliveries at most: 50/s, 30/m, 600/h"},
      {"hold_windows", built, "", "times of the week in which nothing is sent; what comes in then waits"},
  };
  return common;
}

KeySection http_destination_section(std::string path, std::initializer_list<Key> own) {
  static const std::initializer_list<Key> transport = {
      {"ca_file", built, "the system's", "certificates to trust: a path or PEM text"},
      {"proxy", built, "", "http://HOST:PORT"},
      {"proxy_credentials", built, "", "user:password"},
      {"no_proxy", built, "", "hosts reached without the proxy"}};
  KeySection made = section(std::move(path), own, transport);
  made.keys.insert(made.keys.end(), common_destination_keys());
  return made;
}

const Key* KeySection::find(std::string_view name) const {
  const auto found = std::ranges::find(keys, name, &Key::name);
  return found == keys.end() ? nullptr : &*found;
}

std::vector<std::string> KeySection::names() const {
  std::vector<std::string> names;
  for (const auto& key : keys) names.emplace_back(key.name);
  return names;
}

namespace keys {

const KeySection& top() {
  static const KeySection keys = section(
      "", {{"site", built, "the host's name", "names this relay in envelopes, metrics and User-Agent"},
           {"clients", built, "every client", "who may submit: names or globs; another name is 403 at the door"},
           {"journal", built, "", "where submissions are kept until they are delivered"},
           {"intake", built, "", "the doors, and what they take"},
           {"admin", built, "", "the operator's listener and socket"},
           {"destinations", built, "", "where submissions go; at least one"},
           {"forward", built, "", "what all destinations share"},
           {"routes", built, "", "which submission goes where; the first match wins"},
           {"otherwise", built, "", "destinations of what no route matches; without it that is refused at the door"},
           {"log", built, "", "what is written to standard error"},
           {"shutdown_grace", built, "20s", "how long a stop waits for what is in flight"},
           {"alarms", not_yet, "", "whom to tell when something is wrong"},
           {"heartbeat", not_yet, "", "a URL to call while all is well"}});
  return keys;
}

const KeySection& journal() {
  static const KeySection keys =
      section("journal",
              {{"path", built, "/var/lib/edge-relay/journal.db", "the database file"},
               {"max_size", built, "50GiB", "used pages beyond it: 503 at the door"},
               {"min_free_disk", built, "1GiB", "less free than that: 503 at the door, forwarding goes on"},
               {"allow_tmpfs", built, "false", "true: the journal may lie in memory, which survives nothing (tests)"},
               {"encryption_key", built, "",
                "32 bytes as base64, or a list: seals what can name a person on disk (AES-256-GCM)"},
               {"keep_delivered_payload", built, "7d", "payloads are erased this long after delivery"},
               {"keep_record", built, "2y", "metadata and attempts are kept this long"},
               {"keep_audit", built, "7y", "operator actions are kept this long"}});
  return keys;
}

const KeySection& intake() {
  static const KeySection keys = section(
      "intake", {{"max_payload", built, "50MB", "largest payload taken, up to 1GB"},
                 {"content_types", built,
                  "[application/hl7-v2, application/fhir+ndjson, application/fhir+json, text/csv, application/xml]",
                  "media types taken"},
                 {"memory", built, "64MiB", "payload bytes held before they are in the journal"},
                 {"request_timeout", built, "30s", "for the headers, and between bytes of a body"},
                 {"keep_idempotency", built, "7d", "how long an Idempotency-Key is remembered"},
                 {"validate", built, "auto",
                  "off, envelope, or auto: envelope where a route reaches ReportStream or its envelope"},
                 {"http", built, "[{listen: 127.0.0.1:8870}]", "HTTP listeners; [] for none"},
                 {"mllp", built, "", "MLLP listeners; none by default"},
                 {"folder", built, "", "watched folders"},
                 {"azure_storage_queue", not_yet, "", "queues to read from"}});
  return keys;
}

const KeySection& intake_http() {
  static const KeySection keys = section(
      "intake.http[]",
      {{"listen", built, "127.0.0.1:8870", "IP:PORT, or unix:PATH"},
       {"client", built, "", "the client where a request names none"},
       {"allowed_hosts", built, "[]", "more names that a request's Host may have"},
       {"max_connections", built, "1024", "beyond it connections wait"},
       {"group", built, "edge-relay",
        "of a unix: socket; another group needs SupplementaryGroups= and SystemCallFilter=@chown in a drop-in of the "
        "service"},
       {"mode", built, "0660", "of a unix: socket"},
       {"insecure", built, "false", "true: may listen beyond loopback although nobody is asked who they are"},
       {"tls", built, "", "certificate, key, client_ca, clients"},
       {"tokens", built, "[]", "bearer tokens and the client each stands for; then every request needs one"},
       {"public_keys", built, "[]", "public keys with which senders get tokens at /api/token, as at ReportStream"},
       {"allow_from", built, "", "networks that may connect; another address is 403"},
       {"rate", built, "", "submissions of each client: 100/s, 30/m; beyond it 429"},
       {"reportstream_status", built, "201", "what ReportStream's endpoints answer here: 201 or 202"}});
  return keys;
}

const KeySection& intake_tls() {
  static const KeySection keys =
      section("intake.http[].tls",
              {{"certificate", built, "", "with its chain: a path or PEM text; read again when it changes"},
               {"key", built, "", "its private key: a path or PEM text"},
               {"client_ca", built, "", "authorities; then every client needs a certificate of theirs"},
               {"clients", built, "[]", "whose certificate means which client; the first match wins"}});
  return keys;
}

const KeySection& tls_clients() {
  static const KeySection keys =
      section("intake.http[].tls.clients[]", {{"subject_cn", built, "", "the certificate's common name"},
                                              {"san_dns", built, "", "a DNS name among its alternative names"},
                                              {"client", built, "", "who that is"}});
  return keys;
}

const KeySection& intake_http_tokens() {
  static const KeySection keys =
      section("intake.http[].tokens[]", {{"token_sha256", built, "", "lower-case hex of the token's SHA-256"},
                                         {"client", built, "", "who that is; without it the request says so"}});
  return keys;
}

const KeySection& intake_http_public_keys() {
  static const KeySection keys =
      section("intake.http[].public_keys[]",
              {{"client", built, "", "who that is"}, {"key", built, "", "RSA or EC public key: a path or PEM text"}});
  return keys;
}

const KeySection& intake_folder() {
  static const KeySection keys =
      section("intake.folder[]",
              {{"path", built, "", "the folder that files are put into; the relay's user must be able to write there"},
               {"client", built, "", "whose files these are; from_folder: the first subfolder's name"},
               {"content_type", built, "application/hl7-v2", "of every file"},
               {"patterns", built, "by content_type: [\"*.hl7\", \"*.txt\"]",
                "names of files that are taken, upper and lower case alike; dot files and *.tmp never are"},
               {"complete_when", built, "settled",
                "settled: unchanged for `settle`; renamed: once its name matches; \"marker:*.ok\": once that is there"},
               {"settle", built, "5s", "how long a file must stay unchanged"},
               {"after", built, "done", "done: moved to done/YYYY-MM-DD/; delete: erased, once it is in the journal"},
               {"keep_done", built, "7d", "how long files stay in done/"}});
  return keys;
}

const KeySection& intake_mllp() {
  static const KeySection keys = section(
      "intake.mllp[]",
      {{"listen", built, "127.0.0.1:2575", "IP:PORT"},
       {"client", built, "", "who is sending, where none of `clients` matches"},
       {"clients", built, "", "who is sending, by MSH-3 and MSH-4; the first match wins"},
       {"allow_from", built, "", "networks that may connect; another address is closed"},
       {"ack", built, "original", "original: AA, AE, AR to all; enhanced: CA, CE, CR as MSH-15 asks; auto"},
       {"when_unavailable", built, "close", "what can't be kept now: close the connection, or nak"},
       {"on_repeat", built, "absorb", "a repeat of MSH-10 and bytes: absorb it, or accept it as a new submission"},
       {"dedupe_window", built, "24h", "how long after a message a repeat of it counts as one"},
       {"test_production_guard", built, "off", "production: MSH-11 must be P; test: T or D; others are refused"},
       {"max_connections", built, "1024", "beyond it connections wait"},
       {"insecure", built, "false", "true: may listen beyond loopback although nobody is asked who they are"},
       {"tls", built, "", "certificate, key, client_ca, clients"}});
  return keys;
}

const KeySection& intake_mllp_tls() {
  static const KeySection keys =
      section("intake.mllp[].tls",
              {{"certificate", built, "", "with its chain: a path or PEM text; read again when it changes"},
               {"key", built, "", "its private key: a path or PEM text"},
               {"client_ca", built, "", "authorities; then every peer needs a certificate of theirs"},
               {"clients", built, "[]", "whose certificate means which client, whatever MSH-3 and MSH-4 say"}});
  return keys;
}

const KeySection& intake_mllp_clients() {
  static const KeySection keys =
      section("intake.mllp[].clients[]", {{"msh3", built, "", "sending application: a glob over the field or its name"},
                                          {"msh4", built, "", "sending facility, likewise"},
                                          {"client", built, "", "who that is"}});
  return keys;
}

const KeySection& admin() {
  static const KeySection keys = section(
      "admin",
      {{"listen", built, "127.0.0.1:8871", "IP:PORT of health, metrics and status page; none for no listener"},
       {"socket", built, "/run/edge-relay/admin.sock", "the operator socket, which the commands use"},
       {"socket_group", built, "edge-relay",
        "whose members are operators; another needs the drop-in that a listener's group does"},
       {"socket_mode", built, "0660", "of the operator socket"},
       {"allowed_hosts", built, "[]", "more names that a request's Host may have"},
       {"read", built, "open",
        "open (on loopback): whoever reaches the listener may read health and counts; token: only who has one of "
        "tokens"},
       {"insecure", built, "false", "true: may listen beyond loopback although nobody is asked who they are"},
       {"tls", built, "", "certificate, key, client_ca"},
       {"tokens", built, "[]", "bearer tokens, with which an operator may do over TCP what the socket allows"}});
  return keys;
}

const KeySection& admin_token() {
  static const KeySection keys =
      section("admin.tokens[]", {{"token_sha256", built, "", "lower-case hex of the token's SHA-256"},
                                 {"name", built, "", "who that is, as the audit shows it"}});
  return keys;
}

const KeySection& admin_tls() {
  static const KeySection keys = section(
      "admin.tls", {{"certificate", built, "", "with its chain: a path or PEM text; read again when it changes"},
                    {"key", built, "", "its private key: a path or PEM text"},
                    {"client_ca", built, "", "authorities; then every client needs a certificate of theirs"}});
  return keys;
}

const KeySection& azure_storage_queue() {
  static const KeySection keys = http_destination_section(
      "destinations.NAME (azure_storage_queue)",
      {{"connection_string", built, "", "of the storage account; use a ${file:}, ${env:} or ${credential:}"},
       {"queue_endpoint", built, "", "instead: address of the queue service"},
       {"blob_endpoint", built, "", "address of the blob service"},
       {"table_endpoint", built, "", "address of the table service"},
       {"account_name", built, "", "with account_key"},
       {"account_key", built, "", "base64, as the portal shows it"},
       {"queue_sas", built, "", "shared access signature of the queue service: add"},
       {"blob_sas", built, "", "of the blob service: create and write"},
       {"table_sas", built, "", "of the table service: add"},
       {"account_sas", built, "", "one for all three services"},
       {"queue", built, "elr-fhir-convert-submission", "its name; envelope raw has no default"},
       {"envelope", built, "reportstream", "reportstream, or raw: the payload itself"},
       {"encoding", built, "base64", "of raw messages: base64 or text"},
       {"blob_container", built, "reports", "container for payloads"},
       {"table", built, "submission", "table for rows; none writes none"},
       {"message_ttl", built, "never", "a finite one lets Azure drop what nobody fetched"},
       {"create", built, "false", "true: makes queue, container and table where missing"},
       {"entra", not_yet, "", "sign in with a Microsoft Entra application"},
       {"managed_identity", not_yet, "", "sign in with the machine's Arc identity"}});
  return keys;
}

const KeySection& directory() {
  static const KeySection keys =
      section("destinations.NAME (directory)",
              {{"path", built, "", "the folder that gets <id>.<extension> and <id>.json; it must exist"}},
              common_destination_keys());
  return keys;
}

const KeySection& reportstream() {
  static const KeySection keys = http_destination_section(
      "destinations.NAME (reportstream)",
      {{"url", built, "", "the service's base, like https://reportstream.example"},
       {"client", built, "the submission's", "org.sender, where everything goes in one name"},
       {"auth", built, "", "how to sign in"},
       {"content_type", built, "the media type alone", "the type that the sender is configured with there"},
       {"follow_up", built, "true", "asks later what became of what was handed over"}});
  return keys;
}

const KeySection& reportstream_auth() {
  static const KeySection keys = section(
      "destinations.NAME.auth (reportstream)",
      {{"type", built, "", "private_key_jwt or function_key"},
       {"key", built, "", "the private key as PEM or JWK (edge-relay key new makes one), or the function's key"},
       {"key_id", built, "the JWK's, else the thumbprint", "kid of the signed token"},
       {"issuer", built, "the client's org", "with it only clients of that org are taken"},
       {"subject", built, "the issuer", "sub of the signed token"},
       {"audience", built, "the host of url", "aud of the signed token"},
       {"token_url", built, "url + /api/token", "where the token is asked for"},
       {"algorithm", built, "RSA RS256, P-256 ES256, P-384 ES384", "RS256, RS384, ES256 or ES384"},
       {"scope", built, "<org of the issuer>.*.report", "what is asked for; another one granted is an error"}});
  return keys;
}

const KeySection& backoff() {
  static const KeySection keys =
      section("destinations.NAME.backoff",
              {{"initial", built, "1s", "the first wait; then it doubles, with full jitter"},
               {"max", built, "5m", "the longest wait"},
               {"give_up_after", built, "never", "or a number of \"try later\" answers, then dead_letter"}});
  return keys;
}

const KeySection& hold_window() {
  static const KeySection keys =
      section("destinations.NAME.hold_windows[]",
              {{"days", built, "every day", "mon, tue, wed, thu, fri, sat, sun: the days on which it begins"},
               {"from", built, "", "when it begins, as \"09:30\""},
               {"to", built, "", "when it ends, likewise; at or before `from`: on the day after"},
               {"time_zone", built, "", "whose clock that is: an IANA name such as America/New_York"}});
  return keys;
}

const KeySection& forward() {
  static const KeySection keys =
      section("forward", {{"memory", built, "64MiB", "payload bytes held while they are sent"}});
  return keys;
}

const KeySection& route() {
  static const KeySection keys = section(
      "routes[]",
      {{"match", built, "whatever arrives", "what it takes: all that is named must hold"},
       {"to", built, "", "names of destinations; each gets its own delivery"},
       {"ordering", built, "client for mllp and folder, else none",
        "whose submissions go one after another: none, client or key (HL7 ORC-3, else OBR-3; without one by client)"},
       {"on_dead_letter", built, "continue",
        "with an ordering: continue, or stop: the client's or key's later ones wait"}});
  return keys;
}

const KeySection& match() {
  static const KeySection keys = section(
      "routes[].match", {{"client", built, "", "a name or glob"},
                         {"content_type", built, "", "a media type"},
                         {"intake", built, "", "the door: http, mllp, folder or submit"},
                         {"msh3", built, "", "sending application of HL7 v2: a glob over the field or its name"},
                         {"msh4", built, "", "sending facility, likewise"},
                         {"msh9", built, "", "message type, likewise, or its first two components: ORU^R01"}});
  return keys;
}

const KeySection& log() {
  static const KeySection keys = section("log", {{"level", built, "info", "trace, debug, info, warning or error"},
                                                 {"format", built, "text", "text or json"}});
  return keys;
}

std::vector<const KeySection*> all() {
  return {&top(),
          &journal(),
          &intake(),
          &intake_http(),
          &intake_mllp(),
          &intake_mllp_tls(),
          &intake_mllp_clients(),
          &intake_folder(),
          &admin(),
          &admin_token(),
          &azure_storage_queue(),
          &directory(),
          &reportstream(),
          &reportstream_auth(),
          &http(),
          &http_auth(),
          &client_certificate(),
          &http_accept(),
          &http_refuse(),
          &mllp_destination(),
          &mllp_destination_tls(),
          &s3(),
          &sftp(),
          &backoff(),
          &hold_window(),
          &forward(),
          &route(),
          &match(),
          &log(),
          &intake_tls(),
          &tls_clients(),
          &admin_tls(),
          &intake_http_tokens(),
          &intake_http_public_keys()};
}

}  // namespace keys

}  // namespace relay
