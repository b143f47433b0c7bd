// ConfigurationPrint: what a configuration said, value by value, without keeping it: so that a reload can tell what
// changed from what stayed, also where only a file behind a ${file:} or a certificate's path did.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.hpp"

namespace relay {

class YamlDocument;

class ConfigurationPrint {
 public:
  ConfigurationPrint() = default;
  // Resolves every reference; one that can't be read counts as it is written. Blocks on the files.
  explicit ConfigurationPrint(const YamlDocument& document);

  // Of all values under `prefix` ("destinations.archive", "intake.http[0]"), whatever their order in the file.
  Digest of(std::string_view prefix) const;
  // The keys under `prefix` whose value one of the two says otherwise, by their names up to two levels below it
  // ("journal.max_size"), each once. A value that isn't written counts as its default, where the table of keys has one.
  std::vector<std::string> differences(const ConfigurationPrint& other, std::string_view prefix) const;
  // Keys whose ${credential:} is no longer what it was when the process read it first.
  const std::vector<std::string>& changed_credentials() const { return changed_credentials_; }

 private:
  std::map<std::string, Digest, std::less<>> values_;  // by the key's whole path: intake.http[0].listen
  std::vector<std::string> changed_credentials_;
};

}  // namespace relay
