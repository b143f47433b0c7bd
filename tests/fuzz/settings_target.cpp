#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "fuzz/targets.hpp"
#include "settings/load.hpp"

namespace relay::fuzz {

namespace {

// A file in memory, made anew for each input.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes) : file_(::memfd_create("settings", 0)) {
    require(file_ >= 0 && ::write(file_, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()),
            "the input can be written");
  }
  ~MemoryFile() { ::close(file_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  std::string path() const { return "/proc/self/fd/" + std::to_string(file_); }

 private:
  int file_;
};

}  // namespace

void settings(std::string_view bytes) {
  // References and paths would read this machine's files, and wait for some of them.
  for (const char* reads : {"file:", "credential:", "/dev", "/proc", "/sys"}) {
    if (bytes.find(reads) != std::string_view::npos) return;
  }
  const MemoryFile file(bytes);
  const auto loaded = load_settings(file.path());
  if (loaded) {
    require(!loaded->settings.destinations.empty(), "a configuration that loads has a destination");
  } else {
    require(!loaded.error().empty(), "one that doesn't says why");
    for (const Problem& problem : loaded.error()) {
      require(problem.line >= 1 && problem.column >= 1, "a problem has a place");
      require(problem.message.find('\n') == std::string::npos, "a problem is one line");
    }
  }
  (void)admin_socket_of(file.path());
  (void)journal_path_of(file.path());
  (void)journal_keys_of(file.path());
}

}  // namespace relay::fuzz
