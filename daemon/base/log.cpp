#include "base/log.hpp"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <atomic>
#include <memory>

#include "base/clock.hpp"
#include "base/utf8.hpp"

namespace relay {
namespace {

struct LogState {
  std::atomic<LogLevel> level{LogLevel::info};
  std::atomic<LogFormat> format{LogFormat::text};
  std::atomic<bool> journald_priorities{false};
  // spdlog's part: whole lines from many threads, one write each.
  spdlog::logger lines{"edge-relay", std::make_shared<spdlog::sinks::stderr_sink_mt>()};

  LogState() {
    lines.set_pattern("%v");
    lines.set_level(spdlog::level::trace);
  }
};

// Never destroyed: threads may log while the process ends.
LogState& state() {
  static auto* const the_state = new LogState;
  return *the_state;
}

std::string_view level_name(LogLevel level) {
  switch (level) {
    case LogLevel::trace:
      return "trace";
    case LogLevel::debug:
      return "debug";
    case LogLevel::info:
      return "info";
    case LogLevel::warning:
      return "warning";
    case LogLevel::error:
      return "error";
  }
  return "error";
}

// sd-daemon(3): 3 error, 4 warning, 6 information, 7 debug.
std::string_view priority_prefix(LogLevel level) {
  switch (level) {
    case LogLevel::trace:
    case LogLevel::debug:
      return "<7>";
    case LogLevel::info:
      return "<6>";
    case LogLevel::warning:
      return "<4>";
    case LogLevel::error:
      return "<3>";
  }
  return "<3>";
}

// Control characters that would break or repaint a line: C0, DEL, C1 (U+0080 to U+009F), U+2028 and U+2029.
bool is_control(std::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return first < 0x20 || first == 0x7F;
  return (first == 0xC2 && static_cast<unsigned char>(character[1]) < 0xA0) || character == "\xE2\x80\xA8" ||
         character == "\xE2\x80\xA9";
}

void append_hex_escape(std::string& line, std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  for (const char byte : bytes) {
    line += "\\x";
    line += digits[static_cast<unsigned char>(byte) >> 4];
    line += digits[static_cast<unsigned char>(byte) & 0x0FU];
  }
}

// Text with what would break the line escaped; `quoted` also escapes '"' and '\'.
void append_text(std::string& line, std::string_view text, bool quoted) {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const std::string_view character = text.substr(0, length == 0 ? 1 : length);
    text.remove_prefix(character.size());
    if (character == "\n") {
      line += "\\n";
    } else if (character == "\r") {
      line += "\\r";
    } else if (character == "\t") {
      line += "\\t";
    } else if (length == 0 || is_control(character)) {
      append_hex_escape(line, character);
    } else {
      if (quoted && (character == "\"" || character == "\\")) line += '\\';
      line += character;
    }
  }
}

// RFC 8259 string; a byte that isn't UTF-8 becomes U+FFFD.
void append_json_string(std::string& line, std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  line += '"';
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const std::string_view character = text.substr(0, length == 0 ? 1 : length);
    text.remove_prefix(character.size());
    const auto first = static_cast<unsigned char>(character[0]);
    if (length == 0) {
      line += "\xEF\xBF\xBD";
    } else if (character == "\n") {
      line += "\\n";
    } else if (first < 0x20 || first == 0x7F) {
      line += "\\u00";
      line += digits[first >> 4];
      line += digits[first & 0x0FU];
    } else {
      if (character == "\"" || character == "\\") line += '\\';
      line += character;
    }
  }
  line += '"';
}

bool needs_quotes(std::string_view value) {
  for (const char c : value) {
    if (c <= ' ' || c == '"' || c == '=' || c == '\\' || static_cast<unsigned char>(c) >= 0x7F) return true;
  }
  return value.empty();
}

void append_text_line(std::string& line, bool with_time, LogLevel level, std::string_view message,
                      std::initializer_list<LogField> fields) {
  if (with_time) line += format_rfc3339(system_clock().wall_now()) + ' ';
  line += level_name(level);
  line += ' ';
  append_text(line, message, false);
  std::string room;
  for (const auto& field : fields) {
    line += ' ';
    append_text(line, field.name(), false);
    line += '=';
    const std::string_view value = field.text(room);
    const bool quotes = !field.is_number() && needs_quotes(value);
    if (quotes) line += '"';
    append_text(line, value, quotes);
    if (quotes) line += '"';
  }
}

void append_json_line(std::string& line, bool with_time, LogLevel level, std::string_view message,
                      std::initializer_list<LogField> fields) {
  line += '{';
  if (with_time) line += "\"time\":\"" + format_rfc3339(system_clock().wall_now()) + "\",";
  line += "\"level\":";
  append_json_string(line, level_name(level));
  line += ",\"message\":";
  append_json_string(line, message);
  std::string room;
  for (const auto& field : fields) {
    line += ',';
    append_json_string(line, field.name());
    line += ':';
    if (field.is_number()) {
      line += field.text(room);
    } else {
      append_json_string(line, field.text(room));
    }
  }
  line += '}';
}

}  // namespace

std::string_view LogField::text(std::string& room) const {
  if (const auto* text = std::get_if<std::string_view>(&value_)) return *text;
  if (const auto* id = std::get_if<Uuid>(&value_)) {
    room = id->text();
  } else if (const auto* number = std::get_if<std::int64_t>(&value_)) {
    room = std::to_string(*number);
  } else {
    room = std::to_string(std::get<std::uint64_t>(value_));
  }
  return room;
}

void configure_log(LogLevel level, LogFormat format, bool journald_priorities) {
  state().format = format;
  state().journald_priorities = journald_priorities;
  state().level = level;
}

void set_log_level(LogLevel level) {
  state().level = level;
}

void log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  if (level < state().level.load(std::memory_order_relaxed)) return;
  const bool priorities = state().journald_priorities;
  std::string line;
  if (priorities) line += priority_prefix(level);
  if (state().format == LogFormat::json) {
    append_json_line(line, !priorities, level, message, fields);
  } else {
    append_text_line(line, !priorities, level, message, fields);
  }
  state().lines.log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace relay
