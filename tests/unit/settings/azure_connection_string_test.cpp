#include "settings/azure_connection_string.hpp"

#include <gtest/gtest.h>

#include "unit/settings/temporary_folder.hpp"

namespace relay {
namespace {

constexpr const char* emulator_key =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
constexpr const char* key = "UExBTlRFRA==";  // ends in '=': a pair must be split on its first one only

TEST(ConnectionString, WithAccountKey) {
  const auto parsed =
      parse_azure_connection_string(std::string("DefaultEndpointsProtocol=https;AccountName=lab;AccountKey=") + key +
                                    ";EndpointSuffix=core.usgovcloudapi.net");
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed->account_name, "lab");
  EXPECT_EQ(parsed->account_key.reveal(), key);
  EXPECT_EQ(parsed->queue_endpoint, "https://lab.queue.core.usgovcloudapi.net");
  EXPECT_EQ(parsed->blob_endpoint, "https://lab.blob.core.usgovcloudapi.net");
  EXPECT_EQ(parsed->table_endpoint, "https://lab.table.core.usgovcloudapi.net");
}

TEST(ConnectionString, ProtocolAndSuffixHaveDefaultsAndNamesAnyCase) {
  const auto parsed = parse_azure_connection_string(std::string("accountname=lab;ACCOUNTKEY=") + key + ";");
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed->queue_endpoint, "https://lab.queue.core.windows.net");
}

TEST(ConnectionString, WithExplicitEndpoints) {
  const auto parsed = parse_azure_connection_string(
      std::string("DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=") + key +
      ";BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1;QueueEndpoint=http://127.0.0.1:10001/devstoreaccount1/;");
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed->blob_endpoint, "http://127.0.0.1:10000/devstoreaccount1");
  EXPECT_EQ(parsed->queue_endpoint, "http://127.0.0.1:10001/devstoreaccount1");
  EXPECT_EQ(parsed->table_endpoint, "") << "a forgotten endpoint must not send payloads to another cloud";
}

TEST(ConnectionString, WithSharedAccessSignature) {
  const auto parsed = parse_azure_connection_string(
      "BlobEndpoint=https://lab.blob.core.windows.net/;QueueEndpoint=https://lab.queue.core.windows.net/;"
      "FileEndpoint=https://lab.file.core.windows.net/;TableEndpoint=https://lab.table.core.windows.net/;"
      "SharedAccessSignature=?sv=2021-12-02&ss=bqt&sig=a%2Bb%3D");
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed->sas.reveal(), "sv=2021-12-02&ss=bqt&sig=a%2Bb%3D");
  EXPECT_EQ(parsed->table_endpoint, "https://lab.table.core.windows.net");
  EXPECT_TRUE(parsed->account_key.empty());
}

TEST(ConnectionString, OfTheEmulator) {
  const auto parsed = parse_azure_connection_string("UseDevelopmentStorage=true");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->account_name, "devstoreaccount1");
  EXPECT_EQ(parsed->account_key.reveal(), emulator_key);
  EXPECT_EQ(parsed->blob_endpoint, "http://127.0.0.1:10000/devstoreaccount1");
  EXPECT_EQ(parsed->queue_endpoint, "http://127.0.0.1:10001/devstoreaccount1");
  EXPECT_EQ(parsed->table_endpoint, "http://127.0.0.1:10002/devstoreaccount1");
  const auto elsewhere =
      parse_azure_connection_string("UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://azurite");
  ASSERT_TRUE(elsewhere);
  EXPECT_EQ(elsewhere->queue_endpoint, "http://azurite:10001/devstoreaccount1");
}

TEST(ConnectionString, MistakesAreToldWithoutAnyPartOfIt) {
  for (const char* text :
       {"UExBTlRFRA==", "AccountName=lab;UExBTlRFRA==", "AccountName=lab",
        "AccountKey=UExBTlRFRA==", "AccountName=lab;AccountKey=UExBTlRFRA",
        "AccountName=lab;AccountKey=UExBTlRFRA==;SharedAccessSignature=sig=UExBTlRFRA",
        "AccountName=lab;AccountName=lab;AccountKey=UExBTlRFRA==", "AccountName=UExBTlRFRA==;AccountKey=UExBTlRFRA==",
        "UseDevelopmentStorage=UExBTlRFRA", "AccountName=lab;AccountKey=UExBTlRFRA==;BlobEndpoint=UExBTlRFRA",
        "AccountName=lab;AccountKey=UExBTlRFRA==;EndpointSuffix=UExBTlRFRA@x",
        "AccountName=lab;AccountKey=UExBTlRFRA==;DefaultEndpointsProtocol=UExBTlRFRA",
        "AccountName=lab;AccountKeys=UExBTlRFRA==", "AccountName=lab;AccountKey", ";;;", ""}) {
    const auto parsed = parse_azure_connection_string(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().message.find("UExBTlRFRA"), std::string::npos) << parsed.error().message;
  }
}

AzureStorageQueueSettings with_string(const std::string& text) {
  AzureStorageQueueSettings settings;
  settings.connection_string = SecretText(text);
  return settings;
}

TEST(DeriveServices, FillsEveryServiceFromTheString) {
  auto settings = with_string("UseDevelopmentStorage=true");
  ASSERT_TRUE(derive_azure_services(settings));
  EXPECT_EQ(settings.account_name, "devstoreaccount1");
  EXPECT_EQ(settings.account_key.value().reveal(), emulator_key);
  EXPECT_EQ(settings.table_service.endpoint, "http://127.0.0.1:10002/devstoreaccount1");
  EXPECT_TRUE(settings.table_service.sas.empty());
}

TEST(DeriveServices, GivesEachServiceTheStringsSas) {
  auto settings = with_string(
      "QueueEndpoint=https://q.example;BlobEndpoint=https://b.example;TableEndpoint=https://t.example;"
      "SharedAccessSignature=sv=1&sig=x");
  ASSERT_TRUE(derive_azure_services(settings));
  for (const auto* service : {&settings.queue_service, &settings.blob_service, &settings.table_service}) {
    EXPECT_EQ(service->sas.value().reveal(), "sv=1&sig=x");
  }
}

TEST(DeriveServices, NamesAllThatTheEnvelopeNeeds) {
  AzureStorageQueueSettings settings;
  settings.queue_service = {"https://q.example", SecretText("sig=x")};
  const auto derived = derive_azure_services(settings);
  ASSERT_FALSE(derived);
  EXPECT_EQ(derived.error().size(), 4U);  // endpoint and right of blob and of table
  settings.table.clear();
  settings.blob_service = {"https://b.example", SecretText("sig=x")};
  EXPECT_TRUE(derive_azure_services(settings));
}

TEST(DeriveServices, ARawEnvelopeNeedsTheQueueAlone) {
  AzureStorageQueueSettings settings;
  settings.envelope = ReportStreamEnvelope::raw;
  settings.queue_service = {"https://q.example", SecretText("sig=x")};
  EXPECT_TRUE(derive_azure_services(settings));
}

TEST(DeriveServices, AServicesOwnSasGoesBeforeTheAccounts) {
  AzureStorageQueueSettings settings;
  settings.queue_service = {"https://q.example", SecretText("sig=q")};
  settings.blob_service = {"https://b.example", {}};
  settings.table.clear();
  settings.account_sas = SecretText("sig=account");
  ASSERT_TRUE(derive_azure_services(settings));
  EXPECT_EQ(settings.queue_service.sas.value().reveal(), "sig=q");
  EXPECT_EQ(settings.blob_service.sas.value().reveal(), "sig=account");
}

TEST(RefreshSecrets, AConnectionStringInAFileIsReadAgain) {
  const TemporaryFolder folder;
  const std::string endpoints =
      "QueueEndpoint=https://q.example;BlobEndpoint=https://b.example;TableEndpoint=https://t.example;";
  const std::string file = folder.write("string", endpoints + "SharedAccessSignature=sig=one");
  AzureStorageQueueSettings settings;
  settings.connection_string = SecretText("${file:" + file + "}", Secret(endpoints + "SharedAccessSignature=sig=one"));
  ASSERT_TRUE(derive_azure_services(settings));
  EXPECT_FALSE(refresh_azure_secrets(settings).value());

  folder.write("string", endpoints + "SharedAccessSignature=sig=two\n");
  EXPECT_TRUE(refresh_azure_secrets(settings).value());
  EXPECT_EQ(settings.blob_service.sas.value().reveal(), "sig=two");

  folder.write("string", "SharedAccessSignature=broken");
  EXPECT_FALSE(refresh_azure_secrets(settings));
  EXPECT_EQ(settings.blob_service.sas.value().reveal(), "sig=two") << "a bad new secret leaves the old one";
}

TEST(RefreshSecrets, AnAccountSasReachesEveryServiceThatUsesIt) {
  const TemporaryFolder folder;
  const std::string file = folder.write("sas", "sig=one");
  AzureStorageQueueSettings settings;
  settings.table.clear();
  settings.queue_service.endpoint = "https://q.example";
  settings.blob_service.endpoint = "https://b.example";
  settings.account_sas = SecretText("${file:" + file + "}", Secret("sig=one"));
  ASSERT_TRUE(derive_azure_services(settings));
  folder.write("sas", "sig=two");
  EXPECT_TRUE(refresh_azure_secrets(settings).value());
  EXPECT_EQ(settings.queue_service.sas.value().reveal(), "sig=two");
  EXPECT_EQ(settings.blob_service.sas.value().reveal(), "sig=two");
}

}  // namespace
}  // namespace relay
