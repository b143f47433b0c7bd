// `edge-relay key new`: a signing key pair for a destination that signs in with private_key_jwt. The private half is
// for the relay's configuration, the public one (JWK) for the other side.
#include <fcntl.h>
#include <unistd.h>
#include <cerrno>
#include <ostream>
#include <system_error>

#include <fmt/format.h>

#include "base/file.hpp"
#include "operations/commands.hpp"

namespace relay {
namespace {

// A new file that its owner alone may read; an existing one is never overwritten.
bool write_private(const std::filesystem::path& path, std::string_view text, std::ostream& complaints) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) {
    complaints << fmt::format("edge-relay key new: {} can't be made: {}\n", path.string(), error_text(errno));
    return false;
  }
  bool written = true;
  while (written && !text.empty()) {
    const ssize_t count = ::write(file, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    written = count > 0;
    if (written) text.remove_prefix(static_cast<std::size_t>(count));
  }
  written = written && ::fsync(file) == 0;
  const int trouble = errno;
  ::close(file);
  if (!written)
    complaints << fmt::format("edge-relay key new: {} can't be written: {}\n", path.string(), error_text(trouble));
  return written;
}

}  // namespace

ExitCode execute(const KeyNewCommand& command, const Streams& streams) {
  const JsonWebKey key = JsonWebKey::generate(command.algorithm);
  const std::string key_id = command.key_id.value_or(key.key_id());
  const Secret pem = key.private_pem();
  if (command.output) {
    if (!write_private(*command.output, pem.reveal(), streams.err)) return ExitCode::failure;
  } else {
    streams.out << pem.reveal();
  }
  streams.out << key.public_jwk(command.algorithm, key_id) << "\n";
  if (!streams.out.flush()) {
    streams.err << "edge-relay key new: the key can't be written to standard output\n";
    return ExitCode::failure;
  }
  streams.err << (command.output ? "" : "The private key stands above: keep it where the relay alone can read it. ")
              << "Give the JSON line to the other side, and set auth.key_id: " << key_id << "\n";
  return ExitCode::success;
}

}  // namespace relay
