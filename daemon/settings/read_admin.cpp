#include <algorithm>

#include "settings/section_readers.hpp"

namespace relay {
namespace {

// What is asked for is asked of everybody there: who only reads, too.
void ask_for_tokens_beyond_loopback(const Section& section, AdminSettings& admin) {
  if (const auto read = section.text("read"); read && read->value == "open") {
    section.error("read", "open is for loopback alone; beyond it everything is shown with one of admin.tokens");
  }
  admin.token_to_read = true;
}

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
  const bool names_tokens = !section.items("tokens").empty();  // one that can't be read is an error by itself
  const bool asks_who = names_tokens || (admin.tls && admin.tls->asks_for_certificates());
  if (access_is_read) check_reach(section, *admin.listen, {admin.insecure, admin.tls.has_value(), asks_who});
  if (!admin.listen->loopback() && !admin.insecure && names_tokens) ask_for_tokens_beyond_loopback(section, admin);
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
  const auto name = section.text("name");
  if (!section.has("name")) section.error("needs a name, which the audit shows for what is done with that token");
  if (name && !is_operator_name(name->value)) {
    section.error("name", "isn't a name: 1 to 100 printable ASCII characters without blanks");
  }
  const auto digest = read_token_sha256(section, "edge-relay token new --admin NAME");
  if (name && digest) admin.tokens.push_back({*digest, name->value});
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
  } else if (section.items("tokens").empty()) {
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
