// The text of an answer's head.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/http_server.hpp"

namespace relay {

// Status line and fields up to the empty line. Field values lose any control character: no CR or LF gets into a header.
std::string response_head(const HttpResponse& response, bool keep_alive, bool http_1_0, WallTime now);
// One chunk of a chunked body (RFC 9112 section 7.1); `bytes` isn't empty.
std::string chunk_of(std::string_view bytes);

}  // namespace relay
