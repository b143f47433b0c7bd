// ReceptionState: one payload on its way in, behind Reception. It is hashed and validated while it comes; up to 64 KiB
// stay in memory until the one append, more goes to the journal in chunks, each waited for before the next is taken.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.hpp"
#include "intake/admission_rules.hpp"
#include "intake/intake_counters.hpp"
#include "intake/memory_budget.hpp"
#include "intake/payload_validator.hpp"
#include "intake/receiver.hpp"
#include "journal/journal.hpp"
#include "submission/hl7_header_reader.hpp"
#include "submission/hl7_order_number.hpp"

namespace relay {

// The journal's refusals, as a door words them.
RequestProblem append_problem(AppendRefusal refusal);
RequestProblem memory_problem();
RequestProblem too_large_problem(ByteCount limit);

class ReceptionState : public std::enable_shared_from_this<ReceptionState> {
 public:
  struct Plan {
    Arrival arrival;
    SubmissionId id;
    std::optional<Destined> destined;  // nothing: decide() says, once the payload's first header is there
    ByteCount limit;                   // the largest payload, until then
    std::function<Result<Destined, RequestProblem>(const Arrival&, const Hl7HeaderSegment*)> decide;
  };
  ReceptionState(Plan plan, Journal& journal, const Clock& clock, std::shared_ptr<IntakeCounters> counters,
                 std::shared_ptr<MemoryBudget> budget);

  // False where `intake.memory` doesn't have what this payload will hold.
  bool reserve();
  void write(std::string_view bytes, Reception::WriteCallback ready);
  void finish(Reception::FinishCallback durable);

 private:
  std::optional<RequestProblem> take(std::string_view bytes);
  void begin_order();
  // Looks at what begins the payload; decides as soon as it can, at the latest at the payload's end.
  std::optional<RequestProblem> look_at_header(std::string_view bytes, bool at_end);
  std::optional<DeliveryOrder> order() const;
  PayloadValidator* validator() const { return plan_.destined ? plan_.destined->validator.get() : nullptr; }
  std::optional<RequestProblem> check_whole();
  void store(std::string_view bytes, Reception::WriteCallback ready);
  void commit_chunk(Reception::WriteCallback committed);
  void append(Reception::FinishCallback durable);
  RequestProblem refuse(RequestProblem problem);

  Plan plan_;
  Journal& journal_;
  const Clock& clock_;
  const std::shared_ptr<IntakeCounters> counters_;
  const std::shared_ptr<MemoryBudget> budget_;
  MemoryLease lease_{*budget_};
  Sha256 hash_;
  ByteCount size_;
  Digest digest_;
  std::string held_;                            // not yet handed to the journal; at most a chunk
  std::unique_ptr<PayloadUpload> upload_;       // once there is more than a chunk
  Hl7HeaderReader header_;                      // while nothing is decided
  std::optional<Hl7OrderNumberReader> number_;  // where that is what it is ordered by
  std::optional<RequestProblem> refused_;
};

}  // namespace relay
