// Every key of the configuration, section by section: whether its part is built, its default, what it is for. The one
// list from which files are checked, typing slips are guessed, and the manual is made.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace relay {

struct Key {
  std::string_view name;
  bool built = true;               // false: the contract's, but of a part that isn't built yet
  std::string_view fallback = {};  // the default as it would be written; empty where there is none
  std::string_view about = {};     // one line
};

struct KeySection {
  std::string path;  // "", "intake", "intake.http[]", "destinations.NAME (directory)"
  std::vector<Key> keys;

  const Key* find(std::string_view name) const;
  std::vector<std::string> names() const;
};

namespace keys {
const KeySection& top();
const KeySection& journal();
const KeySection& intake();
const KeySection& intake_http();
const KeySection& intake_tls();
const KeySection& tls_clients();
const KeySection& intake_http_tokens();
const KeySection& intake_http_public_keys();
const KeySection& intake_mllp();
const KeySection& intake_mllp_tls();
const KeySection& intake_mllp_clients();
const KeySection& intake_folder();
const KeySection& admin();
const KeySection& admin_token();
const KeySection& admin_tls();
const KeySection& azure_storage_queue();
const KeySection& directory();
const KeySection& reportstream();
const KeySection& reportstream_auth();
const KeySection& http();
const KeySection& http_auth();
const KeySection& client_certificate();
const KeySection& http_accept();
const KeySection& http_refuse();
const KeySection& mllp_destination();
const KeySection& mllp_destination_tls();
const KeySection& s3();
const KeySection& sftp();
const KeySection& backoff();
const KeySection& forward();
const KeySection& route();
const KeySection& match();
const KeySection& log();

// All of those, in the order of a file.
std::vector<const KeySection*> all();
}  // namespace keys

}  // namespace relay
