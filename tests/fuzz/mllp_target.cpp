// A stream of MLLP, the headers of what is in it, and the answers.
#include <string>
#include <vector>

#include "fuzz/targets.hpp"
#include "intake/hl7_acknowledgement.hpp"
#include "submission/mllp_frame.hpp"

namespace relay::fuzz {

namespace {

using Kind = MllpFrameScanner::Kind;

std::vector<std::string> frames_of(std::string_view bytes, std::size_t step) {
  std::vector<std::string> frames;
  MllpFrameScanner scanner;
  std::string frame;
  std::size_t content = 0;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    const std::string copy(bytes.substr(at, step));
    std::string_view piece = copy;
    for (auto got = scanner.next(piece); got.kind != Kind::need_more; got = scanner.next(piece)) {
      if (got.kind == Kind::begin) frame.clear();
      if (got.kind == Kind::content) frame += got.bytes;
      if (got.kind == Kind::content) content += got.bytes.size();
      if (got.kind == Kind::end) frames.push_back(frame);
      require(got.kind != Kind::content || !got.bytes.empty(), "content is progress");
    }
    require(piece.empty(), "what was given is taken");
  }
  require(content <= bytes.size(), "no byte is taken twice");
  return frames;
}

Hl7HeaderReader headers_of(std::string_view frame, std::size_t step) {
  Hl7HeaderReader reader;
  for (std::size_t at = 0; at < frame.size(); at += step) reader.feed(frame.substr(at, step));
  reader.finish();
  return reader;
}

void answer(const Hl7HeaderReader& reader) {
  const std::string text = write_acknowledgement(
      acknowledged_message(reader), AcknowledgementCode::AE,
      MessageError{MessageErrorCode::data_type_error, "Words | ^ & ~ \\ of ours."}, "OURS", WallTime{});
  require(text.find_first_of("\x0b\x1c\n") == std::string::npos, "an answer holds no mark of a frame");
  const auto back = headers_of(text, text.size());
  require(back.readable() == true && back.messages() == 1, "an answer can be read");
  require(back.message_header()->component(9, 1) == "ACK", "an answer says that it is one");
  require(back.control_id() == "OURS", "nothing of the sender's moves its fields");
}

}  // namespace

void mllp(std::string_view bytes) {
  const std::size_t step = 1 + take_byte(bytes) % 8;
  const auto frames = frames_of(bytes, bytes.size() + 1);
  require(frames == frames_of(bytes, step), "pieces don't change what the frames are");
  for (const std::string& frame : frames) {
    const auto whole = headers_of(frame, frame.size() + 1);
    const auto pieces = headers_of(frame, step);
    require(whole.readable() == pieces.readable() && whole.messages() == pieces.messages() &&
                whole.control_id() == pieces.control_id() && whole.blank() == pieces.blank(),
            "pieces don't change what a frame says of itself");
    answer(whole);
  }
}

}  // namespace relay::fuzz
