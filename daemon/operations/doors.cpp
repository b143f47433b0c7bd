#include "operations/doors.hpp"

#include <algorithm>
#include <thread>
#include <utility>

#include "base/log.hpp"
#include "operations/countdown.hpp"

namespace relay {
namespace {

// How long an address may take to be free again once its door was told to close.
constexpr std::chrono::seconds reopening_time{5};
constexpr std::chrono::milliseconds between_tries{20};
// How long a door that can't change while it is open gets for what it has under way.
constexpr std::chrono::seconds draining_time{20};

// 127.0.0.1:8870 and 0.0.0.0:8870 can't be listened on at once.
bool same_port(const DoorPlan& one, const DoorPlan& other) {
  const auto port = [](const DoorPlan& plan) { return plan.name.substr(plan.name.find_last_of(':') + 1); };
  return port(one) == port(other);
}

}  // namespace

Result<Doors::Open> Doors::start(DoorPlan plan) {
  std::shared_ptr<Door> door = plan.make();
  if (auto started = door->start(); !started) return Failure{started.error()};
  return Open{std::move(plan), std::move(door)};
}

Result<void> Doors::open(std::vector<DoorPlan> plans) {
  for (DoorPlan& plan : plans) {
    auto opened = start(std::move(plan));
    if (!opened) return Failure{opened.error()};
    const std::lock_guard lock(open_mutex_);
    open_.push_back(std::move(*opened));
  }
  return {};
}

std::vector<Doors::Open> Doors::take_open() {
  const std::lock_guard lock(open_mutex_);
  return std::exchange(open_, {});
}

void Doors::set_open(std::vector<Open> open) {
  const std::lock_guard lock(open_mutex_);
  open_ = std::move(open);
}

std::vector<std::string> Doors::troubles() const {
  std::vector<std::string> troubles;
  const std::lock_guard lock(open_mutex_);
  for (const Open& one : open_) {
    if (const auto trouble = one.door->trouble()) troubles.push_back(one.plan.name + ": " + *trouble);
  }
  return troubles;
}

// An address is free only once the door that had it has let go of it.
std::optional<Doors::Open> Doors::start_soon(const DoorPlan& plan) {
  const auto deadline = std::chrono::steady_clock::now() + reopening_time;
  for (;;) {
    auto opened = start(plan);
    if (opened) return std::move(*opened);
    if (std::chrono::steady_clock::now() >= deadline) {
      log_error("a door can't be opened: " + opened.error().message, {{"door", plan.name}});
      return std::nullopt;
    }
    std::this_thread::sleep_for(between_tries);
  }
}

void Doors::close(Open& leaving, std::function<void()> drained) {
  std::erase_if(closing_, [](const Closing& one) { return one.ended->load(); });
  auto ended = std::make_shared<std::atomic<bool>>(false);
  leaving.door->stop([ended, drained = std::move(drained)] {
    ended->store(true);
    if (drained) drained();
  });
  closing_.push_back({leaving.plan.name, std::move(leaving.door), std::move(ended)});
}

void Doors::close_and_wait(Open& leaving) {
  const auto drained = std::make_shared<Countdown>(1);
  const std::shared_ptr<Door> door = leaving.door;
  close(leaving, [drained] { drained->arrive(); });
  if (!drained->wait_until(std::chrono::steady_clock::now() + draining_time)) door->close_all();
}

Result<std::vector<std::string>> Doors::replace(std::vector<DoorPlan> plans, const std::function<void()>& switch_over) {
  const auto named = [](const std::string& name) { return [&name](const auto& one) { return one.plan.name == name; }; };
  const auto stays = [&plans](const Open& one) {
    return std::ranges::any_of(plans, [&](const DoorPlan& plan) { return plan.name == one.plan.name; });
  };
  std::vector<Open> next;
  std::vector<DoorPlan*> later;  // their port is still a leaving door's
  for (DoorPlan& plan : plans) {
    if (std::ranges::any_of(open_, named(plan.name))) continue;
    auto opened = start(plan);
    if (opened) {
      next.push_back(std::move(*opened));
    } else if (std::ranges::any_of(open_, [&](const Open& one) { return !stays(one) && same_port(one.plan, plan); })) {
      later.push_back(&plan);
    } else {
      for (Open& one : next) close(one, nullptr);
      return Failure{Error{plan.key + ": " + opened.error().message}};
    }
  }

  switch_over();

  std::vector<std::string> failed;
  for (Open& one : take_open()) {
    const auto plan = std::ranges::find_if(plans, [&](const DoorPlan& each) { return each.name == one.plan.name; });
    if (plan == plans.end()) {
      close(one, nullptr);
      continue;
    }
    if (one.plan.print != plan->print && plan->change) plan->change(*one.door);
    if (one.plan.print != plan->print && !plan->change) {
      close_and_wait(one);
      later.push_back(&*plan);
      continue;
    }
    one.plan = std::move(*plan);
    next.push_back(std::move(one));
  }
  for (const DoorPlan* plan : later) {
    if (auto opened = start_soon(*plan)) {
      next.push_back(std::move(*opened));
    } else {
      failed.push_back(plan->key);
    }
  }
  set_open(std::move(next));
  return failed;
}

std::vector<std::string> Doors::stop(std::chrono::steady_clock::time_point deadline) {
  for (Open& one : take_open()) closing_.push_back({one.plan.name, std::move(one.door), nullptr});
  const auto drained = std::make_shared<Countdown>(closing_.size());
  for (const Closing& one : closing_) one.door->stop([drained] { drained->arrive(); });
  if (drained->wait_until(deadline)) return {};
  log_warning("the time to stop is over: requests that are still under way are cut");
  for (const Closing& one : closing_) one.door->close_all();
  std::vector<std::string> hanging;
  for (const Closing& one : closing_) {
    if (!one.door->ended()) hanging.push_back(one.name);
  }
  return hanging;
}

}  // namespace relay
