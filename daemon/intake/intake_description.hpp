// What the HTTP intake takes and answers, as OpenAPI 3.1: daemon/api/intake.yaml, put in by the build.
#pragma once

#include <string_view>

namespace relay {

std::string_view intake_description();
inline constexpr std::string_view description_path = "/openapi.yaml";
// RFC 9512.
inline constexpr const char* description_content_type = "application/yaml";

}  // namespace relay
