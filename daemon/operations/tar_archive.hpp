// Archives of export and import: POSIX ustar (IEEE Std 1003.1, pax, "ustar Interchange Format"), regular files alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/byte_count.hpp"
#include "base/clock.hpp"

namespace relay {

// The block before a file's bytes. `name` has at most 100 bytes; throws std::invalid_argument beyond.
std::string tar_header(std::string_view name, ByteCount size, WallTime modified);
// What follows a file's bytes, up to the next block.
std::string tar_padding(ByteCount size);
// What ends an archive.
std::string tar_end();

// Takes an archive apart in whatever pieces it comes. Entries that are no regular files are passed over.
class TarParser {
 public:
  enum class Event {
    need_more,  // everything given was used up
    entry,      // a file begins: name(), size()
    bytes,      // of that file: piece(), valid as long as what was given
    entry_end,
    end,  // of the archive
    malformed,
  };
  // Takes from the front of `unread`.
  Event next(std::string_view& unread);
  const std::string& name() const { return name_; }
  ByteCount size() const { return {size_}; }
  std::string_view piece() const { return piece_; }

 private:
  enum class State { header, content, padding, ended, broken };
  Event take_header(std::string_view& unread);
  Event take_content(std::string_view& unread);
  bool read_header();

  State state_ = State::header;
  std::string block_;
  std::string name_;
  std::uint64_t size_ = 0;
  std::uint64_t left_ = 0;  // of content or padding
  bool passed_over_ = false;
  std::string_view piece_;
};

}  // namespace relay
