#include "submission/mllp_frame.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "submission/hl7_segment.hpp"

namespace relay {
namespace {

constexpr char end_mark = '\x1c';

// Asked of every byte of a message.
bool is_mark(char c) {
  return c == mllp_start || c == end_mark;
}

bool is_line_end(char c) {
  return c == '\r' || c == '\n';
}

// What may follow a <VT> that begins a frame, so far as it is known.
enum class Likeness { header, could_become, other };

Likeness header_likeness(std::string_view text) {
  const std::size_t mark = std::min(text.size(), utf8_byte_order_mark.size());
  if (text.substr(0, mark) == utf8_byte_order_mark.substr(0, mark)) {
    if (mark < utf8_byte_order_mark.size()) return Likeness::could_become;
    text.remove_prefix(mark);
  }
  for (const std::string_view name : {"MSH", "BHS", "FHS"}) {
    if (text == name) return Likeness::header;
    if (name.starts_with(text)) return Likeness::could_become;
  }
  return Likeness::other;
}

}  // namespace

MllpFrameScanner::Step MllpFrameScanner::next(std::string_view& input) {
  switch (state_) {
    case State::outside:
      return outside(input);
    case State::interrupting:
      state_ = State::beginning;
      return {Kind::begin};
    case State::beginning:
      // What came behind the <VT> that interrupted the frame before is this one's.
      state_ = State::inside;
      held_.erase(0, 1);
      return release();
    case State::inside:
      return inside(input);
    case State::after_end_mark:
      return after_end_mark(input);
    case State::after_start_mark:
      return after_start_mark(input);
  }
  throw std::logic_error("a scanner of MLLP frames is in no state");
}

MllpFrameScanner::Step MllpFrameScanner::outside(std::string_view& input) {
  while (!input.empty() && is_line_end(input.front())) input.remove_prefix(1);
  if (input.empty()) return {};
  if (input.front() == mllp_start) {
    input.remove_prefix(1);
    state_ = State::inside;
    return {Kind::begin};
  }
  const std::string_view skipped = input.substr(0, input.find(mllp_start));
  input.remove_prefix(skipped.size());
  return {Kind::outside, skipped};
}

MllpFrameScanner::Step MllpFrameScanner::inside(std::string_view& input) {
  if (input.empty()) return {};
  const std::string_view content(input.begin(), std::find_if(input.begin(), input.end(), is_mark));
  if (!content.empty()) {
    input.remove_prefix(content.size());
    return {Kind::content, content};
  }
  const char mark = input.front();
  input.remove_prefix(1);
  if (mark == end_mark) {
    state_ = State::after_end_mark;
    return after_end_mark(input);
  }
  held_.assign(1, mark);
  state_ = State::after_start_mark;
  return after_start_mark(input);
}

MllpFrameScanner::Step MllpFrameScanner::after_end_mark(std::string_view& input) {
  if (input.empty()) return {};
  if (is_line_end(input.front()) || input.front() == mllp_start) {
    if (is_line_end(input.front())) input.remove_prefix(1);
    state_ = State::outside;
    return {Kind::end};
  }
  held_.assign(1, end_mark);
  state_ = State::inside;
  return release();
}

MllpFrameScanner::Step MllpFrameScanner::after_start_mark(std::string_view& input) {
  while (!input.empty()) {
    const char next = input.front();
    const Likeness likeness = header_likeness(std::string(held_, 1) + next);
    if (likeness == Likeness::other) {
      state_ = State::inside;
      return release();  // `next` is looked at anew: it may be a mark
    }
    held_.push_back(next);
    input.remove_prefix(1);
    if (likeness == Likeness::header) {
      state_ = State::interrupting;
      return {Kind::interrupted};
    }
  }
  return {};
}

MllpFrameScanner::Step MllpFrameScanner::release() {
  released_ = std::exchange(held_, {});
  return {Kind::content, released_};
}

}  // namespace relay
