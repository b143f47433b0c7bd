// Whether a file is complete: by what successive looks at its folder saw of it (contract, "Folder intake"). Times are
// our own monotonic clock's, not a file's: a share has another clock, and a copied file an old date. Only what gives a
// file up for its NULs believes a date, so that a restart doesn't begin those ten minutes anew.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "intake/folder_listing.hpp"
#include "settings/folder_settings.hpp"

namespace relay {

class FileCompleteness {
 public:
  explicit FileCompleteness(const FolderSettings& settings);

  // Takes in a new look; what isn't in it any more is forgotten.
  void look(const std::vector<FoundFile>& files, MonotonicTime now);

  enum class Verdict {
    wait,   // not yet; also for a file that no look has seen
    ready,  // by its name, size and times
    empty,  // for so long that it won't get any content
  };
  Verdict verdict(const FoundFile& file, MonotonicTime now) const;

  // Where the last try to read it found a NUL.
  std::optional<std::uint64_t> nul_in(const FoundFile& file) const;
  enum class Nul {
    incomplete,  // its content may still come
    stays,       // nothing has changed for so long that it won't
  };
  // A try found its first NUL there: whoever made room for a file in advance hasn't filled it yet.
  Nul found_nul(const FoundFile& file, std::uint64_t offset, MonotonicTime now, WallTime wall_now);
  // What was tried with it failed: not again before that.
  void put_off(const FoundFile& file, MonotonicTime until);

  // When a verdict may change next by time alone.
  std::optional<MonotonicTime> next(MonotonicTime now) const;

 private:
  struct Seen {
    FileIdentity identity;
    MonotonicTime unchanged_since;
    std::optional<std::uint64_t> nul{};
    bool date_is_wrong = false;  // its content changed, its date didn't
    std::optional<MonotonicTime> not_before{};
    std::uint64_t look = 0;  // the last one that saw it
  };
  MonotonicTime ready_at(const Seen& seen) const;

  const std::chrono::milliseconds settle_;  // 0 where a name or a marker says it all
  std::unordered_map<std::string, Seen> seen_;
  std::uint64_t looks_ = 0;
};

}  // namespace relay
