#include "journal/counters.hpp"

#include <utility>

namespace relay {

namespace {

constexpr char separator = '\x1f';

std::vector<std::string> split_labels(std::string_view text) {
  std::vector<std::string> labels;
  if (text.empty()) return labels;
  while (true) {
    const std::size_t end = text.find(separator);
    labels.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return labels;
    text.remove_prefix(end + 1);
  }
}

}  // namespace

std::string join_labels(const std::vector<std::string>& labels) {
  std::string text;
  for (const std::string& label : labels) {
    if (&label != &labels.front()) text += separator;
    text += label;
  }
  return text;
}

void CounterTable::load(Connection& connection) {
  Statement all(connection, select_counters);
  values_ = saved(all.rows());
}

std::map<CounterName, std::uint64_t> CounterTable::saved(Rows rows) {
  std::map<CounterName, std::uint64_t> values;
  while (rows.next()) values[CounterName{rows.string(0), split_labels(rows.bytes(1))}] = rows.count(2);
  return values;
}

Command::Fate SaveCountsCommand::not_saved(AppendRefusal) {
  done_();
  return Fate::done;
}

void CounterTable::add(const CounterName& counter, std::uint64_t increment, MonotonicTime now) {
  const std::lock_guard lock(mutex_);
  std::uint64_t& value = values_[counter];
  value += increment;
  changed_[counter] = value;
  if (!waiting_since_) waiting_since_ = now;
}

std::map<CounterName, std::uint64_t> CounterTable::values() const {
  const std::lock_guard lock(mutex_);
  return values_;
}

std::optional<MonotonicTime> CounterTable::waiting_since() const {
  const std::lock_guard lock(mutex_);
  return waiting_since_;
}

bool CounterTable::unsaved() const {
  const std::lock_guard lock(mutex_);
  return waiting_since_ || !saving_.empty();
}

std::map<CounterName, std::uint64_t> CounterTable::begin_save() {
  const std::lock_guard lock(mutex_);
  saving_ = std::exchange(changed_, {});
  waiting_since_.reset();
  return saving_;
}

void CounterTable::end_save(bool saved, MonotonicTime now) {
  const std::lock_guard lock(mutex_);
  if (!saved && !saving_.empty()) {
    // A newer value of the same counter wins.
    changed_.merge(saving_);
    waiting_since_ = now;
  }
  saving_.clear();
}

}  // namespace relay
