// Witnesses: which submissions, of which clients, have failed since anything was last accepted. A circuit that one
// submission opened all alone may be that submission's fault; this tells when another has yet to be heard.
#pragma once

#include <optional>
#include <string>

#include "submission/submission.hpp"

namespace relay {

class Witnesses {
 public:
  void heard(const Submission& submission) {
    if (!first_) {
      first_ = First{submission.id, submission.client};
      return;
    }
    several_submissions_ = several_submissions_ || first_->id != submission.id;
    several_clients_ = several_clients_ || first_->client != submission.client;
  }
  void dismiss() { *this = Witnesses{}; }

  // Set where every failure was of this one submission, of this one client.
  std::optional<SubmissionId> only_submission() const {
    return first_ && !several_submissions_ ? std::optional(first_->id) : std::nullopt;
  }
  std::optional<std::string> only_client() const {
    return first_ && !several_clients_ ? std::optional(first_->client) : std::nullopt;
  }

 private:
  struct First {
    SubmissionId id;
    std::string client;
  };
  std::optional<First> first_{};
  bool several_submissions_ = false;
  bool several_clients_ = false;
};

}  // namespace relay
