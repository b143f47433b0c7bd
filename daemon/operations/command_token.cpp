// `edge-relay token new`: makes a bearer token for a sender or an operator. Standard output has the token, which is
// shown this once, and its SHA-256; standard error says where that belongs.
#include <ostream>

#include <fmt/format.h>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/bearer_tokens.hpp"
#include "operations/commands.hpp"

namespace relay {

ExitCode execute(const NewTokenCommand& command, const Streams& streams) {
  const Secret token = new_bearer_token();
  const std::string digest = sha256(token.reveal()).hex();
  if (command.json) {
    const boost::json::object made{
        {"token", token.reveal()}, {"token_sha256", digest}, {command.for_operator ? "name" : "client", command.name}};
    streams.out << boost::json::serialize(made) << '\n';
  } else {
    streams.out << "token: " << token.reveal() << "\ntoken_sha256: " << digest << '\n';
  }
  streams.out.flush();
  streams.err << fmt::format(
      "Give the token to {} over a safe way: it can't be shown again. It is sent as\n"
      "  Authorization: Bearer TOKEN\n"
      "In the configuration, under {}, beside those that are to stay valid:\n"
      "  tokens:\n    - {{token_sha256: {}, {}: {}}}\n",
      command.name, command.for_operator ? "admin" : "the listener in intake.http", digest,
      command.for_operator ? "name" : "client", command.name);
  return streams.out ? ExitCode::success : ExitCode::failure;
}

}  // namespace relay
