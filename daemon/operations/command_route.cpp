// `edge-relay route`: where a submission would go by the configuration as it stands in its file, and why. Asks nobody
// and sends nothing.
#include <filesystem>
#include <iterator>
#include <ostream>
#include <system_error>

#include <fmt/format.h>

#include "base/file.hpp"
#include "intake/admission_rules.hpp"
#include "intake/reception.hpp"
#include "operations/commands.hpp"
#include "operations/daemon_options.hpp"
#include "settings/describe.hpp"
#include "settings/load.hpp"
#include "submission/hl7_header_reader.hpp"
#include "submission/hl7_order_number.hpp"

namespace relay {
namespace {

Result<std::string> payload_of(const RouteCommand& command, ByteCount largest, std::istream& in) {
  if (command.file == "-") return std::string(std::istreambuf_iterator<char>(in), {});
  // One byte more tells what is too large from what fits.
  auto read = read_file(command.file, largest + ByteCount{1});
  if (!read) return fail(read.error().message);
  return std::move(*read);
}

Arrival arrival_of(const RouteCommand& command, const Settings& settings, const std::string& payload) {
  Arrival arrival;
  arrival.intake = command.intake;
  arrival.client = command.client.value_or(settings.site + ".submit");
  arrival.any_client = command.intake == Intake::submit;
  arrival.declared_size = ByteCount{payload.size()};
  std::optional<std::string> type = command.content_type;
  if (!type) {
    const auto known = media_type_of_extension(std::filesystem::path(command.file).extension().native());
    if (known) type = std::string(*known);
  }
  if (type) arrival.content_type = parse_media_type(*type).value_or(MediaType{});
  return arrival;
}

std::optional<RequestProblem> problem_of_payload(const Destined& destined, const std::string& payload) {
  if (payload.empty()) return RequestProblem{ProblemName::empty_payload, "A submission needs a payload."};
  if (!destined.validator) return std::nullopt;
  destined.validator->feed(payload);
  destined.validator->finish();
  if (!destined.validator->problem()) return std::nullopt;
  return RequestProblem{ProblemName::invalid_payload, *destined.validator->problem()};
}

std::string order_text(const Destined& destined, const Arrival& arrival, const std::string& payload) {
  if (destined.ordering == Ordering::none) return "in no order";
  std::string text = "after what came before from its client";
  if (destined.ordering == Ordering::key) {
    Hl7OrderNumberReader number;
    if (arrival.content_type->type == hl7_media_type) {
      number.feed(payload);
      number.finish();
    }
    text = number.number().empty() ? "it has no order number (ORC-3, OBR-3): " + text
                                   : std::string("after what came before with its order number");
  }
  return text + (destined.on_dead_letter == OnDeadLetter::stop ? "; behind a dead letter it waits"
                                                               : "; a dead letter keeps it from nothing");
}

}  // namespace

ExitCode execute(const RouteCommand& command, const Streams& streams) {
  const auto loaded = load_settings(command.configuration);
  if (!loaded) {
    for (const Problem& problem : loaded.error()) streams.err << problem.text() << "\n";
    return ExitCode::configuration;
  }
  const Settings& settings = loaded->settings;
  const auto refused = [&](const RequestProblem& problem) {
    streams.err << fmt::format("refused ({} {}): {}\n", problem_status(problem.name), problem_name(problem.name),
                               problem.detail);
    return ExitCode::failure;
  };
  const ByteCount largest = settings.intake.max_payload;
  std::error_code unknown;
  const auto size = command.file == "-" ? 0 : std::filesystem::file_size(command.file, unknown);
  if (!unknown && size > largest.value) return refused(too_large_problem(largest));
  const auto payload = payload_of(command, largest, streams.in);
  if (!payload) {
    streams.err << "edge-relay route: " << payload.error().message << "\n";
    return ExitCode::failure;
  }
  const AdmissionRules rules{settings.intake, settings.clients, route_table_of(settings)};
  const Arrival arrival = arrival_of(command, settings, *payload);
  if (const auto problem = rules.check_client(arrival)) return refused(*problem);
  if (const auto problem = rules.check_content_type(arrival)) return refused(*problem);
  const auto header = first_hl7_header(*payload);
  const Route* route =
      rules.routes.find(arrival.client, arrival.content_type->type, arrival.intake, header ? &*header : nullptr);
  auto decided = rules.decide(arrival, header ? &*header : nullptr);
  if (route != nullptr) {
    streams.out << describe_route(rules.routes, *route) << "\n";
    streams.out.flush();
  }
  if (!decided) return refused(decided.error());
  if (const auto problem = problem_of_payload(*decided, *payload)) return refused(*problem);
  streams.out << order_text(*decided, arrival, *payload) << "\n";
  return ExitCode::success;
}

}  // namespace relay
