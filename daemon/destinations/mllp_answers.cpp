#include "destinations/mllp_answers.hpp"

#include <algorithm>
#include <array>

namespace relay {
namespace {

constexpr std::size_t remote_text_limit = 4 * 1024;

bool names_one_of(const Hl7Answer& answer, std::initializer_list<std::string_view> codes) {
  return std::ranges::any_of(answer.error_codes,
                             [&](const std::string& code) { return std::ranges::find(codes, code) != codes.end(); });
}

AttemptResult result_of(Outcome outcome, ErrorKind kind, std::string message, std::string_view text) {
  AttemptResult result;
  result.outcome = outcome;
  DeliveryError error;
  error.kind = kind;
  error.message = std::move(message);
  error.remote_text = text.substr(0, remote_text_limit);
  result.error = std::move(error);
  result.possibly_delivered = outcome == Outcome::unknown;
  return result;
}

// " with error 207": the codes that table 0357 has, three digits; others are the receiver's own text.
std::string codes_in_words(const Hl7Answer& answer) {
  std::string words;
  for (const std::string& code : answer.error_codes) {
    const bool plain = code.size() == 3 && std::ranges::all_of(code, [](char c) { return c >= '0' && c <= '9'; });
    if (plain && words.size() < 40) words += (words.empty() ? " with error " : ", ") + code;
  }
  return words;
}

}  // namespace

AttemptResult unknown_at_receiver(ErrorKind kind, std::string message, std::string_view text) {
  return result_of(Outcome::unknown, kind, std::move(message), text);
}

AttemptResult classify_mllp_answer(const Hl7Answer& answer, std::string_view text) {
  if (answer.code == "AA" || answer.code == "CA") {
    AttemptResult result;
    result.outcome = Outcome::accepted;
    result.receipt["acknowledgement"] = answer.code;
    return result;
  }
  const bool error = answer.code == "AE" || answer.code == "CE";
  if (!error && answer.code != "AR" && answer.code != "CR")
    return unknown_at_receiver(ErrorKind::unexpected_answer, "the acknowledgement has no code that is known", text);
  const std::string said = "the receiver answered " + answer.code + codes_in_words(answer);
  if (names_one_of(answer, {"206", "207"}))
    return result_of(Outcome::try_later, ErrorKind::unavailable, said + ": it can't take the message now", text);
  if (error || names_one_of(answer, {"200", "201", "202", "203"}))
    return result_of(Outcome::refused, ErrorKind::refused, said + ": it doesn't take the message", text);
  return result_of(Outcome::try_later, ErrorKind::unavailable, said + ": it takes nothing now", text);
}

}  // namespace relay
