// Who may do what at the operator endpoint: over the socket everybody whom its file permissions let in, over TCP who
// has one of admin.tokens.
#pragma once

#include <optional>

#include "base/bearer_tokens.hpp"
#include "base/http_server.hpp"
#include "intake/problem.hpp"
#include "journal/operator_actions.hpp"

namespace relay {

class AdminAccess {
 public:
  // `token_to_read`: over TCP nothing is shown without a token.
  AdminAccess(BearerTokens tokens, bool token_to_read) : tokens_(std::move(tokens)), token_to_read_(token_to_read) {}

  // The operator who asks; nothing: somebody who may read what is open. `unauthenticated` where a token was given that
  // isn't known, or one is needed to read.
  Result<std::optional<Operator>, RequestProblem> who(const HttpRequestHead& head) const;
  // What to answer to somebody who isn't an operator and wants what only operators may.
  static RequestProblem operators_alone();

 private:
  BearerTokens tokens_;
  bool token_to_read_;
};

}  // namespace relay
