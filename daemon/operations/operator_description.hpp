// What the operator endpoint takes and answers, as OpenAPI 3.1: daemon/api/operator.yaml, put in by the build.
#pragma once

#include <string_view>

namespace relay {

std::string_view operator_description();

}  // namespace relay
