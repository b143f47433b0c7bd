#include "operations/process_setup.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <system_error>

namespace relay {
namespace {

// Journal, log, operator endpoint, and room to spare.
constexpr unsigned long descriptors_of_our_own = 768;

}  // namespace

void ignore_broken_pipes() {
  std::signal(SIGPIPE, SIG_IGN);
}

void keep_files_from_others() {
  const mode_t mask = ::umask(0077);
  ::umask(mask | 0007);
}

void keep_memory_out_of_cores() {
  // A limit of 0 on the size of cores alone doesn't hold back a core that is piped to a program (core(5)).
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
    throw std::system_error(errno, std::generic_category(), "core dumps can't be switched off");
  }
}

DescriptorAllowance allow_descriptors(const Settings& settings) {
  DescriptorAllowance allowance{0, descriptors_of_our_own};
  for (const auto& listener : settings.intake.http) allowance.wanted += listener.max_connections;
  for (const auto& listener : settings.intake.mllp) allowance.wanted += listener.max_connections;
  for (const auto& destination : settings.destinations) allowance.wanted += destination.concurrency;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return allowance;
  allowance.allowed = limit.rlim_cur;
  if (limit.rlim_cur >= allowance.wanted) return allowance;
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, allowance.wanted);
  if (::setrlimit(RLIMIT_NOFILE, &limit) == 0) allowance.allowed = limit.rlim_cur;
  return allowance;
}

}  // namespace relay
