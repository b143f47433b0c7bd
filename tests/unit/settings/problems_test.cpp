// What is said of a bad configuration: every problem at once, each at its place, in words that help.
#include <gtest/gtest.h>

#include <algorithm>

#include "settings/key_table.hpp"
#include "support/test_certificate.hpp"
#include "unit/settings/temporary_folder.hpp"

namespace relay {
namespace {

using Texts = std::vector<std::string>;

const std::string cloud =
    "destinations: {cloud: {type: azure_storage_queue, connection_string: UseDevelopmentStorage=true}}\n";

class Problems : public testing::Test {
 protected:
  Texts of(std::string_view text) { return problems_of(folder.write("edge-relay.yaml", text)); }
  // With a good destination in front, so that line 1 of `text` is line 2 of the file.
  Texts beside(const std::string& text) { return of(cloud + text); }
  // Of one destination's section, whose keys stand from line 3 on, indented by four.
  Texts of_cloud(const std::string& keys) { return of("destinations:\n  cloud:\n" + keys); }

  TemporaryFolder folder;
};

TEST_F(Problems, AllOfThemAreToldAtOnceInTheFilesOrder) {
  EXPECT_EQ(
      of(R"(site: "a b"
journal:
  max_size: lots
  pth: /x
intake:
  max_payload: 2GB
  http:
    - listen: 0.0.0.0:8870
destinations:
  archive:
    type: directory
    path: relative
otherwise: [archve]
log: {level: loud}
shutdown_grace: 20
nonsense: 1
)"),
      (Texts{
          "1:7: error: site: \"a b\" isn't a site's name: a letter or digit, then letters, digits, '.', '_', '-'; at "
          "most 93",
          "3:13: error: journal.max_size: \"lots\" isn't a size; write it like 64KiB, 50MB or 10GiB",
          "4:3: error: unknown key journal.pth; did you mean `path`?",
          "6:16: error: intake.max_payload: \"2GB\" must be from 1B to 1GB",
          "8:15: error: intake.http[0].listen: 0.0.0.0:8870 would be open beyond this machine without tls; name "
          "tls, and tokens or tls.client_ca, listen on 127.0.0.1 or unix:/PATH, or say insecure: true where the "
          "network "
          "is trusted",
          "12:11: error: destinations.archive.path: \"relative\" isn't a full path, beginning with '/'",
          "13:13: error: otherwise: there is no destination \"archve\"; did you mean `archive`?",
          "14:14: error: log.level: \"loud\" isn't trace, debug, info, warning or error",
          "15:17: error: shutdown_grace: \"20\" isn't a duration; write it like 250ms, 30s, 5m, 12h, 7d or 2y",
          "16:1: error: unknown key nonsense; the nearest known key is `routes`; known here: site, clients, journal, "
          "intake, admin, destinations, "
          "forward, "
          "routes, otherwise, log, shutdown_grace, alarms or heartbeat",
      }));
}

TEST_F(Problems, YamlMistakesHaveTheirPlace) {
  const auto yaml = [](const std::string& place, const std::string& why) {
    return Texts{place + ": error: this isn't YAML: " + why +
                 "; look at the indentation, quotes and colons here and just before"};
  };
  EXPECT_EQ(of("a: [1, 2\nb: c\n"), yaml("2:2", "end of sequence flow not found"));
  EXPECT_EQ(of("site: b: c\n"), yaml("1:8", "illegal map value"));
  EXPECT_EQ(of("site: a\n b: 2\n"), yaml("2:3", "illegal map value"));
  EXPECT_EQ(of("site: *hunter2\n"), yaml("1:7", "the referenced anchor is not defined"));
  EXPECT_EQ(of("site: \"\\q\"\n"), yaml("1:10", "unknown escape character"));
  EXPECT_EQ(of("site: " + std::string(100'000, '[')), yaml("1:1", "nested too deeply"));
  EXPECT_EQ(of("site: \"lab\n" + cloud),
            (Texts{"1:1: error: destinations: there is none, so nothing could be delivered; name at least one",
                   "1:7: error: site: the quote that opens here is never closed"}));
}

TEST_F(Problems, AFileThatIsNoConfigurationAtAll) {
  const Texts none = {"1:1: error: destinations: there is none, so nothing could be delivered; name at least one"};
  EXPECT_EQ(of(""), none);
  EXPECT_EQ(of("# nothing\n"), none);
  EXPECT_EQ(of("destinations: {}\n"), (Texts{"1:15" + none[0].substr(3)}));
  EXPECT_EQ(of("destinations:\n"), none);
  const Texts no_mapping = {
      "1:1: error: the configuration must be lines of `key: value`, with at least `destinations:`"};
  EXPECT_EQ(of("- a\n"), no_mapping);
  EXPECT_EQ(of("text\n"), no_mapping);
  EXPECT_EQ(of("site: \xff\n"), Texts{"1:1: error: the file isn't UTF-8 text; save it as UTF-8"});
  EXPECT_EQ(of(cloud + "---\nsite: a\n"),
            Texts{"3:1: error: a second YAML document begins here; a configuration is one"});
  const std::string missing = (folder.path() / "missing.yaml").string();
  EXPECT_EQ(problems_of(missing), Texts{"1:1: error: can't open " + missing +
                                        ": No such file or directory; name the configuration with --config FILE"});
}

TEST_F(Problems, ARepeatedKeyIsAnErrorWhereverItStands) {
  EXPECT_EQ(beside("site: a\nsite: b\n"), Texts{"3:1: error: site stands here a second time; keep one"});
  EXPECT_EQ(beside("log: {level: info, level: debug}\n"),
            Texts{"2:20: error: log.level stands here a second time; keep one"});
  const std::string twice = "{type: azure_storage_queue, connection_string: UseDevelopmentStorage=true}\n";
  EXPECT_EQ(of("destinations:\n  a: " + twice + "  a: " + twice),
            Texts{"3:3: error: destinations.a stands here a second time; give it another name"});
}

TEST_F(Problems, AnUnknownKeyComesWithTheNearestKnownOneOrItsHome) {
  EXPECT_EQ(beside("intake: {max_paylod: 1MB}\n"),
            Texts{"2:10: error: unknown key intake.max_paylod; did you mean `max_payload`?"});
  EXPECT_EQ(beside("max_payload: 1MB\n"), Texts{"2:1: error: unknown key max_payload; it belongs under intake"});
  EXPECT_EQ(beside("log: {destinations: 1}\n"),
            Texts{"2:7: error: unknown key log.destinations; it belongs at the left margin, under nothing"});
  EXPECT_EQ(beside("log: {zzz: 1}\n"),
            Texts{"2:7: error: unknown key log.zzz; the nearest known key is `level`; known here: level or format"});
  EXPECT_TRUE(beside("<<: {site: a}\n")
                  .front()
                  .starts_with("2:1: error: unknown key; the nearest known key is `log`; known here: site"))
      << "no merging";
  EXPECT_EQ(beside("? [a]\n: b\n"), Texts{"2:3: error: a key must be a plain word"});
}

TEST_F(Problems, ColumnsCountCharacters) {
  EXPECT_EQ(beside("log: {level: 'é', format: x}\n"),
            (Texts{"2:14: error: log.level: \"é\" isn't trace, debug, info, warning or error",
                   "2:27: error: log.format: \"x\" isn't text or json"}));
  EXPECT_EQ(of("\xEF\xBB\xBF" + cloud + "sit: a\r\nlog: {level: x}\r\n"),
            (Texts{"2:1: error: unknown key sit; did you mean `site`?",
                   "3:14: error: log.level: \"x\" isn't trace, debug, info, warning or error"}));
}

TEST_F(Problems, ValuesOfTheWrongShape) {
  EXPECT_EQ(beside("site: [a]\n"), Texts{"2:7: error: site must be one value, not a list or a section"});
  EXPECT_EQ(beside("site:\n"), Texts{"2:1: error: site has no value"});
  EXPECT_EQ(beside("site: ''\n"), Texts{"2:7: error: site: is empty; leave the line out for the default"});
  EXPECT_EQ(beside("clients: lab\n"),
            Texts{"2:10: error: clients: must be a list: [one, two], or a line beginning with '-' for each"});
  EXPECT_EQ(beside("clients: []\n"),
            Texts{"2:10: error: clients: names nobody; leave the line out to take every client"});
  EXPECT_EQ(beside("clients: [a, {b: c}, 'bad name']\n"),
            (Texts{"2:14: error: clients[1] must be one value, not a list or a section",
                   "2:22: error: clients: \"bad name\" isn't a client's name or glob: letters, digits, '.', '_', '-', "
                   "'*', '?'"}));
  EXPECT_EQ(beside("log: text\n"), Texts{"2:6: error: log must be a section of `key: value` lines"});
  EXPECT_EQ(beside("site: !!int 5\n"),
            Texts{"2:7: error: site: YAML tags (a '!' before the value) aren't used here; put the value in quotes"});
  EXPECT_EQ(beside("journal: {allow_tmpfs: yes}\n"),
            Texts{"2:24: error: journal.allow_tmpfs: \"yes\" isn't true or false"});
}

TEST_F(Problems, ListenersMustBeAddressesApartFromEachOther) {
  EXPECT_EQ(beside("intake: {http: [{listen: 8870}]}\n"),
            Texts{"2:26: error: intake.http[0].listen: \"8870\" isn't an address; write IP:PORT (127.0.0.1:8870, "
                  "[::1]:8870) or "
                  "unix:/PATH"});
  EXPECT_EQ(
      beside("intake:\n  http:\n    - listen: 127.0.0.1:1\n    - listen: localhost:1\nadmin: {listen: 127.0.0.1:1}\n"),
      (Texts{"5:15: error: intake.http[1].listen: 127.0.0.1:1 is taken by intake.http[0].listen already",
             "6:17: error: admin.listen: 127.0.0.1:1 is taken by intake.http[0].listen already"}));
  EXPECT_EQ(beside("admin: {listen: 127.0.0.1:8870}\n"),
            Texts{"2:17: error: admin.listen: 127.0.0.1:8870 is taken by intake.http (its default) already"});
  EXPECT_EQ(
      beside("intake: {http: [{listen: 'unix:/run/edge-relay/admin.sock'}]}\n"),
      Texts{"1:1: error: admin.socket: unix:/run/edge-relay/admin.sock is taken by intake.http[0].listen already"});
  EXPECT_EQ(beside("intake: {http: [{listen: '0.0.0.0:8871', insecure: true}]}\n").back(),
            "2:26: warning: intake.http[0].listen: 0.0.0.0:8871 is open beyond this machine and insecure: nobody is "
            "asked who "
            "they are, and whoever is on the way can read along");
}

TEST_F(Problems, WhatCantBeReadOfTlsIsNotTakenForAbsent) {
  for (const char* listener :
       {"admin: {listen: '10.0.0.1:8871', tls: {", "intake: {http: [{listen: '10.0.0.1:1', tls: {",
        "intake: {mllp: [{listen: '10.0.0.1:1', client: lab.a, tls: {"}) {
    const std::string ends = listener[0] == 'a' ? "}}\n" : "}}]}\n";
    const Texts texts =
        beside(listener + std::string("certificate: /c, key: /k, client_ca: '${env:ABSENT_HERE}'") + ends);
    ASSERT_EQ(texts.size(), 3U) << texts.back() << ": each file that can't be used, and nothing of an open listener";
    for (const char* key : {"tls.certificate: ", "tls.key: ", "tls.client_ca: "}) {
      EXPECT_TRUE(std::ranges::any_of(texts, [&](const auto& text) { return text.find(key) != std::string::npos; }))
          << key;
    }
  }
  const Texts switched_off = beside("admin: {listen: none, tls: {bogus: 1, certificate: /c, key: /k}}\n");
  ASSERT_FALSE(switched_off.empty());
  EXPECT_NE(switched_off[0].find("unknown key admin.tls.bogus"), std::string::npos) << switched_off[0];
}

TEST_F(Problems, AnOperatorsListenerBeyondLoopbackIsOpenToNobody) {
  const TestCertificate own = make_test_certificate();
  const std::string tls = "certificate: " + folder.write("relay.pem", own.certificate_pem) +
                          ", key: " + folder.write("relay.key", own.key_pem);
  const std::string listens = "admin: {listen: '10.0.0.1:8871', tls: {" + tls + "}";
  const Texts no_token = beside(listens + ", tokens: []}\n");
  ASSERT_EQ(no_token.size(), 1U);
  EXPECT_NE(no_token[0].find("would be open beyond this machine to everybody"), std::string::npos) << no_token[0];
  const std::string token = "tokens: [{name: on-call, token_sha256: " + std::string(64, 'a') + "}]";
  EXPECT_EQ(beside(listens + ", " + token + "}\n"), Texts{});
  const Texts open = beside(listens + ", " + token + ", read: open}\n");
  ASSERT_EQ(open.size(), 1U);
  EXPECT_NE(open[0].find("admin.read: open is for loopback alone"), std::string::npos) << open[0];
}

TEST_F(Problems, InsecureIsNamedAsAWarning) {
  const Texts texts = beside("admin: {listen: '10.0.0.1:8871', insecure: true}\n");
  ASSERT_EQ(texts.size(), 1U);
  EXPECT_TRUE(
      texts[0].starts_with("2:17: warning: admin.listen: 10.0.0.1:8871 is open beyond this machine and insecure"));
}

TEST_F(Problems, OfADestination) {
  EXPECT_EQ(of_cloud("    path: /x\n"), Texts{"2:3: error: destinations.cloud.type is missing; there are "
                                              "azure_storage_queue, directory, reportstream, http, "
                                              "mllp, s3 and sftp"});
  EXPECT_EQ(
      of_cloud("    type: directry\n"),
      Texts{"3:11: error: destinations.cloud.type: \"directry\" is no type of destination; did you mean `directory`?"});
  const Texts of_a_slip = of_cloud("    typ: directory\n    path: /x\n    concurrency: 0\n");
  ASSERT_EQ(of_a_slip.size(), 3U) << "whatever type is meant, the rest is looked at";
  EXPECT_TRUE(of_a_slip[0].starts_with("2:3: error: destinations.cloud.type is missing; there are "));
  EXPECT_EQ(of_a_slip[1], "3:5: error: unknown key destinations.cloud.typ; did you mean `type`?");
  EXPECT_TRUE(of_a_slip[2].starts_with("5:18: error: destinations.cloud.concurrency: "));
  EXPECT_EQ(of_cloud("    type: rabbitmq\n    exchange: x\n"),
            Texts{"3:11: error: destinations.cloud.type: rabbitmq isn't supported by this version"});
  EXPECT_EQ(of_cloud("    type: directory\n"), Texts{"2:3: error: destinations.cloud: path is missing"});
  EXPECT_EQ(of_cloud("    type: directory\n    path: /nonexistent\n"),
            Texts{"4:11: warning: destinations.cloud.path: \"/nonexistent\" isn't a folder that is there; make it, and "
                  "give it to the "
                  "relay's user"});
  EXPECT_EQ(
      of("destinations: {'a b': {type: directory}}\n"),
      Texts{"1:16: error: destinations: a name is a letter or digit, then letters, digits, '.', '_', '-'; at most 63"});
  EXPECT_EQ(of("destinations: [a]\n"),
            Texts{"1:15: error: destinations: there is none, so nothing could be delivered; name at least one"});
  EXPECT_EQ(of("destinations: {a: b}\n"), Texts{"1:16: error: destinations.a must be a section with at least `type`"});
}

TEST_F(Problems, OfEveryDestinationsKeys) {
  EXPECT_EQ(of_cloud(R"(    type: azure_storage_queue
    connection_string: UseDevelopmentStorage=true
    concurrency: 257
    timeout: 0s
    ca_file: /nonexistent.pem
    proxy: proxy:3128
    no_proxy: ["a b"]
    backoff: {initial: 1m, max: 1s, give_up_after: 0}
)"),
            (Texts{"5:18: error: destinations.cloud.concurrency: \"257\" isn't a whole number from 1 to 256",
                   "6:14: error: destinations.cloud.timeout: \"0s\" must be from 1ms to 1h",
                   "7:14: error: destinations.cloud.ca_file: can't open /nonexistent.pem: No such file or directory",
                   "8:12: error: destinations.cloud.proxy: must begin with https:// or http://; write "
                   "http://HOST:PORT, and a user in "
                   "proxy_credentials",
                   "9:16: error: destinations.cloud.no_proxy: \"a b\" isn't a host name, .suffix, address or network",
                   "10:33: error: destinations.cloud.backoff.max: backoff.max must not be shorter than backoff.initial",
                   "10:52: error: destinations.cloud.backoff.give_up_after: \"0\" isn't never or a number of \"try "
                   "later\" answers from "
                   "1 to 1000000"}));
  EXPECT_EQ(of_cloud("    type: azure_storage_queue\n    connection_string: UseDevelopmentStorage=true\n    "
                     "proxy_credentials: a:b\n"),
            Texts{"5:24: error: destinations.cloud.proxy_credentials: needs proxy beside it"});
}

TEST_F(Problems, OfAnAzureQueuesNamesAndEnvelope) {
  EXPECT_EQ(of_cloud(R"(    type: azure_storage_queue
    connection_string: UseDevelopmentStorage=true
    queue: Results
    blob_container: re--ports
    table: 1st
    message_ttl: 100ms
)"),
            (Texts{"5:12: error: destinations.cloud.queue: \"Results\" isn't a name that Azure takes: 3 to 63 "
                   "lower-case letters, "
                   "digits and single '-'",
                   "6:21: error: destinations.cloud.blob_container: \"re--ports\" isn't a name that Azure takes: 3 to "
                   "63 lower-case "
                   "letters, digits and single '-'",
                   "7:12: error: destinations.cloud.table: \"1st\" isn't a name that Azure takes: a letter, then "
                   "letters and digits, 3 "
                   "to 63; or none",
                   "8:18: error: destinations.cloud.message_ttl: \"100ms\" must be from 1s to 50y"}));
  EXPECT_EQ(
      of_cloud("    type: azure_storage_queue\n    connection_string: UseDevelopmentStorage=true\n    envelope: raw\n"),
      Texts{"2:3: error: destinations.cloud: queue is missing; only envelope reportstream has a default"});
  EXPECT_EQ(
      of_cloud(
          "    type: azure_storage_queue\n    connection_string: UseDevelopmentStorage=true\n    message_ttl: 7d\n"),
      Texts{"5:18: warning: destinations.cloud.message_ttl: Azure drops what nobody fetched within 7d; `never` is "
            "safer"});
}

TEST_F(Problems, OfSigningInToAzure) {
  const std::string type = "    type: azure_storage_queue\n";
  EXPECT_EQ(of_cloud(type),
            Texts{"2:3: error: destinations.cloud: connection_string is missing (or queue_endpoint, blob_endpoint and "
                  "table_endpoint with account_name and account_key, or with a SAS)"});
  EXPECT_EQ(
      of_cloud(type + "    connection_string: UseDevelopmentStorage=true\n    queue_endpoint: https://q.example\n"),
      Texts{"5:21: error: destinations.cloud.queue_endpoint: stands beside connection_string, which says the same; "
            "keep one of them"});
  EXPECT_EQ(of_cloud(type + "    queue_endpoint: https://q.example\n    queue_sas: sv=1&sig=x\n"),
            (Texts{"2:3: error: destinations.cloud: blob_endpoint is missing: the envelope puts the payload in a blob",
                   "2:3: error: destinations.cloud: nothing gives the right to use the blob service: the envelope puts "
                   "the payload in a "
                   "blob; add blob_sas or account_sas, or use account_name with account_key",
                   "2:3: error: destinations.cloud: nothing gives the right to use the table service: the envelope "
                   "writes a table row "
                   "(`table: none` writes none); add table_sas or account_sas, or use account_name with account_key",
                   "2:3: error: destinations.cloud: table_endpoint is missing: the envelope writes a table row "
                   "(`table: none` writes "
                   "none)"}));
  EXPECT_EQ(
      of_cloud(type +
               "    envelope: raw\n    queue: results\n    queue_endpoint: https://q.example\n    account_name: lab\n"),
      Texts{"2:3: error: destinations.cloud: nothing gives the right to use the queue service: every submission is a "
            "queue "
            "message; add queue_sas or account_sas, or use account_name with account_key"});
  EXPECT_EQ(
      of_cloud(type +
               "    envelope: raw\n    queue: results\n    queue_endpoint: http://q.example\n    account_name: lab\n"
               "    account_key: bad\n"),
      Texts{"2:3: error: destinations.cloud: account_key isn't base64; copy it whole, with its '=' at the end"});
  EXPECT_EQ(
      of_cloud(type +
               "    envelope: raw\n    queue: results\n    queue_endpoint: http://q.example\n    account_sas: sig=x\n"),
      Texts{"6:21: warning: destinations.cloud.queue_endpoint: goes over http:// to another machine: whoever is on the "
            "way can "
            "read payloads; use https://"});
  EXPECT_EQ(of_cloud(type + "    connection_string: AccountName=lab\n"),
            Texts{"4:24: error: destinations.cloud.connection_string: the connection string has neither AccountKey nor "
                  "SharedAccessSignature"});
}

TEST_F(Problems, OfReferencesStandWhereTheReferenceStands) {
  EXPECT_EQ(
      of_cloud(
          "    type: azure_storage_queue\n    connection_string: \"x;${env:RELAY_TEST_UNSET}${file:/nonexistent}\"\n"),
      (Texts{"4:27: error: destinations.cloud.connection_string: the environment variable RELAY_TEST_UNSET isn't set; "
             "set it for "
             "the service (Environment= or EnvironmentFile= of its unit) or use ${file:PATH}",
             "4:50: error: destinations.cloud.connection_string: can't open /nonexistent: No such file or directory; "
             "the relay's "
             "user must be able to read it"}));
  EXPECT_EQ(
      of_cloud("    type: azure_storage_queue\n    connection_string: >\n      x;\n      ${env:RELAY_TEST_UNSET}\n")
          .size(),
      1U);
  EXPECT_TRUE(
      of_cloud("    type: azure_storage_queue\n    connection_string: >\n      x;\n      ${env:RELAY_TEST_UNSET}\n")
          .front()
          .starts_with("6:7: error:"));
}

TEST_F(Problems, OfRoutes) {
  const std::string two =
      "destinations:\n  a: {type: azure_storage_queue, connection_string: UseDevelopmentStorage=true}\n"
      "  b: {type: azure_storage_queue, connection_string: UseDevelopmentStorage=true}\n";
  EXPECT_EQ(of(two),
            Texts{"2:3: error: there are 2 destinations, so `routes` or `otherwise` must say what goes where"});
  EXPECT_EQ(of(two + "otherwise: []\n"), Texts{"4:12: error: otherwise: names no destination"});
  EXPECT_EQ(of(two + "otherwise: [a]\n"),
            Texts{"3:3: warning: destinations.b gets nothing: no route and no `otherwise` names it"});
  EXPECT_EQ(of(two + R"(routes:
  - match: {client: "a b", content_type: hl7, intake: door}
    to: [a, a, c]
  - match: {client: x}
  - a
)"),
            (Texts{"5:21: error: routes[0].match.client: \"a b\" isn't a client's name or glob: letters, digits, '.', "
                   "'_', '-', '*', '?'",
                   "5:42: error: routes[0].match.content_type: \"hl7\" isn't a media type; write type/subtype without "
                   "parameters",
                   "5:55: error: routes[0].match.intake: \"door\" isn't http, mllp, folder or submit",
                   "6:13: error: routes[0].to: \"a\" stands here twice",
                   "6:16: error: routes[0].to: there is no destination \"c\"",
                   "7:5: error: routes[1].to is missing: it names destinations",
                   "8:5: error: routes[2] must be a section of `key: value` lines"}));
}

TEST_F(Problems, ATypeThatTheReportStreamEnvelopeCannotCarry) {
  EXPECT_EQ(beside("routes: [{match: {content_type: text/csv}, to: [cloud]}]\n"),
            Texts{"2:48: error: routes[0].to: cloud has the reportstream envelope, which can't carry text/csv; only "
                  "application/hl7-v2 and application/fhir+ndjson go there"});
  EXPECT_TRUE(beside("routes: [{match: {content_type: application/hl7-v2}, to: [cloud]}]\n").empty());
}

TEST_F(Problems, RoutesThatNeverMatchAreWarnedOf) {
  EXPECT_EQ(beside(R"(intake: {content_types: [application/hl7-v2]}
routes:
  - {match: {client: "lab.*", intake: http}, to: [cloud]}
  - {match: {client: lab.a, content_type: application/hl7-v2, intake: http}, to: [cloud]}
  - {match: {client: lab.a}, to: [cloud]}
  - {match: {client: "l*.*", intake: http}, to: [cloud]}
)"),
            Texts{"5:5: warning: routes[1] never matches: routes[0] takes all of it before"});
  EXPECT_EQ(beside("intake: {content_types: [application/hl7-v2]}\n"
                   "routes: [{match: {content_type: application/fhir+ndjson}, to: [cloud]}]\n"),
            Texts{"3:33: warning: routes[0].match.content_type: application/fhir+ndjson isn't in intake.content_types, "
                  "so it never "
                  "gets this far"});
}

TEST_F(Problems, OtherwiseBehindACatchAllIsWarnedOf) {
  EXPECT_EQ(beside("routes: [{to: [cloud]}]\notherwise: [cloud]\n"),
            Texts{"3:12: warning: otherwise: is never reached: routes[0] takes everything"});
}

TEST_F(Problems, HoldWindowsAndOrdersThatSayNothingAreErrors) {
  const auto of_window = [&](const std::string& window) {
    return of_cloud("    type: directory\n    path: " + folder.path().string() + "\n    hold_windows: [" + window +
                    "]\n");
  };
  EXPECT_EQ(of_window("{from: \"09:30\", to: \"11:00\", time_zone: America/New_York}"), Texts{});
  for (const auto& [window, said] : std::vector<std::pair<std::string, std::string>>{
           {"{from: \"9:30\", to: \"11:00\", time_zone: Etc/UTC}", "isn't a time of the day"},
           {"{from: \"09:30\", to: \"24:01\", time_zone: Etc/UTC}", "isn't a time of the day"},
           {"{from: \"09:30\", to: \"09:30\", time_zone: Etc/UTC}", "nothing would be held"},
           {"{from: \"09:30\", time_zone: Etc/UTC}", "to is missing"},
           {"{from: \"09:30\", to: \"11:00\"}", "time_zone is missing"},
           {"{from: \"09:30\", to: \"11:00\", time_zone: Eastern}", "isn't a time zone"},
           {"{from: \"09:30\", to: \"11:00\", time_zone: Etc/UTC, days: [monday]}", "isn't mon, tue"},
           {"{from: \"09:30\", to: \"11:00\", time_zone: Etc/UTC, days: []}", "names no day"},
           {"{from: \"09:30\", to: \"11:00\", time_zone: Etc/UTC, day: [mon]}", "did you mean `days`?"}}) {
    const Texts texts = of_window(window);
    ASSERT_EQ(texts.size(), 1U) << window;
    EXPECT_NE(texts[0].find(said), std::string::npos) << texts[0];
  }
  for (const auto& [route, said] : std::vector<std::pair<std::string, std::string>>{
           {"{to: [cloud], ordering: clients}", "did you mean"},
           {"{to: [cloud], on_dead_letter: halt}", "isn't"},
           {"{to: [cloud], ordering: none, on_dead_letter: stop}", "stop has no effect without an order"},
           {"{to: [cloud], match: {msh3: EPIC, content_type: application/fhir+ndjson}}", "has no MSH"}}) {
    const Texts texts = beside("routes: [" + route + "]\n");
    ASSERT_GE(texts.size(), 1U) << route;
    EXPECT_NE(texts[0].find(said), std::string::npos) << texts[0];
  }
}

TEST_F(Problems, AJournalSmallerThanAPayloadIsWarnedOf) {
  EXPECT_EQ(beside("journal: {max_size: 10MB}\n"), Texts{"2:10: warning: journal: journal.max_size is smaller than "
                                                         "intake.max_payload: a payload of that size could never be "
                                                         "kept"});
}

// The name of each key whose part isn't built yet, at the place where it stands.
TEST_F(Problems, EveryKeyThatIsNotBuiltYetIsRefusedByName) {
  const std::vector<std::pair<const KeySection*, std::pair<std::string, std::string>>> wrappings = {
      {&keys::top(), {"", "KEY: {}\n"}},
      {&keys::journal(), {"journal.", "journal: {KEY: x}\n"}},
      {&keys::intake(), {"intake.", "intake: {KEY: [{listen: x}]}\n"}},
      {&keys::intake_http(), {"intake.http[0].", "intake: {http: [{KEY: x}]}\n"}},
      {&keys::admin(), {"admin.", "admin: {KEY: x}\n"}},
      {&keys::route(), {"routes[0].", "routes: [{to: [cloud], KEY: none}]\n"}},
      {&keys::match(), {"routes[0].match.", "routes: [{to: [cloud], match: {KEY: x}}]\n"}},
  };
  int count = 0;
  for (const auto& [section, wrapping] : wrappings) {
    for (const auto& key : section->keys) {
      if (key.built) continue;
      std::string text = wrapping.second;
      const std::size_t at = text.find("KEY");
      text.replace(at, 3, key.name);
      EXPECT_EQ(beside(text), Texts{"2:" + std::to_string(at + 1) + ": error: " + wrapping.first +
                                    std::string(key.name) + " isn't supported by this version"});
      ++count;
    }
  }
  for (const auto& key : keys::azure_storage_queue().keys) {
    if (key.built) continue;
    EXPECT_EQ(of_cloud("    type: azure_storage_queue\n    connection_string: UseDevelopmentStorage=true\n    " +
                       std::string(key.name) + ": x\n"),
              Texts{"5:5: error: destinations.cloud." + std::string(key.name) + " isn't supported by this version"});
    ++count;
  }
  EXPECT_GT(count, 0);
}

TEST_F(Problems, OfMllpListeners) {
  EXPECT_EQ(
      beside("intake:\n  mllp:\n    - {listen: '0.0.0.0:2575', client: lab.lis}\n"),
      Texts{"4:16: error: intake.mllp[0].listen: 0.0.0.0:2575 would be open beyond this machine to everybody; "
            "name who may connect in tls.client_ca or allow_from, or say insecure: true where the network is trusted"});
  EXPECT_EQ(beside("intake: {mllp: [{client: a, tls: {}}]}\n"),
            (Texts{"2:34: error: intake.mllp[0].tls: needs `certificate`: a path, or PEM text",
                   "2:34: error: intake.mllp[0].tls: needs `key`: a path, or PEM text"}));
  EXPECT_EQ(
      beside("intake: {mllp: [{listen: 'unix:/run/x', client: 'a b'}]}\n"),
      (Texts{"2:26: error: intake.mllp[0].listen: MLLP is spoken over TCP: write IP:PORT",
             "2:49: error: intake.mllp[0].client: \"a b\" isn't a client's name: a letter or digit, then letters, "
             "digits, '.', '_', '-'; at most 100"}));
  EXPECT_EQ(
      beside("intake: {mllp: [{client: a, ack: orignal, allow_from: [10.1.2.3/24], clients: [{client: b}, {msh3: "
             "X}]}]}\n"),
      (Texts{"2:34: error: intake.mllp[0].ack: \"orignal\" isn't original, enhanced or auto; did you mean "
             "`original`?",
             "2:56: error: intake.mllp[0].allow_from: \"10.1.2.3/24\" isn't a network or an address; write it like "
             "10.1.2.0/24, 2001:db8::/32 or 10.1.2.3, without bits beyond the prefix",
             "2:80: error: intake.mllp[0].clients[0]: names neither msh3 nor msh4; use the listener's `client` for "
             "every sender",
             "2:93: error: intake.mllp[0].clients[1]: needs `client`: who such a sender is"}));
}

TEST_F(Problems, ValuesOfPartsThatAreNotBuiltYetAreRefusedByName) {
  for (const char* type : {"azure_service_bus", "rabbitmq", "redis"}) {
    EXPECT_EQ(of_cloud("    type: " + std::string(type) + "\n    url: x\n"),
              Texts{"3:11: error: destinations.cloud.type: " + std::string(type) + " isn't supported by this version"});
  }
  EXPECT_EQ(of_cloud("    type: azure_storage_queue\n    connection_string: UseDevelopmentStorage=true\n    envelope: "
                     "cloudevents\n"
                     "    queue: q-1\n"),
            Texts{"5:15: error: destinations.cloud.envelope: cloudevents isn't supported by this version"});
  EXPECT_EQ(beside("admin: {read: token}\n"),
            Texts{"2:15: error: admin.read: token needs admin.tokens, or nobody could read"});
  EXPECT_EQ(beside("admin: {read: token, tokens: []}\n"),
            Texts{"2:15: error: admin.read: token needs admin.tokens, or nobody could read"});
  EXPECT_EQ(
      beside("admin: {tokens: [{token_sha256: abc, name: on-call}]}\n"),
      Texts{"2:33: error: admin.tokens[0].token_sha256: isn't 64 digits of lower-case hex, the SHA-256 of the token"});
  EXPECT_EQ(
      beside("admin: {tokens: [{token_sha256: abc}]}\n"),
      (Texts{
          "2:18: error: admin.tokens[0]: needs a name, which the audit shows for what is done with that token",
          "2:33: error: admin.tokens[0].token_sha256: isn't 64 digits of lower-case hex, the SHA-256 of the token"}));
  EXPECT_EQ(beside("admin: {tokens: [{name: on-call}]}\n"),
            Texts{"2:18: error: admin.tokens[0]: needs token_sha256; `edge-relay token new --admin NAME` prints one"});
  for (const char* intake : {"azure_storage_queue", "import"}) {
    EXPECT_EQ(
        beside("routes: [{match: {intake: " + std::string(intake) + "}, to: [cloud]}]\n"),
        Texts{"2:27: error: routes[0].match.intake: " + std::string(intake) + " isn't supported by this version"});
  }
}

}  // namespace
}  // namespace relay
