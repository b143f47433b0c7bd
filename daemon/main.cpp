// Command line to command, nothing else.
#include <exception>
#include <iostream>

#include "operations/command_line.hpp"

int main(int argc, char** argv) {
  try {
    const auto parsed = relay::parse_command_line(argc, argv);
    if (const auto* answer = std::get_if<relay::CommandLineAnswer>(&parsed)) {
      std::cout << answer->out;
      std::cerr << answer->err;
      return static_cast<int>(answer->code);
    }
    const relay::Streams streams{std::cin, std::cout, std::cerr};
    const auto code = std::visit([&](const auto& command) { return relay::execute(command, streams); },
                                 std::get<relay::Command>(parsed));
    std::cout.flush();
    return static_cast<int>(code);
  } catch (const std::exception& problem) {
    std::cerr << "edge-relay: " << problem.what() << "\n";
    return static_cast<int>(relay::ExitCode::failure);
  }
}
