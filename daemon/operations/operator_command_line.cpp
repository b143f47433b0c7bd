#include "operations/operator_command_line.hpp"

#include <fmt/format.h>
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "operations/action_body.hpp"
#include "operations/submission_query.hpp"

namespace relay {
namespace {

constexpr const char* json_help = "Print the daemon's JSON";

std::string check_id(const std::string& text) {
  return Uuid::parse(text) ? "" : "a submission's id is a UUID";
}

std::string check_time(const std::string& text) {
  return parse_time_or_age(text, system_clock().wall_now())
             ? ""
             : "a time (2026-11-24T18:00:00Z) or a duration back (30m, 12h, 7d)";
}

std::string check_reason(const std::string& text) {
  if (text.empty()) return "a reason says why";
  return text.size() <= longest_reason ? "" : fmt::format("a reason has at most {} bytes", longest_reason);
}

}  // namespace

void OperatorCommandLine::add_all(const Add& add) {
  add_retry(add);
  add_resend(add);
  add_act(add, SubmissionAction::set_aside, "set-aside",
          "Make a queued delivery a dead letter by hand, so that it blocks nobody");
  add_act(add, SubmissionAction::discard, "discard", "Give up dead letters or queued deliveries; the record stays");
  add_redirect(add);
  add_pause(add, true);
  add_pause(add, false);
  add_export(add);
  add_import(add);
  add_audit(add);
}

CLI::App* OperatorCommandLine::add_act(const Add& add, SubmissionAction action, const char* name,
                                       const char* description) {
  CLI::App* command = add(name, description, [this, action] {
    act_.configuration = configuration_;
    act_.action = action;
    return act_;
  });
  acts_[command] = action;
  command->add_option("ids", act_.ids, "The submissions' ids")->type_name("ID")->check(check_id);
  command->add_option("--destination", act_.destination, "Only the delivery to this one")->type_name("NAME");
  command->add_option("--reason", act_.reason, "Why; the record keeps it")->type_name("TEXT")->check(check_reason);
  command->add_flag("--json", act_.json, json_help);
  return command;
}

void OperatorCommandLine::add_retry(const Add& add) {
  CLI::App* command = add_act(add, SubmissionAction::retry, "retry", "Queue dead letters again, each at its place");
  command->add_flag("--all", act_.all, "Every dead letter of --destination");
}

void OperatorCommandLine::add_resend(const Add& add) {
  CLI::App* command = add_act(add, SubmissionAction::resend, "resend",
                              "Send again what was delivered, while its payload is kept; marked as a repeat");
  command->add_option("--since", act_.since, "What --destination took since then")
      ->type_name("TIME")
      ->check(check_time);
  command->add_option("--until", act_.until, "And before; default: now")->type_name("TIME")->check(check_time);
}

void OperatorCommandLine::add_pause(const Add& add, bool pause) {
  CLI::App* command = add(pause ? "pause" : "resume",
                          pause ? "Send nothing more to one destination, also after a restart; what comes stays queued"
                                : "Send to one destination again; also closes an open circuit",
                          [this, pause] {
                            pause_.configuration = configuration_;
                            pause_.pause = pause;
                            return pause_;
                          });
  command->add_option("destination", pause_.destination, "The destination's name")->type_name("NAME")->required();
  command->add_flag("--json", pause_.json, json_help);
}

void OperatorCommandLine::add_redirect(const Add& add) {
  CLI::App* command =
      add("redirect", "Move queued deliveries and dead letters from one destination to another", [this] {
        redirect_.configuration = configuration_;
        return redirect_;
      });
  command->add_option("ids", redirect_.ids, "Only these submissions; default: all")->type_name("ID")->check(check_id);
  command->add_option("--from", redirect_.from, "Where they are for now")->type_name("NAME")->required();
  command->add_option("--to", redirect_.to, "Where they go instead")->type_name("NAME")->required();
  command->add_option("--reason", redirect_.reason, "Why; the audit keeps it")->type_name("TEXT")->check(check_reason);
  command->add_flag("--json", redirect_.json, json_help);
}

void OperatorCommandLine::add_audit(const Add& add) {
  CLI::App* command = add("audit", "List what operators did and when the configuration changed, newest first", [this] {
    audit_.configuration = configuration_;
    return audit_;
  });
  command->add_option("--since", audit_.since, "Only what was done since then")->type_name("TIME")->check(check_time);
  command->add_option("--limit", audit_.limit, "At most so many; default: 100")
      ->type_name("N")
      ->check(CLI::Range(1U, 1'000'000U));
  command->add_flag("--json", audit_.json, json_help);
}

void OperatorCommandLine::add_export(const Add& add) {
  CLI::App* command = add("export", "Write every undelivered payload with its metadata to a tar archive", [this] {
    export_.configuration = configuration_;
    return export_;
  });
  command->add_option("--output", export_.output, "The archive; made anew, readable by its owner alone")
      ->type_name("FILE")
      ->required();
  command->add_flag("--offline", export_.offline, "Read the journal itself, where the daemon doesn't run");
  command->add_flag("--json", export_.json, "Print the result as JSON");
}

void OperatorCommandLine::add_import(const Add& add) {
  CLI::App* command = add("import", "Take in an archive that export has written; what is there already stays", [this] {
    import_.configuration = configuration_;
    return import_;
  });
  command->add_option("file", import_.file, "The archive")->type_name("FILE")->required();
  command->add_flag("--json", import_.json, json_help);
}

std::optional<std::string> OperatorCommandLine::complaint_about(const CLI::App* command) const {
  const auto act = acts_.find(command);
  if (act == acts_.end()) return std::nullopt;
  const bool of_a_time = act_.since || act_.until;
  if (act_.all || of_a_time) {
    if (!act_.ids.empty()) return "name ids, or all of a --destination, but not both";
    if (!act_.destination) return "say of which --destination";
    if (of_a_time && !act_.since) return "say --since when";
  } else if (act_.ids.empty()) {
    if (act->second == SubmissionAction::retry) return "name the submissions' ids, or say --all --destination NAME";
    if (act->second == SubmissionAction::resend) {
      return "name the submissions' ids, or say --since TIME --destination NAME";
    }
    return "name the submissions' ids";
  }
  if (act->second == SubmissionAction::discard && !act_.reason) return "say --reason, which the record keeps";
  return std::nullopt;
}

}  // namespace relay
