#include "submission/outcome.hpp"

#include "submission/names.hpp"

namespace relay {
namespace {

constexpr NameTable<Outcome, 5> outcome_names = {{{Outcome::accepted, "accepted"},
                                                  {Outcome::refused, "refused"},
                                                  {Outcome::try_later, "try_later"},
                                                  {Outcome::broken, "broken"},
                                                  {Outcome::unknown, "unknown"}}};

constexpr NameTable<ErrorKind, 18> error_kind_names = {{{ErrorKind::unreachable, "unreachable"},
                                                        {ErrorKind::dns, "dns"},
                                                        {ErrorKind::tls, "tls"},
                                                        {ErrorKind::proxy, "proxy"},
                                                        {ErrorKind::sign_in, "sign_in"},
                                                        {ErrorKind::forbidden, "forbidden"},
                                                        {ErrorKind::not_found, "not_found"},
                                                        {ErrorKind::gone, "gone"},
                                                        {ErrorKind::redirect, "redirect"},
                                                        {ErrorKind::unexpected_answer, "unexpected_answer"},
                                                        {ErrorKind::clock, "clock"},
                                                        {ErrorKind::throttled, "throttled"},
                                                        {ErrorKind::unavailable, "unavailable"},
                                                        {ErrorKind::timeout, "timeout"},
                                                        {ErrorKind::refused, "refused"},
                                                        {ErrorKind::too_large, "too_large"},
                                                        {ErrorKind::corrupt, "corrupt"},
                                                        {ErrorKind::set_aside, "set_aside"}}};

}  // namespace

std::string_view outcome_name(Outcome outcome) {
  return name_in(outcome_names, outcome);
}
std::optional<Outcome> parse_outcome(std::string_view name) {
  return value_in(outcome_names, name);
}
std::string_view error_kind_name(ErrorKind kind) {
  return name_in(error_kind_names, kind);
}
std::optional<ErrorKind> parse_error_kind(std::string_view name) {
  return value_in(error_kind_names, name);
}

}  // namespace relay
