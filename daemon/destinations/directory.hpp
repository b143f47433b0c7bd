// Destination directory: hands a submission over as two files in a folder that is there already: <id><ext>, the
// payload, and <id>.json, its description.
//
// Both are first written in full as .<name>.tmp and fsynced, so that nothing appears of a payload that turns out to be
// corrupt; then the description is renamed, then the payload, the folder fsynced after each. Whoever waits for payloads
// finds the description beside each. A repeat writes the same bytes over the same names.
//
// A payload whose own extension is .json (application/fhir+json) is <id>.payload.json, since <id>.json is taken.
#pragma once

#include <memory>
#include <string>

#include "destinations/destination.hpp"
#include "settings/settings.hpp"

namespace relay {

std::unique_ptr<Destination> make_directory(const DirectorySettings& settings, const std::string& site);

// The description as it is written: id, client, content_type, payload_name, size, sha256, accepted_at, intake, site.
std::string directory_description(const Submission& submission, const std::string& site);
// The payload's file name.
std::string directory_payload_name(const Submission& submission);

}  // namespace relay
