// The few checks that a configured http(s) URL has to pass before anything is sent there.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace relay {

// The URL without trailing slashes. Takes http or https, a host, a port, a path; no user, query or fragment, which may
// hold a secret and are never quoted in the error.
Result<std::string> parse_web_url(std::string_view text);
// http:// to another machine: whoever is on the way can read along. `url` has passed parse_web_url.
bool is_readable_on_the_way(std::string_view url);

}  // namespace relay
