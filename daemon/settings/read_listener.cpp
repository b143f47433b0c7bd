#include <algorithm>

#include "settings/section_readers.hpp"
#include "submission/client_name.hpp"

namespace relay {
namespace {

// As in a Host header, without the port: a name, an IPv4 address, or an IPv6 address in brackets.
bool is_host_name(std::string_view text) {
  if (text.starts_with('[')) return ListenAddress::parse(std::string(text) + ":1").has_value();
  return text.size() <= 253 && std::ranges::all_of(text, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
                  c == '_';
         });
}

bool overlap(const ListenAddress& a, const ListenAddress& b) {
  if (a == b) return a.unix_socket() || a.port != 0;
  if (a.unix_socket() || b.unix_socket() || a.port != b.port || a.port == 0) return false;
  const auto takes_all = [](const ListenAddress& address) { return address.host == "0.0.0.0" || address.host == "::"; };
  return takes_all(a) || takes_all(b);
}

}  // namespace

void read_listen_address(const Section& section, ListenAddress& target) {
  const auto written = section.text("listen");
  if (!written) return;
  if (const auto address = ListenAddress::parse(written->value)) {
    target = *address;
  } else {
    section.error("listen",
                  written->quoted() + " isn't an address; write IP:PORT (127.0.0.1:8870, [::1]:8870) or unix:/PATH");
  }
}

void read_allowed_hosts(const Section& section, std::vector<std::string>& target) {
  for (const auto& host : section.texts("allowed_hosts").value_or(std::vector<Text>())) {
    if (is_host_name(host.value)) {
      target.push_back(host.value);
    } else {
      section.reading().problems.error(host.place, section.name("allowed_hosts") + ": " + host.quoted() +
                                                       " isn't a host name; write it without scheme, port or path");
    }
  }
}

std::optional<std::vector<IpNetwork>> read_allow_from(const Section& section) {
  const auto written = section.texts("allow_from");
  if (!written) return std::nullopt;
  if (section.items("allow_from").empty()) section.error("allow_from", "is empty, so nobody could connect");
  std::vector<IpNetwork> networks;
  for (const auto& text : *written) {
    if (const auto network = IpNetwork::parse(text.value)) {
      networks.push_back(*network);
    } else {
      section.reading().problems.error(text.place, section.name("allow_from") + ": " + text.quoted() +
                                                       " isn't a network or an address; write it like 10.1.2.0/24, "
                                                       "2001:db8::/32 or 10.1.2.3, without bits beyond the prefix");
    }
  }
  return networks;
}

std::optional<std::string> read_client(const Section& section, std::string_view key) {
  const auto written = section.text(key);
  if (!written) return std::nullopt;
  if (is_client_name(written->value)) return written->value;
  section.error(key, written->quoted() +
                         " isn't a client's name: a letter or digit, then letters, digits, '.', '_', '-'; at most 100");
  return std::nullopt;
}

void check_listeners_apart(const Reading& reading, const std::vector<PlacedListener>& listeners) {
  for (std::size_t later = 0; later < listeners.size(); ++later) {
    for (std::size_t earlier = 0; earlier < later; ++earlier) {
      if (!overlap(listeners[earlier].address, listeners[later].address)) continue;
      reading.problems.error(listeners[later].place, listeners[later].name + ": " + listeners[later].address.text() +
                                                         " is taken by " + listeners[earlier].name + " already");
      break;
    }
  }
}

}  // namespace relay
