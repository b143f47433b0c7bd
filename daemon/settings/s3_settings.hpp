// Destination `s3` as it is configured (contract, "Destination keys by type").
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "settings/name_template.hpp"
#include "settings/secret_text.hpp"

namespace relay {

struct S3Settings {
  std::string endpoint;  // without trailing slash
  std::string region;
  std::string bucket;
  NameTemplate key;
  SecretText access_key;
  SecretText secret_key;
  SecretText session_token;            // empty: keys that last
  std::string server_side_encryption;  // AES256, aws:kms, aws:kms:dsse; empty: as the bucket does it
  std::string kms_key;
  // Of each object, beside our own `edge-relay-id`: the name behind x-amz-meta-, and its value.
  std::vector<std::pair<std::string, NameTemplate>> metadata;
  std::string content_type;   // empty: the submission's media type alone
  bool path_style = false;    // the bucket stands in the path, not in the host's name
  bool if_none_match = true;  // an object that is there is never written over
};

// Our own entry in an object's metadata; its value is the submission's id.
inline constexpr const char* s3_id_metadata = "edge-relay-id";

}  // namespace relay
