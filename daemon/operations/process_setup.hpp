// What the daemon's process asks of the system before anything else.
#pragma once

#include "settings/settings.hpp"

namespace relay {

// A peer that is gone is an error of a write, never a signal.
void ignore_broken_pipes();
// Other users' access is never meant; the group's is left to the umask that the process was given.
void keep_files_from_others();

// The memory of this process never goes into a core dump, and no other process of its user can look into it. For one
// that holds the journal's key. Throws std::system_error where that can't be had.
void keep_memory_out_of_cores();

struct DescriptorAllowance {
  unsigned long allowed = 0;
  unsigned long wanted = 0;
};
// Raises the limit of descriptors to what the listeners' max_connections need, as far as it may.
DescriptorAllowance allow_descriptors(const Settings& settings);

}  // namespace relay
