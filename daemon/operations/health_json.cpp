#include "operations/health_json.hpp"

#include <cmath>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <boost/json/value_from.hpp>

namespace relay {
namespace {

namespace json = boost::json;

json::value time_json(const std::optional<WallTime>& time) {
  return time ? json::value(format_rfc3339(*time)) : json::value(nullptr);
}

json::value error_json(const std::optional<DeliveryError>& error, const HealthJsonOptions& options) {
  if (!error) return nullptr;
  json::object object{{"kind", error_kind_name(error->kind)},
                      {"status", error->status ? json::value(*error->status) : json::value(nullptr)},
                      {"message", error->message}};
  if (options.remote_text) {
    object["remote_text"] = error->remote_text.empty() ? json::value(nullptr) : json::value(error->remote_text);
  }
  return object;
}

json::object destination_json(const DestinationHealth& destination, const HealthJsonOptions& options) {
  return {{"state", destination_state_name(destination.state)},
          {"queued", destination.totals.queued},
          {"last_success_at", time_json(destination.last_success_at)},
          {"last_error", error_json(destination.last_error, options)}};
}

json::value alarms_json(const std::vector<Alarm>& alarms) {
  json::array array;
  for (const auto& alarm : alarms) {
    array.push_back(
        json::object{{"name", alarm.name},
                     {"since", format_rfc3339(alarm.since)},
                     {"destination", alarm.destination.empty() ? json::value(nullptr) : json::value(alarm.destination)},
                     {"count", alarm.count}});
  }
  return array;
}

}  // namespace

json::object health_json(const Health& health, const HealthJsonOptions& options) {
  json::object destinations;
  for (const auto& [name, destination] : health.destinations)
    destinations[name] = destination_json(destination, options);
  json::object body{{"status", health_status_name(health.status)},
                    {"summary", health.summary},
                    {"version", RELAY_VERSION},
                    {"uptime_seconds", health.uptime.count()},
                    {"as_of", health.as_of},
                    {"journal", json::object{{"queued", health.queued},
                                             {"dead_letter", health.dead_letter},
                                             {"oldest_queued_seconds", health.oldest_queued.count()},
                                             {"bytes", health.journal_bytes.value},
                                             {"disk_free_bytes", health.disk_free.value}}},
                    {"destinations", std::move(destinations)},
                    {"alarms", alarms_json(health.alarms)}};
  if (!health.insecure_listeners.empty()) body["insecure"] = json::value_from(health.insecure_listeners);
  return body;
}

json::object status_json(const Health& health, const FlowRates& rates, const HealthJsonOptions& options) {
  json::object body = health_json(health, options);
  json::object& destinations = body["destinations"].as_object();
  for (const auto& [name, destination] : health.destinations) {
    json::object& object = destinations[name].as_object();
    object["accepted"] = destination.totals.accepted;
    object["delivered"] = destination.totals.delivered;
    object["dead_letter"] = destination.totals.dead_letter;
    object["discarded"] = destination.totals.discarded;
    object["moved_in"] = destination.totals.moved_in;
    object["moved_out"] = destination.totals.moved_out;
    object["oldest_queued_seconds"] = destination.oldest_queued.count();
    object["stuck"] = destination.stuck;
    json::array stuck;
    for (const SubmissionId& id : destination.stuck_submissions) stuck.push_back(json::value(id.text()));
    object["stuck_submissions"] = std::move(stuck);
    json::array blocked_by;
    for (const SubmissionId& id : destination.totals.blocked_by) blocked_by.push_back(json::value(id.text()));
    object["blocked_by"] = std::move(blocked_by);
    if (destination.holding_until) object["holding_until"] = time_json(destination.holding_until);
    if (const auto rate = rates.of(name)) {
      object["accepted_per_minute"] = std::llround(rate->accepted_per_minute);
      object["delivered_per_minute"] = std::llround(rate->delivered_per_minute);
    }
  }
  return body;
}

}  // namespace relay
