// The command line: which command with which options, and what is a usage error.
#include "operations/command_line.hpp"

#include <initializer_list>
#include <vector>

#include <gtest/gtest.h>

namespace relay {
namespace {

std::variant<Command, CommandLineAnswer> parse(std::initializer_list<const char*> words) {
  std::vector<const char*> arguments{"edge-relay"};
  arguments.insert(arguments.end(), words);
  return parse_command_line(static_cast<int>(arguments.size()), arguments.data());
}

template <class T>
T command(std::initializer_list<const char*> words) {
  const auto parsed = parse(words);
  if (const auto* answer = std::get_if<CommandLineAnswer>(&parsed)) {
    ADD_FAILURE() << answer->out << answer->err;
    return T{};
  }
  return std::get<T>(std::get<Command>(parsed));
}

CommandLineAnswer answer(std::initializer_list<const char*> words) {
  const auto parsed = parse(words);
  if (const auto* given = std::get_if<CommandLineAnswer>(&parsed)) return *given;
  ADD_FAILURE() << "a command came out of it";
  return {};
}

constexpr const char* id = "01934f3c-8a4e-7b3a-9c1d-0123456789ab";

TEST(CommandLine, TakesTheConfigurationOfEveryCommand) {
  EXPECT_EQ(command<RunCommand>({"run"}).configuration, "/etc/edge-relay/edge-relay.yaml");
  EXPECT_EQ(command<RunCommand>({"run", "--config", "a.yaml"}).configuration, "a.yaml");
  EXPECT_EQ(command<CheckCommand>({"check", "--config=a.yaml"}).configuration, "a.yaml");
  EXPECT_EQ(command<VerifyCommand>({"verify", "--config", "a.yaml"}).configuration, "a.yaml");
  EXPECT_EQ(command<StatusCommand>({"status", "--config", "a.yaml"}).configuration, "a.yaml");
  EXPECT_EQ(command<ListCommand>({"list", "--config", "a.yaml"}).configuration, "a.yaml");
  EXPECT_EQ(command<ShowCommand>({"show", id, "--config", "a.yaml"}).configuration, "a.yaml");
  EXPECT_EQ(command<SubmitCommand>({"submit", "--config", "a.yaml", "--test"}).configuration, "a.yaml");
}

TEST(CommandLine, TakesTheConfigurationBeforeTheCommandToo) {
  EXPECT_EQ(command<StatusCommand>({"--config", "a.yaml", "status"}).configuration, "a.yaml");
}

TEST(CommandLine, ReadsTheOptions) {
  EXPECT_TRUE(command<CheckCommand>({"check", "--connect"}).connect);
  const auto status = command<StatusCommand>({"status", "--json", "--watch"});
  EXPECT_TRUE(status.json && status.watch);
  const auto list = command<ListCommand>({"list", "--state", "dead_letter", "--destination", "d", "--client", "lab.a",
                                          "--since", "2h", "--limit", "7", "--json"});
  EXPECT_EQ(list.state, "dead_letter");
  EXPECT_EQ(list.destination, "d");
  EXPECT_EQ(list.client, "lab.a");
  EXPECT_EQ(list.since, "2h");
  EXPECT_EQ(list.limit, 7U);
  EXPECT_TRUE(list.json);
  EXPECT_EQ(command<ShowCommand>({"show", id}).id, id);
  EXPECT_TRUE(command<ShowCommand>({"show", id, "--payload"}).payload);
  const auto submit = command<SubmitCommand>({"submit", "-", "--content-type", "text/csv", "--client", "a.b",
                                              "--payload-name", "n", "--idempotency-key", "k", "--wait", "3"});
  EXPECT_EQ(submit.files, std::vector<std::string>{"-"});
  EXPECT_EQ(submit.content_type, "text/csv");
  EXPECT_EQ(submit.client, "a.b");
  EXPECT_EQ(submit.payload_name, "n");
  EXPECT_EQ(submit.idempotency_key, "k");
  EXPECT_EQ(submit.wait, std::chrono::seconds(3));
  EXPECT_EQ(command<SubmitCommand>({"submit", "a.hl7", "b.csv"}).files, (std::vector<std::string>{"a.hl7", "b.csv"}));
  EXPECT_FALSE(command<SubmitCommand>({"submit", "a.hl7"}).wait.has_value());
}

TEST(CommandLine, HelpIsSuccessOnStandardOutput) {
  for (const char* name : {"run", "check", "submit", "status", "list", "show", "verify", "version"}) {
    const auto help = answer({name, "--help"});
    EXPECT_EQ(help.code, ExitCode::success) << name;
    EXPECT_NE(help.out.find(name), std::string::npos) << help.out;
    EXPECT_EQ(help.err, "");
  }
  EXPECT_EQ(answer({"--help"}).code, ExitCode::success);
  EXPECT_NE(answer({"--help"}).out.find("verify"), std::string::npos);
}

TEST(CommandLine, VersionIsACommandAndAFlag) {
  command<VersionCommand>({"version"});
  command<VersionCommand>({"--version"});
}

TEST(CommandLine, WhatCantBeUnderstoodIsAUsageError) {
  const std::initializer_list<const char*> wrong[] = {
      {},
      {"nonsense"},
      {"retry"},
      {"retry", "not-an-id"},
      {"retry", "--all"},
      {"retry", id, "--all", "--destination", "d"},
      {"resend"},
      {"resend", "--until", "1h", "--destination", "d"},
      {"resend", "--since", "1h"},
      {"resend", "--since", "yesterday", "--destination", "d"},
      {"set-aside"},
      {"discard", id},
      {"discard", id, "--reason", ""},
      {"pause"},
      {"redirect", "--from", "a"},
      {"export"},
      {"import"},
      {"audit", "--limit", "0"},
      {"run", "extra"},
      {"status", "--nonsense"},
      {"list", "--limit", "0"},
      {"list", "--limit", "1000001"},
      {"list", "--limit", "many"},
      {"list", "--state", "lost"},
      {"list", "--since", "yesterday"},
      {"list", "--client", "no client"},
      {"show"},
      {"show", "abc"},
      {"show", id, "--json", "--payload"},
      {"submit"},
      {"submit", "-"},
      {"submit", "a.unknown"},
      {"submit", "a"},
      {"submit", "a.hl7", "--content-type", "nonsense"},
      {"submit", "a.hl7", "--client", "-a"},
      {"submit", "a.hl7", "--wait", "soon"},
      {"submit", "a.hl7", "--wait", "-1"},
      {"submit", "a.hl7", "--payload-name", "a\nb"},
      {"submit", "a.hl7", "b.hl7", "--idempotency-key", "k"},
      {"submit", "a.hl7", "--test"},
      {"submit", "--test", "--content-type", "text/csv"},
      {"run", "--config"},
  };
  for (const auto& words : wrong) {
    const auto usage = answer(words);
    std::string line;
    for (const char* word : words) line += std::string(" ") + word;
    EXPECT_EQ(usage.code, ExitCode::usage) << line;
    EXPECT_EQ(usage.out, "") << line;
    EXPECT_NE(usage.err, "") << line;
  }
}

TEST(CommandLine, ReadsWhatOperatorsSay) {
  const auto retry = command<ActCommand>({"retry", id, "--destination", "d", "--json"});
  EXPECT_EQ(retry.action, SubmissionAction::retry);
  EXPECT_EQ(retry.ids, std::vector<std::string>{id});
  EXPECT_EQ(retry.destination, "d");
  EXPECT_TRUE(retry.json);
  EXPECT_TRUE(command<ActCommand>({"retry", "--all", "--destination", "d"}).all);
  const auto resend = command<ActCommand>({"resend", "--since", "2h", "--until", "1h", "--destination", "d"});
  EXPECT_EQ(resend.action, SubmissionAction::resend);
  EXPECT_EQ(resend.since, "2h");
  EXPECT_EQ(resend.until, "1h");
  const auto discard = command<ActCommand>({"discard", id, id, "--reason", "why"});
  EXPECT_EQ(discard.ids.size(), 2U);
  EXPECT_EQ(discard.reason, "why");
  EXPECT_EQ(command<ActCommand>({"set-aside", id}).action, SubmissionAction::set_aside);
  EXPECT_TRUE(command<PauseDestinationCommand>({"pause", "d"}).pause);
  EXPECT_FALSE(command<PauseDestinationCommand>({"resume", "d"}).pause);
  const auto redirect = command<RedirectCommand>({"redirect", "--from", "a", "--to", "b"});
  EXPECT_EQ(redirect.from + redirect.to, "ab");
  EXPECT_TRUE(command<ExportCommand>({"export", "--output", "x.tar", "--offline"}).offline);
  EXPECT_EQ(command<ImportArchiveCommand>({"import", "x.tar"}).file, "x.tar");
  EXPECT_EQ(command<AuditCommand>({"audit", "--limit", "7", "--since", "1d"}).limit, 7U);
}

TEST(CommandLine, NamesTheUnknownCommand) {
  EXPECT_NE(answer({"doctors"}).err.find("there is no command doctors in this version"), std::string::npos);
}

}  // namespace
}  // namespace relay
