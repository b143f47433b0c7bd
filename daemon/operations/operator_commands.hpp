// The commands by which people change what is kept, carry it away and look at the record of that.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "journal/operator_actions.hpp"

namespace relay {

// retry, resend, set-aside or discard: of submissions by id, or (retry and resend) of all of a destination.
struct ActCommand {
  std::filesystem::path configuration;
  SubmissionAction action = SubmissionAction::retry;
  std::vector<std::string> ids;
  std::optional<std::string> destination{};
  std::optional<std::string> reason{};
  bool all = false;  // retry
  std::optional<std::string> since{};
  std::optional<std::string> until{};
  bool json = false;
};
struct PauseDestinationCommand {
  std::filesystem::path configuration;
  std::string destination;
  bool pause = true;  // false: resume
  bool json = false;
};
struct RedirectCommand {
  std::filesystem::path configuration;
  std::string from;
  std::string to;
  std::vector<std::string> ids;  // empty: all
  std::optional<std::string> reason{};
  bool json = false;
};
struct AuditCommand {
  std::filesystem::path configuration;
  std::optional<std::string> since{};
  std::optional<unsigned> limit{};
  bool json = false;
};
struct ExportCommand {
  std::filesystem::path configuration;
  std::string output;
  bool offline = false;
  bool json = false;
};
struct ImportArchiveCommand {
  std::filesystem::path configuration;
  std::string file;
  bool json = false;
};

}  // namespace relay
