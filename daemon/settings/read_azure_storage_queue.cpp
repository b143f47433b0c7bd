#include <algorithm>
#include <array>

#include "settings/azure_connection_string.hpp"
#include "settings/section_readers.hpp"
#include "settings/web_url.hpp"

namespace relay {
namespace {

constexpr std::array<std::string_view, 4> sas_keys = {"queue_sas", "blob_sas", "table_sas", "account_sas"};
constexpr std::array<std::string_view, 9> sign_in_keys = {"queue_endpoint", "blob_endpoint", "table_endpoint",
                                                          "account_name",   "account_key",   "queue_sas",
                                                          "blob_sas",       "table_sas",     "account_sas"};

bool is_lower_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

// Queues and containers: "Naming queues and metadata", "Naming containers" of Microsoft's storage reference.
bool is_queue_name(std::string_view name) {
  if (name.size() < 3 || name.size() > 63 || !is_lower_or_digit(name.front()) || !is_lower_or_digit(name.back()))
    return false;
  return name.find("--") == std::string_view::npos &&
         std::ranges::all_of(name, [](char c) { return is_lower_or_digit(c) || c == '-'; });
}

// "Understanding the table service data model".
bool is_table_name(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return name.size() >= 3 && name.size() <= 63 && letter(name.front()) &&
         std::ranges::all_of(name, [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

void read_azure_name(const Section& section, std::string_view key, std::string& target) {
  const auto written = section.text(key);
  if (!written) return;
  if (is_queue_name(written->value)) {
    target = written->value;
  } else {
    section.error(
        key, written->quoted() + " isn't a name that Azure takes: 3 to 63 lower-case letters, digits and single '-'");
  }
}

void read_table(const Section& section, std::string& target) {
  const auto written = section.text("table");
  if (!written) return;
  if (written->value == "none") {
    target.clear();
  } else if (is_table_name(written->value)) {
    target = written->value;
  } else {
    section.error(
        "table",
        written->quoted() + " isn't a name that Azure takes: a letter, then letters and digits, 3 to 63; " + "or none");
  }
}

void read_message_ttl(const Section& section, AzureStorageQueueSettings& azure) {
  const auto written = section.text("message_ttl");
  if (!written || written->value == "never") return;
  std::chrono::milliseconds ttl{0};
  // Azure counts in whole seconds, in 32 bits.
  section.read("message_ttl", ttl, std::chrono::seconds(1), std::chrono::hours(24 * 365 * 50));
  if (ttl.count() == 0) return;
  azure.message_ttl = std::chrono::floor<std::chrono::seconds>(ttl);
  section.warning("message_ttl", "Azure drops what nobody fetched within " + written->value + "; `never` is safer");
}

void read_endpoint(const Section& section, std::string_view key, std::string& target) {
  const auto written = section.text(key);
  if (!written) return;
  auto url = parse_web_url(written->value);
  if (!url) {
    section.error(key, url.error().message);
    return;
  }
  target = std::move(*url);
}

void read_sas(const Section& section, std::string_view key, SecretText& target) {
  section.read(key, target);
  if (target.empty()) return;
  target.drop_front('?');
  const std::string_view sas = target.value().reveal();
  const bool signed_part = sas.starts_with("sig=") || sas.find("&sig=") != std::string_view::npos;
  if (!signed_part || sas.find(' ') != std::string_view::npos) {
    section.error(key, "isn't a shared access signature: the query string that holds sv=…, sp=…, se=… and sig=…");
  }
}

void read_sign_in(const Section& section, AzureStorageQueueSettings& azure) {
  section.read("connection_string", azure.connection_string);
  read_endpoint(section, "queue_endpoint", azure.queue_service.endpoint);
  read_endpoint(section, "blob_endpoint", azure.blob_service.endpoint);
  read_endpoint(section, "table_endpoint", azure.table_service.endpoint);
  if (const auto name = section.text("account_name")) azure.account_name = name->value;
  section.read("account_key", azure.account_key);
  read_sas(section, "queue_sas", azure.queue_service.sas);
  read_sas(section, "blob_sas", azure.blob_service.sas);
  read_sas(section, "table_sas", azure.table_service.sas);
  read_sas(section, "account_sas", azure.account_sas);
}

// True when what is there can be looked at further.
bool check_sign_in_keys(const Section& section) {
  if (section.has("connection_string")) {
    bool alone = true;
    for (const auto key : sign_in_keys) {
      if (!section.has(key)) continue;
      section.error(key, "stands beside connection_string, which says the same; keep one of them");
      alone = false;
    }
    return alone;
  }
  if (std::ranges::none_of(sign_in_keys, [&](std::string_view key) { return section.has(key); })) {
    section.error(
        "connection_string is missing (or queue_endpoint, blob_endpoint and table_endpoint with account_name and "
        "account_key, or with a SAS)");
    return false;
  }
  for (const auto key : sas_keys) {
    if (section.has(key) && section.has("account_key")) {
      section.error(key, "stands beside account_key; keep one way to sign in");
      return false;
    }
  }
  return true;
}

void check_services(const Section& section, AzureStorageQueueSettings& azure) {
  const bool from_string = section.has("connection_string");
  const auto derived = derive_azure_services(azure);
  if (!derived) {
    for (const auto& error : derived.error()) {
      if (from_string) {
        section.error("connection_string", error.message);
      } else {
        section.error(error.message);
      }
    }
    return;
  }
  const std::array<std::pair<std::string_view, const AzureServiceSettings*>, 3> services = {
      {{"queue_endpoint", &azure.queue_service},
       {"blob_endpoint", &azure.blob_service},
       {"table_endpoint", &azure.table_service}}};
  for (const auto& [key, service] : services) {
    if (!is_readable_on_the_way(service->endpoint)) continue;
    section.warning(from_string ? "connection_string" : key,
                    "goes over http:// to another machine: whoever is on the way can read payloads; use https://");
    if (from_string) break;
  }
}

void read_envelope(const Section& section, AzureStorageQueueSettings& azure) {
  section.read_one_of<ReportStreamEnvelope>("envelope", azure.envelope,
                                            {{"reportstream", ReportStreamEnvelope::reportstream},
                                             {"raw", ReportStreamEnvelope::raw},
                                             {"cloudevents", ReportStreamEnvelope::cloudevents}});
  if (azure.envelope == ReportStreamEnvelope::cloudevents) section.not_supported("envelope", "cloudevents");
  section.read_one_of<RawEncoding>("encoding", azure.encoding,
                                   {{"base64", RawEncoding::base64}, {"text", RawEncoding::text}});

  const bool raw = azure.envelope == ReportStreamEnvelope::raw;
  if (!raw && section.has("encoding")) section.warning("encoding", "has no effect: only `envelope: raw` has one");
  for (const char* key : {"blob_container", "table"}) {
    if (raw && section.has(key)) section.warning(key, "has no effect: `envelope: raw` writes the message alone");
  }
  if (azure.queue.empty() && !section.has("queue")) {
    if (azure.envelope == ReportStreamEnvelope::reportstream) {
      azure.queue = "elr-fhir-convert-submission";
    } else {
      section.error("queue is missing; only envelope reportstream has a default");
    }
  }
}

}  // namespace

AzureStorageQueueSettings read_azure_storage_queue(const Section& section) {
  AzureStorageQueueSettings azure;
  read_azure_name(section, "queue", azure.queue);
  read_azure_name(section, "blob_container", azure.blob_container);
  read_table(section, azure.table);
  read_envelope(section, azure);
  read_message_ttl(section, azure);
  section.read("create", azure.create);

  read_sign_in(section, azure);
  // A secret that couldn't be read is one problem, not also a missing right.
  const auto read_well = [&](std::string_view key, bool filled) { return !section.has(key) || filled; };
  const bool complete = read_well("connection_string", !azure.connection_string.empty()) &&
                        read_well("account_key", !azure.account_key.empty()) &&
                        read_well("account_name", !azure.account_name.empty()) &&
                        read_well("account_sas", !azure.account_sas.empty()) &&
                        read_well("queue_sas", !azure.queue_service.sas.empty()) &&
                        read_well("blob_sas", !azure.blob_service.sas.empty()) &&
                        read_well("table_sas", !azure.table_service.sas.empty()) &&
                        read_well("queue_endpoint", !azure.queue_service.endpoint.empty()) &&
                        read_well("blob_endpoint", !azure.blob_service.endpoint.empty()) &&
                        read_well("table_endpoint", !azure.table_service.endpoint.empty());
  if (check_sign_in_keys(section) && complete) check_services(section, azure);
  return azure;
}

}  // namespace relay
