#include "forwarder/circuit.hpp"

namespace relay {
namespace {

DeliveryError refusing_everything(const DeliveryError& last) {
  DeliveryError error = last;
  error.message = "the destination refused " + std::to_string(Circuit::refusals_that_open) +
                  " submissions in a row and took none; the rest stays queued. The last answer: " + last.message;
  return error;
}

}  // namespace

void Circuit::accepted() {
  opening_.reset();
  refusals_ = 0;
  refused_orders_.clear();
  silences_ = 0;
}

Circuit::Refusal Circuit::refused(const DeliveryError& error, bool probe, Moment now, const std::string& order_number) {
  silences_ = 0;
  if (opening_ && opening_->cause == CircuitCause::refusing_everything) {
    if (probe) probe_failed(now);
    return Refusal::keep_queued;
  }
  if (opening_ && probe) opening_.reset();
  const bool counts = order_number.empty() || refused_orders_.insert(order_number).second;
  if (counts && ++refusals_ >= refusals_that_open)
    open(CircuitCause::refusing_everything, refusing_everything(error), now);
  return Refusal::dead_letter;
}

void Circuit::try_later(const DeliveryError& error, bool probe, Moment now) {
  silences_ = 0;
  if (!opening_ || !probe) return;
  if (opening_->cause != CircuitCause::refusing_everything) opening_->error = error;
  probe_failed(now);
}

void Circuit::broken(const DeliveryError& error, bool probe, Moment now) {
  silences_ = 0;
  if (!opening_) return open(CircuitCause::broken, error, now);
  if (opening_->cause != CircuitCause::refusing_everything) opening_->error = error;
  if (probe) probe_failed(now);
}

void Circuit::unknown(const DeliveryError& error, bool probe, Moment now) {
  ++silences_;
  if (!opening_) {
    if (silences_ >= silences_that_open) open(CircuitCause::no_answer, error, now);
    return;
  }
  if (!probe) return;
  if (opening_->cause != CircuitCause::refusing_everything) opening_->error = error;
  probe_failed(now);
}

void Circuit::inconclusive(bool probe, bool again_at_once, Moment now) {
  if (!opening_ || !probe) return;
  if (again_at_once) {
    opening_->next_probe = now;
  } else {
    probe_failed(now);
  }
}

void Circuit::open(CircuitCause cause, const DeliveryError& error, Moment now) {
  opening_ = Opening{++openings_, cause, error, now, now, 0};
  schedule_probe(now);
}

void Circuit::probe_failed(Moment now) {
  ++opening_->failed_probes;
  schedule_probe(now);
}

void Circuit::schedule_probe(Moment now) {
  const auto delay = backoff_delay(backoff_, opening_->failed_probes, jitter_);
  opening_->next_probe = {now.wall + delay, now.monotonic + delay};
}

}  // namespace relay
