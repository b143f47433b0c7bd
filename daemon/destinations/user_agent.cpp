#include "destinations/user_agent.hpp"

#include <algorithm>

namespace relay {

std::string user_agent(std::string_view site) {
  std::string comment(site);
  std::replace_if(
      comment.begin(), comment.end(),
      [](unsigned char c) { return c < 0x20 || c >= 0x7F || c == '(' || c == ')' || c == '\\'; }, '_');
  return "edge-relay/" RELAY_VERSION " (" + comment + ")";
}

}  // namespace relay
