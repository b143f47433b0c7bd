// Looks whether every listener's address is free, before anything is made on disk. A start that fails for a busy port
// must leave no new journal behind.
#pragma once

#include <optional>
#include <string>

#include "base/listen_address.hpp"
#include "settings/settings.hpp"

namespace relay {

// Nothing where the address can be listened on; else what is wrong, and the way out.
std::optional<std::string> complaint_about_address(const ListenAddress& address);
// The first complaint about a listener of the configuration.
std::optional<std::string> complaint_about_listeners(const Settings& settings);

}  // namespace relay
