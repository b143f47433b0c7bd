#include "support/lock_file_keeper.hpp"

#include <fstream>
#include <iterator>
#include <utility>

namespace relay {

LockFileKeeper::LockFileKeeper(std::filesystem::path path) : path_(std::move(path)) {}

void LockFileKeeper::near_cut(unsigned operations_left) {
  (operations_left == 0 ? at_cut_ : before_) = read();
}

bool LockFileKeeper::restore(std::mt19937_64& random) {
  const bool earlier = before_ != at_cut_ && random() % 2 == 0;
  std::optional<std::string> text = earlier ? before_ : at_cut_;
  const bool begun = earlier && before_.value_or("").empty() && !at_cut_.value_or("").empty();
  if (begun) {
    switch (random() % 3) {
      case 0:
        text = std::nullopt;
        break;
      case 1:
        text = "";
        break;
      default:
        text = std::string(at_cut_->size(), '\0');
    }
  }
  write(text);
  return earlier;
}

std::optional<std::string> LockFileKeeper::read() const {
  std::ifstream file(path_, std::ios::binary);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// In place: somebody may still hold it open.
void LockFileKeeper::write(const std::optional<std::string>& text) const {
  if (!text) {
    std::filesystem::remove(path_);
    return;
  }
  std::ofstream file(path_, std::ios::binary | std::ios::trunc);
  file << *text;
  std::filesystem::permissions(path_, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

}  // namespace relay
