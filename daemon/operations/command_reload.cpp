// `edge-relay reload`: has the running daemon read its configuration again, waits until it has taken it over, and says
// what was wrong with it or what a restart is needed for.
#include <ostream>

#include <fmt/format.h>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "operations/admin_client.hpp"
#include "operations/commands.hpp"
#include "operations/human_text.hpp"
#include "operations/json_reading.hpp"

namespace relay {
namespace {

std::vector<std::string> texts_of(const HttpClientResponse& response, std::string_view member) {
  std::vector<std::string> texts;
  const auto object = parse_json_object(response.body);
  if (!object) return texts;
  for (const auto& item : array_member(*object, member)) {
    if (item.is_string()) texts.emplace_back(item.get_string());
  }
  return texts;
}

}  // namespace

ExitCode execute(const ReloadCommand& command, const Streams& streams) {
  AdminClient client(command.configuration);
  const auto response = client.post("/v1/reload", {}, nullptr);
  if (!response) {
    streams.err << "edge-relay reload: " << response.error().message << "\n";
    return ExitCode::failure;
  }
  if (command.json && (response->status == 422 || response->status == 200)) {
    streams.out << response->body << "\n";
    return response->status == 422 ? ExitCode::configuration : ExitCode::success;
  }
  if (response->status == 422) {
    for (const std::string& problem : texts_of(*response, "problems")) streams.err << one_line(problem) << "\n";
    streams.err << "edge-relay reload: nothing was changed; the daemon goes on with the configuration it had\n";
    return ExitCode::configuration;
  }
  if (response->status != 200) {
    streams.err << "edge-relay reload: " << problem_text(*response) << "\n";
    return ExitCode::failure;
  }
  for (const std::string& key : texts_of(*response, "restart_needed")) {
    streams.out << fmt::format("restart needed: {}\n", one_line(key));
  }
  return ExitCode::success;
}

}  // namespace relay
