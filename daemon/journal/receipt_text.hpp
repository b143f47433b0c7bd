// Receipts in the journal: a JSON object of strings.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "submission/outcome.hpp"

namespace relay {

// Nothing for an empty receipt.
std::optional<std::string> receipt_text(const Receipt& receipt);
// What isn't such an object gives an empty receipt: it is proof for people, nothing depends on it.
Receipt parse_receipt(std::string_view text);

}  // namespace relay
