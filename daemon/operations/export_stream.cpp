#include "operations/export_stream.hpp"

#include "operations/carried_json.hpp"
#include "operations/tar_archive.hpp"
#include "submission/media_type.hpp"

namespace relay {
namespace {

constexpr std::size_t submissions_at_once = 50;
constexpr std::size_t piece_size = 256 * 1024;

}  // namespace

Result<ExportStream::Step> ExportStream::next() {
  switch (part_) {
    case Part::submission:
      return begin_submission();
    case Part::checking:
      return check();
    case Part::payload:
      return send();
    case Part::over:
      break;
  }
  return Step{"", true};
}

Result<ExportStream::Step> ExportStream::begin_submission() {
  if (at_ == batch_.size()) {
    auto batch = reader_->next(submissions_at_once);
    if (!batch) return Failure{batch.error()};
    batch_ = std::move(*batch);
    at_ = 0;
    if (batch_.empty()) {
      part_ = Part::over;
      return Step{tar_end(), false};
    }
  }
  ++submissions_;
  offset_ = 0;
  auto payload = payload_of_(current().submission.id);
  if (!payload) return Failure{payload.error()};
  payload_ = std::move(*payload);
  part_ = Part::checking;
  return Step{};
}

std::string ExportStream::metadata(std::string_view payload_lost) {
  const Submission& submission = current().submission;
  const std::string text = carried_json(current(), payload_lost);
  return tar_header(submission.id.text() + "/metadata.json", {text.size()}, submission.accepted_at) + text +
         tar_padding({text.size()});
}

Result<ExportStream::Step> ExportStream::check() {
  const auto piece = payload_->read(offset_, piece_size);
  if (!piece && piece.error().failure == PayloadFailure::unreadable) return fail(piece.error().message);
  if (!piece && piece.error().failure == PayloadFailure::erased) {
    // All of it was delivered meanwhile, and kept as long as it had to be.
    ++at_;
    part_ = Part::submission;
    return Step{};
  }
  if (!piece) {
    ++payloads_lost_;
    std::string bytes = metadata(piece.error().message);
    ++at_;
    part_ = Part::submission;
    return Step{std::move(bytes), false};
  }
  offset_ += piece->size();
  if (!piece->empty()) return Step{};
  const Submission& submission = current().submission;
  offset_ = 0;
  part_ = Part::payload;
  return Step{
      metadata("") + tar_header(submission.id.text() + "/payload" + std::string(extension_of(submission.content_type)),
                                submission.size, submission.accepted_at),
      false};
}

Result<ExportStream::Step> ExportStream::send() {
  auto piece = payload_->read(offset_, piece_size);
  if (!piece) return fail(piece.error().message);
  offset_ += piece->size();
  if (!piece->empty()) return Step{std::move(*piece), false};
  const ByteCount size = current().submission.size;
  ++at_;
  part_ = Part::submission;
  payload_.reset();
  return Step{tar_padding(size), false};
}

}  // namespace relay
