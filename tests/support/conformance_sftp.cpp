// Debian's sshd as the conformance suite sees it.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>

#include <arpa/inet.h>
#include <sys/socket.h>

#include "base/file.hpp"
#include "support/conformance.hpp"
#include "support/temporary_folder.hpp"

namespace relay {
namespace {

void run(const std::string& command) {
  if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

std::uint16_t free_port() {
  const FileDescriptor probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  if (::bind(probe.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::getsockname(probe.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::runtime_error("no free port");
  return ntohs(address.sin_port);
}

class SftpPeer final : public ConformancePeer {
 public:
  SftpPeer() : port_(free_port()) {
    std::filesystem::create_directory(inbox());
    run("ssh-keygen -q -t ed25519 -N '' -f " + (folder_.path() / "host").string());
    run("mkdir -p /run/sshd");
    std::ofstream(folder_.path() / "sshd_config")
        << "Port " << port_ << "\nListenAddress 127.0.0.1\nHostKey " << (folder_.path() / "host").string()
        << "\nPidFile none\nUsePAM no\nStrictModes no\nPermitRootLogin yes\nPasswordAuthentication no\n"
        << "AuthorizedKeysFile " << (folder_.path() / "authorized").string() << "\nSubsystem sftp internal-sftp\n"
        << "LogLevel ERROR\n";
    change_credential();
    come_back();
  }
  ~SftpPeer() override { go_away(); }

  DestinationSettings settings() override {
    SftpSettings sftp;
    sftp.host = "127.0.0.1";
    sftp.port = port_;
    sftp.user = "root";
    sftp.key = SecretText("${file:" + (folder_.path() / "key").string() + "}",
                          Secret(read_file(folder_.path() / "key").value()));
    sftp.host_key_sha256 = fingerprint();
    sftp.folder = inbox().string();
    sftp.path = *NameTemplate::parse("{id}.{extension}");
    DestinationSettings settings;
    settings.name = "sftp";
    settings.system = sftp;
    settings.timeout = std::chrono::seconds(10);
    return settings;
  }

  bool can_be(PeerMood mood) const override { return mood == PeerMood::taking || mood == PeerMood::barring; }
  void be(PeerMood mood) override {
    if (mood == PeerMood::barring) std::filesystem::resize_file(folder_.path() / "authorized", 0);
  }
  void go_away() override {
    if (daemon_ == 0) return;
    ::kill(-daemon_, SIGKILL);  // its sessions are in its group
    ::waitpid(daemon_, nullptr, 0);
    daemon_ = 0;
  }
  void come_back() override {
    daemon_ = ::fork();
    if (daemon_ == 0) {
      ::setpgid(0, 0);
      const std::string config = (folder_.path() / "sshd_config").string();
      ::execl("/usr/sbin/sshd", "/usr/sbin/sshd", "-D", "-f", config.c_str(), nullptr);
      ::_exit(127);
    }
    ::setpgid(daemon_, daemon_);
    const auto enough = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!answers()) {
      if (std::chrono::steady_clock::now() > enough) throw std::runtime_error("sshd doesn't answer");
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }

  std::optional<std::string> taken(const Submission& submission) override {
    std::ifstream file(inbox() / (submission.id.text() + ".hl7"), std::ios::binary);
    if (!file) return std::nullopt;
    return std::string(std::istreambuf_iterator<char>(file), {});
  }
  std::size_t times_seen(const Submission& submission) override { return taken(submission) ? 1 : 0; }
  bool change_credential() override {
    const std::string key = (folder_.path() / "key").string();
    std::filesystem::remove(key);
    run("ssh-keygen -q -t ed25519 -N '' -f " + key);
    std::filesystem::copy_file(key + ".pub", folder_.path() / "authorized",
                               std::filesystem::copy_options::overwrite_existing);
    if (daemon_ != 0) {  // who is signed in would stay so
      go_away();
      come_back();
    }
    return true;
  }

 private:
  std::filesystem::path inbox() const { return folder_.path() / "inbox"; }
  bool answers() const {
    const FileDescriptor probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in address = loopback(port_);
    return ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  Digest fingerprint() const {
    // "ssh-ed25519 <base64 of the key's blob> comment"
    std::string text = read_file(folder_.path() / "host.pub").value();
    text = text.substr(text.find(' ') + 1);
    return sha256(base64_decode(text.substr(0, text.find(' '))).value());
  }

  TemporaryFolder folder_;
  std::uint16_t port_;
  pid_t daemon_ = 0;
};

}  // namespace

std::unique_ptr<ConformancePeer> make_sftp_peer() {
  return std::make_unique<SftpPeer>();
}

}  // namespace relay
