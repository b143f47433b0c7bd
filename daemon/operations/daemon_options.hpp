// From the settings to what each part of the daemon is made with.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/http_server.hpp"
#include "destinations/destination.hpp"
#include "journal/journal.hpp"
#include "operations/admin_access.hpp"
#include "operations/health.hpp"
#include "settings/settings.hpp"
#include "submission/route_table.hpp"

namespace relay {

std::map<std::string, DestinationLimits> limits_of_all(const Settings& settings);
RouteTable route_table_of(const Settings& settings);
JournalOptions journal_options_of(const Settings& settings);
std::vector<ConfiguredDestination> configured_destinations_of(const Settings& settings);
// Listeners beyond loopback that ask nobody who they are, as the configuration allowed in as many words.
std::vector<std::string> insecure_listeners_of(const Settings& settings);
// Which configuration the relay runs with from now on; the journal notes it where it is another one than before.
// `occasion`: start, reload.
void note_configuration(const Settings& settings, Journal& journal, const char* occasion);
AdminAccess admin_access_of(const Settings& settings);
HttpServerOptions admin_options_of(const Settings& settings, const ListenAddress& listen);
// In the configuration's order.
std::vector<std::unique_ptr<Destination>> make_destinations(const Settings& settings);

// A group that there is none of, or that this process can't give a file to, is left out: the socket then has the
// process's own group, which lets in nobody more. Returns the groups left out.
std::vector<std::string> leave_out_unusable_groups(Settings& settings);
// A warning for each, with what to do.
void log_groups_left_out(const std::vector<std::string>& groups);

}  // namespace relay
