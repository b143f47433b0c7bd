#include <vector>

#include "base/utf8.hpp"
#include "fuzz/targets.hpp"
#include "intake/request_fields.hpp"

namespace relay::fuzz {

void request_fields(std::string_view bytes) {
  std::vector<std::string_view> values;
  for (std::string_view rest = bytes; values.size() < 8;) {
    const std::size_t end = rest.find('\n');
    values.push_back(rest.substr(0, end));
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  const auto key = parse_idempotency_key(bytes);
  require(!key || (!key->empty() && key->size() <= 255), "a key has 1 to 255 characters");
  (void)parse_content_digest(values);
  const auto wait = parse_wait(values, std::chrono::seconds(60));
  require(!wait || (wait->count() >= 0 && wait->count() <= 60), "a wait stays within its limit");
  (void)parse_content_coding(values);
  require(is_utf8(payload_name_text(bytes)), "a payload name is UTF-8");
}

}  // namespace relay::fuzz
