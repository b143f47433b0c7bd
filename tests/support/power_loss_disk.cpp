#include "support/power_loss_disk.hpp"

#include <algorithm>
#include <utility>

namespace relay {
namespace {

using Change = PowerLossDisk::Change;

std::string folder_name(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

void put(std::string& image, std::uint64_t offset, std::string_view bytes, const std::function<char()>& filler) {
  const std::uint64_t end = offset + bytes.size();
  while (image.size() < std::min<std::uint64_t>(offset, end)) image.push_back(filler());
  if (image.size() < end) image.resize(end);
  std::copy(bytes.begin(), bytes.end(), image.begin() + static_cast<std::ptrdiff_t>(offset));
}

char zero() {
  return '\0';
}

void carry_out(std::string& image, const Change& change) {
  if (change.kind == Change::Kind::truncate) {
    image.resize(change.offset);
  } else {
    put(image, change.offset, change.bytes, zero);
  }
}

// How the disk wrote back what was unsynced when the power went: one choice for a whole power cut.
class WriteBack {
 public:
  WriteBack(std::mt19937_64& random, std::uint64_t first, std::uint64_t last) : random_(random) {
    const unsigned dice = below(100);
    style_ = dice < 15   ? Style::nothing
             : dice < 30 ? Style::everything
             : dice < 50 ? Style::beginning
             : dice < 70 ? Style::operations
                         : Style::sectors;
    percent_ = 5 + below(91);
    stale_ = below(2) == 0;
    if (last >= first) last_kept_ = first + random_() % (last - first + 1);
  }

  bool keeps(std::uint64_t number) {
    switch (style_) {
      case Style::nothing:
        return false;
      case Style::everything:
        return true;
      case Style::beginning:
        return number <= last_kept_;
      case Style::operations:
      case Style::sectors:
        return below(100) < percent_;
    }
    return false;
  }

  void write(std::string& image, const Change& change) {
    const bool torn = style_ == Style::sectors || (style_ == Style::beginning && change.number == last_kept_);
    if (!torn) {
      if (keeps(change.number)) put(image, change.offset, change.bytes, [this] { return filler(); });
      return;
    }
    for (std::size_t at = 0; at < change.bytes.size();) {
      const std::uint64_t start = change.offset + at;
      const std::size_t length = std::min<std::size_t>(change.bytes.size() - at,
                                                       PowerLossDisk::sector_size - start % PowerLossDisk::sector_size);
      if (below(100) < percent_) {
        put(image, start, std::string_view(change.bytes).substr(at, length), [this] { return filler(); });
      }
      at += length;
    }
    // The file's size is metadata: it may have grown although the bytes never came.
    const std::uint64_t end = change.offset + change.bytes.size();
    if (image.size() < end && below(100) < percent_) {
      while (image.size() < end) image.push_back(filler());
    }
  }

 private:
  enum class Style { nothing, everything, beginning, operations, sectors };

  unsigned below(unsigned limit) { return static_cast<unsigned>(random_() % limit); }
  char filler() { return stale_ ? static_cast<char>(random_()) : '\0'; }

  std::mt19937_64& random_;
  Style style_ = Style::nothing;
  unsigned percent_ = 50;
  bool stale_ = false;
  std::uint64_t last_kept_ = 0;
};

std::string written_back(const PowerLossDisk::File& file, WriteBack& write_back, std::uint64_t last_done) {
  std::string image = file.durable;
  for (const Change& change : file.unsynced) {
    if (change.number > last_done) break;
    if (change.kind == Change::Kind::write) {
      write_back.write(image, change);
    } else if (write_back.keeps(change.number)) {
      image.resize(change.offset);
    }
  }
  return image;
}

}  // namespace

void PowerLossDisk::cut_power_at(std::uint64_t n, NearCut near_cut) {
  std::lock_guard lock(mutex_);
  cut_at_ = operations_ + n;
  near_cut_ = std::move(near_cut);
}

void PowerLossDisk::cut_power() {
  std::lock_guard lock(mutex_);
  if (power_off_) return;
  power_off_ = true;
  if (!near_cut_) return;
  near_cut_(1);  // between two operations: nothing is under way
  near_cut_(0);
}

bool PowerLossDisk::power_is_off() const {
  std::lock_guard lock(mutex_);
  return power_off_;
}

std::uint64_t PowerLossDisk::operations() const {
  std::lock_guard lock(mutex_);
  return operations_;
}

bool PowerLossDisk::begin_change() {
  if (power_off_) return false;
  ++operations_;
  if (cut_at_ != 0 && near_cut_ && cut_at_ - operations_ <= 1) near_cut_(static_cast<unsigned>(cut_at_ - operations_));
  if (operations_ == cut_at_) power_off_ = true;
  return true;
}

PowerLossDisk::Folder& PowerLossDisk::folder_of(const std::string& path) {
  return folders_[folder_name(path)];
}

const PowerLossDisk::Folder* PowerLossDisk::find_folder_of(const std::string& path) const {
  const auto found = folders_.find(folder_name(path));
  return found == folders_.end() ? nullptr : &found->second;
}

std::shared_ptr<PowerLossDisk> PowerLossDisk::after_power_cut(std::mt19937_64& random, bool before_last) const {
  std::lock_guard lock(mutex_);
  std::uint64_t first = UINT64_MAX;
  std::uint64_t last = 0;
  const auto seen = [&](std::uint64_t number) {
    first = std::min(first, number);
    last = std::max(last, number);
  };
  for (const auto& [name, folder] : folders_) {
    for (const EntryChange& change : folder.unsynced) {
      seen(change.number);
      if (change.file) {
        for (const Change& of_file : change.file->unsynced) seen(of_file.number);
      }
    }
    for (const auto& [path, file] : folder.durable) {
      for (const Change& change : file->unsynced) seen(change.number);
    }
  }

  const std::uint64_t last_done = before_last ? operations_ - 1 : operations_;
  WriteBack write_back(random, first, last);
  auto outcome = std::make_shared<PowerLossDisk>();
  for (const auto& [name, folder] : folders_) {
    std::map<std::string, FileHandle> entries = folder.durable;
    for (const EntryChange& change : folder.unsynced) {
      if (change.number > last_done || !write_back.keeps(change.number)) continue;
      if (change.file) {
        entries[change.path] = change.file;
      } else {
        entries.erase(change.path);
      }
    }
    Folder left;
    for (const auto& [path, file] : entries) {
      auto copy = std::make_shared<File>();
      copy->durable = written_back(*file, write_back, last_done);
      copy->current = copy->durable;
      left.durable[path] = std::move(copy);
    }
    left.current = left.durable;
    outcome->folders_[name] = std::move(left);
  }
  return outcome;
}

PowerLossDisk::FileHandle PowerLossDisk::find(const std::string& path) const {
  std::lock_guard lock(mutex_);
  const Folder* folder = find_folder_of(path);
  if (!folder) return nullptr;
  const auto found = folder->current.find(path);
  return found == folder->current.end() ? nullptr : found->second;
}

PowerLossDisk::FileHandle PowerLossDisk::open(const std::string& path, bool& created) {
  std::lock_guard lock(mutex_);
  created = false;
  if (power_off_) return nullptr;
  Folder& folder = folder_of(path);
  const auto found = folder.current.find(path);
  if (found != folder.current.end()) return found->second;
  begin_change();
  auto file = std::make_shared<File>();
  folder.unsynced.push_back({operations_, path, file});
  folder.current[path] = file;
  created = true;
  return power_off_ ? nullptr : file;
}

PowerLossDisk::Answer PowerLossDisk::remove(const std::string& path) {
  std::lock_guard lock(mutex_);
  if (power_off_) return Answer::power_off;
  Folder& folder = folder_of(path);
  if (!folder.current.contains(path)) return Answer::absent;
  begin_change();
  folder.unsynced.push_back({operations_, path, nullptr});
  folder.current.erase(path);
  return power_off_ ? Answer::power_off : Answer::done;
}

PowerLossDisk::Answer PowerLossDisk::sync_folder_of(const std::string& path) {
  std::lock_guard lock(mutex_);
  if (!begin_change() || power_off_) return Answer::power_off;
  Folder& folder = folder_of(path);
  folder.durable = folder.current;
  folder.unsynced.clear();
  return Answer::done;
}

std::optional<std::string> PowerLossDisk::read(const FileHandle& file, std::uint64_t offset, std::size_t size) const {
  std::lock_guard lock(mutex_);
  if (power_off_) return std::nullopt;
  if (offset >= file->current.size()) return std::string();
  return file->current.substr(offset, size);
}

PowerLossDisk::Answer PowerLossDisk::write(const FileHandle& file, std::uint64_t offset, std::string_view bytes) {
  std::lock_guard lock(mutex_);
  if (!begin_change()) return Answer::power_off;
  file->unsynced.push_back({operations_, Change::Kind::write, offset, std::string(bytes)});
  carry_out(file->current, file->unsynced.back());
  return power_off_ ? Answer::power_off : Answer::done;
}

PowerLossDisk::Answer PowerLossDisk::truncate(const FileHandle& file, std::uint64_t size) {
  std::lock_guard lock(mutex_);
  if (!begin_change()) return Answer::power_off;
  file->unsynced.push_back({operations_, Change::Kind::truncate, size, {}});
  carry_out(file->current, file->unsynced.back());
  return power_off_ ? Answer::power_off : Answer::done;
}

PowerLossDisk::Answer PowerLossDisk::sync(const FileHandle& file) {
  std::lock_guard lock(mutex_);
  if (!begin_change() || power_off_) return Answer::power_off;
  for (const Change& change : file->unsynced) carry_out(file->durable, change);
  file->unsynced.clear();
  return Answer::done;
}

void PowerLossDisk::fail_sync(const FileHandle& file, std::mt19937_64& random) {
  std::lock_guard lock(mutex_);
  if (file->unsynced.empty()) return;
  WriteBack write_back(random, file->unsynced.front().number, file->unsynced.back().number);
  file->durable = written_back(*file, write_back, operations_);
  file->unsynced.clear();
}

std::optional<std::uint64_t> PowerLossDisk::size(const FileHandle& file) const {
  std::lock_guard lock(mutex_);
  if (power_off_) return std::nullopt;
  return file->current.size();
}

std::vector<std::string> PowerLossDisk::paths() const {
  std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [name, folder] : folders_) {
    for (const auto& [path, file] : folder.current) names.push_back(path);
  }
  return names;
}

bool PowerLossDisk::rot(const std::string& path, std::uint64_t offset, std::uint8_t mask) {
  const FileHandle file = find(path);
  std::lock_guard lock(mutex_);
  if (!file || offset >= file->current.size() || offset >= file->durable.size()) return false;
  for (std::string* image : {&file->current, &file->durable}) {
    (*image)[offset] = static_cast<char>(static_cast<std::uint8_t>((*image)[offset]) ^ mask);
  }
  return true;
}

}  // namespace relay
