// Reads submissions with their deliveries, records and attempts, as the outside sees them. Every statement here finds
// its rows by a key: its cost doesn't grow with the journal.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "journal/database.hpp"
#include "journal/payload_cipher.hpp"
#include "journal/turns.hpp"
#include "submission/delivery.hpp"

namespace relay {

struct SubmissionRow {
  std::int64_t seq = 0;
  Submission submission;
  unsigned deliveries = 0;
  unsigned repeats = 0;
  std::optional<std::int64_t> upload{};  // where the payload is in chunks
  bool sound = false;                    // its seals open and the row digest holds
  bool seals_open = true;                // what is sealed in the row opens
};

// The columns that read_submission_row takes, the first ones of its statement.
inline constexpr std::string_view submission_columns =
    "seq, id, client, content_type, content_type_parameters, payload_name, intake, size, sha256, accepted_at,"
    " row_digest, deliveries, repeats, upload,"
    " (SELECT q.parameters FROM submission_query q WHERE q.seq = submission.seq)";
inline constexpr int submission_column_count = 15;
SubmissionRow read_submission_row(const Rows& rows, const PayloadCipher& cipher);

class SubmissionReader {
 public:
  // `cipher` outlives it.
  SubmissionReader(Connection& connection, const PayloadCipher& cipher);

  std::optional<SubmissionRow> by_id(const SubmissionId& id);
  std::optional<SubmissionRow> by_seq(std::int64_t seq);
  std::optional<SubmissionId> id_of(std::int64_t seq);
  // Newest first, below `seq`, at most `limit`.
  std::vector<SubmissionRow> below(std::int64_t seq, std::size_t limit);

  // As it stands in the journal; without what lanes say about themselves.
  SubmissionView view(const SubmissionRow& row, bool with_history);
  std::vector<DeliveryState> states(const SubmissionRow& row);
  bool any_queued(const SubmissionRow& row);

 private:
  struct PlacedDelivery {
    std::int64_t position = 0;
    std::int64_t destination = 0;
    DeliveryView view;
    std::string order_key;  // of one that waits for its turn
  };
  std::vector<PlacedDelivery> deliveries(const SubmissionRow& row);
  void add_attempts(const SubmissionRow& row, PlacedDelivery& delivery, bool with_history);
  void add_what_it_waits_for(const SubmissionRow& row, PlacedDelivery& delivery);
  void add_discard_reason(const SubmissionRow& row, PlacedDelivery& delivery);

  const PayloadCipher& cipher_;
  Statement by_id_;
  Statement by_seq_;
  Statement id_;
  Statement below_;
  Statement queued_;
  Statement records_;
  Statement last_attempt_;
  Statement attempts_;
  Statement discard_reason_;
  TurnReader turns_;
  Statement redirected_;  // up to which attempt a delivery was tried elsewhere, and where
};

}  // namespace relay
