// Collects what is wrong with a configuration, so that all of it is told at once.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "settings/load.hpp"

namespace relay {

// Both from 1, the column in characters.
struct Place {
  int line = 1;
  int column = 1;
};

class ProblemList {
 public:
  explicit ProblemList(std::filesystem::path file) : file_(std::move(file)) {}

  void error(Place place, std::string message);
  void warning(Place place, std::string message);
  bool has_errors() const { return errors() > 0; }
  std::size_t errors() const;
  std::size_t count() const { return problems_.size(); }
  // By place, each once.
  std::vector<Problem> sorted() const;

 private:
  std::filesystem::path file_;
  std::vector<Problem> problems_;
};

}  // namespace relay
