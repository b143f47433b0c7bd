// The text of an answer's head.
#pragma once

#include <string>

#include "base/clock.hpp"
#include "base/http_server.hpp"

namespace relay {

// Status line and fields up to the empty line. Field values lose any control character: no CR or LF gets into a header.
std::string response_head(const HttpResponse& response, bool keep_alive, bool http_1_0, WallTime now);

}  // namespace relay
