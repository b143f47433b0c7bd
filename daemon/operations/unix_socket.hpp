// What a Unix socket path has behind it, and who may use it.
#pragma once

#include <filesystem>
#include <string>

namespace relay {

// Connects and hangs up: 0 where somebody answers, else errno (ENOENT, ECONNREFUSED for a file that is left over,
// EACCES, …).
int try_unix_socket(const std::filesystem::path& path);

// The name of the group that owns the file; empty where that can't be seen.
std::string group_of(const std::filesystem::path& path);
// True when this process may give a file to that group.
bool may_give_to_group(const std::string& group);

}  // namespace relay
