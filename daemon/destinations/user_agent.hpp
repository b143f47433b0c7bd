// How the relay names itself to HTTP servers: edge-relay/<version> (<site>).
#pragma once

#include <string>
#include <string_view>

namespace relay {

// Bytes of the site's name that a comment of RFC 9110 section 5.6.5 can't hold become '_'.
std::string user_agent(std::string_view site);

}  // namespace relay
