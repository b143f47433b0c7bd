#include "operations/admin_access.hpp"

#include <fstream>
#include <string>

#include <fmt/format.h>

namespace relay {
namespace {

// From the machine's own list alone: a directory service could keep the only thread that answers here waiting.
std::string user_name(unsigned uid) {
  const std::string wanted = fmt::format(":{}:", uid);
  std::ifstream users("/etc/passwd");
  for (std::string line; std::getline(users, line);) {
    const auto password = line.find(':');
    const auto id = password == std::string::npos ? password : line.find(':', password + 1);
    if (id != std::string::npos && line.compare(id, wanted.size(), wanted) == 0) return line.substr(0, password);
  }
  return "";
}

std::string socket_user(const std::optional<unsigned>& uid) {
  if (!uid) return "unknown";
  const std::string name = user_name(*uid);
  return name.empty() ? fmt::format("uid {}", *uid) : fmt::format("uid {} ({})", *uid, name);
}

RequestProblem unauthenticated(std::string detail) {
  RequestProblem problem{ProblemName::unauthenticated, std::move(detail)};
  problem.fields = {{"WWW-Authenticate", "Bearer"}};
  return problem;
}

}  // namespace

Result<std::optional<Operator>, RequestProblem> AdminAccess::who(const HttpRequestHead& head) const {
  if (head.peer.unix_socket) return std::optional(Operator{socket_user(head.peer.uid), "socket"});
  const auto authorization = head.field("Authorization");
  const auto given = authorization ? bearer_token_in(*authorization) : std::nullopt;
  if (authorization && head.all("Authorization").size() == 1 && given) {
    if (const BearerToken* token = tokens_.find(*given)) {
      return std::optional(Operator{"token " + token->name, head.peer.address});
    }
  }
  if (authorization) return Failure{unauthenticated("This token isn't one of admin.tokens.")};
  if (token_to_read_)
    return Failure{unauthenticated("This is shown with one of admin.tokens alone (admin.read: token).")};
  return std::optional<Operator>();
}

RequestProblem AdminAccess::operators_alone() {
  return unauthenticated(
      "This is served over the operator socket, where file permissions decide who may, or with one of admin.tokens.");
}

}  // namespace relay
