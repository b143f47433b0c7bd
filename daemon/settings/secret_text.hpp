// SecretText: a configured secret that may hold ${env:NAME}, ${file:PATH} or ${credential:NAME} references. It
// remembers its references, so that a ${file:} can be read again when a sign-in fails.
#pragma once

#include <string>

#include "base/result.hpp"
#include "base/secret.hpp"

namespace relay {

class SecretText {
 public:
  SecretText() = default;
  // `unresolved` is the text as it stands in the file, `value` what it stood for when the configuration was read.
  SecretText(std::string unresolved, Secret value) : unresolved_(std::move(unresolved)), value_(std::move(value)) {}
  // A literal without references.
  explicit SecretText(std::string literal) : unresolved_(literal), value_(std::move(literal)) {}

  const Secret& value() const { return value_; }
  bool empty() const { return value_.empty(); }
  // Resolves the references again (a ${credential:} too, which systemd renews only at a restart). True when the value
  // changed; an unreadable one is an error and leaves the value as it was. On the caller's thread.
  Result<bool> refresh();

 private:
  std::string unresolved_;
  Secret value_;
};

}  // namespace relay
