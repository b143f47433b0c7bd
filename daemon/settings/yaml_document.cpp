#include "settings/yaml_document.hpp"

#include <yaml-cpp/eventhandler.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <sstream>
#include <utility>
#include <vector>

#include "base/utf8.hpp"

namespace relay {
namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

// yaml-cpp's words up to what it quotes, which may be part of a secret.
std::string reason_of(const YAML::Exception& exception) {
  if (exception.msg == YAML::ErrorMsg::BAD_FILE) return "nested too deeply";
  return exception.msg.substr(0, exception.msg.find(':'));
}

// Told of nodes as they are read, keeps where each document's first one stands.
class DocumentStarts : public YAML::EventHandler {
 public:
  const std::vector<YAML::Mark>& marks() const { return marks_; }
  void OnDocumentStart(const YAML::Mark&) override { at_start_ = true; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { node(mark); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { node(mark); }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t, const std::string&) override { node(mark); }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
    node(mark);
  }
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
    node(mark);
  }
  void OnMapEnd() override {}

 private:
  void node(const YAML::Mark& mark) {
    if (std::exchange(at_start_, false)) marks_.push_back(mark);
  }
  bool at_start_ = false;
  std::vector<YAML::Mark> marks_;
};

// No further than the second one: where yaml-cpp meets what can't begin a document it takes nothing and gives out empty
// documents without end, which its LoadAll keeps until memory is gone.
std::optional<YAML::Mark> second_document(const std::string& text) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  DocumentStarts starts;
  for (int document = 0; document < 2 && parser.HandleNextDocument(starts); ++document) {
  }
  return starts.marks().size() > 1 ? std::optional(starts.marks()[1]) : std::nullopt;
}

}  // namespace

YamlDocument::YamlDocument(std::string text, ProblemList& problems) : text_(std::move(text)) {
  if (text_.starts_with(byte_order_mark)) text_.erase(0, byte_order_mark.size());
  line_starts_.push_back(0);
  for (std::size_t i = 0; i < text_.size(); ++i) {
    if (text_[i] == '\n') line_starts_.push_back(i + 1);
  }
  if (!is_utf8(text_) || text_.find('\0') != std::string::npos) {
    problems.error({}, "the file isn't UTF-8 text; save it as UTF-8");
    return;
  }
  try {
    root_ = YAML::Load(text_);
    if (const auto second = second_document(text_)) {
      problems.error(place_of(*second), "a second YAML document begins here; a configuration is one");
    }
  } catch (const YAML::Exception& exception) {
    problems.error(place_of(exception.mark), "this isn't YAML: " + reason_of(exception) +
                                                 "; look at the indentation, quotes and colons here and just before");
  }
}

std::string_view YamlDocument::from(const YAML::Mark& mark) const {
  if (mark.is_null() || static_cast<std::size_t>(mark.line) >= line_starts_.size()) return {};
  const std::size_t offset = line_starts_[static_cast<std::size_t>(mark.line)] + static_cast<std::size_t>(mark.column);
  return offset < text_.size() ? std::string_view(text_).substr(offset) : std::string_view();
}

Place YamlDocument::place_at(std::size_t offset) const {
  const auto line = std::prev(std::ranges::upper_bound(line_starts_, offset));
  int column = 1;
  for (std::size_t i = *line; i < offset;) {
    i += std::max<std::size_t>(1, utf8_length(std::string_view(text_).substr(i)));
    ++column;
  }
  return {static_cast<int>(std::distance(line_starts_.begin(), line)) + 1, column};
}

Place YamlDocument::place_of(const YAML::Mark& mark) const {
  if (mark.is_null()) return {};
  const std::string_view rest = from(mark);
  // At the very end of the file there is no text to count through.
  return rest.empty() ? Place{mark.line + 1, mark.column + 1} : place_at(text_.size() - rest.size());
}

Place YamlDocument::place_of(const YAML::Mark& mark, std::string_view part) const {
  const std::string_view rest = from(mark);
  const std::size_t found = part.empty() ? std::string_view::npos : rest.find(part);
  return found == std::string_view::npos ? place_of(mark) : place_at(text_.size() - rest.size() + found);
}

bool YamlDocument::stands_at(const YAML::Mark& mark, std::string_view value) const {
  std::string_view rest = from(mark);
  if (rest.starts_with('"') || rest.starts_with('\'')) rest.remove_prefix(1);
  return rest.starts_with(value);
}

bool YamlDocument::is_unclosed(const YAML::Mark& mark) const {
  const std::string_view rest = from(mark);
  if (!rest.starts_with('"') && !rest.starts_with('\'')) return false;
  const char quote = rest.front();
  for (std::size_t i = 1; i < rest.size(); ++i) {
    if (quote == '"' && rest[i] == '\\') {
      ++i;
    } else if (rest[i] == quote) {
      if (quote == '"' || !rest.substr(i + 1).starts_with(quote)) return false;
      ++i;  // '' inside single quotes is one
    }
  }
  return true;
}

}  // namespace relay
