// One watched folder (contract, "Folder intake").
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace relay {

enum class FileCompleteWhen {
  settled,  // unchanged for `settle`
  renamed,  // as soon as its name matches: it was written under another one
  marker,   // a marker file lies beside it
};
enum class FileAfter { done, erased };  // `done`, `delete`

struct FolderSettings {
  std::filesystem::path path;
  std::vector<std::string> patterns;  // of file names; '*' and '?', upper and lower case alike
  FileCompleteWhen complete_when = FileCompleteWhen::settled;
  std::string marker;  // "*.ok": '*' is the file's full name or its stem
  std::chrono::milliseconds settle{5'000};
  std::string content_type = "application/hl7-v2";
  std::optional<std::string> client{};  // nothing: the first subfolder's name ("from_folder")
  FileAfter after = FileAfter::done;
  std::chrono::milliseconds keep_done{std::chrono::hours(24 * 7)};
};

}  // namespace relay
