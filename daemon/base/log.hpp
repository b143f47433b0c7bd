// One log for the process, to standard error. A line is a sentence and named fields; every line about a submission has
// its id as `submission`. Payload bytes, file names, payload names, idempotency keys and remote texts never get in.
// Thread-safe. Behind it: spdlog, in log.cpp alone (it costs seconds a translation unit).
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace relay {

enum class LogLevel { trace, debug, info, warning, error };
enum class LogFormat { text, json };

struct LogField {
  LogField(std::string_view field_name, std::string_view field_value) : name(field_name), value(field_value) {}
  LogField(std::string_view field_name, const char* field_value) : name(field_name), value(field_value) {}
  LogField(std::string_view field_name, const std::string& field_value) : name(field_name), value(field_value) {}
  LogField(std::string_view field_name, long long field_value)
      : name(field_name), value(std::to_string(field_value)), number(true) {}
  LogField(std::string_view field_name, long field_value) : LogField(field_name, static_cast<long long>(field_value)) {}
  LogField(std::string_view field_name, int field_value) : LogField(field_name, static_cast<long long>(field_value)) {}
  LogField(std::string_view field_name, unsigned long field_value)
      : name(field_name), value(std::to_string(field_value)), number(true) {}
  LogField(std::string_view field_name, unsigned long long field_value)
      : LogField(field_name, static_cast<unsigned long>(field_value)) {}
  LogField(std::string_view field_name, unsigned field_value)
      : LogField(field_name, static_cast<unsigned long>(field_value)) {}
  std::string name;
  std::string value;
  bool number = false;
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
