// What a request to the operator endpoint is about: its path, the methods there are for it, and who may.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "submission/submission.hpp"

namespace relay {

enum class AdminResource {
  live,
  ready,
  health,
  metrics,
  page,
  status,
  submissions,
  submission,
  payload,
  retry,
  resend,
  set_aside,
  discard,
  pause,
  resume,
  redirect,
  retry_all,
  resend_all,
  audit,
  export_archive,
  import_archive,
  reload,
  description,
};

struct AdminTarget {
  AdminResource resource = AdminResource::live;
  std::optional<SubmissionId> id{};  // of /v1/submissions/{id}…
  std::string destination;           // of /v1/destinations/{name}/…, decoded
};

// Nothing: there is no such thing.
std::optional<AdminTarget> admin_target(std::string_view path);
// "GET, HEAD", "POST", …; as they stand in an Allow field.
std::string_view allowed_methods(AdminResource resource);
// What changes anything, and payloads, aren't for everyone who reaches the TCP listener.
bool for_operators_alone(AdminResource resource, std::string_view method);

}  // namespace relay
