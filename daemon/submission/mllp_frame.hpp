// MLLP framing (HL7 v2 transport, Minimal Lower Layer Protocol, release 1): <VT> message <FS><CR>. The scanner says
// where frames begin and end in a stream, whatever pieces it comes in, and holds eight bytes at most.
//
// More forgiving than the standard, where senders are known to differ, and never so that half a message could be taken
// for a whole one:
//  - bytes before a <VT> belong to nothing;
//  - <FS> ends a frame where CR, LF, the next <VT> or nothing more follows; before any other byte it is content;
//  - <VT> inside a frame is content, unless MSH, BHS or FHS follows: then the frame before it was never finished.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace relay {

class MllpFrameScanner {
 public:
  enum class Kind {
    need_more,    // all that was given is taken
    outside,      // `bytes` belong to no frame; line ends alone aren't reported
    begin,        // a frame begins
    content,      // `bytes` of the frame, as they came
    end,          // the frame is whole
    interrupted,  // the frame was never finished: another one begins next
  };
  struct Step {
    Kind kind = Kind::need_more;
    std::string_view bytes{};  // valid until the next call, and while the input is
  };

  // Takes what the step is about from the front of `input`. Call it until it needs more.
  Step next(std::string_view& input);

  // Between <VT> and the frame's end.
  bool inside() const { return state_ != State::outside; }
  // <FS> was the last byte: what comes next says whether the frame ends there.
  bool at_end_mark() const { return state_ == State::after_end_mark; }
  // Nothing came behind the <FS>: the frame ends there. Only where at_end_mark().
  void end_at_mark() { state_ = State::outside; }

 private:
  enum class State { outside, inside, after_end_mark, after_start_mark, interrupting, beginning };

  Step outside(std::string_view& input);
  Step inside(std::string_view& input);
  Step after_end_mark(std::string_view& input);
  Step after_start_mark(std::string_view& input);
  // What was held turned out to be content.
  Step release();

  State state_ = State::outside;
  std::string held_;      // a <VT> inside a frame, and what came behind it
  std::string released_;  // what the last step's `bytes` are in, where they aren't in the input
};

inline constexpr char mllp_start = '\x0b';
inline constexpr std::string_view mllp_end = "\x1c\r";

}  // namespace relay
