#include "operations/daemon_options.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "base/digest.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "base/socket_group_advice.hpp"
#include "destinations/registry.hpp"
#include "forwarder/reconciliation.hpp"
#include "journal/operator_actions.hpp"
#include "operations/unix_socket.hpp"

namespace relay {
namespace {

constexpr std::size_t admin_connections = 256;

}  // namespace

std::map<std::string, DestinationLimits> limits_of_all(const Settings& settings) {
  std::map<std::string, DestinationLimits> limits;
  for (const auto& destination : settings.destinations) limits[destination.name] = limits_of(destination);
  return limits;
}

RouteTable route_table_of(const Settings& settings) {
  return RouteTable(settings.routes, settings.otherwise, limits_of_all(settings));
}

JournalOptions journal_options_of(const Settings& settings) {
  JournalOptions options;
  options.path = settings.journal.path.native();
  options.max_size = settings.journal.max_size;
  options.min_free_disk = settings.journal.min_free_disk;
  options.allow_tmpfs = settings.journal.allow_tmpfs;
  options.encryption_keys = settings.journal.encryption_keys;
  options.keep_delivered_payload = settings.journal.keep_delivered_payload;
  options.keep_record = settings.journal.keep_record;
  options.keep_audit = settings.journal.keep_audit;
  options.keep_idempotency = settings.intake.keep_idempotency;
  for (const auto& listener : settings.intake.mllp) {
    options.keep_message_names = std::max(options.keep_message_names, listener.dedupe_window);
  }
  options.max_backoff = std::chrono::milliseconds(0);
  for (const auto& destination : settings.destinations) {
    options.max_backoff = std::max(options.max_backoff, destination.backoff.max);
    // A delivery whose try had no answer waits that long for a second look.
    if (std::holds_alternative<ReportStreamSettings>(destination.system))
      options.max_backoff = std::max<std::chrono::milliseconds>(
          options.max_backoff, Reconciliation::settles_after + std::chrono::minutes(1));
    options.destinations.push_back(destination.name);
  }
  return options;
}

std::vector<ConfiguredDestination> configured_destinations_of(const Settings& settings) {
  std::vector<ConfiguredDestination> configured;
  for (const auto& destination : settings.destinations) {
    configured.push_back({destination.name, destination.alarm_after});
  }
  return configured;
}

std::vector<std::string> insecure_listeners_of(const Settings& settings) {
  std::vector<std::string> listeners;
  for (const auto& listener : settings.intake.http) {
    const bool guarded = listener.tls && listener.asks_who();
    if (listener.insecure && !guarded && !listener.listen.loopback())
      listeners.push_back("intake.http " + listener.listen.text());
  }
  for (const auto& listener : settings.intake.mllp) {
    if (listener.insecure && !listener.listen.loopback() && !listener.guarded()) {
      listeners.push_back("intake.mllp " + listener.listen.text());
    }
  }
  const auto& admin = settings.admin;
  if (admin.insecure && admin.listen && !admin.listen->loopback() && !admin.guarded()) {
    listeners.push_back("admin " + admin.listen->text());
  }
  return listeners;
}

void note_configuration(const Settings& settings, Journal& journal, const char* occasion) {
  if (const auto text = read_file(settings.file)) {
    journal.operator_actions().note_configuration(sha256(*text), {"relay", occasion});
  } else {
    log_warning("the audit lacks the configuration: " + text.error().message);
  }
}

AdminAccess admin_access_of(const Settings& settings) {
  return AdminAccess(BearerTokens(settings.admin.tokens), settings.admin.token_to_read);
}

HttpServerOptions admin_options_of(const Settings& settings, const ListenAddress& listen) {
  HttpServerOptions options;
  options.listen = listen;
  options.request_timeout = settings.intake.request_timeout;
  options.max_connections = admin_connections;
  options.socket_group = settings.admin.socket_group;
  options.socket_mode = settings.admin.socket_mode;
  if (!listen.unix_socket() && settings.admin.tls) {
    auto tls = TlsContext::make(settings.admin.tls->files);
    // They were usable when the configuration was read.
    if (!tls) throw std::runtime_error("admin.tls: " + tls.error().message);
    options.tls = std::move(*tls);
  }
  return options;
}

std::vector<std::unique_ptr<Destination>> make_destinations(const Settings& settings) {
  std::vector<std::unique_ptr<Destination>> destinations;
  for (const auto& destination : settings.destinations) {
    destinations.push_back(make_destination(destination, settings.site, system_clock()));
  }
  return destinations;
}

std::vector<std::string> leave_out_unusable_groups(Settings& settings) {
  std::vector<std::string> left_out;
  const auto check = [&](std::string& group) {
    if (group.empty() || may_give_to_group(group)) return;
    left_out.push_back(std::exchange(group, ""));
  };
  check(settings.admin.socket_group);
  for (auto& listener : settings.intake.http) {
    if (listener.listen.unix_socket()) check(listener.group);
  }
  return left_out;
}

void log_groups_left_out(const std::vector<std::string>& groups) {
  for (const std::string& group : groups) {
    log_warning("a socket keeps this process's own group: the configured one doesn't exist or isn't ours to give" +
                    socket_group_advice(group),
                {{"group", group}});
  }
}

}  // namespace relay
