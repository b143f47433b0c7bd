// Secret: text that must not be printed. No stream operator, no formatter; reveal() marks every place that reads it.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace relay {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}
  Secret(const Secret&) = default;
  Secret& operator=(const Secret&) = default;
  Secret(Secret&&) noexcept = default;
  Secret& operator=(Secret&&) noexcept = default;
  ~Secret();  // overwrites the text

  std::string_view reveal() const { return text_; }
  bool empty() const { return text_.empty(); }

 private:
  std::string text_;
};

}  // namespace relay
