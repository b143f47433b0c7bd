#include "operations/process_setup.hpp"

#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>

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

DescriptorAllowance allow_descriptors(const Settings& settings) {
  DescriptorAllowance allowance{0, descriptors_of_our_own};
  for (const auto& listener : settings.intake.http) allowance.wanted += listener.max_connections;
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
