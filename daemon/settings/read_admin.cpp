#include <algorithm>

#include "base/digest.hpp"
#include "settings/section_readers.hpp"

namespace relay {
namespace {

void read_admin_listener(const Section& section, AdminSettings& admin, std::vector<PlacedListener>& listeners) {
  if (const auto written = section.text("listen"); written && written->value == "none") {
    admin.listen.reset();
    read_tls(section, keys::admin_tls());  // for what is wrong in it
    return;
  }
  read_listen_address(section, *admin.listen);
  if (admin.listen->unix_socket()) {
    section.error("listen", "must be IP:PORT, or none; the operator's Unix socket is admin.socket");
  }
  const std::size_t errors_before = section.reading().problems.errors();
  admin.tls = read_tls(section, keys::admin_tls());
  // What is named and can't be read is an error by itself.
  const bool access_is_read = section.reading().problems.errors() == errors_before;
  const bool asks_who = section.has("tokens") || (admin.tls && admin.tls->asks_for_certificates());
  if (access_is_read) check_reach(section, *admin.listen, {admin.insecure, admin.tls.has_value(), asks_who});
  listeners.push_back({*admin.listen, section.place("listen"), "admin.listen"});
}

void read_socket(const Section& section, AdminSettings& admin, std::vector<PlacedListener>& listeners) {
  if (const auto path = section.text("socket")) {
    if (ListenAddress::parse("unix:" + path->value)) {
      admin.socket = path->value;
    } else {
      section.error("socket", path->quoted() + " isn't a socket's path: it begins with '/' and has at most 107 bytes");
    }
  }
  listeners.push_back({{"", 0, admin.socket.string()}, section.place("socket"), "admin.socket"});
  if (const auto group = section.text("socket_group")) admin.socket_group = group->value;
  section.read_mode("socket_mode", admin.socket_mode);
  if ((admin.socket_mode & 0007U) != 0) {
    section.warning("socket_mode", "lets every user of this machine act as operator; 0660 keeps it to socket_group");
  }
}

bool is_operator_name(const std::string& name) {
  return !name.empty() && name.size() <= 100 &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) { return c > 0x20 && c < 0x7f; });
}

void read_token(const Section& section, AdminSettings& admin) {
  BearerToken token;
  const auto name = section.text("name");
  if (!name) {
    section.error("needs a name, which the audit shows for what is done with that token");
    return;
  }
  if (!is_operator_name(name->value)) {
    section.error("name", "isn't a name: 1 to 100 printable ASCII characters without blanks");
  }
  token.name = name->value;
  const auto hex = section.text("token_sha256");
  if (!hex) {
    section.error("needs token_sha256; `edge-relay token new --admin NAME` makes a token and prints it");
    return;
  }
  const auto bytes = hex_decode(hex->value);
  const bool lower_case =
      std::none_of(hex->value.begin(), hex->value.end(), [](char c) { return c >= 'A' && c <= 'F'; });
  if (!bytes || bytes->size() != token.sha256.bytes.size() || !lower_case) {
    section.error("token_sha256", "isn't 64 digits of lower-case hex, the SHA-256 of the token");
    return;
  }
  std::copy(bytes->begin(), bytes->end(), token.sha256.bytes.begin());
  admin.tokens.push_back(std::move(token));
}

void read_who_may_read(const Section& section, AdminSettings& admin) {
  for (const auto& [name, node] : section.items("tokens")) {
    const Place place = section.reading().document.place_of(node.Mark());
    read_token(Section(section.reading(), node, name, keys::admin_token(), place), admin);
  }
  const auto read = section.text("read");
  if (!read || read->value == "open") return;
  if (read->value != "token") {
    section.error("read", read->quoted() + " isn't open or token");
  } else if (!section.has("tokens")) {
    section.error("read", "token needs admin.tokens, or nobody could read");
  }
  admin.token_to_read = read->value == "token";
}

}  // namespace

void read_admin(const Section& top, AdminSettings& admin, std::vector<PlacedListener>& listeners) {
  const Section section = top.section("admin", keys::admin());
  section.read("insecure", admin.insecure);
  read_allowed_hosts(section, admin.allowed_hosts);
  read_who_may_read(section, admin);
  read_admin_listener(section, admin, listeners);
  read_socket(section, admin, listeners);
}

}  // namespace relay
