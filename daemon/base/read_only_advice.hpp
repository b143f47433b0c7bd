// What to do where a folder is read-only (EROFS). Under systemd that is nearly always the service's own sandbox:
// ProtectSystem=strict leaves only what ReadWritePaths= names (systemd.exec(5)).
#pragma once

#include <filesystem>
#include <string>

namespace relay {

// The end of a sentence that says what couldn't be written: names the drop-in to write.
std::string read_only_advice(const std::filesystem::path& folder);

}  // namespace relay
