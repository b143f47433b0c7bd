#include "destinations/sftp.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <deque>
#include <exception>
#include <set>
#include <utility>

#include "base/log.hpp"
#include "destinations/payload_body.hpp"
#include "destinations/sftp_session.hpp"
#include "destinations/template_text.hpp"

namespace relay {
namespace {

namespace asio = boost::asio;

constexpr std::size_t handshakes_at_once = 4;
constexpr int steps_at_once = 64;
constexpr std::chrono::seconds longest_idle{30};

AttemptResult ended_with(Outcome outcome, DeliveryError error) {
  AttemptResult result;
  result.outcome = outcome;
  result.error = std::move(error);
  return result;
}

std::string folder_of(const std::string& path) {
  return path.substr(0, path.rfind('/') + 1);
}

std::string part_of(const std::string& target, const Submission& submission) {
  return folder_of(target) + "." + submission.id.text() + ".part";
}

class Sftp final : public Destination {
 public:
  Sftp(const DestinationSettings& destination, const SftpSettings& settings)
      : name_(destination.name),
        timeout_(destination.timeout),
        most_(destination.concurrency),
        settings_(settings),
        work_(context_.get_executor()) {}
  ~Sftp() override { idle_.clear(); }  // their sockets are the context's

  DestinationLimits limits() const override { return {}; }
  void start(Delivery delivery) override;
  std::vector<DeliveryResult> poll(std::chrono::milliseconds timeout) override;
  std::size_t in_flight() const override { return tries_; }
  void cancel_all() override;
  std::vector<ProbeFinding> probe() override;
  void wake() override {
    asio::post(context_, [] {});
  }

 private:
  using Session = std::unique_ptr<SftpSession>;
  struct Idle {
    Session session;
    MonotonicTime since;
  };
  // A session in use, where its time-out is watched.
  struct InUse {
    InUse(Sftp& owner, Session& session) : of(owner), pointer(session.get()) { of.in_use_.insert(pointer); }
    ~InUse() { of.in_use_.erase(pointer); }
    InUse(const InUse&) = delete;
    InUse& operator=(const InUse&) = delete;
    Sftp& of;
    SftpSession* pointer;
  };

  void begin_waiting();
  void expire_late_ones();
  std::chrono::milliseconds until_next_deadline(std::chrono::milliseconds at_most) const;
  std::string target_of(const Submission& submission) const { return absolute(fill_in(settings_.path, submission)); }
  std::string absolute(const std::string& path) const;
  Session new_session() { return std::make_unique<SftpSession>(context_, settings_, timeout_, key_kind_); }

  asio::awaitable<void> deliver(Delivery delivery, Session session, std::uint64_t round);
  asio::awaitable<AttemptResult> attempt(const Delivery& delivery, Session& session);
  asio::awaitable<std::optional<DeliveryError>> connect(Session& session);
  asio::awaitable<AttemptResult> hand_over(const Delivery& delivery, Session& session, bool kept);
  asio::awaitable<AttemptResult> after_lost_rename(const Delivery& delivery, Session& session, DeliveryError lost);
  asio::awaitable<std::vector<ProbeFinding>> look_around();
  AttemptResult accepted(const Submission& submission) const;

  std::string name_;
  std::chrono::milliseconds timeout_;
  std::size_t most_;
  SftpSettings settings_;
  std::size_t key_kind_ = 0;
  std::uint64_t round_ = 0;  // grows with cancel_all(): results of an earlier one are dropped
  std::size_t tries_ = 0;
  std::size_t running_ = 0;
  std::size_t connecting_ = 0;
  unsigned secrets_read_ = 0;
  std::deque<Delivery> waiting_;
  std::vector<DeliveryResult> ended_;
  std::set<SftpSession*> in_use_;
  std::vector<Idle> idle_;
  std::exception_ptr bug_;
  // Last, so that the coroutines in it end before what they use.
  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_;
};

std::string Sftp::absolute(const std::string& path) const {
  return settings_.folder.empty() || path.starts_with('/') ? path : settings_.folder + "/" + path;
}

AttemptResult Sftp::accepted(const Submission& submission) const {
  AttemptResult result;
  result.outcome = Outcome::accepted;
  result.receipt["path"] = absolute(fill_in_for_show(settings_.path, submission));
  return result;
}

// ---- One delivery ---------------------------------------------------------------------------------------------------

// Signs in; where that isn't taken and the secret has changed in its file, once more.
asio::awaitable<std::optional<DeliveryError>> Sftp::connect(Session& session) {
  std::optional<DeliveryError> trouble;
  for (bool again = true; again;) {
    again = false;
    session = new_session();
    const unsigned read = secrets_read_;
    const InUse watched(*this, session);
    const auto connected = co_await session->connect();
    trouble.reset();
    if (connected) break;
    trouble = connected.error();
    if (trouble->kind != ErrorKind::sign_in) break;
    // Another try may have read a new one meanwhile.
    again = read != secrets_read_;
    for (SecretText* secret : {&settings_.password, &settings_.key}) {
      const Result<bool> changed = secret->refresh();
      if (!changed) trouble->message += "; its secret can't be read again: " + changed.error().message;
      if (!changed || !*changed) continue;
      log_info("secrets have changed and are used from now on", {{"destination", name_}});
      ++secrets_read_;
      again = true;
    }
  }
  co_return trouble;
}

void Sftp::start(Delivery delivery) {
  ++tries_;
  if (delivery.payload->size() != delivery.submission.size) {
    ended_.push_back({delivery.attempt,
                      unreadable_payload({PayloadFailure::corrupt, "the payload isn't as long as its record says"})});
  } else {
    waiting_.push_back(std::move(delivery));
  }
}

asio::awaitable<AttemptResult> Sftp::attempt(const Delivery& delivery, Session& session) {
  if (session) co_return co_await hand_over(delivery, session, true);
  auto trouble = co_await connect(session);
  --connecting_;
  if (trouble) co_return ended_with(Outcome::broken, std::move(*trouble));
  co_return co_await hand_over(delivery, session, false);
}

asio::awaitable<AttemptResult> Sftp::hand_over(const Delivery& delivery, Session& session, bool kept) {
  const Submission& submission = delivery.submission;
  const std::string target = target_of(submission);
  const std::string part = part_of(target, submission);
  std::optional<InUse> watched(std::in_place, *this, session);
  auto there = co_await session->size_of(target);
  if (!there && kept && !session->usable()) {
    // The server has closed it, or something in between forgot it, and the others with it. Nothing was sent over it
    // yet.
    watched.reset();
    idle_.clear();
    if (auto trouble = co_await connect(session)) co_return ended_with(Outcome::broken, std::move(*trouble));
    watched.emplace(*this, session);
    there = co_await session->size_of(target);
  }
  if (!there) co_return ended_with(Outcome::broken, std::move(there).error());
  const auto another = [] {
    return ended_with(Outcome::broken, {ErrorKind::unexpected_answer,
                                        {},
                                        "a file of that name is there with another size: it isn't this submission's; "
                                        "look who made it",
                                        {}});
  };
  if (there->has_value()) co_return **there == submission.size.value ? accepted(submission) : another();

  auto written = co_await session->write(part, *delivery.payload);
  if (!written) co_return std::move(written).error();
  auto renamed = co_await session->rename(part, target);
  if (renamed) co_return accepted(submission);
  if (!session->usable()) {
    watched.reset();
    co_return co_await after_lost_rename(delivery, session, std::move(renamed).error());
  }
  there = co_await session->size_of(target);
  if (there && there->has_value()) co_return **there == submission.size.value ? accepted(submission) : another();
  co_return ended_with(Outcome::broken, std::move(renamed).error());
}

asio::awaitable<AttemptResult> Sftp::after_lost_rename(const Delivery& delivery, Session& session, DeliveryError lost) {
  const Submission& submission = delivery.submission;
  const std::string target = target_of(submission);
  lost.message += "; whether the file has its name isn't known";
  AttemptResult unknown = ended_with(Outcome::unknown, std::move(lost));
  unknown.possibly_delivered = true;
  if (co_await connect(session)) co_return unknown;
  const InUse watched(*this, session);
  const auto there = co_await session->size_of(target);
  if (there && there->has_value() && **there == submission.size.value) co_return accepted(submission);
  const std::string part_name = part_of(target, submission);
  const auto part = co_await session->size_of(part_name);
  unknown.possibly_delivered = !(there && !there->has_value() && part && part->has_value());
  co_return unknown;
}

asio::awaitable<void> Sftp::deliver(Delivery delivery, Session session, std::uint64_t round) {
  AttemptResult result = co_await attempt(delivery, session);
  --running_;
  if (session && session->usable()) idle_.push_back({std::move(session), std::chrono::steady_clock::now()});
  if (round != round_) co_return;
  ended_.push_back({delivery.attempt, std::move(result)});
}

// ---- The loop -------------------------------------------------------------------------------------------------------

void Sftp::begin_waiting() {
  while (!waiting_.empty() && running_ < most_) {
    Session session;
    if (!idle_.empty()) {
      session = std::move(idle_.back().session);
      idle_.pop_back();
    } else if (connecting_ >= handshakes_at_once) {
      return;
    } else {
      ++connecting_;
    }
    ++running_;
    Delivery delivery = std::move(waiting_.front());
    waiting_.pop_front();
    asio::co_spawn(context_, deliver(std::move(delivery), std::move(session), round_),
                   [this](const std::exception_ptr& bug) {
                     if (bug) bug_ = bug;
                   });
  }
}

std::chrono::milliseconds Sftp::until_next_deadline(std::chrono::milliseconds at_most) const {
  const auto now = std::chrono::steady_clock::now();
  for (const SftpSession* session : in_use_)
    if (session->deadline() != MonotonicTime::max())
      at_most = std::min(at_most, std::chrono::ceil<std::chrono::milliseconds>(session->deadline() - now));
  return std::max(at_most, std::chrono::milliseconds(0));
}

void Sftp::expire_late_ones() {
  const auto now = std::chrono::steady_clock::now();
  for (SftpSession* session : in_use_)
    if (now >= session->deadline()) session->expire();
  std::erase_if(idle_, [now](const Idle& idle) { return now - idle.since > longest_idle; });
}

std::vector<DeliveryResult> Sftp::poll(std::chrono::milliseconds timeout) {
  begin_waiting();
  if (ended_.empty()) context_.run_one_for(until_next_deadline(timeout));
  for (int step = 0; step < steps_at_once && context_.poll_one() > 0; ++step) continue;
  expire_late_ones();
  begin_waiting();
  if (bug_) std::rethrow_exception(std::exchange(bug_, nullptr));
  tries_ -= ended_.size();
  return std::exchange(ended_, {});
}

void Sftp::cancel_all() {
  ++round_;
  tries_ = 0;
  waiting_.clear();
  ended_.clear();
  for (SftpSession* session : in_use_) session->stop();
}

// ---- check --connect ------------------------------------------------------------------------------------------------

asio::awaitable<std::vector<ProbeFinding>> Sftp::look_around() {
  using Kind = ProbeFinding::Kind;
  std::vector<ProbeFinding> findings;
  const std::string where = settings_.host + ":" + std::to_string(settings_.port);
  Session session;
  if (const auto trouble = co_await connect(session)) {
    findings.push_back({Kind::bad, trouble->message});
    co_return findings;
  }
  const InUse watched(*this, session);
  findings.push_back({Kind::good, where + ": the host key is the pinned one, and the sign-in holds"});
  // The part of the folder's name that is the same for every submission.
  const std::string fixed = absolute(settings_.path.pieces().front().text);
  // Named: g++ 12 destroys a conditional temporary of a co_await expression twice.
  const std::string folder = fixed.find('/') == std::string::npos ? "." : folder_of(fixed);
  const auto there = co_await session->is_folder(folder);
  if (!there)
    findings.push_back({Kind::bad, there.error().message});
  else if (!*there)
    findings.push_back({Kind::bad, where + ": there is no folder " + folder + ", and the relay makes none"});
  else
    findings.push_back({Kind::not_checked, where +
                                               ": the folder is there; whether the user may write shows only when the "
                                               "first submission is sent"});
  co_return findings;
}

std::vector<ProbeFinding> Sftp::probe() {
  std::optional<std::vector<ProbeFinding>> findings;
  asio::co_spawn(context_, look_around(), [&](const std::exception_ptr& bug, std::vector<ProbeFinding> found) {
    if (bug) std::rethrow_exception(bug);
    findings = std::move(found);
  });
  while (!findings) {
    context_.run_one_for(until_next_deadline(timeout_));
    expire_late_ones();
  }
  return std::move(*findings);
}

}  // namespace

std::unique_ptr<Destination> make_sftp(const DestinationSettings& destination, const SftpSettings& settings) {
  return std::make_unique<Sftp>(destination, settings);
}

}  // namespace relay
