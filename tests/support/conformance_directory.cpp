// A folder as the conformance suite sees it.
#include <fstream>
#include <iterator>

#include "destinations/directory.hpp"
#include "support/conformance.hpp"
#include "support/temporary_folder.hpp"

namespace relay {
namespace {

class DirectoryPeer final : public ConformancePeer {
 public:
  DirectoryPeer() { std::filesystem::create_directory(path()); }

  DestinationSettings settings() override {
    DestinationSettings settings;
    settings.name = "folder";
    settings.system = DirectorySettings{path()};
    return settings;
  }
  bool can_be(PeerMood mood) const override { return mood == PeerMood::taking; }
  void be(PeerMood) override {}
  void go_away() override { std::filesystem::rename(path(), elsewhere()); }
  void come_back() override { std::filesystem::rename(elsewhere(), path()); }

  std::optional<std::string> taken(const Submission& submission) override {
    std::ifstream file(path() / directory_payload_name(submission), std::ios::binary);
    if (!file) return std::nullopt;
    return std::string(std::istreambuf_iterator<char>(file), {});
  }
  std::size_t times_seen(const Submission& submission) override {
    std::size_t times = 0;
    for (const auto& entry : std::filesystem::directory_iterator(path()))
      times += entry.path().filename() == directory_payload_name(submission);
    return times;
  }
  bool change_credential() override { return false; }

 private:
  std::filesystem::path path() const { return folder_.path() / "archive"; }
  std::filesystem::path elsewhere() const { return folder_.path() / "unmounted"; }
  TemporaryFolder folder_;
};

}  // namespace

std::unique_ptr<ConformancePeer> make_directory_peer() {
  return std::make_unique<DirectoryPeer>();
}

}  // namespace relay
