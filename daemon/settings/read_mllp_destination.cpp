#include <algorithm>

#include "settings/section_readers.hpp"
#include "settings/units.hpp"

namespace relay {
namespace {

// host:port, [address]:port
bool take_address(std::string_view text, MllpDestinationSettings& mllp) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return false;
  const auto port = parse_whole_number(text.substr(colon + 1));
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto fits = [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == '_' || (bracketed && c == ':');
  };
  if (!port || *port < 1 || *port > 65535 || host.empty() || !std::ranges::all_of(host, fits)) return false;
  mllp.host = host;
  mllp.port = static_cast<std::uint16_t>(*port);
  return true;
}

// `tls: true`, or a section with what we show of ourselves.
void read_tls(const Section& destination, MllpDestinationSettings& mllp) {
  if (!destination.has("tls")) return;
  if (destination.node("tls").IsScalar()) return destination.read("tls", mllp.tls);
  mllp.tls = true;
  const Section section = destination.section("tls", keys::mllp_destination_tls());
  mllp.client_certificate = read_client_certificate(section);
  if (!section.has("ca_file")) return;
  if (destination.has("ca_file")) section.error("ca_file", "stands beside tls already; leave one of both out");
  read_ca_file(section, mllp.ca_file);
}

}  // namespace

MllpDestinationSettings read_mllp_destination(const Section& section) {
  MllpDestinationSettings mllp;
  if (const auto address = section.text("address")) {
    if (!take_address(address->value, mllp))
      section.error("address", address->quoted() + " isn't HOST:PORT, like lis.hospital.example:2575");
  } else if (!section.has("address")) {
    section.error("address is missing: HOST:PORT of the receiver");
  }
  read_ca_file(section, mllp.ca_file);
  read_tls(section, mllp);
  if (section.has("ca_file") && !mllp.tls) section.error("ca_file", "needs tls beside it");
  section.read("ack_timeout", mllp.ack_timeout, std::chrono::milliseconds(1), std::chrono::hours(1));
  std::size_t messages = 1;
  section.read("concurrency", messages, 1, 256);
  if (messages > 1)
    section.warning("concurrency", "is 1 here whatever is written: one message is in flight on one connection");
  return mllp;
}

}  // namespace relay
