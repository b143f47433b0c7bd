#include "settings/references.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>

#include "base/byte_count.hpp"
#include "base/file.hpp"
#include "base/secret.hpp"

namespace relay {
namespace {

constexpr ByteCount longest_secret_file = mebibytes(1);
constexpr std::string_view forms = "${env:NAME}, ${file:PATH} or ${credential:NAME}";

bool is_environment_name(std::string_view name) {
  const auto fits = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !name.empty() && std::ranges::all_of(name, fits) && !(name.front() >= '0' && name.front() <= '9');
}

Result<std::string> from_file(const std::filesystem::path& path, const std::string& way_out) {
  auto content = read_file(path, longest_secret_file);
  if (!content) return fail(content.error().message + "; " + way_out);
  std::string text = std::move(*content);
  if (text.find('\0') != std::string::npos) return fail(path.string() + " holds a NUL byte, so it can't be a text");
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  return text;
}

Result<std::string> from_environment(const std::string& name) {
  if (!is_environment_name(name)) return fail("${env:} needs a variable's name: letters, digits and '_'");
  // Nothing in the process changes its environment.
  const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe)
  if (value == nullptr) {
    return fail("the environment variable " + name + " isn't set; set it for the service (Environment= or " +
                "EnvironmentFile= of its unit) or use ${file:PATH}");
  }
  return std::string(value);
}

// The credentials as they were read first, by their file. Any thread.
class FirstCredentials {
 public:
  // `now`: what the file holds now.
  std::string keep(const std::filesystem::path& file, const std::string& now) {
    const std::lock_guard lock(mutex_);
    return std::string(values_.try_emplace(file, Secret(now)).first->second.reveal());
  }

 private:
  std::mutex mutex_;
  std::map<std::filesystem::path, Secret> values_;
};

FirstCredentials& first_credentials() {
  static auto* const the_first = new FirstCredentials;
  return *the_first;
}

Result<std::string> read_credential(const std::string& name) {
  if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos) {
    return fail("${credential:} needs a credential's name, without '/'");
  }
  const char* folder = std::getenv("CREDENTIALS_DIRECTORY");  // NOLINT(concurrency-mt-unsafe)
  if (folder == nullptr || *folder == '\0') {
    return fail("the credential " + name + " can't be read: $CREDENTIALS_DIRECTORY isn't set; run under systemd with " +
                "LoadCredential=" + name + ":PATH, or use ${file:PATH}");
  }
  return from_file(std::filesystem::path(folder) / name, "pass it with LoadCredential=" + name + ":PATH");
}

Result<std::string> from_credential(const std::string& name) {
  auto now = read_credential(name);
  if (!now) return now;
  const char* folder = std::getenv("CREDENTIALS_DIRECTORY");  // NOLINT(concurrency-mt-unsafe)
  return first_credentials().keep(std::filesystem::path(folder) / name, *now);
}

Result<std::string> from_path(const std::string& path) {
  if (path.empty() || path.find('\0') != std::string::npos) return fail("${file:} needs a path");
  return from_file(path, "the relay's user must be able to read it");
}

struct Kind {
  std::string_view prefix;
  Result<std::string> (*read)(const std::string&);
};
constexpr Kind kinds[] = {{"env:", from_environment}, {"file:", from_path}, {"credential:", from_credential}};

struct Replacement {
  std::string value;
  std::size_t length = 0;  // of the reference, closing brace included
};

// `text` begins with "${".
Result<Replacement, ReferenceError> read_reference(std::string_view text) {
  const std::size_t end = text.find('}');
  if (end == std::string_view::npos) {
    return Failure{ReferenceError{"", std::string("a reference isn't closed; write ").append(forms)}};
  }
  const std::string_view inside = text.substr(2, end - 2);
  for (const auto& kind : kinds) {
    if (!inside.starts_with(kind.prefix)) continue;
    auto value = kind.read(std::string(inside.substr(kind.prefix.size())));
    if (!value) return Failure{ReferenceError{std::string(text.substr(0, end + 1)), value.error().message}};
    return Replacement{std::move(*value), end + 1};
  }
  // What stands there may be part of a secret.
  return Failure{ReferenceError{"", std::string("\"${\" begins no known reference; write ")
                                        .append(forms)
                                        .append(" (a text that itself holds \"${\" can be given by ${file:PATH})")}};
}

}  // namespace

bool has_references(std::string_view text) {
  return text.find("${") != std::string_view::npos;
}

bool credential_changed(std::string_view text) {
  constexpr std::string_view begin = "${credential:";
  for (std::size_t at = text.find(begin); at != std::string_view::npos; at = text.find(begin, at + 1)) {
    const std::size_t end = text.find('}', at);
    if (end == std::string_view::npos) return false;
    const std::string name(text.substr(at + begin.size(), end - at - begin.size()));
    const auto now = read_credential(name);
    const auto first = from_credential(name);
    if (now && first && *now != *first) return true;
  }
  return false;
}

Result<std::string, std::vector<ReferenceError>> resolve_references(std::string_view text) {
  std::string resolved;
  std::vector<ReferenceError> errors;
  for (;;) {
    const std::size_t begin = text.find("${");
    resolved += text.substr(0, begin);
    if (begin == std::string_view::npos) break;
    text.remove_prefix(begin);
    auto replacement = read_reference(text);
    if (replacement) {
      resolved += replacement->value;
      text.remove_prefix(replacement->length);
    } else {
      text.remove_prefix(std::max<std::size_t>(replacement.error().reference.size(), 2));
      errors.push_back(std::move(replacement.error()));
    }
  }
  if (!errors.empty()) return Failure{std::move(errors)};
  return resolved;
}

}  // namespace relay
