#include "operations/command_line.hpp"

#include <algorithm>
#include <functional>
#include <memory>
#include <sstream>

#include <fmt/format.h>
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "operations/operator_command_line.hpp"
#include "operations/submission_query.hpp"
#include "submission/client_name.hpp"
#include "submission/delivery.hpp"
#include "submission/media_type.hpp"

namespace relay {
namespace {

// The options as CLI11 fills them in; one set for all commands, since only one is chosen.
struct Options {
  std::string configuration = default_configuration;
  CheckCommand check;
  SubmitCommand submit;
  unsigned wait_seconds = 0;
  StatusCommand status;
  ListCommand list;
  ShowCommand show;
  OpenDeliveriesCommand open_deliveries;
  ReloadCommand reload;
  KeyNewCommand key_new;
  std::string key_algorithm = "ES384";
  std::string client_of_token;
  std::string operator_of_token;
  bool version = false;
  bool json = false;  // of commands that don't print the daemon's own
};

constexpr const char* print_json = "Print JSON";

constexpr unsigned longest_wait_seconds = 7 * 24 * 3600;

// CLI11 takes a check as a function that returns the complaint, or nothing.
std::string complain_unless(bool good, const char* complaint) {
  return good ? "" : complaint;
}

std::string check_client(const std::string& name) {
  return complain_unless(is_client_name(name),
                         "a client's name begins with a letter or digit and has at most 100 letters, digits, '.', '_' "
                         "and '-'");
}

std::string check_operator(const std::string& name) {
  const bool printable = std::all_of(name.begin(), name.end(), [](unsigned char c) { return c > 0x20 && c < 0x7f; });
  return complain_unless(!name.empty() && name.size() <= 100 && printable,
                         "an operator's name has at most 100 printable characters, and no blanks");
}

std::string check_content_type(const std::string& text) {
  return complain_unless(parse_media_type(text).has_value(), "not a media type (like application/hl7-v2)");
}

std::string check_state(const std::string& name) {
  return complain_unless(parse_submission_state(name).has_value(),
                         "a state is one of queued, delivered, dead_letter, discarded, partially_delivered");
}

std::string check_since(const std::string& text) {
  return complain_unless(parse_time_or_age(text, system_clock().wall_now()).has_value(),
                         "a time (2026-11-24T18:00:00Z) or a duration back (30m, 12h, 7d)");
}

std::string check_id(const std::string& text) {
  return complain_unless(Uuid::parse(text).has_value(), "a submission's id is a UUID");
}

std::string check_field_text(const std::string& text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return "control characters can't be sent";
  }
  return complain_unless(!text.empty(), "empty");
}

class CommandLine {
 public:
  CommandLine() : app_("Edge Relay: takes submissions, keeps them safe, and hands them over.", "edge-relay") {
    app_.option_defaults()->always_capture_default(false);
    app_.add_flag("--version", options_.version, "Print the version and end");
    app_.add_option("--config", options_.configuration, "The configuration")
        ->type_name("FILE")
        ->default_str(default_configuration);
    app_.require_subcommand(0, 1);
    add("run", "Run the daemon in the foreground", [this] { return RunCommand{options_.configuration}; });
    add_token();
    add_check();
    add_submit();
    add_status();
    add_list();
    add_show();
    operators_.add_all([this](const char* name, const char* description, std::function<Command()> make) {
      return add(name, description, std::move(make));
    });
    add("verify", "Check every row, digest and invariant of the journal, beside the daemon or without it", [this] {
      return VerifyCommand{options_.configuration, options_.json};
    })->add_flag("--json", options_.json, print_json);
    add_open_deliveries();
    add_reload();
    add_key();
    add("version", "Print the version", [this] {
      return VersionCommand{options_.json};
    })->add_flag("--json", options_.json, print_json);
  }

  std::variant<Command, CommandLineAnswer> parse(int argc, const char* const* argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::ParseError& problem) {
      return answer(problem, argc > 1 ? argv[1] : "");
    }
    if (options_.version) return VersionCommand{};
    for (const auto& [command, make] : commands_) {
      if (!command->parsed()) continue;
      if (auto complaint = complaint_about(command)) return usage_error(*complaint, command);
      return make();
    }
    return CommandLineAnswer{ExitCode::usage, "", app_.help()};
  }

 private:
  CLI::App* add(const char* name, const char* description, std::function<Command()> make) {
    CLI::App* command = app_.add_subcommand(name, description);
    command->add_option("--config", options_.configuration, "The configuration")
        ->type_name("FILE")
        ->default_str(default_configuration);
    commands_.emplace_back(command, std::move(make));
    return command;
  }

  void add_token() {
    CLI::App* token = app_.add_subcommand("token", "Bearer tokens of senders and operators");
    token->require_subcommand(1);
    CLI::App* command =
        token->add_subcommand("new", "Make a token; prints it once, and its SHA-256 for the configuration");
    CLI::Option_group* whose = command->add_option_group("whose");
    whose->require_option(1);
    whose->add_option("--client", options_.client_of_token, "For this client to submit with")
        ->type_name("NAME")
        ->check(check_client);
    whose->add_option("--admin", options_.operator_of_token, "For this operator, as the audit will name it")
        ->type_name("NAME")
        ->check(check_operator);
    command->add_option("--config", options_.configuration, "Not read: a token is made without one")->type_name("FILE");
    commands_.emplace_back(command, [this] {
      const bool for_operator = !options_.operator_of_token.empty();
      return NewTokenCommand{for_operator ? options_.operator_of_token : options_.client_of_token, for_operator,
                             options_.json};
    });
    command->add_flag("--json", options_.json, print_json);
  }

  void add_check() {
    CLI::App* command = add("check", "Validate the configuration and say what each route takes", [this] {
      options_.check.configuration = options_.configuration;
      return options_.check;
    });
    command->add_flag("--connect", options_.check.connect,
                      "Sign in to each destination and say whether it would take a submission; sends none");
    command->add_flag("--json", options_.check.json, print_json);
  }

  void add_submit() {
    SubmitCommand& submit = options_.submit;
    CLI::App* command = add("submit", "Hand files to the running daemon; prints one id a line", [this] {
      options_.submit.configuration = options_.configuration;
      if (wait_option_->count() > 0) options_.submit.wait = std::chrono::seconds(options_.wait_seconds);
      return options_.submit;
    });
    submit_ = command;
    command->add_option("files", submit.files, "The files, or - for standard input")->type_name("FILE");
    command->add_option("--content-type", submit.content_type, "Media type; default: by the file's extension")
        ->type_name("TYPE")
        ->check(check_content_type);
    command->add_option("--client", submit.client, "Who is sending; default: <site>.submit")
        ->type_name("NAME")
        ->check(check_client);
    command->add_option("--payload-name", submit.payload_name, "The sender's name for the payload")
        ->type_name("NAME")
        ->check(check_field_text);
    command->add_option("--idempotency-key", submit.idempotency_key, "The same key never makes a second submission")
        ->type_name("KEY")
        ->check(check_field_text);
    wait_option_ = command->add_option("--wait", options_.wait_seconds, "Wait until all is delivered, at most so long")
                       ->type_name("SECONDS")
                       ->check(CLI::Range(0U, longest_wait_seconds));
    command->add_flag("--test", submit.test, "Submit a synthetic HL7 result (MSH-11 = T)");
    command->add_flag("--json", submit.json, print_json);
  }

  void add_status() {
    CLI::App* command = add("status", "Say how the relay is doing", [this] {
      options_.status.configuration = options_.configuration;
      return options_.status;
    });
    command->add_flag("--json", options_.status.json, "Print the daemon's JSON");
    command->add_flag("--watch", options_.status.watch, "Say it again every two seconds until interrupted");
  }

  void add_list() {
    ListCommand& list = options_.list;
    CLI::App* command = add("list", "List submissions, newest first", [this] {
      options_.list.configuration = options_.configuration;
      return options_.list;
    });
    command->add_option("--state", list.state, "Only in this state")->type_name("STATE")->check(check_state);
    command->add_option("--destination", list.destination, "Only with a delivery to this one")->type_name("NAME");
    command->add_option("--client", list.client, "Only of this client")->type_name("NAME")->check(check_client);
    command->add_option("--since", list.since, "Only those accepted since then")->type_name("TIME")->check(check_since);
    command->add_option("--limit", list.limit, "At most so many; default: 100")
        ->type_name("N")
        ->check(CLI::Range(1U, 1'000'000U));
    command->add_flag("--json", list.json, "Print the daemon's JSON");
  }

  void add_show() {
    ShowCommand& show = options_.show;
    CLI::App* command = add("show", "Show one submission with its deliveries and attempts", [this] {
      options_.show.configuration = options_.configuration;
      return options_.show;
    });
    command->add_option("id", show.id, "The submission's id")->type_name("ID")->required()->check(check_id);
    CLI::Option* json = command->add_flag("--json", show.json, "Print the daemon's JSON");
    command->add_flag("--payload", show.payload, "Write the raw bytes to standard output")->excludes(json);
  }

  void add_reload() {
    CLI::App* command =
        add("reload", "Have the running daemon read its configuration again, and wait until it has", [this] {
          options_.reload.configuration = options_.configuration;
          return options_.reload;
        });
    command->add_flag("--json", options_.reload.json, "Print the daemon's JSON");
  }

  void add_key() {
    CLI::App* key = app_.add_subcommand("key", "Make a signing key for a destination that signs in with one");
    key->require_subcommand(1);
    CLI::App* command = key->add_subcommand(
        "new", "Make a key pair: prints the private key as PEM, then the public one as JWK for the other side");
    command->add_option("--config", options_.configuration, "Not read: a key needs no configuration")
        ->type_name("FILE");
    commands_.emplace_back(command, [this] {
      options_.key_new.algorithm = *parse_jws_algorithm(options_.key_algorithm);
      return options_.key_new;
    });
    command->add_option("--algorithm", options_.key_algorithm, "What it signs with; default: ES384")
        ->type_name("NAME")
        ->check(CLI::IsMember({"ES384", "ES256", "RS256", "RS384"}));
    command->add_option("--key-id", options_.key_new.key_id, "The key's name (kid); default: its thumbprint")
        ->type_name("ID")
        ->check(check_field_text);
    command->add_option("--output", options_.key_new.output, "Write the private key to this new file, mode 0600")
        ->type_name("FILE");
  }

  // Of the package's scripts; an empty group keeps it out of the help.
  void add_open_deliveries() {
    CLI::App* command = add("open-deliveries", "Print how many deliveries of a stopped journal are open",
                            [this] { return options_.open_deliveries; });
    command->group("");
    command->add_option("journal", options_.open_deliveries.journal, "The journal")->type_name("FILE")->required();
  }

  // What no single option can see.
  std::optional<std::string> complaint_about(const CLI::App* command) const {
    if (command != submit_) return operators_.complaint_about(command);
    const SubmitCommand& submit = options_.submit;
    if (submit.test) {
      if (!submit.files.empty()) return "--test makes its own payload: name no FILE with it";
      if (submit.content_type) return "--test makes an HL7 result: it takes no --content-type";
      return std::nullopt;
    }
    if (submit.files.empty()) return "name a FILE, or - for standard input";
    if (submit.files.size() > 1 && (submit.idempotency_key || submit.payload_name)) {
      return "--idempotency-key and --payload-name belong to one submission: name one FILE with them";
    }
    if (submit.content_type) return std::nullopt;
    for (const std::string& file : submit.files) {
      if (file == "-") return "standard input has no extension: say --content-type";
      if (!media_type_of_extension(std::filesystem::path(file).extension().native())) {
        return fmt::format("the content type of {} can't be told from its extension: say --content-type", file);
      }
    }
    return std::nullopt;
  }

  // "token new"
  std::string full_name(const CLI::App* command) const {
    const CLI::App* parent = command->get_parent();
    return parent == nullptr || parent == &app_ ? command->get_name() : full_name(parent) + ' ' + command->get_name();
  }

  CommandLineAnswer usage_error(const std::string& complaint, const CLI::App* command) const {
    const std::string name = command == nullptr ? "" : " " + full_name(command);
    return {ExitCode::usage, "",
            fmt::format("edge-relay{}: {}\nRun `edge-relay{} --help` for what it takes.\n", name, complaint, name)};
  }

  CommandLineAnswer answer(const CLI::ParseError& problem, const std::string& first_word) const {
    if (problem.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
      std::ostringstream out;
      std::ostringstream err;
      app_.exit(problem, out, err);
      return {ExitCode::success, out.str(), err.str()};
    }
    const CLI::App* chosen = nullptr;
    for (const auto& [command, make] : commands_) {
      if (command->parsed()) chosen = command;
    }
    const auto is_it = [&](const CLI::App* command) { return command->get_name() == first_word; };
    const bool known = !app_.get_subcommands(is_it).empty();
    if (chosen == nullptr && !known && !first_word.empty() && first_word.front() != '-') {
      return usage_error(fmt::format("there is no command {} in this version", first_word), nullptr);
    }
    return usage_error(problem.what(), chosen);
  }

  Options options_;
  OperatorCommandLine operators_{options_.configuration};
  CLI::App app_;
  std::vector<std::pair<CLI::App*, std::function<Command()>>> commands_;
  CLI::App* submit_ = nullptr;
  CLI::Option* wait_option_ = nullptr;
};

}  // namespace

std::variant<Command, CommandLineAnswer> parse_command_line(int argc, const char* const* argv) {
  return CommandLine().parse(argc, argv);
}

}  // namespace relay
