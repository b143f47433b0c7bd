#include "intake/mllp_message.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/await_callback.hpp"
#include "base/log.hpp"
#include "submission/client_name.hpp"

namespace relay {
namespace {

namespace asio = boost::asio;

// That far the first MSH is looked for. Not counted in intake.memory, so no more than headers need.
constexpr std::size_t most_held = 16 * 1024;

// A rule's glob may mean the whole field or its first component, its name: EPIC is also EPIC^1.2.840.114350^ISO.
bool matches(const std::optional<std::string>& glob, const Hl7HeaderSegment& header, unsigned field) {
  return !glob || glob_matches(*glob, header.field(field)) || glob_matches(*glob, header.component(field, 1));
}

RequestProblem unreadable_problem() {
  return {ProblemName::invalid_payload,
          "The message can't be read: it begins with no MSH, BHS or FHS in a single-byte character set or UTF-8."};
}

RequestProblem guard_problem(TestProductionGuard guard) {
  return {ProblemName::invalid_payload, guard == TestProductionGuard::production
                                            ? "Only production messages are taken here: MSH-11 must be P."
                                            : "Only test messages are taken here: MSH-11 must be T or D."};
}

}  // namespace

std::optional<std::string> mllp_client(const MllpListenerSettings& listener, const Hl7HeaderReader& reader) {
  // Fields 3 and 4 of BHS and FHS are the sending application and facility too.
  for (const auto* header : {&reader.message_header(), &reader.batch_header(), &reader.file_header()}) {
    if (!*header) continue;
    const auto rule = std::ranges::find_if(listener.clients, [&](const MllpClientRule& each) {
      return matches(each.msh3, **header, 3) && matches(each.msh4, **header, 4);
    });
    if (rule != listener.clients.end()) return rule->client;
    break;
  }
  return listener.client;
}

MllpMessage::MllpMessage(std::shared_ptr<const MllpRules> rules, std::optional<std::string> client, Receiver& receiver)
    : rules_(std::move(rules)), client_(std::move(client)), receiver_(receiver) {}

std::string_view MllpMessage::accept_acknowledgement_type() const {
  const auto& header = headers_.message_header();
  return header ? header->field(15) : std::string_view();
}

asio::awaitable<MllpMessage::Going> MllpMessage::take(std::string_view bytes) {
  size_ += ByteCount{bytes.size()};
  if (size_.value > 2 * rules_->max_payload.value) {
    if (!refused_) receiver_.count_refusal(Intake::mllp, ProblemName::payload_too_large);
    reception_.reset();
    co_return Going::oversized;
  }
  headers_.feed(bytes);
  if (refused_) co_return going();
  if (!reception_) {
    if (!can_be_admitted() && held_.size() + bytes.size() <= most_held) {
      held_.append(bytes);
      co_return Going::on;
    }
    admit();
    const std::string held = std::exchange(held_, {});
    if (!held.empty()) co_await write(held);
  }
  co_await write(bytes);
  co_return going();
}

asio::awaitable<std::optional<MllpVerdict>> MllpMessage::finish() {
  headers_.finish();
  if (!refused_ && !reception_) {
    if (headers_.blank() || is_acknowledgement()) co_return std::nullopt;
    admit();
    const std::string held = std::exchange(held_, {});
    co_await write(held);
  }
  if (!refused_ && !passes_guard()) count_and_refuse(guard_problem(rules_->listener.test_production_guard));
  if (refused_) co_return refused_;
  Reception& reception = *reception_;
  auto durable = co_await await_callback<Result<Appended, RequestProblem>>(
      [&reception](auto done) { reception.finish(std::move(done)); });
  if (!durable) {
    refuse(durable.error());
    co_return refused_;
  }
  reception_.reset();
  log_debug(durable->replayed ? "a repeat was absorbed" : "a submission was accepted",
            {{"submission", durable->view.submission.id}, {"intake", intake_name(Intake::mllp)}});
  co_return MllpVerdict{};
}

bool MllpMessage::is_acknowledgement() const {
  const auto& header = headers_.message_header();
  return !headers_.batch() && headers_.messages() == 1 && header && header->component(9, 1) == "ACK";
}

bool MllpMessage::can_be_admitted() const {
  if (headers_.blank()) return false;
  if (headers_.readable().has_value() && !*headers_.readable()) return true;
  // An acknowledgement alone is ignored; that it is alone shows at the frame's end.
  return headers_.message_header().has_value() && !is_acknowledgement();
}

bool MllpMessage::passes_guard() const {
  const auto& ids = headers_.processing_ids();
  switch (rules_->listener.test_production_guard) {
    case TestProductionGuard::off:
      return true;
    case TestProductionGuard::production:
      return !ids.test && !ids.other && ids.production;
    case TestProductionGuard::test:
      return !ids.production && !ids.other && ids.test;
  }
  return false;
}

std::optional<RequestProblem> MllpMessage::refusal_of_headers() const {
  if (!headers_.readable().value_or(false)) return unreadable_problem();
  // Of what there is so far; the rest is looked at when all of it is there.
  if (headers_.messages() > 0 && !passes_guard()) return guard_problem(rules_->listener.test_production_guard);
  return std::nullopt;
}

void MllpMessage::admit() {
  if (const auto problem = refusal_of_headers()) return count_and_refuse(*problem);
  Arrival arrival;
  arrival.intake = Intake::mllp;
  if (const auto client = client_ ? client_ : mllp_client(rules_->listener, headers_)) {
    arrival.client = *client;
  } else {
    return count_and_refuse({ProblemName::no_client, "Nothing says which client sends this."});
  }
  arrival.content_type = MediaType{"application/hl7-v2", ""};
  if (const auto control_id = headers_.control_id(); !control_id.empty()) {
    arrival.message_name = MessageName{std::string(control_id), rules_->listener.dedupe_window,
                                       rules_->listener.on_repeat == OnRepeat::absorb};
  }
  auto admitted = receiver_.admit(std::move(arrival));
  if (!admitted) return refuse(admitted.error());
  reception_ = std::move(*admitted);
}

asio::awaitable<void> MllpMessage::write(std::string_view bytes) {
  if (refused_ || bytes.empty()) co_return;
  Reception& reception = *reception_;
  auto taken = co_await await_callback<Result<void, RequestProblem>>(
      [&reception, bytes](auto done) { reception.write(bytes, std::move(done)); });
  if (!taken) refuse(taken.error());
}

void MllpMessage::count_and_refuse(const RequestProblem& problem) {
  receiver_.count_refusal(Intake::mllp, problem.name);
  const bool about_headers = problem.name == ProblemName::invalid_payload;
  if (!about_headers) return refuse(problem);
  // What can't be read, and what is of the wrong kind, is rejected: it isn't looked into.
  const bool readable = headers_.readable().value_or(false);
  refuse_as({MllpVerdict::Kind::rejected, MessageError{readable ? MessageErrorCode::unsupported_processing_id
                                                                : MessageErrorCode::unsupported_message_type,
                                                       problem.detail}});
}

void MllpMessage::refuse(const RequestProblem& problem) {
  refuse_as(verdict_of(problem));
}

// What comes from here on is only looked at for where it ends.
void MllpMessage::refuse_as(MllpVerdict verdict) {
  refused_ = std::move(verdict);
  reception_.reset();
  held_ = {};
}

MllpMessage::Going MllpMessage::going() const {
  const bool unavailable = refused_ && refused_->kind == MllpVerdict::Kind::unavailable;
  const bool close = unavailable && rules_->listener.when_unavailable == WhenUnavailable::close;
  return close ? Going::unavailable : Going::on;
}

}  // namespace relay
