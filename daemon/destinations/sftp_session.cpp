#include "destinations/sftp_session.hpp"

#include <libssh2.h>
#include <libssh2_sftp.h>

#include <algorithm>
#include <array>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstring>
#include <mutex>
#include <new>
#include <stdexcept>
#include <utility>

#include "base/digest.hpp"
#include "destinations/payload_body.hpp"

namespace relay {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr std::chrono::milliseconds connect_timeout{10'000};  // of each address
constexpr std::size_t piece_size = 256 * 1024;
constexpr long file_mode = 0640;
// What libssh2 1.10 knows; of RSA it knows the old signature alone, which servers of today don't offer.
constexpr std::array host_key_kinds = {"ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384",
                                       "ecdsa-sha2-nistp521", "ssh-rsa"};

// No code of libssh2's: the wait for the socket was given up.
constexpr int given_up = -10'000;

void initialise_libssh2_once() {
  static std::once_flag once;
  std::call_once(once, [] {
    if (libssh2_init(0) != 0) throw std::runtime_error("libssh2 can't be initialised");
  });
}

DeliveryError error_of(ErrorKind kind, std::string message) {
  DeliveryError error;
  error.kind = kind;
  error.message = std::move(message);
  return error;
}

struct SessionFreed {
  // Its socket is shut down by then, so that nothing waits.
  void operator()(LIBSSH2_SESSION* session) const {
    libssh2_session_set_blocking(session, 1);
    libssh2_session_free(session);
  }
};
struct SftpFreed {
  void operator()(LIBSSH2_SFTP* sftp) const { libssh2_sftp_shutdown(sftp); }
};
struct FileFreed {
  void operator()(LIBSSH2_SFTP_HANDLE* file) const { libssh2_sftp_close_handle(file); }
};

}  // namespace

struct SftpSession::State {
  State(asio::io_context& context, const SftpSettings& the_settings, std::chrono::milliseconds the_timeout,
        std::size_t& the_key_kind)
      : settings(the_settings),
        timeout(the_timeout),
        key_kind(the_key_kind),
        resolver(context),
        socket(context),
        where(settings.host + ":" + std::to_string(settings.port)) {}
  ~State() { drop(); }

  // What is freed from here on meets a dead socket.
  void drop() {
    boost::system::error_code ignored;  // it may be gone already
    if (socket.is_open()) socket.shutdown(tcp::socket::shutdown_both, ignored);
    if (session) libssh2_session_set_blocking(session.get(), 1);
    file.reset();
    sftp.reset();
    session.reset();
    socket.close(ignored);
  }

  Later<void> reach();
  Later<bool> greet(std::size_t kind);
  Later<void> sign_in();
  asio::awaitable<bool> wait();
  asio::awaitable<int> close();
  template <class Call>
  asio::awaitable<int> done(Call call);
  template <class Handle, class Call>
  asio::awaitable<Handle*> made(Call call);

  // Why a call of libssh2's failed, with what was tried.
  DeliveryError reason(const std::string& what, long code);
  DeliveryError broken(const std::string& what, long code);

  SftpSettings settings;
  std::chrono::milliseconds timeout;
  std::size_t& key_kind;
  tcp::resolver resolver;
  tcp::socket socket;
  std::string where;
  std::unique_ptr<LIBSSH2_SESSION, SessionFreed> session;
  std::unique_ptr<LIBSSH2_SFTP, SftpFreed> sftp;
  std::unique_ptr<LIBSSH2_SFTP_HANDLE, FileFreed> file;
  MonotonicTime deadline = MonotonicTime::max();
  bool expired = false;
  bool stopped = false;
  bool usable = false;
  std::string other_key;  // the fingerprint of a host key that wasn't the pinned one
};

// ---- Waiting --------------------------------------------------------------------------------------------------------

// For the socket, in the direction that libssh2 wants; false where it is given up.
asio::awaitable<bool> SftpSession::State::wait() {
  if (expired) co_return false;
  // libssh2 waits on for the answer of a server program that has ended.
  if (sftp && libssh2_channel_eof(libssh2_sftp_get_channel(sftp.get())) == 1) co_return false;
  const bool to_write = (libssh2_session_block_directions(session.get()) & LIBSSH2_SESSION_BLOCK_OUTBOUND) != 0;
  deadline = std::chrono::steady_clock::now() + timeout;
  boost::system::error_code error;
  co_await socket.async_wait(to_write ? tcp::socket::wait_write : tcp::socket::wait_read,
                             asio::redirect_error(asio::use_awaitable, error));
  deadline = MonotonicTime::max();
  co_return !expired && !error;
}

// Calls until it isn't "again" any more; its last code.
template <class Call>
asio::awaitable<int> SftpSession::State::done(Call call) {
  for (;;) {
    const auto code = static_cast<int>(call());
    if (code != LIBSSH2_ERROR_EAGAIN) co_return code;
    if (!co_await wait()) co_return given_up;
  }
}

// The same for what gives a handle; null where it fails.
template <class Handle, class Call>
asio::awaitable<Handle*> SftpSession::State::made(Call call) {
  for (;;) {
    if (Handle* handle = call()) co_return handle;
    if (libssh2_session_last_errno(session.get()) != LIBSSH2_ERROR_EAGAIN) co_return nullptr;
    if (!co_await wait()) co_return nullptr;
  }
}

asio::awaitable<int> SftpSession::State::close() {
  const int code = co_await done([this] { return libssh2_sftp_close_handle(file.get()); });
  // Freed by the call, whatever it says, unless it is to be called again.
  if (code != given_up) (void)file.release();
  co_return code;
}

DeliveryError SftpSession::State::broken(const std::string& what, long code) {
  usable = false;
  const bool late = expired || code == LIBSSH2_ERROR_TIMEOUT;
  return error_of(late ? ErrorKind::timeout : ErrorKind::unreachable,
                  what + " at " + where + ": " + (late ? "no answer in time" : "the connection broke") + " (libssh2 " +
                      std::to_string(code) + ")");
}

DeliveryError SftpSession::State::reason(const std::string& what, long code) {
  if (code != LIBSSH2_ERROR_SFTP_PROTOCOL || !sftp) return broken(what, code);
  const unsigned long status = libssh2_sftp_last_error(sftp.get());
  const std::string number = " (SFTP status " + std::to_string(status) + ")";
  switch (status) {
    case LIBSSH2_FX_NO_SUCH_FILE:
    case LIBSSH2_FX_NO_SUCH_PATH:
      return error_of(ErrorKind::not_found, what + ": there is no such folder, and the relay makes none" + number);
    case LIBSSH2_FX_PERMISSION_DENIED:
    case LIBSSH2_FX_WRITE_PROTECT:
      return error_of(ErrorKind::forbidden, what + ": the user may not do that there" + number);
    case LIBSSH2_FX_NO_CONNECTION:
    case LIBSSH2_FX_CONNECTION_LOST:
      return broken(what, code);
    default:
      return error_of(ErrorKind::unavailable, what + ": the server failed; its disk may be full" + number);
  }
}

// ---- Connecting -----------------------------------------------------------------------------------------------------

SftpSession::Later<void> SftpSession::State::reach() {
  boost::system::error_code error;
  deadline = std::chrono::steady_clock::now() + timeout;
  const auto found = co_await resolver.async_resolve(settings.host, std::to_string(settings.port),
                                                     asio::redirect_error(asio::use_awaitable, error));
  if (expired || error || found.empty())
    co_return Failure{error_of(ErrorKind::dns, "no address is known for " + settings.host)};
  for (const auto& entry : found) {
    boost::system::error_code ignored;
    socket.close(ignored);
    deadline = std::chrono::steady_clock::now() + std::min(timeout, connect_timeout);
    co_await socket.async_connect(entry.endpoint(), asio::redirect_error(asio::use_awaitable, error));
    if (!error && !expired) {
      deadline = MonotonicTime::max();
      socket.native_non_blocking(true);
      co_return Result<void, DeliveryError>();
    }
    if (stopped) break;
    expired = false;  // the next address has its own time
  }
  co_return Failure{error_of(ErrorKind::unreachable, "can't connect to " + where + ": " + error.message())};
}

// Shakes hands, asking for that kind of host key. True where the pinned one came.
SftpSession::Later<bool> SftpSession::State::greet(std::size_t kind) {
  const auto reached = co_await reach();
  if (!reached) co_return Failure{reached.error()};
  session.reset(libssh2_session_init_ex(nullptr, nullptr, nullptr, nullptr));
  if (!session) throw std::bad_alloc();
  libssh2_session_set_blocking(session.get(), 0);
  if (libssh2_session_method_pref(session.get(), LIBSSH2_METHOD_HOSTKEY, host_key_kinds.at(kind)) != 0) co_return false;
  const int code = co_await done([this] { return libssh2_session_handshake(session.get(), socket.native_handle()); });
  if (code == LIBSSH2_ERROR_KEX_FAILURE || code == LIBSSH2_ERROR_METHOD_NONE ||
      code == LIBSSH2_ERROR_KEY_EXCHANGE_FAILURE)
    co_return false;
  if (code != 0) co_return Failure{broken("no SSH connection", code)};
  const char* hash = libssh2_hostkey_hash(session.get(), LIBSSH2_HOSTKEY_HASH_SHA256);
  if (hash == nullptr) co_return false;
  const std::string_view bytes(hash, settings.host_key_sha256.bytes.size());
  if (std::memcmp(bytes.data(), settings.host_key_sha256.bytes.data(), bytes.size()) == 0) co_return true;
  std::string text = base64_encode(bytes);
  while (text.ends_with('=')) text.pop_back();
  other_key = std::string(host_key_kinds.at(kind)) + " SHA256:" + text;
  co_return false;
}

SftpSession::Later<void> SftpSession::State::sign_in() {
  const auto length = static_cast<unsigned>(settings.user.size());
  int code = 0;
  if (settings.key.empty()) {
    const std::string_view password = settings.password.value().reveal();
    code = co_await done([&] {
      return libssh2_userauth_password_ex(session.get(), settings.user.data(), length, password.data(),
                                          static_cast<unsigned>(password.size()), nullptr);
    });
  } else {
    const Secret key(std::string(settings.key.value().reveal()) + "\n");
    code = co_await done([&] {
      return libssh2_userauth_publickey_frommemory(session.get(), settings.user.data(), length, nullptr, 0,
                                                   key.reveal().data(), key.reveal().size(), nullptr);
    });
  }
  if (code == 0) co_return Result<void, DeliveryError>();
  if (code == given_up || code == LIBSSH2_ERROR_SOCKET_DISCONNECT || code == LIBSSH2_ERROR_SOCKET_RECV ||
      code == LIBSSH2_ERROR_SOCKET_SEND)
    co_return Failure{broken("the sign-in", code)};
  co_return Failure{error_of(ErrorKind::sign_in, where + " doesn't take " +
                                                     (settings.key.empty() ? "the password" : "the key") +
                                                     " of this user (libssh2 " + std::to_string(code) + ")")};
}

SftpSession::SftpSession(asio::io_context& context, const SftpSettings& settings, std::chrono::milliseconds timeout,
                         std::size_t& key_kind)
    : state_(std::make_unique<State>(context, settings, timeout, key_kind)) {
  initialise_libssh2_once();
}
SftpSession::~SftpSession() = default;

SftpSession::Later<void> SftpSession::connect() {
  State& state = *state_;
  bool pinned = false;
  for (std::size_t i = 0; i < host_key_kinds.size() && !pinned; ++i) {
    const std::size_t kind = (state.key_kind + i) % host_key_kinds.size();
    state.drop();
    const auto greeted = co_await state.greet(kind);
    if (!greeted) co_return Failure{greeted.error()};
    pinned = *greeted;
    if (pinned) state.key_kind = kind;
  }
  if (!pinned) {
    state.drop();
    co_return Failure{
        error_of(ErrorKind::tls,
                 state.other_key.empty()
                     ? state.where + " has no host key and cipher that the relay knows (ssh-ed25519 and ECDSA keys)"
                     : "the host key of " + state.where + " isn't the pinned one but " + state.other_key +
                           ": ask those who run the server, and change host_key_sha256 only when they confirm it")};
  }
  if (const auto signed_in = co_await state.sign_in(); !signed_in) co_return Failure{signed_in.error()};
  state.sftp.reset(co_await state.made<LIBSSH2_SFTP>([&state] { return libssh2_sftp_init(state.session.get()); }));
  if (!state.sftp) {
    co_return Failure{state.expired ? state.broken("SFTP", given_up)
                                    : error_of(ErrorKind::forbidden, state.where + " gives this user no SFTP")};
  }
  state.usable = true;
  co_return Result<void, DeliveryError>();
}

// ---- Files ----------------------------------------------------------------------------------------------------------

namespace {

bool is_absent(LIBSSH2_SFTP* sftp, int code) {
  return code == LIBSSH2_ERROR_SFTP_PROTOCOL && libssh2_sftp_last_error(sftp) == LIBSSH2_FX_NO_SUCH_FILE;
}

}  // namespace

SftpSession::Later<std::optional<std::uint64_t>> SftpSession::size_of(const std::string& path) {
  State& state = *state_;
  LIBSSH2_SFTP_ATTRIBUTES attributes{};
  const int code = co_await state.done([&] {
    return libssh2_sftp_stat_ex(state.sftp.get(), path.data(), static_cast<unsigned>(path.size()), LIBSSH2_SFTP_STAT,
                                &attributes);
  });
  if (code == 0) co_return std::optional<std::uint64_t>(attributes.filesize);
  if (is_absent(state.sftp.get(), code)) co_return std::optional<std::uint64_t>();
  co_return Failure{state.reason("looking for the file", code)};
}

SftpSession::Later<bool> SftpSession::is_folder(const std::string& path) {
  State& state = *state_;
  LIBSSH2_SFTP_ATTRIBUTES attributes{};
  const int code = co_await state.done([&] {
    return libssh2_sftp_stat_ex(state.sftp.get(), path.data(), static_cast<unsigned>(path.size()), LIBSSH2_SFTP_STAT,
                                &attributes);
  });
  if (code == 0) co_return LIBSSH2_SFTP_S_ISDIR(attributes.permissions);
  if (is_absent(state.sftp.get(), code)) co_return false;
  co_return Failure{state.reason("looking for the folder", code)};
}

asio::awaitable<Result<void, SftpWriteFailure>> SftpSession::write(const std::string& path, PayloadSource& payload) {
  State& state = *state_;
  const auto failed = [&state](const std::string& what, long code) {
    AttemptResult result;
    result.outcome = Outcome::broken;
    result.error = state.reason(what, code);
    return Failure{std::move(result)};
  };
  state.file.reset(co_await state.made<LIBSSH2_SFTP_HANDLE>([&] {
    return libssh2_sftp_open_ex(state.sftp.get(), path.data(), static_cast<unsigned>(path.size()),
                                LIBSSH2_FXF_WRITE | LIBSSH2_FXF_CREAT | LIBSSH2_FXF_TRUNC, file_mode,
                                LIBSSH2_SFTP_OPENFILE);
  }));
  if (!state.file) co_return failed("making the file", libssh2_session_last_errno(state.session.get()));
  for (std::uint64_t offset = 0; offset < payload.size().value;) {
    const auto piece = payload.read(offset, piece_size);
    if (!piece || piece->empty()) {
      const auto error =
          piece ? PayloadError{PayloadFailure::corrupt, "the payload ends before its recorded size"} : piece.error();
      co_await state.close();
      co_return Failure{unreadable_payload(error)};
    }
    for (std::size_t written = 0; written < piece->size();) {
      const int count = co_await state.done(
          [&] { return libssh2_sftp_write(state.file.get(), piece->data() + written, piece->size() - written); });
      if (count < 0) co_return failed("writing the file", count);
      written += static_cast<std::size_t>(count);
    }
    offset += piece->size();
  }
  const int synced = co_await state.done([&state] { return libssh2_sftp_fsync(state.file.get()); });
  const bool unknown_there =
      synced == LIBSSH2_ERROR_SFTP_PROTOCOL && libssh2_sftp_last_error(state.sftp.get()) == LIBSSH2_FX_OP_UNSUPPORTED;
  if (synced != 0 && !unknown_there) co_return failed("saving the file", synced);
  const int closed = co_await state.close();
  if (closed != 0) co_return failed("closing the file", closed);
  co_return Result<void, SftpWriteFailure>();
}

SftpSession::Later<void> SftpSession::rename(const std::string& from, const std::string& to) {
  State& state = *state_;
  const int code = co_await state.done([&] {
    return libssh2_sftp_rename_ex(state.sftp.get(), from.data(), static_cast<unsigned>(from.size()), to.data(),
                                  static_cast<unsigned>(to.size()),
                                  LIBSSH2_SFTP_RENAME_ATOMIC | LIBSSH2_SFTP_RENAME_NATIVE);
  });
  if (code != 0) co_return Failure{state.reason("giving the file its name", code)};
  co_return Result<void, DeliveryError>();
}

bool SftpSession::usable() const {
  return state_->usable && !state_->expired;
}
MonotonicTime SftpSession::deadline() const {
  return state_->deadline;
}
void SftpSession::stop() {
  state_->stopped = true;
  expire();
}
void SftpSession::expire() {
  state_->expired = true;
  state_->deadline = MonotonicTime::max();
  state_->resolver.cancel();
  boost::system::error_code ignored;
  state_->socket.cancel(ignored);
}

}  // namespace relay
