// The options of the commands in operator_commands.hpp.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "operations/commands.hpp"

namespace CLI {
class App;
}

namespace relay {

class OperatorCommandLine {
 public:
  // Adds a command with the options that all have.
  using Add = std::function<CLI::App*(const char* name, const char* description, std::function<Command()> make)>;
  // `configuration` outlives it.
  explicit OperatorCommandLine(const std::string& configuration) : configuration_(configuration) {}
  OperatorCommandLine(const OperatorCommandLine&) = delete;
  OperatorCommandLine& operator=(const OperatorCommandLine&) = delete;

  void add_all(const Add& add);
  // What no single option can see.
  std::optional<std::string> complaint_about(const CLI::App* command) const;

 private:
  CLI::App* add_act(const Add& add, SubmissionAction action, const char* name, const char* description);
  void add_retry(const Add& add);
  void add_resend(const Add& add);
  void add_pause(const Add& add, bool pause);
  void add_redirect(const Add& add);
  void add_audit(const Add& add);
  void add_export(const Add& add);
  void add_import(const Add& add);

  const std::string& configuration_;
  std::map<const CLI::App*, SubmissionAction> acts_;
  ActCommand act_;
  PauseDestinationCommand pause_;
  RedirectCommand redirect_;
  AuditCommand audit_;
  ExportCommand export_;
  ImportArchiveCommand import_;
};

}  // namespace relay
