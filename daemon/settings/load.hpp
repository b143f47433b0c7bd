// Reads the YAML configuration: strict, every problem at once with its place, secrets resolved, contradictions found.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "settings/configuration_print.hpp"
#include "settings/settings.hpp"

namespace relay {

struct Problem {
  std::filesystem::path file;
  int line = 1;    // from 1; 1:1 also stands for the file as a whole
  int column = 1;  // from 1, in characters
  bool warning = false;
  std::string message;

  // FILE:LINE:COLUMN: error: …   (or "warning: …")
  std::string text() const;
};

struct LoadedSettings {
  Settings settings;
  std::vector<Problem> warnings;
  ConfigurationPrint print{};
};

// Problems hold at least one error, sorted by place. Never prints a secret.
Result<LoadedSettings, std::vector<Problem>> load_settings(const std::filesystem::path& file);

// `admin.socket` alone, without resolving a secret; the default where the file can't be read or doesn't say. Found in a
// file that is no YAML, too, since `reload` is to say what is wrong with it.
std::filesystem::path admin_socket_of(const std::filesystem::path& file);
// `journal.path` alone, likewise, for `verify`; the default where the file doesn't say. Error: the file can't be read;
// as FILE:LINE:COLUMN: error: …
Result<std::filesystem::path> journal_path_of(const std::filesystem::path& file);
// `journal.encryption_key` alone, its own references resolved and nothing else's; empty where the file doesn't say.
Result<std::vector<Secret>> journal_keys_of(const std::filesystem::path& file);

}  // namespace relay
