#include "destinations/mllp.hpp"

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <deque>
#include <utility>

#include "base/clock.hpp"
#include "destinations/certificate_days.hpp"
#include "destinations/mllp_conversation.hpp"

namespace relay {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;

class Mllp final : public Destination {
 public:
  Mllp(const DestinationSettings& destination, const MllpDestinationSettings& settings)
      : settings_(settings), timeout_(destination.timeout), conversation_(new_conversation()) {}

  ~Mllp() override { conversation_->close(); }
  Mllp(const Mllp&) = delete;
  Mllp& operator=(const Mllp&) = delete;

  DestinationLimits limits() const override { return mllp_limits(); }
  void start(Delivery delivery) override { waiting_.push_back(std::move(delivery)); }
  std::vector<DeliveryResult> poll(milliseconds timeout) override;
  std::size_t in_flight() const override { return waiting_.size() + (under_way_ ? 1 : 0) + ended_.size(); }
  void cancel_all() override;
  std::vector<ProbeFinding> probe() override;
  void wake() override;

 private:
  std::shared_ptr<MllpConversation> new_conversation() {
    return std::make_shared<MllpConversation>(context_, settings_, timeout_);
  }
  void begin_next();
  void end(std::uint64_t attempt, AttemptResult result);

  const MllpDestinationSettings settings_;
  const milliseconds timeout_;
  asio::io_context context_;
  const asio::executor_work_guard<asio::io_context::executor_type> work_{context_.get_executor()};
  std::atomic<bool> woken_ = false;
  std::shared_ptr<MllpConversation> conversation_;
  std::deque<Delivery> waiting_;
  bool under_way_ = false;
  std::vector<DeliveryResult> ended_;
};

void Mllp::begin_next() {
  if (under_way_ || waiting_.empty()) return;
  under_way_ = true;
  const auto delivery = std::make_shared<Delivery>(std::move(waiting_.front()));
  waiting_.pop_front();
  const auto conversation = conversation_;
  asio::co_spawn(
      context_, [conversation, delivery] { return conversation->deliver(*delivery); },
      [this, conversation, delivery](const std::exception_ptr& failure, AttemptResult result) {
        if (failure) std::rethrow_exception(failure);
        // What was cancelled has no result.
        if (conversation == conversation_) end(delivery->attempt, std::move(result));
      });
}

void Mllp::end(std::uint64_t attempt, AttemptResult result) {
  under_way_ = false;
  ended_.push_back({attempt, std::move(result)});
  begin_next();
}

std::vector<DeliveryResult> Mllp::poll(milliseconds timeout) {
  const auto until = std::chrono::steady_clock::now() + std::min<milliseconds>(timeout, std::chrono::hours(24));
  context_.poll();  // what the receiver did meanwhile comes first
  begin_next();
  while (ended_.empty() && !woken_.exchange(false) && std::chrono::steady_clock::now() < until)
    context_.run_one_until(until);
  context_.poll();
  return std::exchange(ended_, {});
}

void Mllp::cancel_all() {
  conversation_->close();
  conversation_ = new_conversation();
  waiting_.clear();
  under_way_ = false;
  ended_.clear();
}

std::vector<ProbeFinding> Mllp::probe() {
  asio::io_context context;
  const auto conversation = std::make_shared<MllpConversation>(context, settings_, timeout_);
  std::optional<DeliveryError> trouble;
  std::optional<WallTime> certificate_end;
  asio::co_spawn(
      context, [conversation] { return conversation->connect(); },
      [&, conversation](const std::exception_ptr& failure, std::optional<DeliveryError> error) {
        if (failure) std::rethrow_exception(failure);
        trouble = std::move(error);
        certificate_end = conversation->certificate_end();
        conversation->close();
      });
  context.run();
  if (trouble) return {{ProbeFinding::Kind::bad, trouble->message}};
  std::vector<ProbeFinding> findings{
      {ProbeFinding::Kind::good, std::string("it takes connections") + (settings_.tls ? " over TLS" : "")},
      {ProbeFinding::Kind::not_checked, "whether it takes messages shows only when the first one is sent"}};
  if (certificate_end) findings.push_back(certificate_days(*certificate_end, system_clock().wall_now()));
  return findings;
}

void Mllp::wake() {
  woken_ = true;
  asio::post(context_, [] {});
}

}  // namespace

std::unique_ptr<Destination> make_mllp(const DestinationSettings& destination,
                                       const MllpDestinationSettings& settings) {
  return std::make_unique<Mllp>(destination, settings);
}

DestinationLimits mllp_limits() {
  DestinationLimits limits;
  limits.content_types = {"application/hl7-v2"};
  limits.goes_in_mllp_frames = true;
  return limits;
}

}  // namespace relay
