// What a good configuration becomes.
#include "settings/load.hpp"

#include <gtest/gtest.h>

#include "base/digest.hpp"
#include "settings/key_table.hpp"
#include "support/test_certificate.hpp"
#include "unit/settings/temporary_folder.hpp"

namespace relay {
namespace {

using std::chrono::milliseconds;

class Load : public testing::Test {
 protected:
  Settings load(const std::string& text) {
    auto loaded = load_settings(folder.write("edge-relay.yaml", text));
    if (!loaded) {
      for (const auto& problem : loaded.error()) ADD_FAILURE() << problem.text();
      return {};
    }
    warnings = loaded->warnings;
    return loaded->settings;
  }
  const AzureStorageQueueSettings& azure(const Settings& settings) {
    return std::get<AzureStorageQueueSettings>(settings.destinations.at(0).system);
  }

  TemporaryFolder folder;
  std::vector<Problem> warnings;
};

constexpr const char* smallest =
    "destinations: {cloud: {type: azure_storage_queue, connection_string: UseDevelopmentStorage=true}}\n";

TEST_F(Load, ADestinationIsEnoughAndTheRestHasTheContractsDefaults) {
  const Settings settings = load(smallest);
  EXPECT_TRUE(warnings.empty());
  EXPECT_EQ(settings.file, folder.path() / "edge-relay.yaml");
  EXPECT_FALSE(settings.site.empty());
  EXPECT_TRUE(settings.clients.empty());
  EXPECT_EQ(settings.journal.path, "/var/lib/edge-relay/journal.db");
  EXPECT_EQ(settings.journal.max_size, gibibytes(50));
  EXPECT_EQ(settings.intake.max_payload, ByteCount{50'000'000});
  EXPECT_EQ(settings.intake.content_types.size(), 5U);
  ASSERT_EQ(settings.intake.http.size(), 1U);
  EXPECT_EQ(settings.intake.http[0].listen.text(), "127.0.0.1:8870");
  EXPECT_FALSE(settings.intake.http[0].client);
  EXPECT_EQ(settings.admin.listen->text(), "127.0.0.1:8871");
  EXPECT_EQ(settings.admin.socket, "/run/edge-relay/admin.sock");
  EXPECT_EQ(settings.shutdown_grace, milliseconds(20'000));

  const DestinationSettings& cloud = settings.destinations.at(0);
  EXPECT_EQ(cloud.name, "cloud");
  EXPECT_EQ(destination_type_name(cloud), "azure_storage_queue");
  EXPECT_EQ(cloud.concurrency, 16U);
  EXPECT_EQ(cloud.timeout, milliseconds(60'000));
  EXPECT_EQ(cloud.backoff.initial, milliseconds(1'000));
  EXPECT_EQ(cloud.backoff.max, milliseconds(300'000));
  EXPECT_FALSE(cloud.backoff.give_up_after);
  EXPECT_EQ(cloud.alarm_after, milliseconds(900'000));
  EXPECT_EQ(azure(settings).queue, "elr-fhir-convert-submission");
  EXPECT_EQ(azure(settings).blob_container, "reports");
  EXPECT_EQ(azure(settings).table, "submission");
  EXPECT_FALSE(azure(settings).message_ttl);
  EXPECT_FALSE(azure(settings).create);
  EXPECT_EQ(azure(settings).account_name, "devstoreaccount1");
  EXPECT_EQ(azure(settings).queue_service.endpoint, "http://127.0.0.1:10001/devstoreaccount1");
}

TEST_F(Load, OneDestinationWithoutRoutesTakesEverything) {
  const Settings settings = load(smallest);
  EXPECT_TRUE(settings.routes.empty());
  EXPECT_EQ(settings.otherwise, std::vector<std::string>{"cloud"});
}

TEST_F(Load, OneDestinationWithARouteTakesWhatTheRouteSaysAlone) {
  const Settings settings = load(std::string(smallest) + "routes: [{match: {client: 'lab.*'}, to: [cloud]}]\n");
  EXPECT_EQ(settings.routes.size(), 1U);
  EXPECT_TRUE(settings.otherwise.empty());
}

// Every key that is built, each with another value than its default.
std::string everything(const TemporaryFolder& folder) {
  const std::string certificate =
      folder.write("ca.pem", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n");
  const TestCertificate own = make_test_certificate();
  const std::string files = "certificate: " + folder.write("own.pem", own.certificate_pem) +
                            ", key: " + folder.write("own.key", own.key_pem) +
                            ", client_ca: " + folder.write("clients.pem", own.certificate_pem);
  const std::string access =
      "      tls: {" + files +
      ", clients: [{subject_cn: Lab A, client: lab.a}, {san_dns: b.lab.example, client: lab.b}]}\n"
      "      tokens: [{token_sha256: " +
      sha256("x").hex() + R"(, client: lab.a}]
      allow_from: [10.1.2.0/24, "::1"]
      rate: 30/m
      reportstream_status: 202
      public_keys: [{client: lab.a, key: )" +
      folder.write("public.pem", "-----BEGIN PUBLIC KEY-----\n") + "}]\n";
  return R"(site: lab-014
clients: [lab.default, "lab.?x*"]
journal:
  path: /srv/journal.db
  max_size: 5GiB
  min_free_disk: 2GiB
  allow_tmpfs: true
  keep_delivered_payload: 2d
  keep_record: 1y
  keep_audit: 3y
  encryption_key: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
intake:
  max_payload: 10MB
  content_types: [application/hl7-v2, Text/Plain]
  memory: 32MiB
  request_timeout: 10s
  keep_idempotency: 1d
  validate: off
  http:
    - listen: "[::1]:9870"
      client: lab.default
      allowed_hosts: [relay.lab.example]
      max_connections: 10
      insecure: true
)" + access +
         R"(    - {listen: "unix:/run/edge-relay/intake.sock", group: lab, mode: 0600}
  folder:
    - path: /srv/outbox
      patterns: ["*.csv", "*.out"]
      complete_when: "marker:*.ok"
      settle: 10s
      content_type: Text/Plain
      client: from_folder
      after: delete
      keep_done: 1d
  mllp:
    - listen: 0.0.0.0:9575
      client: lab.lis
      clients: [{msh3: EPIC, msh4: "HOSP*", client: lab.epic}, {msh4: CLINIC, client: lab.clinic}]
      allow_from: [10.1.2.0/24, "2001:db8::/32"]
      ack: auto
      when_unavailable: nak
      on_repeat: accept
      dedupe_window: 2h
      test_production_guard: production
      max_connections: 20
      insecure: false
admin:
  listen: localhost:9871
  socket: /run/x/admin.sock
  socket_group: operators
  socket_mode: 0600
  allowed_hosts: [health.lab.example, "[::1]"]
  read: token
  tokens:
    - token_sha256: "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
      name: on-call
  insecure: false
  tls: {)" +
         files + R"(}
destinations:
  cloud:
    type: azure_storage_queue
    queue_endpoint: https://lab.queue.core.windows.net/
    blob_endpoint: https://lab.blob.core.windows.net
    table_endpoint: https://lab.table.core.windows.net
    account_name: lab
    account_key: UExBTlRFRA==
    envelope: reportstream
    queue: results
    blob_container: payloads
    table: rows
    message_ttl: 30d
    create: true
    concurrency: 4
    timeout: 5s
    ca_file: )" +
         certificate + R"(
    proxy: http://proxy.hospital.example:3128
    proxy_credentials: user:pass:word
    no_proxy: [10.0.0.0/8, .lab.example]
    backoff: {initial: 2s, max: 1m, give_up_after: 12}
    alarm_after: 1h
    hold_windows:
      - {days: [fri, mon], from: "22:00", to: "06:00", time_zone: America/New_York}
      - {from: "00:00", to: "24:00", time_zone: Europe/Berlin}
  signed:
    type: azure_storage_queue
    queue_endpoint: https://lab.queue.core.windows.net
    blob_endpoint: https://lab.blob.core.windows.net
    table_endpoint: https://lab.table.core.windows.net
    queue_sas: "?sv=1&sig=q"
    blob_sas: sv=1&sig=b
    table_sas: sv=1&sig=t
    account_sas: sv=1&sig=a
  plain:
    type: azure_storage_queue
    connection_string: UseDevelopmentStorage=true
    queue: raw-results
    envelope: raw
    encoding: text
  archive:
    type: directory
    path: )" +
         folder.path().string() + R"(
  service:
    type: reportstream
    url: https://reportstream.example
    client: lab.default
    auth:
      type: private_key_jwt
      key: ${file:)" +
         (folder.path() / "own.key").string() + R"(}
      key_id: lab-key
      issuer: lab
      subject: lab-subject
      audience: reportstream.example
      token_url: https://sign-in.example/token
      algorithm: ES256
      scope: lab.default.report
    content_type: application/hl7-v2; charset=utf-8
    follow_up: false
  state:
    type: http
    url: https://state.example/{id}
    method: PUT
    headers: {X-Site: lab-014}
    auth: {type: oauth, token_url: "https://sign-in.example/token", client_id: lab, client_secret: s, scope: write}
    client_certificate: {certificate: )" +
         (folder.path() / "own.pem").string() + ", key: " + (folder.path() / "own.key").string() + R"(}
    accept: {status: [201], content_type: application/json, body_contains: taken}
    refuse: {status: [422]}
    rate: 50/s
  bearing:
    type: http
    url: https://bearing.example/
    auth: {type: bearer, token: t}
  basic:
    type: http
    url: https://basic.example/
    auth: {type: basic, user: lab, password: p}
  engine:
    type: mllp
    address: engine.example:2575
    tls: true
    ack_timeout: 5s
  lake:
    type: s3
    endpoint: https://minio.lab.example
    region: eu-west-1
    bucket: reports
    key: "{client}/{id}"
    access_key: AKID
    secret_key: secret
    session_token: token
    server_side_encryption: aws:kms
    kms_key: key-1
    metadata: {Sender: lab}
    content_type: text/plain
    path_style: true
    if_none_match: false
  server:
    type: sftp
    url: sftp://sftp.example:2222/in
    user: lab
    password: secret
    host_key_sha256: SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
    path: "{date}/{id}"
forward: {memory: 16MiB}
routes:
  - match: {client: "lab.*", content_type: application/hl7-v2, intake: http}
    to: [cloud, archive]
    ordering: key
    on_dead_letter: stop
  - match: {msh3: EPIC, msh4: "HOSP*", msh9: ORU^R01}
    to: [archive]
    ordering: none
  - match: {intake: submit}
    to: [signed, plain, service, state, bearing, basic, engine, lake, server]
otherwise: [archive]
log: {level: debug, format: json}
shutdown_grace: 1m
)";
}

TEST_F(Load, EveryBuiltKeyIsTaken) {
  const std::string text = everything(folder);
  const Settings settings = load(text);
  ASSERT_EQ(warnings.size(), 4U);
  EXPECT_NE(warnings[0].message.find("isn't a folder that is there"), std::string::npos);
  EXPECT_NE(warnings[1].message.find("settle: has no effect"), std::string::npos);
  EXPECT_NE(warnings[2].message.find("keep_done: has no effect"), std::string::npos);
  EXPECT_NE(warnings[3].message.find("message_ttl"), std::string::npos);

  EXPECT_EQ(settings.site, "lab-014");
  EXPECT_EQ(settings.clients, (std::vector<std::string>{"lab.default", "lab.?x*"}));
  EXPECT_EQ(settings.journal.path, "/srv/journal.db");
  EXPECT_EQ(settings.journal.max_size, gibibytes(5));
  EXPECT_EQ(settings.journal.min_free_disk, gibibytes(2));
  EXPECT_TRUE(settings.journal.allow_tmpfs);
  ASSERT_EQ(settings.journal.encryption_keys.size(), 1U);
  EXPECT_EQ(settings.journal.keep_delivered_payload, std::chrono::hours(48));
  EXPECT_EQ(settings.journal.keep_record, std::chrono::hours(24 * 365));
  EXPECT_EQ(settings.journal.keep_audit, std::chrono::hours(24 * 365 * 3));
  EXPECT_EQ(settings.journal.encryption_keys[0].reveal(), std::string(32, '\0'));
  EXPECT_EQ(settings.intake.max_payload, ByteCount{10'000'000});
  EXPECT_EQ(settings.intake.content_types, (std::vector<std::string>{"application/hl7-v2", "text/plain"}));
  EXPECT_EQ(settings.intake.memory, mebibytes(32));
  EXPECT_EQ(settings.intake.request_timeout, milliseconds(10'000));
  EXPECT_EQ(settings.intake.keep_idempotency, std::chrono::hours(24));
  EXPECT_EQ(settings.intake.validate, Validation::off);
  ASSERT_EQ(settings.intake.http.size(), 2U);
  EXPECT_EQ(settings.intake.http[0].listen.text(), "[::1]:9870");
  EXPECT_EQ(settings.intake.http[0].client, "lab.default");
  EXPECT_EQ(settings.intake.http[0].allowed_hosts, std::vector<std::string>{"relay.lab.example"});
  EXPECT_EQ(settings.intake.http[0].max_connections, 10U);
  ASSERT_EQ(settings.intake.folder.size(), 1U);
  EXPECT_EQ(settings.intake.folder[0].path, "/srv/outbox");
  EXPECT_EQ(settings.intake.folder[0].patterns, (std::vector<std::string>{"*.csv", "*.out"}));
  EXPECT_EQ(settings.intake.folder[0].complete_when, FileCompleteWhen::marker);
  EXPECT_EQ(settings.intake.folder[0].marker, "*.ok");
  EXPECT_EQ(settings.intake.folder[0].settle, milliseconds(10'000));
  EXPECT_EQ(settings.intake.folder[0].content_type, "text/plain");
  EXPECT_FALSE(settings.intake.folder[0].client);
  EXPECT_EQ(settings.intake.folder[0].after, FileAfter::erased);
  EXPECT_EQ(settings.intake.folder[0].keep_done, std::chrono::hours(24));
  EXPECT_TRUE(settings.intake.http[0].insecure);
  const HttpListenerSettings& guarded = settings.intake.http[0];
  ASSERT_TRUE(guarded.tls);
  EXPECT_TRUE(guarded.tls->asks_for_certificates());
  ASSERT_EQ(guarded.tls->clients.size(), 2U);
  EXPECT_EQ(guarded.tls->clients[0].subject_cn, "Lab A");
  EXPECT_EQ(guarded.tls->clients[1].san_dns, "b.lab.example");
  EXPECT_EQ(guarded.tls->clients[1].client, "lab.b");
  ASSERT_EQ(guarded.tokens.size(), 1U);
  EXPECT_EQ(guarded.tokens[0].sha256, sha256("x"));
  EXPECT_EQ(guarded.tokens[0].name, "lab.a");
  ASSERT_EQ(guarded.public_keys.size(), 1U);
  EXPECT_EQ(guarded.public_keys[0].client, "lab.a");
  ASSERT_TRUE(guarded.allow_from);
  EXPECT_TRUE(contains(*guarded.allow_from, "10.1.2.3"));
  EXPECT_FALSE(contains(*guarded.allow_from, "10.1.3.3"));
  ASSERT_TRUE(guarded.rate);
  EXPECT_EQ(guarded.rate->per_second, 0.5);
  EXPECT_EQ(guarded.reportstream_status, 202U);
  EXPECT_TRUE(settings.admin.tls);
  EXPECT_EQ(settings.intake.http[1].listen.text(), "unix:/run/edge-relay/intake.sock");
  EXPECT_EQ(settings.intake.http[1].group, "lab");
  EXPECT_EQ(settings.intake.http[1].mode, 0600U);
  EXPECT_EQ(settings.admin.listen->text(), "127.0.0.1:9871");
  EXPECT_EQ(settings.admin.socket, "/run/x/admin.sock");
  EXPECT_EQ(settings.admin.socket_group, "operators");
  EXPECT_EQ(settings.admin.socket_mode, 0600U);
  EXPECT_EQ(settings.admin.allowed_hosts, (std::vector<std::string>{"health.lab.example", "[::1]"}));
  EXPECT_EQ(settings.forward_memory, mebibytes(16));
  EXPECT_EQ(settings.log_level, LogLevel::debug);
  EXPECT_EQ(settings.log_format, LogFormat::json);
  EXPECT_EQ(settings.shutdown_grace, milliseconds(60'000));
}

TEST_F(Load, EveryBuiltKeyOfADestinationIsTaken) {
  const Settings settings = load(everything(folder));
  ASSERT_EQ(settings.destinations.size(), 11U);
  const DestinationSettings& cloud = settings.destinations[0];
  EXPECT_EQ(cloud.concurrency, 4U);
  EXPECT_EQ(cloud.timeout, milliseconds(5'000));
  EXPECT_EQ(cloud.transport.ca_file, (folder.path() / "ca.pem").string());
  EXPECT_EQ(cloud.transport.proxy, "http://proxy.hospital.example:3128");
  EXPECT_EQ(cloud.transport.proxy_credentials.value().reveal(), "user:pass:word");
  EXPECT_EQ(cloud.transport.no_proxy, (std::vector<std::string>{"10.0.0.0/8", ".lab.example"}));
  EXPECT_EQ(cloud.backoff.initial, milliseconds(2'000));
  EXPECT_EQ(cloud.backoff.max, milliseconds(60'000));
  EXPECT_EQ(cloud.backoff.give_up_after, 12U);
  EXPECT_EQ(cloud.alarm_after, std::chrono::hours(1));
  EXPECT_EQ(azure(settings).queue_service.endpoint, "https://lab.queue.core.windows.net");
  EXPECT_EQ(azure(settings).account_name, "lab");
  EXPECT_EQ(azure(settings).account_key.value().reveal(), "UExBTlRFRA==");
  EXPECT_EQ(azure(settings).queue, "results");
  EXPECT_EQ(azure(settings).blob_container, "payloads");
  EXPECT_EQ(azure(settings).table, "rows");
  EXPECT_EQ(azure(settings).message_ttl, std::chrono::hours(24 * 30));
  EXPECT_TRUE(azure(settings).create);

  const auto& with_sas = std::get<AzureStorageQueueSettings>(settings.destinations[1].system);
  EXPECT_EQ(with_sas.queue_service.sas.value().reveal(), "sv=1&sig=q");
  EXPECT_EQ(with_sas.table_service.sas.value().reveal(), "sv=1&sig=t");
  const auto& plain = std::get<AzureStorageQueueSettings>(settings.destinations[2].system);
  EXPECT_EQ(plain.envelope, ReportStreamEnvelope::raw);
  EXPECT_EQ(plain.encoding, RawEncoding::text);
  EXPECT_EQ(std::get<DirectorySettings>(settings.destinations[3].system).path, folder.path());
  EXPECT_EQ(destination_type_name(settings.destinations[3]), "directory");
}

TEST_F(Load, EveryKeyOfAnMllpListenerIsTaken) {
  const Settings settings = load(everything(folder));
  ASSERT_EQ(settings.intake.mllp.size(), 1U);
  const MllpListenerSettings& listener = settings.intake.mllp[0];
  EXPECT_EQ(listener.listen.text(), "0.0.0.0:9575");
  EXPECT_EQ(listener.client, "lab.lis");
  ASSERT_EQ(listener.clients.size(), 2U);
  EXPECT_EQ(listener.clients[0].msh3, "EPIC");
  EXPECT_EQ(listener.clients[0].msh4, "HOSP*");
  EXPECT_EQ(listener.clients[0].client, "lab.epic");
  EXPECT_FALSE(listener.clients[1].msh3);
  ASSERT_TRUE(listener.allow_from);
  EXPECT_TRUE(contains(*listener.allow_from, "10.1.2.3"));
  EXPECT_EQ(listener.ack, AcknowledgementMode::automatic);
  EXPECT_EQ(listener.when_unavailable, WhenUnavailable::nak);
  EXPECT_EQ(listener.on_repeat, OnRepeat::accept);
  EXPECT_EQ(listener.dedupe_window, std::chrono::hours(2));
  EXPECT_EQ(listener.test_production_guard, TestProductionGuard::production);
  EXPECT_EQ(listener.max_connections, 20U);
  EXPECT_FALSE(listener.insecure);
}

TEST_F(Load, HoldWindowsAreOfTheirDaysAndZone) {
  const Settings settings = load(everything(folder));
  const auto& windows = settings.destinations[0].hold_windows;
  ASSERT_EQ(windows.size(), 2U);
  EXPECT_EQ(windows[0].days, (std::set<unsigned>{1, 5}));
  EXPECT_EQ(windows[0].from, std::chrono::hours(22));
  EXPECT_EQ(windows[0].to, std::chrono::hours(6));
  EXPECT_EQ(windows[0].time_zone, "America/New_York");
  EXPECT_EQ(windows[1].days.size(), 7U);
  EXPECT_EQ(windows[1].to, std::chrono::hours(24));
  EXPECT_TRUE(settings.destinations[1].hold_windows.empty());
}

TEST_F(Load, RoutesKeepTheirOrder) {
  const Settings settings = load(everything(folder));
  ASSERT_EQ(settings.routes.size(), 3U);
  EXPECT_EQ(settings.routes[0].match.client, "lab.*");
  EXPECT_EQ(settings.routes[0].match.content_type, "application/hl7-v2");
  EXPECT_EQ(settings.routes[0].match.intake, Intake::http);
  EXPECT_EQ(settings.routes[0].to, (std::vector<std::string>{"cloud", "archive"}));
  EXPECT_EQ(settings.routes[0].ordering, Ordering::key);
  EXPECT_EQ(settings.routes[0].on_dead_letter, OnDeadLetter::stop);
  EXPECT_EQ(settings.routes[1].match.msh3, "EPIC");
  EXPECT_EQ(settings.routes[1].match.msh4, "HOSP*");
  EXPECT_EQ(settings.routes[1].match.msh9, "ORU^R01");
  EXPECT_EQ(settings.routes[1].ordering, Ordering::none);
  EXPECT_EQ(settings.routes[2].match.intake, Intake::submit);
  EXPECT_EQ(settings.routes[2].ordering, std::nullopt) << "as the door has it";
  EXPECT_EQ(settings.routes[2].on_dead_letter, OnDeadLetter::go_on);
  EXPECT_EQ(settings.otherwise, std::vector<std::string>{"archive"});
}

TEST_F(Load, OperatorsTokensAreKeptByTheirHash) {
  const Settings settings = load(everything(folder));
  EXPECT_TRUE(settings.admin.token_to_read);
  ASSERT_EQ(settings.admin.tokens.size(), 1U);
  EXPECT_EQ(settings.admin.tokens[0].name, "on-call");
  EXPECT_EQ(settings.admin.tokens[0].sha256.hex(), "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
}

// Keeps the text above complete when a key is added.
TEST_F(Load, TheTextWithEveryKeyHoldsEveryKeyOfTheTable) {
  const std::string text = everything(folder);
  for (const KeySection* section : keys::all()) {
    for (const auto& key : section->keys) {
      if (!key.built) continue;
      EXPECT_NE(text.find(std::string(key.name) + ":"), std::string::npos) << section->path << ' ' << key.name;
    }
  }
}

TEST_F(Load, JsonIsYaml) {
  const Settings settings = load(R"({"site": "lab-014", "journal": {"allow_tmpfs": true},
 "intake": {"http": [{"listen": "127.0.0.1:1", "max_connections": 7}]},
 "destinations": {"cloud": {"type": "azure_storage_queue", "connection_string": "UseDevelopmentStorage=true"}}})");
  EXPECT_EQ(settings.intake.http.at(0).max_connections, 7U);
  EXPECT_TRUE(settings.journal.allow_tmpfs);
}

TEST_F(Load, SectionsWhoseKeysAreAllCommentedOutAreAsIfAbsent) {
  const Settings settings = load(std::string(smallest) + "journal:\n  #max_size: 1GiB\nlog:\nadmin:\n");
  EXPECT_EQ(settings.journal.max_size, gibibytes(50));
}

TEST_F(Load, DoorsCanBeSwitchedOff) {
  const Settings settings = load(std::string(smallest) + "intake: {http: []}\nadmin: {listen: none}\n");
  EXPECT_TRUE(settings.intake.http.empty());
  EXPECT_FALSE(settings.admin.listen);
}

TEST_F(Load, AnyValueMayComeByReference) {
  const SetEnvironment number("RELAY_TEST_NUMBER", "7");
  const SetEnvironment host("RELAY_TEST_HOST", "127.0.0.1");
  const Settings settings = load(
      "intake:\n  http: [{listen: \"${env:RELAY_TEST_HOST}:${env:RELAY_TEST_NUMBER}\", max_connections: "
      "'${env:RELAY_TEST_NUMBER}'}]\n" +
      std::string(smallest));
  EXPECT_EQ(settings.intake.http.at(0).listen.text(), "127.0.0.1:7");
  EXPECT_EQ(settings.intake.http.at(0).max_connections, 7U);
}

TEST_F(Load, ASecretRemembersItsReference) {
  const std::string file = folder.write("string", "UseDevelopmentStorage=true\n");
  Settings settings =
      load("destinations: {cloud: {type: azure_storage_queue, connection_string: \"${file:" + file + "}\"}}\n");
  auto& cloud = std::get<AzureStorageQueueSettings>(settings.destinations.at(0).system);
  folder.write("string", "UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://azurite\n");
  EXPECT_TRUE(cloud.connection_string.refresh().value());
}

TEST_F(Load, PemTextIsTakenWhereAPathWouldBe) {
  const Settings settings = load(R"(destinations:
  cloud:
    type: azure_storage_queue
    connection_string: UseDevelopmentStorage=true
    ca_file: |
      -----BEGIN CERTIFICATE-----
      MIIB
      -----END CERTIFICATE-----
)");
  EXPECT_TRUE(settings.destinations.at(0).transport.ca_file.starts_with("-----BEGIN"));
}

TEST_F(Load, TheSocketIsFoundWithoutReadingAnythingElse) {
  const auto socket_of = [&](const std::string& text) {
    return admin_socket_of(folder.write("edge-relay.yaml", text));
  };
  EXPECT_EQ(socket_of("admin: {socket: /run/x.sock}\nnonsense: ${env:RELAY_TEST_UNSET}\n"), "/run/x.sock");
  const std::filesystem::path fallback = "/run/edge-relay/admin.sock";
  EXPECT_EQ(socket_of(smallest), fallback);
  EXPECT_EQ(socket_of("admin: ["), fallback);
  EXPECT_EQ(socket_of("admin: {socket: [a]}"), fallback);
  EXPECT_EQ(socket_of("- a"), fallback);
  EXPECT_EQ(admin_socket_of(folder.path() / "missing"), fallback);
}

}  // namespace
}  // namespace relay
