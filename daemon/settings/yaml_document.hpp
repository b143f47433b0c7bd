// The configuration file as YAML, before anything is made of it: one document, UTF-8, with the place of every value.
#pragma once

#include <yaml-cpp/yaml.h>

#include <string>
#include <string_view>
#include <vector>

#include "settings/problem_list.hpp"

namespace relay {

class YamlDocument {
 public:
  // Reports why the text is no YAML document that can be read safely; the document is empty then.
  YamlDocument(std::string text, ProblemList& problems);

  const YAML::Node& root() const { return root_; }
  Place place_of(const YAML::Mark& mark) const;
  // Where `part` of the value that begins at `mark` stands; the value's own place where it can't be found.
  Place place_of(const YAML::Mark& mark, std::string_view part) const;
  // True when the value stands at `mark` as it is, on that one line. What was folded out of several lines may hold what
  // doesn't belong to it.
  bool stands_at(const YAML::Mark& mark, std::string_view value) const;
  // True when the quoted value at `mark` is never closed: yaml-cpp takes the rest of the file for it.
  bool is_unclosed(const YAML::Mark& mark) const;

 private:
  std::string_view from(const YAML::Mark& mark) const;
  Place place_at(std::size_t offset) const;

  std::string text_;
  std::vector<std::size_t> line_starts_;
  YAML::Node root_;
};

}  // namespace relay
