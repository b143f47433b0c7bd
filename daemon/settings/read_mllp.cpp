#include <algorithm>

#include "settings/section_readers.hpp"
#include "submission/client_name.hpp"

namespace relay {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

std::optional<MllpClientRule> read_client_rule(const Section& section) {
  MllpClientRule rule{read_header_glob(section, "msh3"), read_header_glob(section, "msh4"), ""};
  if (!section.has("msh3") && !section.has("msh4")) {
    section.error("names neither msh3 nor msh4; use the listener's `client` for every sender");
  }
  const auto client = read_client(section, "client");
  if (!section.has("client")) section.error("needs `client`: who such a sender is");
  if (!client) return std::nullopt;
  rule.client = *client;
  return rule;
}

void read_client_rules(const Section& section, std::vector<MllpClientRule>& rules) {
  for (const auto& [name, node] : section.items("clients")) {
    const Section item(section.reading(), node, name, keys::intake_mllp_clients(),
                       section.reading().document.place_of(node.Mark()));
    if (auto rule = read_client_rule(item)) rules.push_back(std::move(*rule));
  }
}

// Beyond loopback something has to say who may connect: a certificate, or an address.
void check_mllp_reach(const Section& section, const MllpListenerSettings& listener) {
  if (listener.listen.loopback() || listener.guarded()) return;
  if (listener.insecure) {
    section.warning("listen", listener.listen.text() + " is open beyond this machine and insecure: everybody who " +
                                  "reaches it may submit" +
                                  (listener.tls ? "" : ", and whoever is on the way can read along"));
  } else {
    section.error("listen", listener.listen.text() + " would be open beyond this machine to everybody; name who may " +
                                "connect in tls.client_ca or allow_from, or say insecure: true where the network is "
                                "trusted");
  }
}

MllpListenerSettings read_mllp_listener(const Section& section) {
  MllpListenerSettings listener;
  read_listen_address(section, listener.listen);
  if (listener.listen.unix_socket()) section.error("listen", "MLLP is spoken over TCP: write IP:PORT");
  listener.client = read_client(section, "client");
  read_client_rules(section, listener.clients);
  const std::size_t errors_before = section.reading().problems.errors();
  listener.tls = read_tls(section, keys::intake_mllp_tls());
  const bool certificates_name = listener.tls && !listener.tls->clients.empty();
  if (!section.has("client") && !section.has("clients") && !certificates_name) {
    section.warning("listen",
                    "every message will be refused, since nothing says who is sending: name `client`, "
                    "`clients` by MSH-3 and MSH-4, or tls.clients by certificate");
  }
  listener.allow_from = read_allow_from(section);
  // What is named and can't be read is an error by itself.
  const bool access_is_read = section.reading().problems.errors() == errors_before;
  section.read_one_of<AcknowledgementMode>("ack", listener.ack,
                                           {{"original", AcknowledgementMode::original},
                                            {"enhanced", AcknowledgementMode::enhanced},
                                            {"auto", AcknowledgementMode::automatic}});
  section.read_one_of<WhenUnavailable>("when_unavailable", listener.when_unavailable,
                                       {{"close", WhenUnavailable::close}, {"nak", WhenUnavailable::nak}});
  section.read_one_of<OnRepeat>("on_repeat", listener.on_repeat,
                                {{"absorb", OnRepeat::absorb}, {"accept", OnRepeat::accept}});
  section.read("dedupe_window", listener.dedupe_window, milliseconds(0), hours(24 * 365 * 10));
  section.read_one_of<TestProductionGuard>("test_production_guard", listener.test_production_guard,
                                           {{"off", TestProductionGuard::off},
                                            {"production", TestProductionGuard::production},
                                            {"test", TestProductionGuard::test}});
  section.read("max_connections", listener.max_connections, 1, 65'535);
  section.read("insecure", listener.insecure);
  if (access_is_read) check_mllp_reach(section, listener);
  return listener;
}

}  // namespace

std::optional<std::string> read_header_glob(const Section& section, std::string_view key) {
  const auto written = section.text(key);
  return written ? std::optional(written->value) : std::nullopt;
}

void read_mllp(const Section& intake, std::vector<MllpListenerSettings>& mllp, std::vector<PlacedListener>& listeners) {
  for (const auto& [name, node] : intake.items("mllp")) {
    const Section listener(intake.reading(), node, name, keys::intake_mllp(),
                           intake.reading().document.place_of(node.Mark()));
    mllp.push_back(read_mllp_listener(listener));
    listeners.push_back({mllp.back().listen, listener.place("listen"), name + ".listen"});
  }
}

}  // namespace relay
