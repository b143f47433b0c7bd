// Prints the keys' part of edge-relay.yaml(5) out of the one table that files are checked against, so that the manual
// can't drift from what is read. What isn't built yet isn't in it.
#include <algorithm>
#include <iostream>
#include <string>
#include <string_view>

#include "settings/key_table.hpp"

namespace relay {
namespace {

// As man(7) prints it to the letter: no hyphen for a minus, no request at the beginning of a line.
std::string as_roff(std::string_view text) {
  std::string roff;
  if (!text.empty() && (text.front() == '.' || text.front() == '\'')) roff += "\\&";
  for (const char c : text) {
    if (c == '\\') {
      roff += "\\e";
    } else if (c == '-') {
      roff += "\\-";
    } else {
      roff += c;
    }
  }
  return roff;
}

void print(const KeySection& section, std::ostream& out) {
  if (std::ranges::none_of(section.keys, &Key::built)) return;
  out << ".SS \"" << as_roff(section.path.empty() ? "Top level" : section.path) << "\"\n";
  for (const Key& key : section.keys) {
    if (!key.built) continue;
    out << ".TP\n.B " << as_roff(key.name) << "\n" << as_roff(key.about) << ".\n";
    if (!key.fallback.empty()) out << "Default:\n.BR \"" << as_roff(key.fallback) << "\" .\n";
  }
}

}  // namespace
}  // namespace relay

int main() {
  for (const relay::KeySection* section : relay::keys::all()) relay::print(*section, std::cout);
  return std::cout.flush() ? 0 : 1;
}
