// Threads are named (intake-0, writer, lane:<name>, operations), so that a person with top -H or gdb, and a test, can
// tell them apart.
#pragma once

#include <string>

namespace relay {

// Names the calling thread; Linux keeps 15 bytes.
void name_this_thread(const std::string& name);

}  // namespace relay
