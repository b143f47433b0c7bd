#include <algorithm>

#include "settings/section_readers.hpp"
#include "submission/client_name.hpp"
#include "submission/media_type.hpp"

namespace relay {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

constexpr std::string_view hl7 = "application/hl7-v2";
constexpr std::string_view from_folder = "from_folder";
constexpr std::string_view marker_prefix = "marker:";

void read_path(const Section& section, std::filesystem::path& path) {
  const auto written = section.text("path");
  if (!written) {
    if (!section.has("path")) section.error("path is missing: the folder that files are put into");
    return;
  }
  path = std::filesystem::path(written->value).lexically_normal();
  if (!path.has_filename() && path.has_relative_path()) path = path.parent_path();  // a '/' at the end
  if (!path.is_absolute()) {
    section.error("path", written->quoted() + " isn't a full path, beginning with '/'");
  } else {
    // Not an error: a share may come later, and the other doors go on.
    warn_of_folder(section, *written, "let the relay's user read and write it");
  }
}

void read_client(const Section& section, std::optional<std::string>& client) {
  const auto written = section.text("client");
  if (!written) {
    if (!section.has("client")) {
      section.error("client is missing: whose files these are, or from_folder for one subfolder a client");
    }
  } else if (written->value != from_folder) {
    client = written->value;
    if (!is_client_name(*client)) {
      section.error("client", written->quoted() + " is neither from_folder nor a client's name: a letter or digit, " +
                                  "then letters, digits, '.', '_', '-'; at most 100");
    }
  }
}

void read_content_type(const Section& section, const std::vector<std::string>& taken, std::string& content_type) {
  const auto written = section.text("content_type");
  if (!written) {
    if (std::ranges::find(taken, content_type) == taken.end()) {
      section.error("content_type is missing, and its default " + content_type + " isn't in intake.content_types");
    }
    return;
  }
  const auto type = parse_media_type(written->value);
  if (!type || !type->parameters.empty()) {
    section.error("content_type", written->quoted() + " isn't a media type; write type/subtype without parameters");
  } else if (std::ranges::find(taken, type->type) == taken.end()) {
    section.error("content_type", written->quoted() + " isn't in intake.content_types, so no file could be taken");
  } else {
    content_type = type->type;
  }
}

void read_patterns(const Section& section, const std::string& content_type, std::vector<std::string>& patterns) {
  const auto written = section.texts("patterns");
  if (!written) {
    patterns = {"*" + std::string(extension_of(content_type))};
    if (content_type == hl7) patterns.emplace_back("*.txt");
    return;
  }
  if (section.items("patterns").empty()) section.error("patterns", "is empty, so no file could be taken");
  for (const Text& pattern : *written) {
    if (pattern.value.empty() || pattern.value.find('/') != std::string::npos) {
      section.reading().problems.error(pattern.place, section.name("patterns") + ": " + pattern.quoted() +
                                                          " isn't a pattern of file names, like *.hl7");
    } else {
      patterns.push_back(pattern.value);
    }
  }
}

void read_complete_when(const Section& section, FolderSettings& folder) {
  const auto written = section.text("complete_when");
  if (!written) return;
  const std::string_view value = written->value;
  if (value == "settled" || value == "renamed") {
    folder.complete_when = value == "settled" ? FileCompleteWhen::settled : FileCompleteWhen::renamed;
  } else if (value.starts_with(marker_prefix)) {
    folder.complete_when = FileCompleteWhen::marker;
    folder.marker = value.substr(marker_prefix.size());
    const bool one_star = std::ranges::count(folder.marker, '*') == 1 && folder.marker.size() > 1;
    if (!one_star || folder.marker.find('/') != std::string::npos) {
      section.error("complete_when", written->quoted() + " needs one '*' and something beside it, like marker:*.ok");
    }
  } else {
    section.error("complete_when",
                  written->quoted() + " isn't settled, renamed, or the pattern of a marker file like \"marker:*.ok\"");
  }
}

FolderSettings read_folder(const Section& section, const std::vector<std::string>& content_types) {
  FolderSettings folder;
  read_path(section, folder.path);
  read_client(section, folder.client);
  read_content_type(section, content_types, folder.content_type);
  read_patterns(section, folder.content_type, folder.patterns);
  read_complete_when(section, folder);
  section.read("settle", folder.settle, milliseconds(1), hours(24));
  section.read_one_of<FileAfter>("after", folder.after, {{"done", FileAfter::done}, {"delete", FileAfter::erased}});
  section.read("keep_done", folder.keep_done, std::chrono::seconds(1), hours(24 * 365 * 100));
  if (section.has("settle") && folder.complete_when != FileCompleteWhen::settled) {
    section.warning("settle", "has no effect: complete_when isn't settled");
  }
  if (section.has("keep_done") && folder.after == FileAfter::erased) {
    section.warning("keep_done", "has no effect: after is delete");
  }
  return folder;
}

// Whether files that lie directly in `path` would be taken.
bool looks_into(const FolderSettings& folder, const std::filesystem::path& path) {
  if (folder.path.empty() || path.empty()) return false;
  const auto [rest, beyond] = std::ranges::mismatch(folder.path, path);
  if (rest != folder.path.end()) return false;
  return beyond == path.end() || !folder.client;
}

}  // namespace

void read_folders(const Section& intake, const std::vector<std::string>& content_types,
                  std::vector<FolderSettings>& folders) {
  for (const auto& [name, node] : intake.items("folder")) {
    const Place place = intake.reading().document.place_of(node.Mark());
    const Section section(intake.reading(), node, name, keys::intake_folder(), place);
    FolderSettings folder = read_folder(section, content_types);
    for (const FolderSettings& earlier : folders) {
      if (!looks_into(folder, earlier.path) && !looks_into(earlier, folder.path)) continue;
      section.error("path", "overlaps another watched folder: a file must come through one door alone");
    }
    folders.push_back(std::move(folder));
  }
}

void check_folders_apart(const Section& top, const Settings& settings) {
  for (const FolderSettings& folder : settings.intake.folder) {
    for (const DestinationSettings& destination : settings.destinations) {
      const auto* directory = std::get_if<DirectorySettings>(&destination.system);
      if (directory == nullptr || !looks_into(folder, directory->path.lexically_normal())) continue;
      top.error("intake", "folder " + folder.path.native() + " is the folder of destination " + destination.name +
                              ", or holds it: what is delivered there would come in again");
    }
    if (looks_into(folder, settings.journal.path.parent_path().lexically_normal())) {
      top.warning("intake", "folder " + folder.path.native() + " holds the journal; keep senders out of its folder");
    }
  }
}

}  // namespace relay
