#include "forwarder/lane_report.hpp"

#include <algorithm>
#include <chrono>

#include "base/clock_agreement.hpp"
#include "base/log.hpp"

namespace relay {
namespace {

constexpr std::chrono::seconds publish_interval{1};
constexpr std::size_t stuck_named = 20;

std::string status_text(const DeliveryError& error) {
  return error.status ? std::to_string(*error.status) : "-";
}

bool same_error(const std::optional<DeliveryError>& a, const std::optional<DeliveryError>& b) {
  if (a.has_value() != b.has_value()) return false;
  return !a || (a->kind == b->kind && a->status == b->status && a->message == b->message);
}

void observe(Histogram& histogram, double value) {
  const auto bound = std::lower_bound(histogram.bounds.begin(), histogram.bounds.end(), value);
  ++histogram.buckets[static_cast<std::size_t>(bound - histogram.bounds.begin())];
  histogram.sum += value;
}

// What is worth a publication at once.
bool same_state(const DestinationCondition& a, const DestinationCondition& b) {
  return a.up == b.up && same_error(a.circuit_error, b.circuit_error) && a.circuit_since == b.circuit_since &&
         a.next_probe_at == b.next_probe_at && a.stuck == b.stuck && a.stuck_submissions == b.stuck_submissions &&
         a.refusing_everything == b.refusing_everything && a.clock_ahead_by == b.clock_ahead_by &&
         a.holding == b.holding && a.held_until == b.held_until &&
         a.last_success_at.has_value() == b.last_success_at.has_value() &&
         a.last_error.has_value() == b.last_error.has_value();
}

bool same_flow(const DestinationCondition& a, const DestinationCondition& b) {
  return a.last_success_at == b.last_success_at && same_error(a.last_error, b.last_error) &&
         a.in_flight == b.in_flight && a.delivery_seconds.buckets == b.delivery_seconds.buckets;
}

}  // namespace

const std::vector<double>& delivery_seconds_bounds() {
  static const std::vector<double> bounds = {0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 21600, 86400};
  return bounds;
}

LaneReport::LaneReport(Journal& journal, std::string destination)
    : journal_(journal), destination_(std::move(destination)) {
  delivery_seconds_.bounds = delivery_seconds_bounds();
  delivery_seconds_.buckets.assign(delivery_seconds_.bounds.size() + 1, 0);
}

void LaneReport::concluded(const Try& attempt, const Verdict& verdict, Moment now) {
  const SubmissionId& id = attempt.claim.submission.id;
  const AttemptRecord& record = verdict.settlement.attempt;
  if (!record.error) {
    last_success_at_ = now.wall;
    const std::chrono::duration<double> took = now.wall - attempt.claim.submission.accepted_at;
    observe(delivery_seconds_, std::max(took.count(), 0.0));
    log_debug("delivered", {{"submission", id}, {"destination", destination_}});
    return;
  }
  const DeliveryError& error = *record.error;
  if (error.kind != ErrorKind::corrupt) last_error_ = error;
  const std::string_view kind = error_kind_name(error.kind);
  if (verdict.settlement.kind == Settlement::Kind::dead_letter) {
    log_warning("submission is a dead letter: " + error.message,
                {{"submission", id}, {"destination", destination_}, {"kind", kind}, {"status", status_text(error)}});
    return;
  }
  log_debug("try failed: " + error.message, {{"submission", id},
                                             {"destination", destination_},
                                             {"outcome", outcome_name(record.outcome)},
                                             {"kind", kind},
                                             {"status", status_text(error)}});
  if (verdict.became_stuck)
    log_warning("submission is stuck: it fails while others succeed: " + error.message,
                {{"submission", id}, {"destination", destination_}, {"kind", kind}, {"status", status_text(error)}});
}

void LaneReport::heard_date(WallTime theirs, Moment now) {
  const std::chrono::milliseconds ahead = now.wall - theirs;
  if (std::chrono::abs(ahead) <= clock_agreement) {
    clock_ahead_by_.reset();
    clock_off_since_.reset();
    return;
  }
  // To the minute: each answer's time on the way would make it another number.
  clock_ahead_by_ = std::chrono::round<std::chrono::minutes>(ahead);
  if (!clock_off_since_) clock_off_since_ = now.wall;
}

void LaneReport::held(std::optional<WallTime> until) {
  if (until.has_value() != holding_) {
    if (until) {
      log_info("a hold window has begun; nothing is sent until it ends", {{"destination", destination_}});
    } else {
      log_info("the hold window has ended; sending goes on", {{"destination", destination_}});
    }
  }
  holding_ = until.has_value();
  if (until) held_until_ = until;
}

void LaneReport::nothing_left() {
  log_info("nothing is queued for this destination any more; whether it works again shows with the next submission",
           {{"destination", destination_}});
  told_opening_.reset();
}

void LaneReport::turn(const OutcomeRules& rules, std::size_t in_flight, Moment now) {
  tell_circuit(rules.circuit(), now);
  publish(rules, in_flight, now);
}

void LaneReport::tell_circuit(const Circuit& circuit, Moment now) {
  const auto& opening = circuit.opening();
  const bool same_opening = opening && told_opening_ && opening->number == told_opening_->number;
  if (told_opening_ && !same_opening) {
    const auto down = std::chrono::floor<std::chrono::milliseconds>(now.monotonic - told_opening_->since.monotonic);
    log_info("destination is up again", {{"destination", destination_},
                                         {"down_for", format_duration(down)},
                                         {"failed_probes", told_opening_->failed_probes}});
  }
  if (opening && !same_opening) {
    log_warning("destination is down; its submissions stay queued: " + opening->error.message,
                {{"destination", destination_},
                 {"kind", error_kind_name(opening->error.kind)},
                 {"status", status_text(opening->error)}});
  }
  told_opening_ = opening;
}

void LaneReport::publish(const OutcomeRules& rules, std::size_t in_flight, Moment now) {
  DestinationCondition condition;
  condition.up = !told_opening_;
  if (told_opening_) {
    condition.circuit_error = told_opening_->error;
    condition.circuit_since = told_opening_->since.wall;
    condition.next_probe_at = told_opening_->next_probe.wall;
    condition.refusing_everything = told_opening_->cause == CircuitCause::refusing_everything;
  }
  condition.last_success_at = last_success_at_;
  condition.last_error = last_error_;
  condition.stuck = rules.stuck();
  condition.stuck_submissions = rules.stuck_submissions(stuck_named);
  condition.in_flight = in_flight;
  condition.holding = holding_;
  condition.held_until = held_until_;
  condition.clock_ahead_by = clock_ahead_by_;
  condition.clock_off_since = clock_off_since_;
  condition.delivery_seconds = delivery_seconds_;

  publish_again_at_.reset();
  const bool unchanged = same_state(condition, published_) && same_flow(condition, published_);
  if (published_at_ && unchanged) return;
  if (published_at_ && same_state(condition, published_) && now.monotonic < *published_at_ + publish_interval) {
    publish_again_at_ = *published_at_ + publish_interval;
    return;
  }
  journal_.set_condition(destination_, condition);
  published_ = std::move(condition);
  published_at_ = now.monotonic;
}

}  // namespace relay
