// Single values that several parts of the configuration have.
#include <fmt/format.h>

#include "settings/folder_look.hpp"
#include "settings/section_readers.hpp"
#include "settings/web_url.hpp"
#include "submission/media_type.hpp"

namespace relay {

void read_web_url(const Section& section, std::string_view key, std::string& target) {
  const auto written = section.text(key);
  if (!written) return;
  auto url = parse_web_url(written->value);
  if (!url) {
    section.error(key, url.error().message);
    return;
  }
  if (is_readable_on_the_way(*url))
    section.warning(key, "goes over http:// to another machine: whoever is on the way can read payloads; use https://");
  target = std::move(*url);
}

std::string read_media_type(const Section& section, std::string_view key) {
  const auto type = section.text(key);
  if (!type) return {};
  if (!parse_media_type(type->value)) {
    section.error(key, type->quoted() + " isn't a media type (like application/hl7-v2)");
    return {};
  }
  return type->value;
}

NameTemplate read_name_template(const Section& section, std::string_view key, std::string_view fallback) {
  const auto written = section.text(key);
  auto name = NameTemplate::parse(written ? std::string_view(written->value) : fallback);
  if (!name) {
    section.error(key, name.error().message);
    return {};
  }
  if (!name->holds(NameField::id)) section.error(key, "must hold {id}, or one submission would write over another");
  return std::move(*name);
}

void warn_of_folder(const Section& section, const Text& path, std::string_view needed) {
  constexpr std::chrono::seconds patience{2};
  switch (look_at_folder(path.value, patience)) {
    case FolderLook::there:
      return;
    case FolderLook::absent:
      section.warning("path", fmt::format("{} isn't a folder that is there; make it, and {}", path.quoted(), needed));
      return;
    case FolderLook::silent:
      section.warning("path",
                      path.quoted() + " doesn't answer; see whether its share does. All else goes on meanwhile");
      return;
  }
}

}  // namespace relay
