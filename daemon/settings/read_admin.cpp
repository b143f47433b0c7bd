#include "settings/section_readers.hpp"

namespace relay {
namespace {

void read_admin_listener(const Section& section, AdminSettings& admin, std::vector<PlacedListener>& listeners) {
  if (const auto written = section.text("listen"); written && written->value == "none") {
    admin.listen.reset();
    return;
  }
  read_listen_address(section, *admin.listen);
  if (admin.listen->unix_socket()) {
    section.error("listen", "must be IP:PORT, or none; the operator's Unix socket is admin.socket");
  }
  check_reach(section, *admin.listen, admin.insecure);
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

void read_who_may_read(const Section& section) {
  const auto read = section.text("read");
  if (!read || read->value == "open") return;
  if (read->value == "token") {
    section.not_supported("read", "token");
  } else {
    section.error("read", read->quoted() + " isn't open or token");
  }
}

}  // namespace

void read_admin(const Section& top, AdminSettings& admin, std::vector<PlacedListener>& listeners) {
  const Section section = top.section("admin", keys::admin());
  section.read("insecure", admin.insecure);
  read_allowed_hosts(section, admin.allowed_hosts);
  read_who_may_read(section);
  read_admin_listener(section, admin, listeners);
  read_socket(section, admin, listeners);
}

}  // namespace relay
