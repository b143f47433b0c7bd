// Names of destinations and their numbers in the tables. Numbers are given once and never change.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "journal/totals.hpp"

namespace relay {

// Thread-safe.
class DestinationNames {
 public:
  void update(const Totals& totals) {
    const std::lock_guard lock(mutex_);
    for (const TotalsRow& row : totals.rows()) {
      numbers_.emplace(row.name, row.destination);
      names_.emplace(row.destination, row.name);
    }
  }
  std::optional<DestinationNumber> number(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    const auto found = numbers_.find(name);
    if (found == numbers_.end()) return std::nullopt;
    return found->second;
  }
  // Empty for a number that was never given.
  std::string name(DestinationNumber number) const {
    const std::lock_guard lock(mutex_);
    const auto found = names_.find(number);
    return found == names_.end() ? std::string() : found->second;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, DestinationNumber> numbers_;
  std::map<DestinationNumber, std::string> names_;
};

}  // namespace relay
