#include <fmt/format.h>

#include <algorithm>

#include "base/digest.hpp"
#include "base/file.hpp"
#include "settings/section_readers.hpp"
#include "settings/units.hpp"

namespace relay {
namespace {

constexpr std::uint64_t highest_rate = 1'000'000;
constexpr ByteCount longest_public_key = kibibytes(64);

std::optional<TlsClientRule> read_tls_client_rule(const Section& section) {
  TlsClientRule rule;
  if (const auto name = section.text("subject_cn")) rule.subject_cn = name->value;
  if (const auto name = section.text("san_dns")) rule.san_dns = name->value;
  if (!rule.subject_cn && !rule.san_dns) section.error("names neither subject_cn nor san_dns");
  const auto client = read_client(section, "client");
  if (!section.has("client")) section.error("needs `client`: who holds such a certificate");
  if (!client) return std::nullopt;
  rule.client = *client;
  return rule;
}

// What came by reference isn't shown, even where it turns out to be a path.
std::string hidden(std::string message, const std::optional<Text>& text) {
  if (!text || text->shown || text->value.empty()) return message;
  for (std::size_t at = 0; (at = message.find(text->value, at)) != std::string::npos;) {
    message.replace(at, text->value.size(), "(not shown)");
  }
  return message;
}

// "key /etc/…: it isn't …" belongs to the line of `key`.
void report_unusable(const Section& section, std::string message) {
  for (const char* key : {"certificate", "key", "client_ca"}) message = hidden(std::move(message), section.text(key));
  for (const std::string_view key : {"certificate", "key", "client_ca"}) {
    const bool about_it = message.starts_with(key) && message.size() > key.size() &&
                          (message[key.size()] == ' ' || message[key.size()] == ':');
    if (!about_it) continue;
    const std::string rest = message.substr(key.size());
    section.error(key, rest.starts_with(": ") ? rest.substr(2) : rest.substr(1));
    return;
  }
  section.error(message);
}

template <class Item, class Read>
std::vector<Item> read_items(const Section& section, std::string_view key, const KeySection& known, Read read) {
  std::vector<Item> found;
  for (const auto& [name, node] : section.items(key)) {
    const Place place = section.reading().document.place_of(node.Mark());
    if (auto item = read(Section(section.reading(), node, name, known, place))) found.push_back(std::move(*item));
  }
  return found;
}

std::optional<BearerToken> read_intake_token(const Section& section) {
  const auto client = read_client(section, "client");
  const auto digest = read_token_sha256(section, "edge-relay token new");
  if (!digest || (section.has("client") && !client)) return std::nullopt;
  return BearerToken{*digest, client.value_or("")};
}

std::optional<SenderKey> read_sender_key(const Section& section) {
  const auto client = read_client(section, "client");
  if (!section.has("client")) section.error("needs `client`: whose key it is");
  const auto key = section.text("key");
  if (!section.has("key")) section.error("needs `key`: the path of the public key, or its PEM text");
  if (!client || !key) return std::nullopt;
  std::string pem = key->value;
  if (!pem.starts_with("-----BEGIN")) {
    auto content = read_file(pem, longest_public_key);
    if (!content) {
      section.error("key", hidden(content.error().message, key));
      return std::nullopt;
    }
    pem = std::move(*content);
  }
  if (pem.find("-----BEGIN PUBLIC KEY-----") == std::string::npos) {
    section.error("key", "holds no PEM public key (\"-----BEGIN PUBLIC KEY-----\")");
    return std::nullopt;
  }
  return SenderKey{*client, std::move(pem)};
}

}  // namespace

std::optional<Rate> parse_rate(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto count = parse_whole_number(text.substr(0, slash));
  const std::string_view unit = text.substr(slash + 1);
  const double seconds = unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3600 : 0;
  if (!count || *count == 0 || *count > highest_rate || seconds == 0) return std::nullopt;
  return Rate{static_cast<double>(*count) / seconds};
}

std::optional<Rate> read_rate(const Section& section) {
  const auto written = section.text("rate");
  if (!written) return std::nullopt;
  const auto rate = parse_rate(written->value);
  if (!rate) section.error("rate", written->quoted() + " isn't a rate; write it like 100/s, 30/m or 600/h");
  return rate;
}

TlsFiles read_tls_files(const Section& section) {
  TlsFiles files;
  const auto read = [&](const char* key, std::string& target, bool needed) {
    if (const auto text = section.text(key)) target = text->value;
    if (!section.has(key) && needed) section.error(std::string("needs `") + key + "`: a path, or PEM text");
  };
  read("certificate", files.certificate, true);
  read("key", files.key, true);
  read("client_ca", files.client_ca, false);
  for (std::string& complaint : TlsContext::complaints_about(files)) report_unusable(section, std::move(complaint));
  return files;
}

std::optional<TlsListenerSettings> read_tls(const Section& listener, const KeySection& known) {
  if (!listener.has("tls")) return std::nullopt;
  const Section section = listener.section("tls", known);
  TlsListenerSettings tls;
  tls.files = read_tls_files(section);
  tls.clients = read_items<TlsClientRule>(section, "clients", keys::tls_clients(), read_tls_client_rule);
  if (section.has("clients") && !section.has("client_ca")) {
    section.error("clients", "needs client_ca beside it: without it no certificate is asked for");
  }
  return tls;
}

std::optional<Digest> read_token_sha256(const Section& section, std::string_view command) {
  const auto hex = section.text("token_sha256");
  if (!section.has("token_sha256")) section.error(fmt::format("needs token_sha256; `{}` prints one", command));
  if (!hex) return std::nullopt;
  const auto bytes = hex_decode(hex->value);
  const bool lower_case = std::ranges::none_of(hex->value, [](char c) { return c >= 'A' && c <= 'F'; });
  Digest digest;
  if (!bytes || bytes->size() != digest.bytes.size() || !lower_case) {
    section.error("token_sha256", "isn't 64 digits of lower-case hex, the SHA-256 of the token");
    return std::nullopt;
  }
  std::copy(bytes->begin(), bytes->end(), digest.bytes.begin());
  return digest;
}

std::vector<BearerToken> read_intake_tokens(const Section& listener) {
  return read_items<BearerToken>(listener, "tokens", keys::intake_http_tokens(), read_intake_token);
}

std::vector<SenderKey> read_sender_keys(const Section& listener) {
  return read_items<SenderKey>(listener, "public_keys", keys::intake_http_public_keys(), read_sender_key);
}

void check_reach(const Section& section, const ListenAddress& address, const Reach& reach) {
  if (address.loopback() || reach.guarded()) return;
  const std::string where = address.text();
  if (reach.insecure) {
    const std::string nobody_asks = reach.asks_who ? "" : "nobody is asked who they are";
    const std::string readable = reach.tls ? "" : "whoever is on the way can read along";
    const std::string both = nobody_asks.empty() || readable.empty() ? "" : ", and ";
    section.warning("listen", where + " is open beyond this machine and insecure: " + nobody_asks + both + readable);
  } else {
    section.error("listen", where + " would be open beyond this machine " +
                                (reach.tls ? "to everybody; name tokens or tls.client_ca"
                                           : "without tls; name tls, and tokens or tls.client_ca") +
                                ", listen on 127.0.0.1 or unix:/PATH, or say insecure: true where the network is "
                                "trusted");
  }
}

}  // namespace relay
