// JSON that another side has sent: bounded, never trusted, never an exception.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

namespace relay {

// Nothing where the text isn't one JSON object (of bounded depth).
std::optional<boost::json::object> json_object_of(std::string_view text);
// A string as it is, a whole number in decimal; empty for anything else and where absent.
std::string json_text(const boost::json::object& object, std::string_view name);

}  // namespace relay
