#include "settings/nearest_name.hpp"

#include <algorithm>

namespace relay {
namespace {

// Optimal string alignment: insertions, deletions, replacements and swaps of neighbours.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) cost[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, replaced});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
    }
  }
  return cost[a.size()][b.size()];
}

// Capitals, '-' and '_' are how people most often differ.
std::string simplified(std::string_view name) {
  std::string simple(name);
  for (char& c : simple) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c == '-') c = '_';
  }
  return simple;
}

constexpr std::size_t longest = 64;  // nobody mistypes a name into more

// The candidate with the least distance below that.
std::optional<std::string> within(std::size_t least, std::string_view written,
                                  const std::vector<std::string>& candidates, bool share_a_letter) {
  const std::string simple = simplified(written.substr(0, longest));
  std::optional<std::string> nearest;
  for (const auto& candidate : candidates) {
    if (candidate.size() > longest) continue;
    const std::size_t distance = edit_distance(simple, simplified(candidate));
    if (distance >= least || (share_a_letter && distance >= candidate.size())) continue;
    least = distance;
    nearest = candidate;
  }
  return nearest;
}

}  // namespace

std::optional<std::string> nearest_name(std::string_view written, const std::vector<std::string>& candidates) {
  if (written.size() > longest) return std::nullopt;
  return within((written.size() + 1) / 2 + 1, written, candidates, true);
}

std::optional<std::string> closest_name(std::string_view written, const std::vector<std::string>& candidates) {
  return within(2 * longest, written, candidates, false);
}

}  // namespace relay
