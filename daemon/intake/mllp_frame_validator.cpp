#include <algorithm>
#include <utility>

#include "intake/payload_validator.hpp"
#include "submission/hl7_header_reader.hpp"

namespace relay {
namespace {

constexpr std::string_view frame_marks = "\x0b\x1c";

class MllpFrameValidator final : public PayloadValidator {
 public:
  explicit MllpFrameValidator(std::unique_ptr<PayloadValidator> first) : first_(std::move(first)) {}

  void feed(std::string_view bytes) override {
    if (problem()) return;
    if (first_) first_->feed(bytes);
    if (first_) take_over(*first_);
    header_.feed(bytes);
    const auto mark = bytes.find_first_of(frame_marks);
    const std::string_view before = bytes.substr(0, mark);
    segment_ += static_cast<std::size_t>(std::ranges::count(before, '\r'));
    if (mark != std::string_view::npos)
      found(segment_, "a byte (0x0B or 0x1C) that begins or ends an MLLP frame, in which a destination sends this");
  }
  void finish() override {
    if (first_) first_->finish();
    if (first_) take_over(*first_);
    header_.finish();
    if (header_.control_id().empty())
      found(1, "no MSH-10 (a batch: BHS-11 or FHS-11), by which a destination's receiver would name it");
  }

 private:
  std::unique_ptr<PayloadValidator> first_;
  Hl7HeaderReader header_;
  std::size_t segment_ = 1;
};

}  // namespace

std::unique_ptr<PayloadValidator> make_mllp_frame_validator(std::unique_ptr<PayloadValidator> first) {
  return std::make_unique<MllpFrameValidator>(std::move(first));
}

}  // namespace relay
