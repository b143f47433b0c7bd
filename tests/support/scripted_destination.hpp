// ScriptedDestination: a destination whose answers a test writes. The lane owns the destination; the test keeps the
// script, which outlives it.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "destinations/destination.hpp"

namespace relay {

AttemptResult accepted_answer();
AttemptResult refused_answer(ErrorKind kind = ErrorKind::refused, int status = 422);
AttemptResult try_later_answer(std::optional<std::chrono::milliseconds> retry_after = std::nullopt);
AttemptResult broken_answer(ErrorKind kind = ErrorKind::unreachable);
AttemptResult unknown_answer();

// One try as the destination saw it.
struct SeenTry {
  SubmissionId id;
  std::string client;
  std::string payload;  // empty where it couldn't be read
  unsigned attempts_before = 0;
  bool possibly_delivered = false;
};

// Thread-safe.
class DestinationScript {
 public:
  using Answer = std::function<AttemptResult(const Delivery&)>;

  // Asked for each try, on the lane's thread, in the order of the tries. At first everything is accepted. A payload
  // that can't be read isn't asked about: corrupt is refused, unreadable is "try later", as every destination has it.
  void answer(Answer answer);
  void answer_all(AttemptResult result);
  // From then on it can be asked what became of a try without an answer. Set before its lane starts.
  struct Look {
    std::optional<Presence> presence{};
    AttemptResult result;
  };
  using LookAnswer = std::function<Look(const Delivery&)>;
  void look_answer(LookAnswer answer);
  // Likewise: what became of what it took over.
  using LaterAnswer = std::function<FollowUpAnswer(const FollowUp&)>;
  void later_answer(LaterAnswer answer);
  std::size_t looks() const;
  std::size_t questions() const;

  // Tries stay in flight, unanswered, until let_go().
  void hold();
  void let_go();
  void wake();

  std::vector<SeenTry> seen() const;
  std::size_t tries() const;
  std::size_t tries_of(const SubmissionId& id) const;
  std::size_t tries_of_client(const std::string& client) const;
  std::size_t in_flight() const;
  std::size_t most_in_flight() const;
  std::size_t polls() const;
  bool cancelled() const;

 private:
  friend class ScriptedDestination;
  struct Pending {
    Delivery delivery;
    std::optional<PayloadFailure> failure{};
    bool look = false;
  };

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::shared_ptr<Answer> answer_ = std::make_shared<Answer>([](const Delivery&) { return accepted_answer(); });
  std::shared_ptr<LookAnswer> look_;
  std::shared_ptr<LaterAnswer> later_;
  std::size_t looks_ = 0;
  std::size_t questions_ = 0;
  std::vector<FollowUpAnswer> later_answers_;
  bool held_ = false;
  bool woken_ = false;
  bool cancelled_ = false;
  std::vector<Pending> pending_;
  std::vector<SeenTry> seen_;
  std::size_t most_in_flight_ = 0;
  std::size_t polls_ = 0;
};

class ScriptedDestination final : public Destination {
 public:
  explicit ScriptedDestination(std::shared_ptr<DestinationScript> script) : script_(std::move(script)) {}

  DestinationLimits limits() const override { return {}; }
  void start(Delivery delivery) override;
  std::vector<DeliveryResult> poll(std::chrono::milliseconds timeout) override;
  std::size_t in_flight() const override { return script_->in_flight(); }
  void cancel_all() override;
  std::vector<ProbeFinding> probe() override { return {}; }
  bool reconciles() const override;
  void reconcile(Delivery delivery) override;
  bool follows_up() const override;
  void follow_up(FollowUp delivered) override;
  std::vector<FollowUpAnswer> take_follow_ups() override;
  void wake() override { script_->wake(); }

 private:
  std::shared_ptr<DestinationScript> script_;
};

}  // namespace relay
