// One signed-in SFTP connection (libssh2 inside), as coroutines of one thread: nothing blocks.
//
// Sources: draft-ietf-secsh-filexfer-02 (version 3 of the protocol, which OpenSSH speaks), RFC 4253 section 8 for the
// server's host key. The key is compared before anything secret is sent. Servers have several keys and libssh2 takes
// the first kind both know, so each kind is asked for until the pinned one comes.
//
// Known weakness: libssh2 1.10 loses about 100 bytes of memory each time it signs in with an ECDSA key; with Ed25519
// and passwords it doesn't.
//
// | what happens                                           | kind                                       |
// | ------------------------------------------------------ | ------------------------------------------ |
// | no address; refused, no route                          | dns; unreachable                           |
// | another host key than the pinned one, no common cipher | tls                                        |
// | password or key isn't taken                            | sign_in                                    |
// | SSH_FX_NO_SUCH_FILE                                    | not_found                                  |
// | SSH_FX_PERMISSION_DENIED, SSH_FX_WRITE_PROTECT         | forbidden                                  |
// | any other word of the server (disk full is one)        | unavailable                                |
// | no progress for the time-out; the connection breaks    | timeout; unreachable: not usable() then    |
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "settings/sftp_settings.hpp"
#include "submission/outcome.hpp"
#include "submission/payload_source.hpp"

namespace relay {

// How a write ended that didn't succeed: by the server, or by a payload that can't be read.
using SftpWriteFailure = AttemptResult;

class SftpSession {
 public:
  template <class T>
  using Later = boost::asio::awaitable<Result<T, DeliveryError>>;

  // `key_kind`: which kind of host key the pinned one is, remembered over sessions; lives longer than this.
  SftpSession(boost::asio::io_context& context, const SftpSettings& settings, std::chrono::milliseconds timeout,
              std::size_t& key_kind);
  ~SftpSession();
  SftpSession(const SftpSession&) = delete;
  SftpSession& operator=(const SftpSession&) = delete;

  // Once, before anything else.
  Later<void> connect();
  // Nothing where there is no such file.
  Later<std::optional<std::uint64_t>> size_of(const std::string& path);
  Later<bool> is_folder(const std::string& path);
  // From byte 0, over what is there; on the server's disk where the server knows fsync@openssh.com.
  boost::asio::awaitable<Result<void, SftpWriteFailure>> write(const std::string& path, PayloadSource& payload);
  // Fails where `to` is there.
  Later<void> rename(const std::string& from, const std::string& to);

  // False once the connection is lost or given up.
  bool usable() const;
  // When what is under way has taken too long; whoever drives the coroutines calls expire() then.
  MonotonicTime deadline() const;
  void expire();
  // Ends what is under way and all that would follow, for good.
  void stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace relay
