#include <algorithm>

#include "settings/section_readers.hpp"
#include "submission/media_type.hpp"

namespace relay {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

constexpr ByteCount largest_payload{1'000'000'000};  // what one SQLite value could hold

void read_content_types(const Section& section, std::vector<std::string>& content_types) {
  const auto written = section.texts("content_types");
  if (!written) return;
  if (section.items("content_types").empty()) section.error("content_types", "is empty, so nothing could be submitted");
  content_types.clear();
  for (const auto& text : *written) {
    const auto type = parse_media_type(text.value);
    const std::string name = section.name("content_types") + ": " + text.quoted();
    if (!type || !type->parameters.empty()) {
      section.reading().problems.error(text.place, name + " isn't a media type; write type/subtype without parameters");
    } else if (std::ranges::find(content_types, type->type) != content_types.end()) {
      section.reading().problems.error(text.place, name + " stands here twice");
    } else {
      content_types.push_back(type->type);
    }
  }
}

HttpListenerSettings read_http_listener(const Section& section) {
  HttpListenerSettings listener;
  read_listen_address(section, listener.listen);
  listener.client = read_client(section, "client");
  read_allowed_hosts(section, listener.allowed_hosts);
  section.read("max_connections", listener.max_connections, 1, 65'535);
  if (const auto group = section.text("group")) listener.group = group->value;
  section.read_mode("mode", listener.mode);
  section.read("insecure", listener.insecure);

  const std::size_t errors_before = section.reading().problems.errors();
  listener.tls = read_tls(section, keys::intake_tls());
  listener.tokens = read_intake_tokens(section);
  const bool access_is_read = section.reading().problems.errors() == errors_before;
  listener.public_keys = read_sender_keys(section);
  listener.allow_from = read_allow_from(section);
  listener.rate = read_rate(section);
  section.read_one_of<unsigned>("reportstream_status", listener.reportstream_status, {{"201", 201U}, {"202", 202U}});

  // What is named and can't be read is an error by itself; that nobody is asked who they are would be untrue beside it.
  if (access_is_read)
    check_reach(section, listener.listen, {listener.insecure, listener.tls.has_value(), listener.asks_who()});
  for (const char* key : {"group", "mode"}) {
    if (section.has(key) && !listener.listen.unix_socket())
      section.warning(key, "has no effect: only a unix: listener has one");
  }
  return listener;
}

void read_http(const Section& section, std::vector<HttpListenerSettings>& http,
               std::vector<PlacedListener>& listeners) {
  if (!section.has("http")) {
    listeners.push_back({http.front().listen, section.place(), "intake.http (its default)"});
    return;
  }
  http.clear();
  for (const auto& [name, node] : section.items("http")) {
    const Place place = section.reading().document.place_of(node.Mark());
    const Section listener(section.reading(), node, name, keys::intake_http(), place);
    http.push_back(read_http_listener(listener));
    listeners.push_back({http.back().listen, listener.place("listen"), name + ".listen"});
  }
}

}  // namespace

void read_intake(const Section& top, IntakeSettings& intake, std::vector<PlacedListener>& listeners) {
  const Section section = top.section("intake", keys::intake());
  section.read("max_payload", intake.max_payload, ByteCount{1}, largest_payload);
  read_content_types(section, intake.content_types);
  section.read("memory", intake.memory, kibibytes(64), gibibytes(1024));
  section.read("request_timeout", intake.request_timeout, milliseconds(1), hours(1));
  section.read("keep_idempotency", intake.keep_idempotency, std::chrono::seconds(1), hours(24 * 365 * 10));
  section.read_one_of<Validation>(
      "validate", intake.validate,
      {{"off", Validation::off}, {"envelope", Validation::envelope}, {"auto", Validation::automatic}});
  read_http(section, intake.http, listeners);
  read_mllp(section, intake.mllp, listeners);
  if (!intake.mllp.empty() &&
      std::ranges::find(intake.content_types, "application/hl7-v2") == intake.content_types.end())
    section.warning("mllp", "application/hl7-v2 isn't in intake.content_types, so every message would be refused");
  read_folders(section, intake.content_types, intake.folder);
}

}  // namespace relay
