// Destination `sftp` as it is configured (contract, "Destination keys by type").
#pragma once

#include <cstdint>
#include <string>

#include "base/digest.hpp"
#include "settings/name_template.hpp"
#include "settings/secret_text.hpp"

namespace relay {

struct SftpSettings {
  std::string host;  // without brackets
  std::uint16_t port = 22;
  std::string user;
  SecretText password;     // or
  SecretText key;          // a private key: PEM, or OpenSSH's own format
  Digest host_key_sha256;  // of the key's blob, as `ssh-keygen -l` shows it
  std::string folder;      // of the url: "" (where the user lands), or a path without trailing slash
  NameTemplate path;       // below `folder`, unless it begins with '/'
};

}  // namespace relay
