// Hl7HeaderReader: what a frame says of itself, read while it streams by: its first FHS, BHS and MSH, how many messages
// it holds, and whether they are of production. Holds a few kilobytes whatever comes. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "submission/hl7_segment.hpp"

namespace relay {

// That far the first MSH is looked for behind the headers of a batch.
inline constexpr std::size_t hl7_header_within = 16 * std::size_t{1024};

class Hl7HeaderReader {
 public:
  // The next bytes, in any pieces.
  void feed(std::string_view bytes);
  // Nothing more comes: the segment at hand is the last one.
  void finish();

  // Nothing but line ends so far.
  bool blank() const { return blank_; }
  // The first segment is a FHS, BHS or MSH that can be read; nothing: it isn't complete yet.
  std::optional<bool> readable() const { return readable_; }
  // Begins with FHS or BHS.
  bool batch() const { return batch_; }

  const std::optional<Hl7HeaderSegment>& file_header() const { return file_header_; }
  const std::optional<Hl7HeaderSegment>& batch_header() const { return batch_header_; }
  const std::optional<Hl7HeaderSegment>& message_header() const { return message_header_; }  // the first one
  std::uint64_t messages() const { return messages_; }

  // MSH-11.1 of every message so far: P, T or D (HL7 table 0103), or anything else.
  struct ProcessingIds {
    bool production = false;
    bool test = false;
    bool other = false;
  };
  const ProcessingIds& processing_ids() const { return processing_ids_; }

  // What this is known by: MSH-10; of a batch BHS-11, else FHS-11, else the first MSH-10. Empty where there is none.
  std::string_view control_id() const;
  // The first MSH so far, else BHS or FHS; nullptr: none. What a submission's sender and type are read from.
  const Hl7HeaderSegment* first_header() const;

 private:
  std::string_view take_byte_order_mark(std::string_view bytes);
  void end_segment();
  void take_header(Hl7HeaderSegment segment);

  std::string segment_;    // the one at hand, as far as it is wanted
  bool skipping_ = false;  // the one at hand is no header
  bool at_start_ = true;   // the byte order mark may still come
  bool first_done_ = false;
  bool blank_ = true;
  std::optional<bool> readable_;
  bool batch_ = false;
  std::optional<Hl7HeaderSegment> file_header_;
  std::optional<Hl7HeaderSegment> batch_header_;
  std::optional<Hl7HeaderSegment> message_header_;
  std::uint64_t messages_ = 0;
  ProcessingIds processing_ids_;
};

// The first MSH of a payload, else its BHS or FHS; nothing where it is no HL7 v2. Looks at its beginning alone.
std::optional<Hl7HeaderSegment> first_hl7_header(std::string_view payload);

}  // namespace relay
