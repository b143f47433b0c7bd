#include "operations/admin_target.hpp"

#include <array>
#include <utility>

namespace relay {
namespace {

using Names = std::pair<std::string_view, AdminResource>;

constexpr std::array<Names, 14> fixed = {{
    {"/", AdminResource::page},
    {"/health/live", AdminResource::live},
    {"/health/ready", AdminResource::ready},
    {"/health", AdminResource::health},
    {"/metrics", AdminResource::metrics},
    {"/v1/status", AdminResource::status},
    {"/v1/submissions", AdminResource::submissions},
    {"/v1/retry", AdminResource::retry_all},
    {"/v1/resend", AdminResource::resend_all},
    {"/v1/reload", AdminResource::reload},
    {"/openapi.yaml", AdminResource::description},
    {"/v1/audit", AdminResource::audit},
    {"/v1/export", AdminResource::export_archive},
    {"/v1/import", AdminResource::import_archive},
}};

constexpr std::array<Names, 5> of_a_submission = {{
    {"payload", AdminResource::payload},
    {"retry", AdminResource::retry},
    {"resend", AdminResource::resend},
    {"set-aside", AdminResource::set_aside},
    {"discard", AdminResource::discard},
}};

constexpr std::array<Names, 3> of_a_destination = {{
    {"pause", AdminResource::pause},
    {"resume", AdminResource::resume},
    {"redirect", AdminResource::redirect},
}};

std::optional<AdminResource> named(const auto& names, std::string_view name) {
  for (const auto& [known, resource] : names) {
    if (known == name) return resource;
  }
  return std::nullopt;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Nothing where it isn't percent-encoded as a path is (RFC 3986 section 2.1).
std::optional<std::string> decoded(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      result += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
    if (high < 0 || low < 0) return std::nullopt;
    result += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return result;
}

std::optional<AdminTarget> submission_target(std::string_view rest) {
  const auto slash = rest.find('/');
  AdminTarget target;
  target.resource = AdminResource::submission;
  target.id = Uuid::parse(rest.substr(0, slash));
  if (!target.id) return std::nullopt;
  if (slash == std::string_view::npos) return target;
  const auto resource = named(of_a_submission, rest.substr(slash + 1));
  if (!resource) return std::nullopt;
  target.resource = *resource;
  return target;
}

std::optional<AdminTarget> destination_target(std::string_view rest) {
  const auto slash = rest.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto resource = named(of_a_destination, rest.substr(slash + 1));
  auto name = decoded(rest.substr(0, slash));
  if (!resource || !name || name->empty()) return std::nullopt;
  return AdminTarget{*resource, std::nullopt, std::move(*name)};
}

}  // namespace

std::optional<AdminTarget> admin_target(std::string_view path) {
  if (const auto resource = named(fixed, path)) return AdminTarget{*resource, std::nullopt, ""};
  for (const auto& [prefix, parse] : {std::pair{std::string_view("/v1/submissions/"), &submission_target},
                                      std::pair{std::string_view("/v1/destinations/"), &destination_target}}) {
    if (path.starts_with(prefix)) return parse(path.substr(prefix.size()));
  }
  return std::nullopt;
}

std::string_view allowed_methods(AdminResource resource) {
  switch (resource) {
    case AdminResource::live:
    case AdminResource::ready:
    case AdminResource::health:
    case AdminResource::metrics:
    case AdminResource::page:
    case AdminResource::status:
    case AdminResource::submission:
    case AdminResource::payload:
    case AdminResource::audit:
    case AdminResource::export_archive:
    case AdminResource::description:
      return "GET, HEAD";
    case AdminResource::submissions:
      return "GET, HEAD, POST";
    case AdminResource::retry:
    case AdminResource::resend:
    case AdminResource::set_aside:
    case AdminResource::discard:
    case AdminResource::pause:
    case AdminResource::resume:
    case AdminResource::redirect:
    case AdminResource::retry_all:
    case AdminResource::resend_all:
    case AdminResource::import_archive:
    case AdminResource::reload:
      return "POST";
  }
  return "";
}

bool for_operators_alone(AdminResource resource, std::string_view method) {
  if (resource == AdminResource::payload || resource == AdminResource::export_archive) return true;
  const std::string_view methods = allowed_methods(resource);
  return methods == "POST" || (method == "POST" && methods.find("POST") != std::string_view::npos);
}

}  // namespace relay
