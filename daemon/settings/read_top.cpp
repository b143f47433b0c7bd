#include <limits.h>
#include <unistd.h>

#include <array>

#include "settings/section_readers.hpp"
#include "submission/client_name.hpp"

namespace relay {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

// The site's name is the first part of a client's name (`submit` without --client), so its grammar and its length are.
constexpr std::string_view suffix_of_submit = ".submit";

bool is_site(std::string_view site) {
  return is_client_name(std::string(site).append(suffix_of_submit));
}

std::string host_name() {
  std::array<char, HOST_NAME_MAX + 1> buffer{};
  if (::gethostname(buffer.data(), buffer.size() - 1) != 0) buffer.fill('\0');
  const std::string name = buffer.data();
  return is_site(name) ? name : "edge-relay";
}

void read_clients(const Section& top, std::vector<std::string>& clients) {
  const auto written = top.texts("clients");
  if (!written) return;
  if (top.items("clients").empty()) top.error("clients", "names nobody; leave the line out to take every client");
  for (const auto& client : *written) {
    if (is_client_glob(client.value)) {
      clients.push_back(client.value);
    } else {
      top.reading().problems.error(
          client.place,
          "clients: " + client.quoted() + " isn't a client's name or glob: letters, digits, '.', '_', '-', '*', '?'");
    }
  }
}

}  // namespace

bool is_client_glob(std::string_view text) {
  std::string name(text);
  for (char& c : name) {
    if (c == '*' || c == '?') c = 'x';
  }
  return is_client_name(name);
}

void read_top(const Section& top, Settings& settings) {
  settings.site = host_name();
  if (const auto site = top.text("site")) {
    if (is_site(site->value)) {
      settings.site = site->value;
    } else {
      top.error("site", site->quoted() +
                            " isn't a site's name: a letter or digit, then letters, digits, '.', '_', '-'; " +
                            "at most 93");
    }
  }
  read_clients(top, settings.clients);
  top.read("shutdown_grace", settings.shutdown_grace, milliseconds(0), hours(1));
  top.section("forward", keys::forward()).read("memory", settings.forward_memory, kibibytes(64), gibibytes(1024));

  const Section log = top.section("log", keys::log());
  log.read_one_of<LogLevel>("level", settings.log_level,
                            {{"trace", LogLevel::trace},
                             {"debug", LogLevel::debug},
                             {"info", LogLevel::info},
                             {"warning", LogLevel::warning},
                             {"error", LogLevel::error}});
  log.read_one_of<LogFormat>("format", settings.log_format, {{"text", LogFormat::text}, {"json", LogFormat::json}});
}

}  // namespace relay
