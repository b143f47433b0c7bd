#include "operations/terminal.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <iostream>
#include <string_view>
#include <utility>

namespace relay {
namespace {

constexpr std::string_view red = "\033[31m";
constexpr std::string_view yellow = "\033[33m";
constexpr std::string_view green = "\033[32m";
constexpr std::string_view plain = "\033[0m";

constexpr std::array<std::pair<std::string_view, std::string_view>, 13> colours = {{
    {"dead_letter", red},
    {"failing", red},
    {"down", red},
    {"degraded", yellow},
    {"queued", yellow},
    {"paused", yellow},
    {"holding", yellow},
    {"unconfigured", yellow},
    {"partially_delivered", yellow},
    {"discarded", yellow},
    {"delivered", green},
    {"up", green},
    {"ok", green},
}};

std::string_view colour_of(std::string_view word) {
  for (const auto& [state, colour] : colours) {
    if (state == word) return colour;
  }
  return {};
}

}  // namespace

bool shows_colour(const std::ostream& stream) {
  if (&stream != &std::cout || ::isatty(STDOUT_FILENO) != 1) return false;
  const char* no_colour = std::getenv("NO_COLOR");  // NOLINT(concurrency-mt-unsafe)
  const char* terminal = std::getenv("TERM");       // NOLINT(concurrency-mt-unsafe)
  return (no_colour == nullptr || *no_colour == '\0') && (terminal == nullptr || std::string_view(terminal) != "dumb");
}

std::string with_coloured_states(const std::string& text) {
  std::string coloured;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find_first_of(" \n:", at), text.size());
    const std::string_view word = std::string_view(text).substr(at, end - at);
    const std::string_view before = std::string_view(text).substr(0, at);
    const std::string_view behind = std::string_view(text).substr(end);
    const bool begins = before.empty() || before.ends_with('\n') || before.ends_with("  ");
    const bool ends = behind.empty() || behind.starts_with('\n') || behind.starts_with("  ") || behind.starts_with(':');
    const std::string_view colour = begins && ends ? colour_of(word) : std::string_view();
    if (colour.empty()) {
      coloured += word;
    } else {
      coloured.append(colour).append(word).append(plain);
    }
    if (end < text.size()) coloured += text[end];
    at = end + 1;
  }
  return coloured;
}

std::string for_stream(const std::string& text, const std::ostream& stream) {
  return shows_colour(stream) ? with_coloured_states(text) : text;
}

}  // namespace relay
