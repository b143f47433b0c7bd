// ${env:NAME}, ${file:PATH} and ${credential:NAME} in a configured text (contract, "Configuration").
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace relay {

struct ReferenceError {
  std::string reference;  // as it stands in the text: ${env:NAME}; empty where it isn't fit to be shown
  std::string message;    // what can't be read, why, and the way out; never a value
};

bool has_references(std::string_view text);

// The text with every reference replaced by what it stands for; what was put in isn't looked at again. Every reference
// that can't be read is an error of its own. A file's trailing newline is dropped. Blocks on the files.
//
// A ${credential:} is what it was when this process read it first: the service manager passes credentials at the start
// alone, so another value belongs to the next start.
Result<std::string, std::vector<ReferenceError>> resolve_references(std::string_view text);
// True where the text has a ${credential:} whose file no longer holds what it stands for here: a restart takes it.
bool credential_changed(std::string_view text);

}  // namespace relay
