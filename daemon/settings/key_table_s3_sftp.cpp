// The keys of the destinations `s3` and `sftp`.
#include "settings/key_table_parts.hpp"

namespace relay::keys {

const KeySection& s3() {
  static const KeySection keys = http_destination_section(
      "destinations.NAME (s3)",
      {{"endpoint", built, "Amazon's of that region", "address of the service, where it isn't Amazon's own"},
       {"region", built, "us-east-1 with an endpoint", "the bucket's region"},
       {"bucket", built, "", "its name"},
       {"key", built, "\"{client}/{id}.{extension}\"",
        "an object's name: {client}, {id}, {date}, {timestamp}, {extension}, {payload_name}"},
       {"access_key", built, "", "the key's id; use a ${file:}, ${env:} or ${credential:} for these three"},
       {"secret_key", built, "", "its secret"},
       {"session_token", built, "", "of keys that last for a while only"},
       {"server_side_encryption", built, "as the bucket does it", "AES256, aws:kms or aws:kms:dsse"},
       {"kms_key", built, "the account's own", "id or ARN of the key for aws:kms"},
       {"metadata", built, "", "names and values (as in key) of each object's metadata"},
       {"content_type", built, "the media type alone", "the type that objects get"},
       {"path_style", built, "true where the endpoint is an address", "true: the bucket stands in the path"},
       {"if_none_match", built, "true", "an object that is there is never written over"}});
  return keys;
}

const KeySection& sftp() {
  static const KeySection keys = section(
      "destinations.NAME (sftp)",
      {{"url", built, "", "sftp://HOST, with :PORT and /FOLDER where needed"},
       {"user", built, "", "who signs in there"},
       {"password", built, "", "or key; use a ${file:}, ${env:} or ${credential:}"},
       {"key", built, "", "a private key (Ed25519 or ECDSA) without a passphrase: a path or PEM text"},
       {"host_key_sha256", built, "", "the server's key as `ssh-keygen -l` shows it; another one is never spoken to"},
       {"path", built, "\"{id}.{extension}\"",
        "a file's name below the folder: {client}, {id}, {date}, {timestamp}, {extension}, {payload_name}"}},
      common_destination_keys());
  return keys;
}

}  // namespace relay::keys
