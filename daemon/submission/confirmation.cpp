#include "submission/confirmation.hpp"

#include "submission/names.hpp"

namespace relay {
namespace {

constexpr NameTable<Confirmation, 4> confirmation_names = {{{Confirmation::none, "none"},
                                                            {Confirmation::pending, "pending"},
                                                            {Confirmation::confirmed, "confirmed"},
                                                            {Confirmation::failed, "failed"}}};

}  // namespace

std::string_view confirmation_name(Confirmation confirmation) {
  return name_in(confirmation_names, confirmation);
}

}  // namespace relay
