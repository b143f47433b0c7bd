#include <algorithm>
#include <cctype>
#include <iterator>
#include <string>

#include "destinations/azure_answers.hpp"
#include "fuzz/targets.hpp"

namespace relay::fuzz {

void azure_answer(std::string_view bytes) {
  constexpr unsigned statuses[] = {200, 201, 202, 204, 301, 307, 400, 401, 403, 404, 407, 408,
                                   409, 410, 412, 413, 418, 429, 500, 502, 503, 504, 511, 599};
  AzureAnswerContext context;
  context.step = static_cast<AzureStep>(take_byte(bytes) % 9);
  context.resource = "queue results";
  HttpClientResponse response;
  response.status = statuses[take_byte(bytes) % std::size(statuses)];
  // Lines "name: value" up to an empty one, then the body.
  while (true) {
    const std::size_t end = bytes.find('\n');
    const std::string_view line = bytes.substr(0, end);
    bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
    const std::size_t colon = line.find(": ");
    if (colon == std::string_view::npos) break;
    response.headers.emplace_back(line.substr(0, colon), line.substr(colon + 2));
  }
  response.body = bytes;

  const AttemptResult result = classify_azure_answer(context, response);
  require(result.outcome != Outcome::accepted || response.status == 201 || response.status == 204 ||
              response.status == 409 || response.status == 200,
          "nothing but a positive answer is accepted");
  const std::string code = azure_error_code(response);
  require(code.size() <= 64 && std::all_of(code.begin(), code.end(), [](unsigned char c) { return std::isalnum(c); }),
          "an error code is letters and digits");
  require(xml_element_text(response.body, "MessageId").size() <= 256, "an element's text is bounded");
  (void)clock_difference(response, WallTime{});
}

}  // namespace relay::fuzz
