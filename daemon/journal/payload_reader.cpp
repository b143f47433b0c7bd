#include "journal/payload_reader.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/digest.hpp"
#include "journal/journal.hpp"
#include "journal/payload_row.hpp"
#include "journal/reading_pool.hpp"
#include "journal/uploads.hpp"

namespace relay {

namespace {

std::optional<std::string> read_row(PayloadRows& rows, const PayloadPlace& place, std::uint64_t number) {
  return place.upload ? rows.chunk_row(*place.upload, static_cast<std::int64_t>(number)) : rows.inline_row(place.seq);
}

// One piece of a payload, all of it or a chunk, out of its row. Nothing where it doesn't open, or isn't as long as it
// must be.
std::optional<std::string> piece_of(std::string row, const PayloadPlace& place, std::uint64_t number,
                                    const PayloadCipher& cipher) {
  PayloadRowPlace bound{place.id, static_cast<std::uint32_t>(number), !place.upload, {}};
  if (!place.upload) bound.row_digest = place.row_digest;
  auto bytes = unframe_payload(std::move(row), bound, cipher);
  const std::uint64_t chunk = payload_chunk_size.value;
  const std::uint64_t start = place.upload ? number * chunk : 0;
  const std::uint64_t expected = place.upload ? std::min(chunk, place.size.value - start) : place.size.value;
  if (!bytes || bytes->size() != expected) return std::nullopt;
  return bytes;
}

class JournalPayload : public PayloadSource {
 public:
  JournalPayload(std::shared_ptr<ReadingPool> pool, const PayloadPlace& place,
                 std::shared_ptr<const std::string> inline_row)
      : pool_(std::move(pool)), place_(place), inline_row_(std::move(inline_row)) {}

  ByteCount size() const override { return place_.size; }

  Result<std::string, PayloadError> read(std::uint64_t offset, std::size_t limit) override {
    if (!place_.sound) return corrupt("the submission's row doesn't match its digest");
    if (offset >= place_.size.value || limit == 0) return std::string();
    try {
      return read_within(offset, limit);
    } catch (const DatabaseError& error) {
      if (error.corrupt()) return corrupt(error.what());
      return Failure{PayloadError{PayloadFailure::unreadable, error.what()}};
    }
  }

 private:
  Result<std::string, PayloadError> read_within(std::uint64_t offset, std::size_t limit) {
    const std::uint64_t number = place_.upload ? offset / payload_chunk_size.value : 0;
    const std::uint64_t start = number * payload_chunk_size.value;
    if (!load(number) && erased()) {
      return Failure{PayloadError{PayloadFailure::erased,
                                  "it was erased after every delivery had ended (journal.keep_delivered_payload)"}};
    }
    if (!piece_) return corrupt("a part of the payload is missing or damaged");
    const std::string& piece = *piece_;
    std::string bytes = piece.substr(offset - start, limit);
    if (offset + bytes.size() == place_.size.value && !whole()) {
      return corrupt("the payload doesn't match the SHA-256 taken at intake");
    }
    return bytes;
  }

  bool erased() {
    auto reader = pool_->lease();
    const auto row = reader->payloads.inline_row(place_.seq);
    return row && row->empty();
  }

  // Makes `piece_` the one of that number, and hashes it where it is next in order.
  bool load(std::uint64_t number) {
    if (piece_ && piece_number_ == number) return true;
    if (inline_row_) {
      piece_ = piece_of(*inline_row_, place_, number, pool_->cipher());
    } else {
      auto reader = pool_->lease();
      auto row = read_row(reader->payloads, place_, number);
      piece_ = row ? piece_of(std::move(*row), place_, number, reader->cipher) : std::nullopt;
    }
    if (!piece_) return false;
    piece_number_ = number;
    if (verdict_) return true;
    if (number == 0) {
      hash_ = Sha256();
      hashed_pieces_ = 0;
    }
    if (number == hashed_pieces_) {
      hash_.update(*piece_);
      ++hashed_pieces_;
      if (hashed_pieces_ == pieces()) verdict_ = hash_.finish() == place_.sha256;
    }
    return true;
  }

  // Whether the digest holds. Where it wasn't read in order so far, it is now.
  bool whole() {
    if (!verdict_) {
      piece_.reset();
      for (std::uint64_t number = 0; number < pieces() && !verdict_; ++number) {
        if (!load(number)) return false;
      }
    }
    return verdict_.value_or(false);
  }

  std::uint64_t pieces() const {
    if (!place_.upload) return 1;
    return (place_.size.value + payload_chunk_size.value - 1) / payload_chunk_size.value;
  }

  static Result<std::string, PayloadError> corrupt(std::string message) {
    return Failure{PayloadError{PayloadFailure::corrupt, std::move(message)}};
  }

  const std::shared_ptr<ReadingPool> pool_;
  const PayloadPlace place_;
  const std::shared_ptr<const std::string> inline_row_;
  std::optional<std::string> piece_;
  std::uint64_t piece_number_ = 0;
  Sha256 hash_;
  std::uint64_t hashed_pieces_ = 0;
  std::optional<bool> verdict_;  // once every piece was hashed
};

}  // namespace

PayloadRows::PayloadRows(Connection& connection)
    : inline_(connection, "SELECT payload FROM submission WHERE seq = ?1"),
      chunk_(connection, "SELECT bytes FROM payload_chunk WHERE chunk = ?1") {}

std::optional<std::string> PayloadRows::inline_row(std::int64_t seq) {
  Rows rows = inline_.rows(seq);
  if (!rows.next() || rows.is_null(0)) return std::nullopt;
  return rows.string(0);
}

std::optional<std::string> PayloadRows::chunk_row(std::int64_t upload, std::int64_t number) {
  Rows rows = chunk_.rows(chunk_key(upload, number));
  if (!rows.next()) return std::nullopt;
  return rows.string(0);
}

PayloadPlace payload_place(std::int64_t seq, std::optional<std::int64_t> upload, const Submission& submission,
                           bool sound) {
  return {seq, upload, submission.id, submission.size, submission.sha256, row_digest(submission), sound};
}

std::shared_ptr<PayloadSource> make_payload_source(std::shared_ptr<ReadingPool> pool, const PayloadPlace& place,
                                                   std::shared_ptr<const std::string> inline_row) {
  return std::make_shared<JournalPayload>(std::move(pool), place, std::move(inline_row));
}

std::optional<PayloadFlaw> check_payload(PayloadRows& rows, const PayloadPlace& place, const PayloadCipher& cipher) {
  Sha256 hash;
  std::uint64_t hashed = 0;
  for (std::uint64_t number = 0; number == 0 || hashed < place.size.value; ++number) {
    auto row = read_row(rows, place, number);
    const bool sealed = row && is_sealed_payload(*row);
    const auto piece = row ? piece_of(std::move(*row), place, number, cipher) : std::nullopt;
    if (!piece && sealed)
      return PayloadFlaw{true, fmt::format("the seal of part {} of the payload doesn't hold", number + 1)};
    if (!piece) return PayloadFlaw{false, fmt::format("part {} of the payload is missing or damaged", number + 1)};
    hash.update(*piece);
    hashed += piece->size();
    if (!place.upload) break;
  }
  if (hash.finish() != place.sha256) return PayloadFlaw{false, "the payload doesn't match the SHA-256 taken at intake"};
  return std::nullopt;
}

}  // namespace relay
