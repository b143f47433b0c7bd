// One log for the process, to standard error. A line is a sentence and named fields; every line about a submission has
// its id as `submission`. Payload bytes, file names, payload names, idempotency keys and remote texts never get in.
// Thread-safe. Behind it: spdlog, in log.cpp alone (it costs seconds a translation unit).
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

#include "base/uuid.hpp"

namespace relay {

enum class LogLevel { trace, debug, info, warning, error };
enum class LogFormat { text, json };

// What a field holds is written only where its line is: it lives as long as the call that it is made for.
class LogField {
 public:
  LogField(std::string_view name, std::string_view value) : name_(name), value_(value) {}
  LogField(std::string_view name, const char* value) : LogField(name, std::string_view(value)) {}
  LogField(std::string_view name, const std::string& value) : LogField(name, std::string_view(value)) {}
  LogField(std::string_view name, const Uuid& value) : name_(name), value_(value) {}
  LogField(std::string_view name, std::signed_integral auto value)
      : name_(name), value_(static_cast<std::int64_t>(value)) {}
  LogField(std::string_view name, std::unsigned_integral auto value)
      : name_(name), value_(static_cast<std::uint64_t>(value)) {}

  std::string_view name() const { return name_; }
  bool is_number() const { return !is_text() && !std::holds_alternative<Uuid>(value_); }
  // `room` holds it where it isn't text already.
  std::string_view text(std::string& room) const;

 private:
  bool is_text() const { return std::holds_alternative<std::string_view>(value_); }

  std::string_view name_;
  std::variant<std::string_view, std::int64_t, std::uint64_t, Uuid> value_;
};

// `journald_priorities`: each line begins with <N> (sd-daemon(3)) and carries no time of its own, since journald adds
// one. Without configure_log the log is text at info.
void configure_log(LogLevel level, LogFormat format, bool journald_priorities);
void set_log_level(LogLevel level);

void log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields = {});
inline void log_debug(std::string_view message, std::initializer_list<LogField> fields = {}) {
  log(LogLevel::debug, message, fields);
}
inline void log_info(std::string_view message, std::initializer_list<LogField> fields = {}) {
  log(LogLevel::info, message, fields);
}
inline void log_warning(std::string_view message, std::initializer_list<LogField> fields = {}) {
  log(LogLevel::warning, message, fields);
}
inline void log_error(std::string_view message, std::initializer_list<LogField> fields = {}) {
  log(LogLevel::error, message, fields);
}

}  // namespace relay
