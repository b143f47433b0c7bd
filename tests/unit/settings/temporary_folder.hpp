// A folder that ends with the test, and configuration files in it.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "settings/load.hpp"

namespace relay {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "relay-settings-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = pattern;
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::string write(const std::string& name, std::string_view content) const {
    std::ofstream(path_ / name, std::ios::binary) << content;
    return (path_ / name).string();
  }

 private:
  std::filesystem::path path_;
};

class SetEnvironment {
 public:
  SetEnvironment(std::string name, const std::string& value) : name_(std::move(name)) {
    ::setenv(name_.c_str(), value.c_str(), 1);
  }
  ~SetEnvironment() { ::unsetenv(name_.c_str()); }
  SetEnvironment(const SetEnvironment&) = delete;
  SetEnvironment& operator=(const SetEnvironment&) = delete;

 private:
  std::string name_;
};

// "LINE:COLUMN: error: …" of each, in order; of the warnings where there is no error.
inline std::vector<std::string> problems_of(const std::string& file) {
  const auto loaded = load_settings(file);
  std::vector<std::string> texts;
  for (const auto& problem : loaded ? loaded->warnings : loaded.error()) {
    const std::string text = problem.text();
    EXPECT_TRUE(text.starts_with(file + ":")) << text;
    EXPECT_EQ(text.find('\n'), std::string::npos) << text;
    texts.push_back(text.substr(file.size() + 1));
  }
  EXPECT_TRUE(loaded || !texts.empty()) << "a refusal gives a reason";
  return texts;
}

}  // namespace relay
