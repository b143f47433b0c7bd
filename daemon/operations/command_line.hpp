// From the command line to a command.
#pragma once

#include <string>
#include <variant>

#include "operations/commands.hpp"

namespace relay {

// There is nothing to execute: help was asked for, or the line couldn't be understood.
struct CommandLineAnswer {
  ExitCode code = ExitCode::usage;
  std::string out;
  std::string err;
};

std::variant<Command, CommandLineAnswer> parse_command_line(int argc, const char* const* argv);

}  // namespace relay
