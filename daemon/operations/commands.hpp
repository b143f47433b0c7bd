// The commands there are (contract, "Command line"), each in its own command_*.cpp. A command reads its options, writes
// to the streams it is given, and says how it ended.
#pragma once

#include <chrono>
#include <filesystem>
#include <iosfwd>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/json_web_key.hpp"
#include "operations/exit_code.hpp"
#include "operations/operator_commands.hpp"

namespace relay {

inline constexpr const char* default_configuration = "/etc/edge-relay/edge-relay.yaml";

struct RunCommand {
  std::filesystem::path configuration;
};
struct CheckCommand {
  std::filesystem::path configuration;
  bool connect = false;
  bool json = false;
};
struct SubmitCommand {
  std::filesystem::path configuration;
  std::vector<std::string> files;  // "-": standard input
  std::optional<std::string> content_type{};
  std::optional<std::string> client{};
  std::optional<std::string> payload_name{};
  std::optional<std::string> idempotency_key{};
  std::optional<std::chrono::seconds> wait{};
  bool test = false;
  bool json = false;
};
struct StatusCommand {
  std::filesystem::path configuration;
  bool json = false;
  bool watch = false;
};
struct ListCommand {
  std::filesystem::path configuration;
  std::optional<std::string> state{};
  std::optional<std::string> destination{};
  std::optional<std::string> client{};
  std::optional<std::string> since{};
  std::optional<unsigned> limit{};
  bool json = false;
};
struct ShowCommand {
  std::filesystem::path configuration;
  std::string id;
  bool json = false;
  bool payload = false;
};
struct VerifyCommand {
  std::filesystem::path configuration;
  bool json = false;
};
// Of the package's scripts: how many deliveries of that journal are open.
struct OpenDeliveriesCommand {
  std::filesystem::path journal;
};
struct ReloadCommand {
  std::filesystem::path configuration;
  bool json = false;
};
// A signing key pair; needs no configuration.
struct KeyNewCommand {
  JwsAlgorithm algorithm = JwsAlgorithm::es384;
  std::optional<std::string> key_id{};            // default: the key's thumbprint (RFC 7638)
  std::optional<std::filesystem::path> output{};  // of the private key; default: standard output
};
struct NewTokenCommand {
  std::string name;  // of the client, or of the operator
  bool for_operator = false;
  bool json = false;
};
struct VersionCommand {
  bool json = false;
};

using Command = std::variant<RunCommand, CheckCommand, SubmitCommand, StatusCommand, ListCommand, ShowCommand,
                             VerifyCommand, OpenDeliveriesCommand, ReloadCommand, KeyNewCommand, VersionCommand,
                             ActCommand, PauseDestinationCommand, RedirectCommand, AuditCommand, ExportCommand,
                             ImportArchiveCommand, NewTokenCommand>;

struct Streams {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
};

ExitCode execute(const RunCommand& command, const Streams& streams);
ExitCode execute(const NewTokenCommand& command, const Streams& streams);
ExitCode execute(const CheckCommand& command, const Streams& streams);
ExitCode execute(const SubmitCommand& command, const Streams& streams);
ExitCode execute(const StatusCommand& command, const Streams& streams);
ExitCode execute(const ListCommand& command, const Streams& streams);
ExitCode execute(const ShowCommand& command, const Streams& streams);
ExitCode execute(const VerifyCommand& command, const Streams& streams);
ExitCode execute(const OpenDeliveriesCommand& command, const Streams& streams);
ExitCode execute(const ReloadCommand& command, const Streams& streams);
ExitCode execute(const KeyNewCommand& command, const Streams& streams);
ExitCode execute(const VersionCommand& command, const Streams& streams);
ExitCode execute(const ActCommand& command, const Streams& streams);
ExitCode execute(const PauseDestinationCommand& command, const Streams& streams);
ExitCode execute(const RedirectCommand& command, const Streams& streams);
ExitCode execute(const AuditCommand& command, const Streams& streams);
ExitCode execute(const ExportCommand& command, const Streams& streams);
ExitCode execute(const ImportArchiveCommand& command, const Streams& streams);

}  // namespace relay
