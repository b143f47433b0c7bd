// What somebody probably meant.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace relay {

// The candidate with the fewest letters to change, add, drop or swap; nothing where all are too far away to be meant.
std::optional<std::string> nearest_name(std::string_view written, const std::vector<std::string>& candidates);
// The same however far away it is; nothing where there is no candidate at all.
std::optional<std::string> closest_name(std::string_view written, const std::vector<std::string>& candidates);

}  // namespace relay
