// SecretText: a configured secret that may hold ${env:NAME}, ${file:PATH} or ${credential:NAME} references. It
// remembers its references, so that a ${file:} can be read again when a sign-in fails.
#pragma once

#include <string>
#include <utility>

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
  // Drops that character from the front, now and after every refresh: the '?' of a SAS, as some pages show it.
  void drop_front(char front);
  // Resolves the references again (a ${credential:} too, which systemd renews only at a restart). True when the value
  // changed; an unreadable one is an error and leaves the value as it was. A text without references never changes. On
  // the caller's thread.
  Result<bool> refresh();

 private:
  std::string unresolved_;
  Secret value_;
  char dropped_front_ = '\0';
};

}  // namespace relay
