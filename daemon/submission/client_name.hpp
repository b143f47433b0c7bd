// The grammar of a client's name, and the globs that match one. Names are the only sender's words that enter paths and
// keys.
#pragma once

#include <string_view>

namespace relay {

// [A-Za-z0-9][A-Za-z0-9._-]{0,99}
bool is_client_name(std::string_view name);
// Case-sensitive; '*' stands for any run of characters (also none), '?' for one. Linear in the lengths' product.
bool glob_matches(std::string_view pattern, std::string_view text);

}  // namespace relay
