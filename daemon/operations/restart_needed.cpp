#include "operations/restart_needed.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace relay {
namespace {

const HttpListenerSettings* listener_at(const Settings& settings, const ListenAddress& address) {
  const auto found = std::ranges::find_if(settings.intake.http, [&](const HttpListenerSettings& listener) {
    return listener.listen.text() == address.text();
  });
  return found == settings.intake.http.end() ? nullptr : &*found;
}

}  // namespace

std::vector<std::string> keys_for_a_restart(const Settings& now, const ConfigurationPrint& print_at_start,
                                            const Settings& next, const ConfigurationPrint& print_next) {
  std::vector<std::string> keys = print_next.changed_credentials();
  for (std::string& key : print_at_start.differences(print_next, "journal")) keys.push_back(std::move(key));
  // Where the operator endpoint is; who may use it changes with the rest.
  for (const char* key : {"admin.listen", "admin.socket", "admin.socket_group", "admin.socket_mode"}) {
    if (!print_at_start.differences(print_next, key).empty()) keys.emplace_back(key);
  }
  if (now.site != next.site) keys.emplace_back("site");
  if (now.intake.keep_idempotency != next.intake.keep_idempotency) keys.emplace_back("intake.keep_idempotency");
  for (std::size_t i = 0; i < next.intake.http.size(); ++i) {
    const HttpListenerSettings& listener = next.intake.http[i];
    const HttpListenerSettings* same = listener_at(now, listener.listen);
    if (same == nullptr) continue;
    const auto compare = [&](bool equal, const char* key) {
      if (!equal) keys.push_back(fmt::format("intake.http[{}].{}", i, key));
    };
    // The socket's file is there already, and stays in use.
    compare(same->group == listener.group || !listener.listen.unix_socket(), "group");
    compare(same->mode == listener.mode || !listener.listen.unix_socket(), "mode");
    compare(same->max_connections == listener.max_connections, "max_connections");
  }
  for (std::size_t i = 0; i < next.intake.mllp.size(); ++i) {
    const MllpListenerSettings& listener = next.intake.mllp[i];
    const auto same = std::ranges::find(now.intake.mllp, listener.listen, &MllpListenerSettings::listen);
    if (same == now.intake.mllp.end()) continue;
    if (same->max_connections != listener.max_connections) {
      keys.push_back(fmt::format("intake.mllp[{}].max_connections", i));
    }
    // The journal keeps what messages were called for as long as it was told at the start.
    if (same->dedupe_window < listener.dedupe_window) keys.push_back(fmt::format("intake.mllp[{}].dedupe_window", i));
  }
  std::ranges::sort(keys);
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

void keep_until_the_restart(const Settings& now, Settings& next) {
  next.site = now.site;
  next.journal = now.journal;
  next.admin.listen = now.admin.listen;
  next.admin.socket = now.admin.socket;
  next.admin.socket_group = now.admin.socket_group;
  next.admin.socket_mode = now.admin.socket_mode;
  next.intake.keep_idempotency = now.intake.keep_idempotency;
}

}  // namespace relay
