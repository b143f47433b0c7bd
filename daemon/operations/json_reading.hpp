// Reading the daemon's JSON answers: a member that is missing or of another kind reads as nothing, since a command may
// be older or newer than the daemon it asks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "base/result.hpp"

namespace relay {

// The object that `text` is.
Result<boost::json::object> parse_json_object(const std::string& text);

// Text comes as one line (see one_line).
std::string text_member(const boost::json::object& object, std::string_view key);
std::optional<double> number_member(const boost::json::object& object, std::string_view key);
std::uint64_t count_member(const boost::json::object& object, std::string_view key);
const boost::json::object& object_member(const boost::json::object& object, std::string_view key);
const boost::json::array& array_member(const boost::json::object& object, std::string_view key);

}  // namespace relay
