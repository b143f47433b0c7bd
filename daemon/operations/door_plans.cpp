#include "operations/door_plans.hpp"

#include <fmt/format.h>

#include "base/clock.hpp"
#include "intake/folder_intake.hpp"
#include "intake/http_intake.hpp"
#include "intake/mllp_intake.hpp"

namespace relay {
namespace {

DoorPlan http_plan(const HttpListenerSettings& listener, const IntakeSettings& intake, const DoorSurroundings& around) {
  DoorPlan plan;
  plan.name = "http " + listener.listen.text();
  plan.make = [listener, intake, around]() -> std::unique_ptr<Door> {
    return std::make_unique<HttpIntake>(around.intake, listener, intake, around.receiver, around.journal);
  };
  plan.change = [listener, intake](Door& door) { dynamic_cast<HttpIntake&>(door).change(listener, intake); };
  return plan;
}

// One that changes is closed and opened again: files wait for it.
DoorPlan folder_plan(const FolderSettings& folder, std::size_t index, const DoorSurroundings& around) {
  DoorPlan plan;
  plan.name = "folder " + folder.path.native();
  plan.make = [folder, index, around]() -> std::unique_ptr<Door> {
    return std::make_unique<FolderIntake>(folder, "folder-" + std::to_string(index), around.receiver, around.journal,
                                          system_clock());
  };
  return plan;
}

DoorPlan mllp_plan(const MllpListenerSettings& listener, const IntakeSettings& intake, const DoorSurroundings& around) {
  DoorPlan plan;
  plan.name = "mllp " + listener.listen.text();
  plan.make = [listener, intake, around]() -> std::unique_ptr<Door> {
    return std::make_unique<MllpIntake>(around.intake, listener, intake, around.receiver, system_clock());
  };
  plan.change = [listener, intake](Door& door) { dynamic_cast<MllpIntake&>(door).change(listener, intake); };
  return plan;
}

}  // namespace

std::vector<DoorPlan> door_plans(const Settings& settings, const ConfigurationPrint& print,
                                 const DoorSurroundings& around) {
  std::vector<DoorPlan> plans;
  // What all listeners share is part of each one's print.
  const std::string shared = print.of("intake.request_timeout").hex() + print.of("intake.max_payload").hex();
  const auto add = [&](DoorPlan plan, const char* kind, std::size_t index) {
    plan.key = fmt::format("intake.{}[{}]", kind, index);
    plan.print = sha256(shared + print.of(plan.key).hex());
    plans.push_back(std::move(plan));
  };
  for (std::size_t i = 0; i < settings.intake.http.size(); ++i) {
    add(http_plan(settings.intake.http[i], settings.intake, around), "http", i);
  }
  for (std::size_t i = 0; i < settings.intake.folder.size(); ++i) {
    add(folder_plan(settings.intake.folder[i], i, around), "folder", i);
  }
  for (std::size_t i = 0; i < settings.intake.mllp.size(); ++i) {
    add(mllp_plan(settings.intake.mllp[i], settings.intake, around), "mllp", i);
  }
  return plans;
}

}  // namespace relay
