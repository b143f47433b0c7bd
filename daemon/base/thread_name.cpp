#include "base/thread_name.hpp"

#include <pthread.h>

namespace relay {

void name_this_thread(const std::string& name) {
  constexpr std::size_t longest = 15;
  ::pthread_setname_np(::pthread_self(), name.substr(0, longest).c_str());
}

}  // namespace relay
