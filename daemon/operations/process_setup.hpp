// What the daemon's process asks of the system before anything else.
#pragma once

#include "settings/settings.hpp"

namespace relay {

// A peer that is gone is an error of a write, never a signal.
void ignore_broken_pipes();
// Other users' access is never meant; the group's is left to the umask that the process was given.
void keep_files_from_others();

struct DescriptorAllowance {
  unsigned long allowed = 0;
  unsigned long wanted = 0;
};
// Raises the limit of descriptors to what the listeners' max_connections need, as far as it may.
DescriptorAllowance allow_descriptors(const Settings& settings);

}  // namespace relay
