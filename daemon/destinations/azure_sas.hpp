// A shared access signature: a query string that carries its rights and its end in the open ("Create an account SAS",
// "Create a service SAS", learn.microsoft.com/rest/api/storageservices). Read so that an error can name the missing
// right or the expiry; the signature itself is Azure's to judge.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/secret.hpp"
#include "destinations/azure_request.hpp"

namespace relay {

class AzureSas {
 public:
  // Takes any text, with or without '?'; what it doesn't understand it knows nothing of.
  explicit AzureSas(std::string_view query);

  const Secret& query() const { return query_; }
  const std::optional<WallTime>& starts_at() const { return starts_at_; }
  const std::optional<WallTime>& expires_at() const { return expires_at_; }
  // The rights as they stand in sp=; empty where a stored access policy (si=) keeps them.
  const std::string& rights() const { return rights_; }

  // "the SAS expired at 2026-…" or "isn't valid before …"; nothing where it is in time or doesn't say.
  std::optional<std::string> out_of_time(WallTime now) const;
  // What the SAS lacks for that step, in words; nothing where it has it or doesn't say.
  std::optional<std::string> missing_right(AzureStep step) const;

 private:
  Secret query_;
  std::optional<WallTime> starts_at_{};
  std::optional<WallTime> expires_at_{};
  std::string rights_;          // sp=
  std::string services_;        // ss= of an account SAS
  std::string resource_types_;  // srt= of an account SAS
  std::string resource_;        // sr= of a blob service's SAS
};

}  // namespace relay
