#include "operations/status_page.hpp"

#include <cmath>

#include <fmt/format.h>

#include "base/digest.hpp"
#include "operations/human_text.hpp"

namespace relay {
namespace {

constexpr std::string_view style =
    "body{font:16px/1.5 system-ui,sans-serif;margin:2em auto;max-width:64em;padding:0 "
    "1em;color:#1b1b1b;background:#fff}"
    "h1{font-size:1.4em}h2{font-size:1.1em;margin-top:2em}table{border-collapse:collapse;width:100%}"
    "th,td{text-align:left;padding:.3em .8em .3em 0;border-bottom:1px solid #ddd;vertical-align:top}"
    "td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}"
    ".ok,.up{color:#0a6b2d}.degraded,.paused,.holding{color:#8a5a00}.failing,.down,.unconfigured{color:#a8071a}"
    ".mark{font-weight:600}footer{margin-top:2em;color:#555}"
    "@media(prefers-color-scheme:dark){body{color:#eee;background:#161616}th,td{border-color:#444}footer{color:#aaa}"
    ".ok,.up{color:#6fdc8c}.degraded,.paused,.holding{color:#f1c21b}.failing,.down,.unconfigured{color:#ff8389}}";

// HTML (WHATWG, section 13.3): for text and quoted attributes alike.
std::string escaped(std::string_view text) {
  std::string safe;
  for (const char c : one_line(text)) {
    switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      case '\'':
        safe += "&#39;";
        break;
      default:
        safe += c;
    }
  }
  return safe;
}

std::string error_text(const std::optional<DeliveryError>& error) {
  return error ? escaped(fmt::format("{}: {}", error_kind_name(error->kind), error->message)) : "";
}

std::string destinations_table(const Health& health, const FlowRates& rates) {
  std::string html =
      "<h2>Destinations</h2>\n<table>\n<tr><th>destination</th><th>state</th><th class=n>queued</th>"
      "<th class=n>oldest</th><th class=n>dead letters</th><th class=n>delivered</th><th class=n>in a minute</th>"
      "<th class=n>out a minute</th><th>last success</th><th>last error</th></tr>\n";
  for (const auto& [name, destination] : health.destinations) {
    const auto rate = rates.of(name);
    const auto& totals = destination.totals;
    html += fmt::format(
        "<tr><td>{0}</td><td class=\"mark {1}\">{1}</td><td class=n>{2}</td><td class=n>{3}</td><td class=n>{4}</td>"
        "<td class=n>{5}</td><td class=n>{6}</td><td class=n>{7}</td><td>{8}</td><td>{9}</td></tr>\n",
        escaped(name), destination_state_name(destination.state), totals.queued,
        totals.queued == 0 ? "" : human_duration(destination.oldest_queued), totals.dead_letter, totals.delivered,
        rate ? fmt::to_string(std::llround(rate->accepted_per_minute)) : "",
        rate ? fmt::to_string(std::llround(rate->delivered_per_minute)) : "",
        destination.last_success_at ? format_rfc3339(*destination.last_success_at) : "never",
        error_text(destination.last_error));
  }
  return html + "</table>\n";
}

std::string alarms_table(const Health& health) {
  if (health.alarms.empty()) return "";
  std::string html = "<h2>Alarms</h2>\n<table>\n<tr><th>alarm</th><th>destination</th><th>since</th></tr>\n";
  for (const Alarm& alarm : health.alarms) {
    html += fmt::format("<tr><td class=\"mark failing\">{}</td><td>{}</td><td>{}</td></tr>\n", escaped(alarm.name),
                        escaped(alarm.destination), format_rfc3339(alarm.since));
  }
  return html + "</table>\n";
}

std::string dead_letters_table(const Health& health, const std::vector<SubmissionView>& dead) {
  if (dead.empty()) return "";
  std::string html = fmt::format(
      "<h2>Dead letters: {}</h2>\n<p><code>edge-relay show ID</code> tells more, <code>retry</code>, "
      "<code>redirect</code> and <code>discard</code> end them. The newest:</p>\n<table>\n<tr><th>submission</th>"
      "<th>accepted</th><th>client</th><th>destination</th><th>reason</th></tr>\n",
      health.dead_letter);
  for (const SubmissionView& view : dead) {
    for (const DeliveryView& delivery : view.deliveries) {
      if (delivery.state != DeliveryState::dead_letter) continue;
      html += fmt::format(
          "<tr><td><a href=\"/v1/submissions/{0}\">{0}</a></td><td>{1}</td><td>{2}</td><td>{3}</td><td>{4}</td></tr>\n",
          view.submission.id.text(), format_rfc3339(view.submission.accepted_at), escaped(view.submission.client),
          escaped(delivery.destination), error_text(delivery.last_error));
    }
  }
  return html + "</table>\n";
}

}  // namespace

std::string status_page(const Health& health, const FlowRates& rates, const std::vector<SubmissionView>& dead,
                        WallTime now) {
  const std::string_view status = health_status_name(health.status);
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=en>\n<head>\n<meta charset=utf-8>\n<meta name=viewport "
      "content=\"width=device-width\">\n<meta http-equiv=refresh content=10>\n<title>{0}: Edge Relay</title>\n"
      "<style>{1}</style>\n</head>\n<body>\n<h1>Edge Relay: <span class=\"{0}\">{0}</span></h1>\n<p>{2}</p>\n"
      "<p>{3} on the way, {4}.</p>\n{5}{6}{7}<footer>At {8}, commit {9}; version {10}, up for {11}; journal {12}, {13} "
      "free on its disk.</footer>\n</body>\n</html>\n",
      status, style, escaped(health.summary), counted(health.queued, "delivery", "deliveries"),
      counted(health.dead_letter, "dead letter", "dead letters"), destinations_table(health, rates),
      alarms_table(health), dead_letters_table(health, dead), format_rfc3339(now), health.as_of, RELAY_VERSION,
      human_duration(health.uptime), human_size(health.journal_bytes), human_size(health.disk_free));
}

std::string status_page_policy() {
  const Digest digest = sha256(style);
  const std::string bytes(reinterpret_cast<const char*>(digest.bytes.data()), digest.bytes.size());
  return "default-src 'none'; style-src 'sha256-" + base64_encode(bytes) +
         "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
}

}  // namespace relay
