#include "settings/secret_text.hpp"

#include <string_view>

#include "base/digest.hpp"
#include "settings/references.hpp"

namespace relay {
namespace {

Secret without_front(std::string_view text, char front) {
  if (front != '\0' && text.starts_with(front)) text.remove_prefix(1);
  return Secret(std::string(text));
}

}  // namespace

void SecretText::drop_front(char front) {
  dropped_front_ = front;
  value_ = without_front(value_.reveal(), front);
}

Result<bool> SecretText::refresh() {
  if (!has_references(unresolved_)) return false;
  auto resolved = resolve_references(unresolved_);
  if (!resolved) return fail(resolved.error().front().message);
  const Secret whole(std::move(*resolved));
  Secret value = without_front(whole.reveal(), dropped_front_);
  const bool changed = !constant_time_equal(value.reveal(), value_.reveal());
  value_ = std::move(value);
  return changed;
}

}  // namespace relay
