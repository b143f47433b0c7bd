#include "settings/problem_list.hpp"

#include <algorithm>
#include <tuple>

namespace relay {
namespace {

auto order(const Problem& problem) {
  return std::tie(problem.line, problem.column, problem.warning, problem.message);
}

// A problem is one line, whatever a path in it holds.
std::string one_line(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7F) c = '?';
  }
  return text;
}

}  // namespace

std::string Problem::text() const {
  return file.string() + ':' + std::to_string(line) + ':' + std::to_string(column) +
         (warning ? ": warning: " : ": error: ") + message;
}

void ProblemList::error(Place place, std::string message) {
  problems_.push_back({file_, place.line, place.column, false, one_line(std::move(message))});
}

void ProblemList::warning(Place place, std::string message) {
  problems_.push_back({file_, place.line, place.column, true, one_line(std::move(message))});
}

std::size_t ProblemList::errors() const {
  return static_cast<std::size_t>(std::ranges::count(problems_, false, &Problem::warning));
}

std::vector<Problem> ProblemList::sorted() const {
  std::vector<Problem> sorted = problems_;
  std::ranges::sort(sorted, [](const Problem& a, const Problem& b) { return order(a) < order(b); });
  // What stands behind a YAML alias is read at each of its uses.
  const auto same = [](const Problem& a, const Problem& b) { return order(a) == order(b); };
  sorted.erase(std::unique(sorted.begin(), sorted.end(), same), sorted.end());
  return sorted;
}

}  // namespace relay
