#include "submission/submission.hpp"

#include "submission/names.hpp"

namespace relay {
namespace {

constexpr NameTable<Intake, 6> intake_names = {{{Intake::http, "http"},
                                                {Intake::submit, "submit"},
                                                {Intake::mllp, "mllp"},
                                                {Intake::folder, "folder"},
                                                {Intake::azure_storage_queue, "azure_storage_queue"},
                                                {Intake::import, "import"}}};

}  // namespace

std::string_view intake_name(Intake intake) {
  return name_in(intake_names, intake);
}
std::optional<Intake> parse_intake(std::string_view name) {
  return value_in(intake_names, name);
}

}  // namespace relay
