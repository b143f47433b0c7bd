// The checks that go through the journal's rows. Each streams: memory doesn't grow with the journal. Called within one
// read transaction; throw DatabaseError where a table can't be read.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "journal/database.hpp"
#include "journal/payload_reader.hpp"
#include "journal/submission_rows.hpp"
#include "journal/totals.hpp"
#include "journal/verify.hpp"

namespace relay {

class VerifyRows {
 public:
  using Report = std::function<void(std::string code, std::string submission, std::string text)>;
  // Asked now and then; may throw to end the check.
  using Pause = std::function<void()>;

  // `cipher` outlives it. `seals_checked` false: something may be sealed, and the cipher isn't the one to open it.
  VerifyRows(Connection& connection, VerifyReport& report, Report add, const PayloadCipher& cipher, bool seals_checked);

  void check_submissions(const Pause& pause);  // digests, payloads, number of deliveries
  void check_deliveries(const Pause& pause);   // orphans, impossible values, counts
  void check_turns(const Pause& pause);        // what waits for its turn has something before it
  void check_records(const Pause& pause);
  void check_queries(const Pause& pause);
  void check_attempts(const Pause& pause);
  void check_chunks(const Pause& pause);
  // What people did and left: audit, paused destinations, reasons, redirections (verify_operator_rows.cpp).
  void check_operator_rows(const Pause& pause);
  void check_pending_moves(const Pause& pause);
  void check_totals();  // after deliveries and records: compares what they counted
  // High-water marks, and the id that the lock file names.
  void check_own_row(const std::optional<Uuid>& journal_id);

 private:
  struct Counted {
    std::uint64_t queued = 0;
    std::uint64_t delivered = 0;
    std::uint64_t dead_letter = 0;
    std::uint64_t discarded = 0;
  };
  std::string id_of(std::int64_t seq);
  void check_submission(const SubmissionRow& row, bool has_inline_payload, bool erased);
  void check_erased(const SubmissionRow& row);
  void check_deliveries_of(const SubmissionRow& row);
  void check_totals_row(const TotalsRow& row);

  Connection& connection_;
  VerifyReport& report_;
  const PayloadCipher& cipher_;
  const bool seals_checked_;
  Report add_;
  SubmissionReader submissions_;
  PayloadRows payloads_;
  Totals totals_;
  std::map<DestinationNumber, Counted> counted_;
  std::int64_t highest_seq_ = 0;
  std::int64_t highest_upload_ = 0;
  bool counted_all_ = false;
};

}  // namespace relay
