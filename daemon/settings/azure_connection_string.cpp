#include "settings/azure_connection_string.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <utility>

#include "base/digest.hpp"
#include "settings/web_url.hpp"

namespace relay {
namespace {

// The account that every storage emulator knows, published by Microsoft ("Use the Azurite emulator").
constexpr std::string_view emulator_account = "devstoreaccount1";
constexpr std::string_view emulator_key =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

constexpr std::array<std::string_view, 8> used_names = {
    "DefaultEndpointsProtocol", "AccountName",   "AccountKey",   "SharedAccessSignature",
    "EndpointSuffix",           "QueueEndpoint", "BlobEndpoint", "TableEndpoint"};
// Of services and replicas that the relay doesn't use, and of the emulator.
constexpr std::array<std::string_view, 7> other_names = {
    "FileEndpoint",           "DfsEndpoint",           "QueueSecondaryEndpoint",    "BlobSecondaryEndpoint",
    "TableSecondaryEndpoint", "UseDevelopmentStorage", "DevelopmentStorageProxyUri"};

using Pairs = std::map<std::string_view, std::string_view>;  // by the known spelling of the name

bool same_letters(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

std::optional<std::string_view> known_name(std::string_view name) {
  for (const auto known : used_names) {
    if (same_letters(known, name)) return known;
  }
  for (const auto known : other_names) {
    if (same_letters(known, name)) return known;
  }
  return std::nullopt;
}

Result<Pairs> split_pairs(std::string_view text) {
  Pairs pairs;
  for (int number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find(';');
    const std::string_view pair = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    const auto name = known_name(pair.substr(0, equals));
    const std::string which = "part " + std::to_string(number) + " of the connection string";
    if (equals == std::string_view::npos) return fail(which + " isn't NAME=VALUE");
    if (!name) return fail(which + " has a name that isn't known; copy the whole string as the portal shows it");
    if (!pairs.emplace(*name, pair.substr(equals + 1)).second) {
      return fail("the connection string names " + std::string(*name) + " twice");
    }
  }
  return pairs;
}

std::string_view value_of(const Pairs& pairs, std::string_view name) {
  const auto found = pairs.find(name);
  return found == pairs.end() ? std::string_view() : found->second;
}

bool is_account_name(std::string_view name) {
  return !name.empty() && name.size() <= 63 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

bool is_account_key(std::string_view key) {
  const auto decoded = base64_decode(key);
  return decoded && !decoded->empty();
}

Result<AzureConnectionString> emulator(const Pairs& pairs) {
  std::string host = "http://127.0.0.1";
  if (const auto proxy = value_of(pairs, "DevelopmentStorageProxyUri"); !proxy.empty()) {
    auto url = parse_web_url(proxy);
    if (!url) return fail("the connection string's DevelopmentStorageProxyUri " + url.error().message);
    host = std::move(*url);
  }
  AzureConnectionString parsed;
  parsed.account_name = emulator_account;
  parsed.account_key = Secret(std::string(emulator_key));
  parsed.blob_endpoint = host + ":10000/" + parsed.account_name;
  parsed.queue_endpoint = host + ":10001/" + parsed.account_name;
  parsed.table_endpoint = host + ":10002/" + parsed.account_name;
  return parsed;
}

Result<void> read_sign_in(const Pairs& pairs, AzureConnectionString& parsed) {
  parsed.account_name = value_of(pairs, "AccountName");
  parsed.account_key = Secret(std::string(value_of(pairs, "AccountKey")));
  std::string_view sas = value_of(pairs, "SharedAccessSignature");
  if (sas.starts_with('?')) sas.remove_prefix(1);
  parsed.sas = Secret(std::string(sas));

  if (!parsed.account_name.empty() && !is_account_name(parsed.account_name)) {
    return fail("the connection string's AccountName isn't the name of a storage account");
  }
  if (parsed.account_key.empty() == parsed.sas.empty()) {
    return fail(parsed.sas.empty() ? "the connection string has neither AccountKey nor SharedAccessSignature"
                                   : "the connection string has both AccountKey and SharedAccessSignature; keep one");
  }
  if (!parsed.account_key.empty()) {
    if (parsed.account_name.empty()) return fail("the connection string has an AccountKey but no AccountName");
    if (!is_account_key(parsed.account_key.reveal())) {
      return fail("the connection string's AccountKey isn't base64; copy it whole, with its '=' at the end");
    }
  }
  return {};
}

Result<void> read_endpoints(const Pairs& pairs, AzureConnectionString& parsed) {
  const std::array<std::pair<std::string_view, std::string*>, 3> services = {
      {{"Queue", &parsed.queue_endpoint}, {"Blob", &parsed.blob_endpoint}, {"Table", &parsed.table_endpoint}}};
  bool any = false;
  for (const auto& [service, endpoint] : services) {
    const std::string name = std::string(service) + "Endpoint";
    const auto text = value_of(pairs, name);
    if (text.empty()) continue;
    auto url = parse_web_url(text);
    if (!url) return fail("the connection string's " + name + " " + url.error().message);
    *endpoint = std::move(*url);
    any = true;
  }

  std::string_view protocol = value_of(pairs, "DefaultEndpointsProtocol");
  std::string_view suffix = value_of(pairs, "EndpointSuffix");
  if (parsed.account_name.empty() || (any && suffix.empty())) return {};
  if (protocol.empty()) protocol = "https";
  if (suffix.empty()) suffix = "core.windows.net";
  for (const auto& [service, endpoint] : services) {
    if (!endpoint->empty()) continue;
    std::string host = parsed.account_name + "." + std::string(service) + ".";
    std::ranges::transform(host, host.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    auto url = parse_web_url(std::string(protocol).append("://").append(host).append(suffix));
    if (!url) return fail("the connection string's DefaultEndpointsProtocol and EndpointSuffix make no address");
    *endpoint = std::move(*url);
  }
  return {};
}

struct Need {
  const char* service;
  const char* why;
  AzureServiceSettings* settings;
};

std::vector<Need> needs_of(AzureStorageQueueSettings& settings) {
  std::vector<Need> needs = {{"queue", "every submission is a queue message", &settings.queue_service}};
  if (settings.envelope == ReportStreamEnvelope::raw) return needs;
  needs.push_back({"blob", "the envelope puts the payload in a blob", &settings.blob_service});
  if (settings.envelope == ReportStreamEnvelope::reportstream && !settings.table.empty()) {
    needs.push_back({"table", "the envelope writes a table row (`table: none` writes none)", &settings.table_service});
  }
  return needs;
}

void take_over(AzureConnectionString parsed, AzureStorageQueueSettings& settings) {
  settings.account_name = std::move(parsed.account_name);
  settings.account_key = SecretText("", std::move(parsed.account_key));
  settings.account_sas = SecretText("", std::move(parsed.sas));
  settings.queue_service = {std::move(parsed.queue_endpoint), settings.account_sas};
  settings.blob_service = {std::move(parsed.blob_endpoint), settings.account_sas};
  settings.table_service = {std::move(parsed.table_endpoint), settings.account_sas};
}

Result<void> check_explicit_key(const AzureStorageQueueSettings& settings) {
  if (settings.account_key.empty()) return {};
  if (settings.account_name.empty()) return fail("account_key needs account_name beside it");
  if (!is_account_key(settings.account_key.value().reveal())) {
    return fail("account_key isn't base64; copy it whole, with its '=' at the end");
  }
  return {};
}

Error missing_endpoint(const Need& need, bool from_string) {
  std::string service = need.service;
  if (!from_string) return {service + "_endpoint is missing: " + need.why};
  service[0] = static_cast<char>(service[0] - 'a' + 'A');
  return {"the connection string has no " + service + "Endpoint: " + need.why};
}

Error missing_right(const Need& need) {
  const std::string service = need.service;
  return {"nothing gives the right to use the " + service + " service: " + need.why + "; add " + service +
          "_sas or account_sas, or use account_name with account_key"};
}

}  // namespace

Result<AzureConnectionString> parse_azure_connection_string(std::string_view text) {
  auto pairs = split_pairs(text);
  if (!pairs) return Failure{pairs.error()};
  if (const auto development = value_of(*pairs, "UseDevelopmentStorage"); !development.empty()) {
    if (!same_letters(development, "true"))
      return fail("the connection string's UseDevelopmentStorage can only be true");
    return emulator(*pairs);
  }
  AzureConnectionString parsed;
  if (auto sign_in = read_sign_in(*pairs, parsed); !sign_in) return Failure{sign_in.error()};
  if (auto endpoints = read_endpoints(*pairs, parsed); !endpoints) return Failure{endpoints.error()};
  return parsed;
}

Result<void, std::vector<Error>> derive_azure_services(AzureStorageQueueSettings& settings) {
  const bool from_string = !settings.connection_string.empty();
  std::vector<Error> errors;
  if (from_string) {
    auto parsed = parse_azure_connection_string(settings.connection_string.value().reveal());
    if (!parsed) return Failure{std::vector<Error>{parsed.error()}};
    take_over(std::move(*parsed), settings);
  } else if (auto key = check_explicit_key(settings); !key) {
    errors.push_back(key.error());
  }

  for (const Need& need : needs_of(settings)) {
    if (need.settings->endpoint.empty()) errors.push_back(missing_endpoint(need, from_string));
    if (need.settings->sas.empty()) need.settings->sas = settings.account_sas;
    if (need.settings->sas.empty() && settings.account_key.empty()) errors.push_back(missing_right(need));
  }
  if (!errors.empty()) return Failure{std::move(errors)};
  return {};
}

Result<bool> refresh_azure_secrets(AzureStorageQueueSettings& settings) {
  AzureStorageQueueSettings fresh = settings;
  bool changed = false;
  for (SecretText* secret : {&fresh.connection_string, &fresh.account_key, &fresh.account_sas, &fresh.queue_service.sas,
                             &fresh.blob_service.sas, &fresh.table_service.sas}) {
    auto refreshed = secret->refresh();
    if (!refreshed) return refreshed;
    changed = changed || *refreshed;
  }
  if (!changed) return false;
  if (auto derived = derive_azure_services(fresh); !derived) return Failure{derived.error().front()};
  settings = std::move(fresh);
  return true;
}

}  // namespace relay
