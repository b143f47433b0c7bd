// A bare client of the library that the relay's destination sftp uses (libssh2): the same requests over as many
// connections, with no journal, no classifier and no lane around them.
//
//   sftp_client PORT USER KEY FOLDER --count N --concurrency N --bytes N
//
// Each file is looked for, written as .N.part, saved (fsync@openssh.com), closed and renamed. Prints files a second as
// JSON, from the first sign-in.
#include <arpa/inet.h>
#include <libssh2.h>
#include <libssh2_sftp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

struct Options {
  std::uint16_t port = 0;
  std::string user;
  std::string key;
  std::string folder;
  std::uint64_t count = 1000;
  unsigned concurrency = 16;
  std::size_t bytes = 2000;
};

void require(bool held, const char* what) {
  if (!held) throw std::runtime_error(what);
}

class Connection {
 public:
  explicit Connection(const Options& options) : options_(options), socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(options.port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    require(::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0, "can't connect");
    const int at_once = 1;
    require(::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof(at_once)) == 0, "TCP_NODELAY");
    session_ = libssh2_session_init_ex(nullptr, nullptr, nullptr, nullptr);
    require(libssh2_session_handshake(session_, socket_) == 0, "no SSH connection");
    require(
        libssh2_userauth_publickey_fromfile(session_, options.user.c_str(), nullptr, options.key.c_str(), nullptr) == 0,
        "the key isn't taken");
    sftp_ = libssh2_sftp_init(session_);
    require(sftp_ != nullptr, "no SFTP");
  }
  ~Connection() {
    if (sftp_ != nullptr) libssh2_sftp_shutdown(sftp_);
    libssh2_session_free(session_);
    ::close(socket_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void put(std::uint64_t number, const std::string& content) {
    const std::string name = options_.folder + "/" + std::to_string(number);
    const std::string part = options_.folder + "/." + std::to_string(number) + ".part";
    LIBSSH2_SFTP_ATTRIBUTES attributes{};
    require(libssh2_sftp_stat_ex(sftp_, name.data(), static_cast<unsigned>(name.size()), LIBSSH2_SFTP_STAT,
                                 &attributes) != 0,
            "a file is there already");
    auto* const file =
        libssh2_sftp_open_ex(sftp_, part.data(), static_cast<unsigned>(part.size()),
                             LIBSSH2_FXF_WRITE | LIBSSH2_FXF_CREAT | LIBSSH2_FXF_TRUNC, 0640, LIBSSH2_SFTP_OPENFILE);
    require(file != nullptr, "a file can't be made");
    for (std::size_t written = 0; written < content.size();) {
      const auto more = libssh2_sftp_write(file, content.data() + written, content.size() - written);
      require(more > 0, "a file can't be written");
      written += static_cast<std::size_t>(more);
    }
    require(libssh2_sftp_fsync(file) == 0, "a file can't be saved");
    require(libssh2_sftp_close_handle(file) == 0, "a file can't be closed");
    require(libssh2_sftp_rename_ex(sftp_, part.data(), static_cast<unsigned>(part.size()), name.data(),
                                   static_cast<unsigned>(name.size()),
                                   LIBSSH2_SFTP_RENAME_ATOMIC | LIBSSH2_SFTP_RENAME_NATIVE) == 0,
            "a file can't be renamed");
  }

 private:
  const Options& options_;
  const int socket_;
  LIBSSH2_SESSION* session_ = nullptr;
  LIBSSH2_SFTP* sftp_ = nullptr;
};

// Seconds from the first sign-in, as the relay's drain counts its own.
double run(const Options& options) {
  const std::string content(options.bytes, 'x');
  std::atomic<std::uint64_t> next{1};
  std::atomic<bool> failed{false};
  const auto began = std::chrono::steady_clock::now();
  std::vector<std::jthread> threads;
  // One sign-in after the other, which is as many as sshd lets begin, each writing as soon as it is in.
  for (unsigned i = 0; i < options.concurrency; ++i) {
    threads.emplace_back([&, connection = std::make_unique<Connection>(options)] {
      try {
        for (auto number = next++; number <= options.count && !failed; number = next++)
          connection->put(number, content);
      } catch (const std::exception& error) {
        failed = true;
        std::cerr << "sftp_client: " << error.what() << '\n';
      }
    });
  }
  threads.clear();
  require(!failed, "not all were written");
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Writes files as the destination sftp does, with nothing around them.");
  app.add_option("port", options.port)->required();
  app.add_option("user", options.user)->required();
  app.add_option("key", options.key, "file of the private key")->required();
  app.add_option("folder", options.folder)->required();
  app.add_option("--count", options.count)->check(CLI::PositiveNumber);
  app.add_option("--concurrency", options.concurrency)->check(CLI::PositiveNumber);
  app.add_option("--bytes", options.bytes)->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  try {
    require(libssh2_init(0) == 0, "libssh2 can't be initialised");
    std::cout << "{\"per_second\":" << static_cast<double>(options.count) / run(options) << "}\n";
  } catch (const std::exception& error) {
    std::cerr << "sftp_client: " << error.what() << '\n';
    return 1;
  }
}
