// What to do where a socket can't be given to the group that is configured. The service's sandbox has the calls for it
// taken away (SystemCallFilter=~@privileged, systemd.exec(5)): they are needed only for a group other than the
// service's.
#pragma once

#include <string>

namespace relay {

// The end of a sentence that says what couldn't be done: names the drop-in to write.
std::string socket_group_advice(const std::string& group);

}  // namespace relay
