// Hl7OrderNumberReader: the number by which the party that fills an order knows it, read while a message streams by:
// the first ORC-3, else the first OBR-3 (HL7 v2.5.1 sections 4.5.1.3 and 4.5.3.3), the whole field as it stands. Holds
// a few kilobytes whatever comes. One thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace relay {

class Hl7OrderNumberReader {
 public:
  // The next bytes, in any pieces.
  void feed(std::string_view bytes);
  // Nothing more comes: the segment at hand is the last one.
  void finish();
  // Empty where no such field says anything (HL7's null, "", says nothing).
  std::string_view number() const { return common_order_.empty() ? request_ : common_order_; }

 private:
  void end_segment();

  std::string segment_;    // the one at hand, as far as it is wanted
  bool skipping_ = false;  // the one at hand is none of those
  char separator_ = '|';
  std::string common_order_;  // ORC-3
  std::string request_;       // OBR-3
};

}  // namespace relay
