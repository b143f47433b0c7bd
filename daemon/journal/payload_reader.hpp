// Payloads out of the journal, checked against the SHA-256 taken at intake before their last byte is given out.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "journal/database.hpp"
#include "journal/row_digest.hpp"
#include "submission/payload_source.hpp"
#include "submission/submission.hpp"

namespace relay {

class ReadingPool;

// Reads payload rows over one connection.
class PayloadRows {
 public:
  explicit PayloadRows(Connection& connection);
  // The framed row of an inline payload, or of one chunk; nothing where there is none.
  std::optional<std::string> inline_row(std::int64_t seq);
  std::optional<std::string> chunk_row(std::int64_t upload, std::int64_t number);

 private:
  Statement inline_;
  Statement chunk_;
};

struct PayloadPlace {
  std::int64_t seq = 0;
  std::optional<std::int64_t> upload{};
  SubmissionId id;
  ByteCount size;
  Digest sha256;
  RowDigest row_digest{};  // without a secret: what an inline payload's seal is bound to
  bool sound = true;       // false: what is known of it is damaged, every read fails as corrupt
};

PayloadPlace payload_place(std::int64_t seq, std::optional<std::int64_t> upload, const Submission& submission,
                           bool sound);
// `inline_row`: the payload's row where it was read already.
std::shared_ptr<PayloadSource> make_payload_source(std::shared_ptr<ReadingPool> pool, const PayloadPlace& place,
                                                   std::shared_ptr<const std::string> inline_row = nullptr);

struct PayloadFlaw {
  bool seal = false;  // a seal that doesn't open
  std::string text;
};
// For verify: reads all of it over that connection. Nothing where it is whole and its digest holds, otherwise why not.
std::optional<PayloadFlaw> check_payload(PayloadRows& rows, const PayloadPlace& place, const PayloadCipher& cipher);

}  // namespace relay
