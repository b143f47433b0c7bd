// Command line to command, nothing else.
#include <exception>
#include <iostream>

#include "operations/command_line.hpp"

namespace {

relay::ExitCode run(int argc, char** argv) {
  const auto parsed = relay::parse_command_line(argc, argv);
  if (const auto* answer = std::get_if<relay::CommandLineAnswer>(&parsed)) {
    std::cout << answer->out;
    std::cerr << answer->err;
    return answer->code;
  }
  const relay::Streams streams{std::cin, std::cout, std::cerr};
  return std::visit([&](const auto& command) { return relay::execute(command, streams); },
                    std::get<relay::Command>(parsed));
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const auto code = run(argc, argv);
    // Whoever asked for it goes by the exit code: what nobody can read wasn't a success.
    if (!std::cout.flush() && code == relay::ExitCode::success) {
      std::cerr << "edge-relay: what was to be printed can't be written to standard output\n";
      return static_cast<int>(relay::ExitCode::failure);
    }
    return static_cast<int>(code);
  } catch (const std::exception& problem) {
    std::cerr << "edge-relay: " << problem.what() << "\n";
    return static_cast<int>(relay::ExitCode::failure);
  }
}
