// What a name's template becomes for one submission.
#pragma once

#include <string>

#include "settings/name_template.hpp"
#include "submission/submission.hpp"

namespace relay {

// The payload's name is percent-encoded (RFC 3986 section 2.3 names what stays as it is; a dot at its beginning
// doesn't, so that no name climbs out of a folder or hides), and cut to `longest_payload_name`.
std::string fill_in(const NameTemplate& name, const Submission& submission);
// The same to be shown to anybody: {payload_name} stands as it is, since what senders name can carry a person's name.
std::string fill_in_for_show(const NameTemplate& name, const Submission& submission);

}  // namespace relay
