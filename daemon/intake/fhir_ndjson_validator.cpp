#include <boost/json/basic_parser_impl.hpp>
#include <cstdint>
#include <optional>

#include "intake/payload_validator.hpp"

namespace relay {
namespace {

namespace json = boost::json;

// Resources nest by extensions and contained resources; this is far beyond any, and keeps the parser's stack small.
constexpr std::size_t deepest_nesting = 200;

// Looks at one line's JSON without keeping it: is it an object, and does it say its resourceType?
class ResourceHandler {
 public:
  static constexpr std::size_t max_object_size = SIZE_MAX;
  static constexpr std::size_t max_array_size = SIZE_MAX;
  static constexpr std::size_t max_key_size = SIZE_MAX;
  static constexpr std::size_t max_string_size = SIZE_MAX;

  bool is_object() const { return is_object_; }
  bool has_resource_type() const { return has_resource_type_; }

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }
  bool on_object_begin(json::error_code&) {
    if (depth_ == 0) is_object_ = true;
    ++depth_;
    return true;
  }
  bool on_object_end(std::size_t, json::error_code&) {
    --depth_;
    return true;
  }
  bool on_array_begin(json::error_code&) {
    ++depth_;
    return true;
  }
  bool on_array_end(std::size_t, json::error_code&) {
    --depth_;
    return true;
  }
  bool on_key_part(json::string_view part, std::size_t, json::error_code&) {
    if (depth_ == 1) append_key(part);
    return true;
  }
  bool on_key(json::string_view part, std::size_t, json::error_code&) {
    if (depth_ != 1) return true;
    append_key(part);
    at_resource_type_ = key_ == "resourceType";
    key_.clear();
    return true;
  }
  bool on_string_part(json::string_view, std::size_t, json::error_code&) { return true; }
  bool on_string(json::string_view, std::size_t size, json::error_code&) {
    if (depth_ == 1 && at_resource_type_ && size > 0) has_resource_type_ = true;
    return true;
  }
  bool on_number_part(json::string_view, json::error_code&) { return true; }
  bool on_int64(std::int64_t, json::string_view, json::error_code&) { return true; }
  bool on_uint64(std::uint64_t, json::string_view, json::error_code&) { return true; }
  bool on_double(double, json::string_view, json::error_code&) { return true; }
  bool on_bool(bool, json::error_code&) { return true; }
  bool on_null(json::error_code&) { return true; }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

 private:
  void append_key(json::string_view part) {
    // One character more than "resourceType" has is enough to tell another key from it.
    const std::size_t room = std::string_view("resourceType").size() + 1 - key_.size();
    key_.append(part.data(), std::min(part.size(), room));
  }

  std::size_t depth_ = 0;
  bool is_object_ = false;
  bool has_resource_type_ = false;
  bool at_resource_type_ = false;
  std::string key_;
};

class FhirNdjsonValidator final : public PayloadValidator {
 public:
  void feed(std::string_view bytes) override {
    while (!problem() && !bytes.empty()) {
      // A raw LF can't stand inside JSON's strings: it always ends the line.
      const std::size_t newline = bytes.find('\n');
      take(bytes.substr(0, newline));
      if (newline == std::string_view::npos) return;
      end_line();
      bytes.remove_prefix(newline + 1);
    }
  }
  void finish() override {
    if (!problem() && line_has_bytes_) end_line();
  }

 private:
  void take(std::string_view part) {
    if (part.empty()) return;
    line_has_bytes_ = true;
    if (part.find_first_not_of(" \t\r") != std::string_view::npos) blank_ = false;
    if (!parser_) parser_.emplace(options());
    json::error_code error;
    const std::size_t taken = parser_->write_some(true, part.data(), part.size(), error);
    if (error || taken != part.size()) found(line_, not_an_object);
  }

  void end_line() {
    if (problem()) return;
    if (blank_) return found(line_, "the line is blank");
    json::error_code error;
    parser_->write_some(false, "", 0, error);
    const ResourceHandler& resource = parser_->handler();
    if (error || !resource.is_object()) return found(line_, not_an_object);
    if (!resource.has_resource_type()) return found(line_, "the object has no resourceType");
    parser_.reset();
    blank_ = true;
    line_has_bytes_ = false;
    ++line_;
  }

  static json::parse_options options() {
    json::parse_options options;
    options.max_depth = deepest_nesting;
    return options;
  }

  static constexpr std::string_view not_an_object = "the line isn't one JSON object";

  std::optional<json::basic_parser<ResourceHandler>> parser_;
  std::size_t line_ = 1;
  bool line_has_bytes_ = false;
  bool blank_ = true;
};

}  // namespace

std::unique_ptr<PayloadValidator> make_fhir_ndjson_validator() {
  return std::make_unique<FhirNdjsonValidator>();
}

}  // namespace relay
