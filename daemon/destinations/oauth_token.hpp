// What the server that gives out tokens answers (RFC 6749 section 5), whatever the sign-in is. Nothing is under way
// then but the token, so nothing of this costs a submission an attempt, and nothing is unknown. | answer | broken, kind
// | | ---------------------------------------------- | ---------------------------------- | | 400, 401, 403 and a Date
// more than 15 min. off | clock                              | | 400, 401                                       |
// sign_in, with its error code       | | 403, 404, 407, 410, 3xx                        | forbidden, not_found, proxy,
// …     | | 429, 5xx                                       | throttled, unavailable             | | anything else, HTML
// | unexpected_answer                  |
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/http_client.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "submission/outcome.hpp"

namespace relay {

struct OAuthToken {
  Secret value;
  std::string scope;         // as granted; empty where the answer names none
  MonotonicTime renew_at{};  // when four fifths of its time are over
};

Result<OAuthToken, AttemptResult> read_token_answer(const HttpClientResponse& response, const Clock& clock);
AttemptResult token_failure(const TransferError& failure);
// Of an answer that holds a token which won't do.
AttemptResult broken_token(const HttpClientResponse& response, ErrorKind kind, const std::string& words);

// The words of a scope, in any order.
std::set<std::string, std::less<>> words_of_scope(std::string_view text);
// What an Authorization header can hold behind `Bearer ` (RFC 6750 section 2.1); anything else could end its line.
bool is_bearer_token(std::string_view text);

}  // namespace relay
