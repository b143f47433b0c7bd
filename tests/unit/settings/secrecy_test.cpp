// A planted secret must not come out, whatever is wrong with the file around it.
#include <gtest/gtest.h>

#include "settings/describe.hpp"
#include "settings/key_table.hpp"
#include "unit/settings/temporary_folder.hpp"

namespace relay {
namespace {

constexpr const char* planted = "hunter2";

class Secrecy : public testing::Test {
 protected:
  // Fails where anything that is said of the file holds the secret. Tells how many problems there were.
  std::size_t expect_secret(const std::string& text) {
    const auto problems = problems_of(folder.write("edge-relay.yaml", text));
    for (const auto& problem : problems)
      EXPECT_EQ(problem.find(planted), std::string::npos) << problem << "\nof\n" << text;
    return problems.size();
  }

  TemporaryFolder folder;
  SetEnvironment secret{"RELAY_TEST_SECRET", planted};
};

TEST_F(Secrecy, NoValueThatCameByReferenceIsQuotedAtAnyKey) {
  const std::string cloud =
      "destinations: {cloud: {type: azure_storage_queue, connection_string: UseDevelopmentStorage=true}}\n";
  const std::vector<std::pair<const KeySection*, std::string>> wrappings = {
      {&keys::top(), cloud + "KEY: VALUE\n"},
      {&keys::journal(), cloud + "journal: {KEY: VALUE}\n"},
      {&keys::intake(), cloud + "intake: {KEY: VALUE}\n"},
      {&keys::intake_http(), cloud + "intake: {http: [{KEY: VALUE}]}\n"},
      {&keys::intake_folder(), cloud + "intake: {folder: [{KEY: VALUE}]}\n"},
      {&keys::intake_tls(), cloud + "intake: {http: [{tls: {certificate: x, key: x, KEY: VALUE}}]}\n"},
      {&keys::tls_clients(), cloud + "intake: {http: [{tls: {clients: [{KEY: VALUE}]}}]}\n"},
      {&keys::intake_http_tokens(), cloud + "intake: {http: [{tokens: [{KEY: VALUE}]}]}\n"},
      {&keys::intake_http_public_keys(), cloud + "intake: {http: [{public_keys: [{KEY: VALUE}]}]}\n"},
      {&keys::admin_tls(), cloud + "admin: {tls: {KEY: VALUE}}\n"},
      {&keys::intake_mllp(), cloud + "intake: {mllp: [{KEY: VALUE}]}\n"},
      {&keys::intake_mllp_tls(), cloud + "intake: {mllp: [{tls: {certificate: x, key: x, KEY: VALUE}}]}\n"},
      {&keys::intake_mllp_clients(), cloud + "intake: {mllp: [{clients: [{KEY: VALUE}]}]}\n"},
      {&keys::admin(), cloud + "admin: {KEY: VALUE}\n"},
      {&keys::admin_token(), cloud + "admin: {tokens: [{KEY: VALUE}]}\n"},
      {&keys::forward(), cloud + "forward: {KEY: VALUE}\n"},
      {&keys::log(), cloud + "log: {KEY: VALUE}\n"},
      {&keys::route(), cloud + "routes: [{KEY: VALUE}]\n"},
      {&keys::match(), cloud + "routes: [{to: [cloud], match: {KEY: VALUE}}]\n"},
      {&keys::azure_storage_queue(), "destinations: {a: {type: azure_storage_queue, KEY: VALUE}}\n"},
      {&keys::reportstream(), "destinations: {a: {type: reportstream, KEY: VALUE}}\n"},
      {&keys::reportstream_auth(),
       "destinations: {a: {type: reportstream, url: 'https://x.example', auth: {KEY: VALUE}}}\n"},
      {&keys::http(), "destinations: {a: {type: http, KEY: VALUE}}\n"},
      {&keys::http_auth(), "destinations: {a: {type: http, url: 'https://x.example', auth: {KEY: VALUE}}}\n"},
      {&keys::client_certificate(),
       "destinations: {a: {type: http, url: 'https://x.example', client_certificate: {KEY: VALUE}}}\n"},
      {&keys::http_accept(), "destinations: {a: {type: http, url: 'https://x.example', accept: {KEY: VALUE}}}\n"},
      {&keys::http_refuse(), "destinations: {a: {type: http, url: 'https://x.example', refuse: {KEY: VALUE}}}\n"},
      {&keys::mllp_destination(), "destinations: {a: {type: mllp, KEY: VALUE}}\n"},
      {&keys::mllp_destination_tls(), "destinations: {a: {type: mllp, address: 'a:1', tls: {KEY: VALUE}}}\n"},
      {&keys::s3(), "destinations: {a: {type: s3, KEY: VALUE}}\n"},
      {&keys::sftp(), "destinations: {a: {type: sftp, KEY: VALUE}}\n"},
      {&keys::directory(), "destinations: {a: {type: directory, KEY: VALUE}}\n"},
      {&keys::hold_window(), "destinations: {a: {type: directory, path: /tmp, hold_windows: [{KEY: VALUE}]}}\n"},
      {&keys::backoff(), "destinations: {a: {type: directory, path: /tmp, backoff: {KEY: VALUE}}}\n"},
  };
  std::size_t tried = 0;
  for (const auto& [section, wrapping] : wrappings) {
    for (const auto& key : section->keys) {
      for (const std::string value : {"\"${env:RELAY_TEST_SECRET} x\"", "[\"${env:RELAY_TEST_SECRET} x\"]",
                                      "{a: \"${env:RELAY_TEST_SECRET}\"}", "\"/${env:RELAY_TEST_SECRET}/\""}) {
        std::string text = wrapping;
        text.replace(text.find("VALUE"), 5, value);
        text.replace(text.find("KEY"), 3, key.name);
        expect_secret(text);
        ++tried;
      }
    }
  }
  EXPECT_EQ(
      tried, 4 * [] {
        std::size_t all = 0;
        for (const KeySection* section : keys::all()) all += section->keys.size();
        return all;
      }());
}

TEST_F(Secrecy, NoLiteralOfASecretsKeyIsQuoted) {
  for (const char* key :
       {"connection_string", "account_key", "queue_sas", "blob_sas", "table_sas", "account_sas", "proxy_credentials"}) {
    for (const char* value : {"hunter2",
                              "'hunter2 x'",
                              "\"hunter2\\nx\"",
                              "AccountKey=hunter2",
                              "hunter2=AccountKey",
                              "AccountName=x;hunter2",
                              "sig=hunter2;x",
                              "[hunter2]",
                              "{hunter2: hunter2}",
                              "!hunter2 x",
                              "${hunter2}",
                              "\"${env:hunter2-x}",
                              "${env:RELAY_TEST_UNSET}hunter2",
                              "*hunter2",
                              "&hunter2",
                              "@hunter2",
                              "`hunter2`",
                              "hunter2: hunter2",
                              "- hunter2",
                              "\"hunter2",
                              "'hunter2",
                              "%hunter2",
                              "{hunter2",
                              "[hunter2",
                              "|\n hunter2",
                              "!<hunter2 x",
                              "hunter2\n hunter2: x",
                              "\"\\hunter2\""}) {
      EXPECT_GT(expect_secret("destinations:\n  a:\n    type: azure_storage_queue\n    " + std::string(key) + ": " +
                              value + "\n"),
                0U);
    }
  }
}

TEST_F(Secrecy, ASecretInTheWrongPlaceOfAnAddressIsNotQuoted) {
  for (const char* key : {"queue_endpoint", "blob_endpoint", "table_endpoint", "proxy"}) {
    for (const char* value : {"https://x.example/?sv=1&sig=hunter2", "https://user:hunter2@x.example",
                              "https://x.example/#hunter2", "hunter2", "https://x.example:hunter2"}) {
      EXPECT_GT(
          expect_secret("destinations: {a: {type: azure_storage_queue, " + std::string(key) + ": '" + value + "'}}\n"),
          0U);
    }
  }
}

TEST_F(Secrecy, AQuoteThatIsNotClosedDoesNotBringOutWhatFollows) {
  EXPECT_GT(expect_secret("site: \"lab\ndestinations: {a: {account_key: hunter2}}\n"), 0U);
  EXPECT_GT(expect_secret("site: 'lab\naccount_key: hunter2\nlog: {level: 'x'}\n"), 0U);
  EXPECT_GT(expect_secret("site: lab\n  hunter2\n"), 0U);
  EXPECT_GT(expect_secret("log:\n  level: loud\n    hunter2\n"), 0U);
}

TEST_F(Secrecy, ASecretThatSlippedOverToTheKeysSideIsNotQuoted) {
  EXPECT_GT(expect_secret("'hunter2/+=': x\n"), 0U);
  EXPECT_GT(expect_secret("destinations: {'hunter2/+=': {type: directory}}\n"), 0U);
  EXPECT_GT(expect_secret("site: a\n'hunter2 x': a\n'hunter2 x': b\n"), 0U);
}

TEST_F(Secrecy, DescriptionsHoldNone) {
  const SetEnvironment string("RELAY_TEST_STRING", "AccountName=lab;AccountKey=aHVudGVyMg==");
  const auto loaded = load_settings(folder.write(
      "edge-relay.yaml",
      "destinations: {a: {type: azure_storage_queue, connection_string: \"${env:RELAY_TEST_STRING}\"}}\n"));
  ASSERT_TRUE(loaded);
  for (const auto& line : describe_routes(loaded->settings, {})) EXPECT_EQ(line.find("aHVudGVyMg"), std::string::npos);
}

}  // namespace
}  // namespace relay
