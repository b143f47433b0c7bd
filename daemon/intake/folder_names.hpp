// What the names of files in a watched folder mean: which are taken, which are markers, and how one is called where its
// name is taken already.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace relay {

// Where files go, directly in the watched folder. Nothing in them is taken; in any spelling, for shares that don't tell
// upper from lower case.
inline constexpr std::string_view done_folder = "done";
inline constexpr std::string_view failed_folder = "failed";
bool is_reserved_folder(std::string_view name);

// Dot files and *.tmp: what a sender is still writing, and what the relay itself is moving.
bool is_hidden_name(std::string_view name);
// ASCII letters alike in upper and lower case.
bool matches_ignoring_case(std::string_view pattern, std::string_view name);

// What the markers of that file may be called, in lower case: its full name, or its stem, in place of the '*'.
std::vector<std::string> marker_names(std::string_view marker_pattern, std::string_view name);

// name.ext, name~2.ext, name~3.ext … for 1, 2, 3 …; cut so that it and ".reason" behind it make a file's name (255
// bytes).
std::string numbered_name(std::string_view name, unsigned number);

// "lab.a" of "lab.a/today"; empty for the watched folder itself.
std::string first_part(std::string_view folder);

}  // namespace relay
