// The bytes that `submit` sends: a regular file is read while it is sent, anything else is read to its end first.
#pragma once

#include <iosfwd>
#include <memory>
#include <string>

#include "base/http_client.hpp"
#include "base/result.hpp"

namespace relay {

// Errors name the file and what is wrong with it.
Result<std::shared_ptr<HttpBodySource>> open_file_body(const std::string& path);
Result<std::shared_ptr<HttpBodySource>> read_stream_body(std::istream& stream);
std::shared_ptr<HttpBodySource> text_body(std::string text);

}  // namespace relay
