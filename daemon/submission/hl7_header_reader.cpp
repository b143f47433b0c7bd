#include "submission/hl7_header_reader.hpp"

#include <algorithm>
#include <utility>

namespace relay {
namespace {

constexpr std::size_t name_size = 3;
// Of a header segment that much is kept: what is wanted stands in its first twenty fields.
constexpr std::size_t most_of_a_header = 8 * 1024;

// Asked of every byte of a message.
bool ends_segment(char c) {
  return c == '\r' || c == '\n';
}

}  // namespace

// An incomplete mark waits in `segment_`, which is empty at the start.
std::string_view Hl7HeaderReader::take_byte_order_mark(std::string_view bytes) {
  while (at_start_ && !bytes.empty()) {
    if (bytes.front() != utf8_byte_order_mark[segment_.size()]) {
      at_start_ = false;
      break;
    }
    segment_.push_back(bytes.front());
    bytes.remove_prefix(1);
    if (segment_.size() < utf8_byte_order_mark.size()) continue;
    segment_.clear();
    at_start_ = false;
  }
  return bytes;
}

void Hl7HeaderReader::feed(std::string_view bytes) {
  bytes = take_byte_order_mark(bytes);
  while (!bytes.empty()) {
    const auto end = std::find_if(bytes.begin(), bytes.end(), ends_segment);
    std::string_view part(bytes.begin(), end);
    if (!part.empty()) blank_ = false;
    if (!skipping_) {
      // The name first: all but a few segments are none of those that are wanted.
      const std::string_view of_name = part.substr(0, name_size - std::min(name_size, segment_.size()));
      segment_.append(of_name);
      part.remove_prefix(of_name.size());
      if (segment_.size() >= name_size) {
        skipping_ = !is_hl7_header_name(std::string_view(segment_).substr(0, name_size));
        if (!skipping_) segment_.append(part.substr(0, most_of_a_header - std::min(most_of_a_header, segment_.size())));
      }
    }
    if (skipping_ && !first_done_) readable_ = false;
    if (end == bytes.end()) return;
    end_segment();
    bytes = {end + 1, bytes.end()};
  }
}

void Hl7HeaderReader::finish() {
  at_start_ = false;
  if (!segment_.empty()) {
    blank_ = false;
    end_segment();
  }
}

void Hl7HeaderReader::end_segment() {
  const bool first = !std::exchange(first_done_, true);
  std::optional<Hl7HeaderSegment> header;
  if (!skipping_) header = Hl7HeaderSegment::read(segment_);
  // A message whose header can't be read says nothing of production.
  if (!skipping_ && !header && segment_.starts_with("MSH")) processing_ids_.other = true;
  skipping_ = false;
  segment_.clear();
  if (first) {
    readable_ = header.has_value();
    batch_ = header && header->name() != "MSH";
  }
  if (header) take_header(std::move(*header));
}

void Hl7HeaderReader::take_header(Hl7HeaderSegment segment) {
  if (segment.name() == "MSH") {
    ++messages_;
    const std::string_view id = segment.component(11, 1);
    (id == "P"                ? processing_ids_.production
     : id == "T" || id == "D" ? processing_ids_.test
                              : processing_ids_.other) = true;
  }
  auto& kept = segment.name() == "MSH" ? message_header_ : segment.name() == "BHS" ? batch_header_ : file_header_;
  if (!kept) kept = std::move(segment);
}

const Hl7HeaderSegment* Hl7HeaderReader::first_header() const {
  if (readable_.has_value() && !*readable_) return nullptr;
  for (const auto* header : {&message_header_, &batch_header_, &file_header_}) {
    if (*header) return &**header;
  }
  return nullptr;
}

std::optional<Hl7HeaderSegment> first_hl7_header(std::string_view payload) {
  Hl7HeaderReader reader;
  reader.feed(payload.substr(0, hl7_header_within));
  if (payload.size() <= hl7_header_within) reader.finish();
  const Hl7HeaderSegment* first = reader.first_header();
  return first == nullptr ? std::nullopt : std::optional(*first);
}

std::string_view Hl7HeaderReader::control_id() const {
  if (batch_) {
    for (const auto* header : {&batch_header_, &file_header_}) {
      if (*header && !(*header)->field(11).empty()) return (*header)->field(11);
    }
  }
  return message_header_ ? message_header_->field(10) : std::string_view();
}

}  // namespace relay
