// Colour for people at a terminal, and nowhere else: not in files and pipes, not where NO_COLOR is set (no-color.org).
#pragma once

#include <iosfwd>
#include <string>

namespace relay {

// Whether `stream` is standard output and that a terminal that shows colour.
bool shows_colour(const std::ostream& stream);
// The states of submissions, destinations and the relay in red, yellow or green, where they stand alone: as a cell of a
// table, or before a colon.
std::string with_coloured_states(const std::string& text);
// The text as it is to be printed there.
std::string for_stream(const std::string& text, const std::ostream& stream);

}  // namespace relay
