#include "operations/tar_archive.hpp"

#include <algorithm>
#include <numeric>
#include <stdexcept>

#include <fmt/format.h>

namespace relay {
namespace {

constexpr std::size_t block_size = 512;
// Places in the header.
constexpr std::size_t name_length = 100;
constexpr std::size_t size_at = 124;
constexpr std::size_t size_length = 12;
constexpr std::size_t checksum_at = 148;
constexpr std::size_t checksum_length = 8;
constexpr std::size_t type_at = 156;
constexpr std::size_t magic_at = 257;
constexpr std::size_t prefix_at = 345;
constexpr std::size_t prefix_length = 155;

// As if the checksum's own place were blanks.
unsigned checksum_of(std::string_view block) {
  unsigned sum = 0;
  for (std::size_t i = 0; i < block.size(); ++i) {
    const bool own = i >= checksum_at && i < checksum_at + checksum_length;
    sum += own ? ' ' : static_cast<unsigned char>(block[i]);
  }
  return sum;
}

std::optional<std::uint64_t> octal(std::string_view field) {
  std::uint64_t value = 0;
  bool any = false;
  for (const char c : field) {
    if (c == ' ' && !any) continue;
    if (c == '\0' || c == ' ') break;
    if (c < '0' || c > '7' || value >> 60 != 0) return std::nullopt;
    value = value * 8 + static_cast<std::uint64_t>(c - '0');
    any = true;
  }
  return any ? std::optional(value) : std::nullopt;
}

std::string_view text(std::string_view field) {
  return field.substr(0, field.find('\0'));
}

std::uint64_t padding_after(std::uint64_t size) {
  return (block_size - size % block_size) % block_size;
}

}  // namespace

std::string tar_header(std::string_view name, ByteCount size, WallTime modified) {
  if (name.size() > name_length) throw std::invalid_argument("a name is too long for an archive");
  std::string block(block_size, '\0');
  const auto put = [&](std::size_t at, std::string_view value) {
    std::copy(value.begin(), value.end(), block.begin() + static_cast<std::ptrdiff_t>(at));
  };
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(modified.time_since_epoch()).count();
  put(0, name);
  put(100, "0000600");
  put(108, "0000000");
  put(116, "0000000");
  put(size_at, fmt::format("{:011o}", size.value));
  put(136, fmt::format("{:011o}", std::max<std::int64_t>(seconds, 0)));
  put(type_at, "0");
  put(magic_at, std::string_view("ustar\00000", 8));
  put(checksum_at, fmt::format("{:06o}", checksum_of(block)));
  block[checksum_at + 7] = ' ';
  return block;
}

std::string tar_padding(ByteCount size) {
  return std::string(padding_after(size.value), '\0');
}

std::string tar_end() {
  return std::string(2 * block_size, '\0');
}

TarParser::Event TarParser::next(std::string_view& unread) {
  for (;;) {
    switch (state_) {
      case State::header:
        return take_header(unread);
      case State::content:
        return take_content(unread);
      case State::padding: {
        const auto taken = std::min<std::uint64_t>(left_, unread.size());
        unread.remove_prefix(taken);
        left_ -= taken;
        if (left_ > 0) return Event::need_more;
        state_ = State::header;
        continue;
      }
      case State::ended:
        unread = {};
        return Event::end;
      case State::broken:
        return Event::malformed;
    }
  }
}

TarParser::Event TarParser::take_header(std::string_view& unread) {
  for (;;) {
    const std::size_t taken = std::min(block_size - block_.size(), unread.size());
    block_.append(unread.substr(0, taken));
    unread.remove_prefix(taken);
    if (block_.size() < block_size) return Event::need_more;
    if (block_.find_first_not_of('\0') == std::string::npos) {
      state_ = State::ended;
      unread = {};
      return Event::end;
    }
    if (!read_header()) {
      state_ = State::broken;
      return Event::malformed;
    }
    block_.clear();
    left_ = size_;
    state_ = State::content;
    return passed_over_ ? take_content(unread) : Event::entry;
  }
}

bool TarParser::read_header() {
  const std::string_view block = block_;
  const auto size = octal(block.substr(size_at, size_length));
  const auto checksum = octal(block.substr(checksum_at, checksum_length));
  if (!size || !checksum || *checksum != checksum_of(block)) return false;
  size_ = *size;
  const std::string_view prefix =
      block.substr(magic_at, 5) == "ustar" ? text(block.substr(prefix_at, prefix_length)) : std::string_view();
  name_ = std::string(prefix);
  if (!name_.empty()) name_ += '/';
  name_ += text(block.substr(0, name_length));
  const char type = block[type_at];
  passed_over_ = type != '0' && type != '\0';
  return true;
}

TarParser::Event TarParser::take_content(std::string_view& unread) {
  for (;;) {
    if (left_ == 0) {
      state_ = State::padding;
      left_ = padding_after(size_);
      if (!passed_over_) return Event::entry_end;
      return next(unread);
    }
    if (unread.empty()) return Event::need_more;
    piece_ = unread.substr(0, std::min<std::uint64_t>(left_, unread.size()));
    unread.remove_prefix(piece_.size());
    left_ -= piece_.size();
    if (!passed_over_) return Event::bytes;
  }
}

}  // namespace relay
