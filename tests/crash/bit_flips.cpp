// bit_flips: turns a bit round in a stopped journal, again and again, in every table and index and every kind of page:
// leaves and inner pages, overflow pages, free pages, pointer maps, the file's header. After each:
//
//   verify comes to an end, and calls unread or readable nothing that isn't; where it finds nothing, everything is as
//     it was: every submission with its bytes and its states;
//   a start is refused with a reason and changes nothing, or the journal opens; then no claim ever gives out other
//     bytes than were taken in, what can't be given out as it was is corrupt, and so costs one delivery alone, and
//     the journal goes on taking submissions or says that it is damaged.
//
// What no digest covers (a time, a count, an error's text, a hash of a key) may change without being found.
//
//   bit_flips [--flips N] [--seed S] [--encryption]
//
// The same seed repeats the run. The last line is `N passed, N failed`; exit code 1 where anything failed.
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <future>
#include <iostream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "base/log.hpp"
#include "journal/database.hpp"
#include "journal/schema.hpp"
#include "journal/verify.hpp"
#include "support/crash_gate.hpp"
#include "support/journal_model.hpp"
#include "support/stepped_clock.hpp"

namespace {

using namespace relay;

constexpr unsigned hang_after_seconds = 120;
constexpr int submissions = 700;
constexpr std::size_t header_size = 100;

std::array<char, 200> hang_message;

void say_where_it_hangs(int) {
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, hang_message.data(), std::strlen(hang_message.data()));
  ::_exit(3);
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write_file(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

// ---- The journal that is damaged ------------------------------------------------------------------------------------

// Everything that a journal can hold, with so many rows that trees have inner pages.
class Sample {
 public:
  Sample(std::uint64_t seed, bool encryption) : random_(seed), model_(random_()) {
    options_ = crash_journal_options(folder_.path(), "", model_);
    if (encryption) options_.encryption_keys.emplace_back(std::string(32, 'k'));
    auto opened = open_journal(options_, clock_);
    if (!opened) throw std::runtime_error(opened.error().message);
    fill(**opened);
    clock_.advance(std::chrono::hours(24 * 4));  // payloads that were delivered by then are erased
    (*opened)->witness_clock(clock_.wall_now());
    wait_for_erasure(**opened);
    fill(**opened);
    (*opened)->close();
    opened->reset();
    bytes_ = read_file(options_.path);
    lock_ = read_file(lock_path());
    find_pages();
  }

  const JournalOptions& options() const { return options_; }
  SteppedClock& clock() { return clock_; }
  JournalModel& model() { return model_; }
  const std::string& bytes() const { return bytes_; }
  // "leaf of submission" → its pages, numbered from 0.
  const std::map<std::string, std::vector<std::size_t>>& pages() const { return pages_; }
  std::size_t page_size() const { return static_cast<std::size_t>(journal_page_size); }

  // Stopped in good order, with these bytes as its database.
  void put(const std::string& bytes) const {
    for (const char* suffix : {"-wal", "-shm"}) std::filesystem::remove(options_.path + suffix);
    write_file(options_.path, bytes);
    write_file(lock_path(), lock_);
  }

 private:
  std::filesystem::path lock_path() const { return folder_.path() / "journal.lock"; }

  void fill(Journal& journal) {
    std::vector<std::future<bool>> answers;
    for (int i = 0; i < submissions; ++i) {
      const std::size_t size = i % 50 == 0 ? 30'000 + random_() % 30'000 : random_() % 200 + 1;
      KnownSubmission& known = model_.invent(clock_, size);
      if (i % 2 == 0) known.key = "http:" + known.submission.client + ":" + std::to_string(random_());
      answers.push_back(append(journal, known, JournalModel::payload(known.payload_seed, size)));
    }
    for (int i = 0; i < 2; ++i) {
      KnownSubmission& known = model_.invent(clock_, 600'000);
      const std::string payload = JournalModel::payload(known.payload_seed, 600'000);
      answers.push_back(append(journal, known, upload(journal, known.submission.id, payload, payload.size())));
    }
    for (auto& answer : answers) {
      if (!answer.get()) throw std::runtime_error("a submission wasn't taken");
    }
    settle(journal);
  }

  std::future<bool> append(Journal& journal, KnownSubmission& known,
                           std::variant<std::string, std::unique_ptr<PayloadUpload>> payload) {
    auto answered = std::make_shared<std::promise<bool>>();
    auto answer = answered->get_future();
    known.answer = KnownSubmission::Answer::acknowledged;
    journal.append({known.submission, known.destinations, known.key, std::move(payload)},
                   [answered](auto result) { answered->set_value(result.ok()); });
    return answer;
  }

  std::unique_ptr<PayloadUpload> upload(Journal& journal, const SubmissionId& id, const std::string& payload,
                                        std::size_t up_to) {
    auto handle = journal.open_upload(id);
    for (std::size_t at = 0; at < up_to; at += payload_chunk_size.value) {
      std::promise<bool> answered;
      journal.append_chunk(*handle, payload.substr(at, payload_chunk_size.value),
                           [&answered](auto result) { answered.set_value(result.ok()); });
      if (!answered.get_future().get()) throw std::runtime_error("a chunk wasn't taken");
    }
    return handle;
  }

  // Half of what is queued: most is delivered, the rest dead or to be tried again.
  void settle(Journal& journal) {
    for (const std::string& destination : model_.destinations()) {
      for (const Claim& claim : journal.claim(destination, submissions / 4)) {
        const unsigned dice = static_cast<unsigned>(random_() % 10);
        Settlement settlement;
        settlement.kind = dice < 6   ? Settlement::Kind::delivered
                          : dice < 8 ? Settlement::Kind::dead_letter
                                     : Settlement::Kind::try_again;
        settlement.attempt.started_at = settlement.attempt.ended_at = clock_.wall_now();
        settlement.attempt.outcome = dice < 6 ? Outcome::accepted : dice < 8 ? Outcome::refused : Outcome::try_later;
        settlement.attempt.counted = true;
        if (dice >= 6)
          settlement.attempt.error = DeliveryError{ErrorKind::refused, 422, "the queue answered 422", "no"};
        const DeliveryState state = dice < 6   ? DeliveryState::delivered
                                    : dice < 8 ? DeliveryState::dead_letter
                                               : DeliveryState::queued;
        std::promise<bool> answered;
        journal.settle(claim.token, std::move(settlement),
                       [&answered](auto result) { answered.set_value(result.ok()); });
        if (!answered.get_future().get()) throw std::runtime_error("a settlement wasn't saved");
        model_.find(claim.submission.id)->deliveries[destination].possible = {state};
      }
    }
    journal.count({"submissions_refused", {"http", "payload_too_large"}}, 3);
  }

  void wait_for_erasure(Journal& journal) {
    for (int turns = 0; turns < 10'000; ++turns) {
      clock_.advance(std::chrono::seconds(2));
      bool erased = false;
      for (auto& [id, known] : model_.submissions()) {
        if (!model_.may_be_erased(known, WallTime::max())) continue;
        auto source = journal.payload_of(id);
        const auto read = source.ok() ? (*source)->read(0, 1) : Result<std::string, PayloadError>(std::string());
        erased = erased || (!read && read.error().failure == PayloadFailure::erased);
        break;
      }
      if (erased) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    throw std::runtime_error("no payload was erased");
  }

  void find_pages() {
    Connection connection(options_.path, Connection::Mode::read_stopped, "");
    Statement all(connection, "SELECT name, pagetype, pageno FROM dbstat");
    std::set<std::size_t> known;
    for (Rows rows = all.rows(); rows.next();) {
      const auto page = static_cast<std::size_t>(rows.integer(2) - 1);
      pages_[rows.string(1) + " of " + rows.string(0)].push_back(page);
      known.insert(page);
    }
    const std::size_t count = bytes_.size() / page_size();
    for (std::size_t page = 1; page < count; ++page) {
      if (!known.contains(page)) pages_[page == 1 ? "pointer map" : "free page"].push_back(page);
    }
    pages_["header"] = {0};
  }

  std::mt19937_64 random_;
  TemporaryFolder folder_;
  SteppedClock clock_{WallTime(std::chrono::milliseconds(1'795'000'000'000))};
  JournalModel model_;
  JournalOptions options_;
  std::string bytes_;
  std::string lock_;
  std::map<std::string, std::vector<std::size_t>> pages_;
};

// ---- One flip -------------------------------------------------------------------------------------------------------

enum class Met { refused, named_damaged, corrupt_delivery, unharmed };

class Flip {
 public:
  explicit Flip(Sample& sample) : sample_(sample), model_(sample.model()) {}

  Met met() const { return met_; }
  bool found() const { return found_; }
  const std::vector<std::string>& findings() const { return findings_; }

  void run(const std::string& bytes) {
    sample_.put(bytes);
    verify();
    if (read_file(sample_.options().path) != bytes) findings_.push_back("verify changed the file");
    auto opened = open_journal(sample_.options(), sample_.clock());
    if (!opened) {
      met_ = Met::refused;
      if (!found_) findings_.push_back("is refused (" + opened.error().message + "), and verify finds nothing");
      if (read_file(sample_.options().path) != bytes) findings_.push_back("a refused start changed the file");
      return;
    }
    use(**opened);
    if (damaged(**opened)) met_ = Met::named_damaged;
    (*opened)->close();
  }

 private:
  void verify() {
    const JournalOptions& options = sample_.options();
    const auto report = verify_journal(options.path, "", [](const VerifyFinding&) {}, {options.encryption_keys, ""});
    found_ = !report || !report->findings.empty() || !report->not_checked.empty();
    if (!report) return;
    for (const std::string& id : report->undelivered) {
      const auto parsed = Uuid::parse(id);
      const KnownSubmission* known = parsed ? model_.find(*parsed) : nullptr;
      if (!known) findings_.push_back("verify calls undelivered what was never submitted: " + id);
    }
  }

  void use(Journal& journal) {
    for (const auto& [id, known] : model_.submissions()) look_at(journal, known);
    std::set<SubmissionId> corrupt;
    for (const std::string& destination : model_.destinations()) {
      for (;;) {
        const auto claims = journal.claim(destination, 64);
        for (const Claim& claim : claims) read(journal, claim, corrupt);
        if (claims.empty()) break;
      }
    }
    if (!corrupt.empty()) met_ = Met::corrupt_delivery;
    if (!corrupt.empty() && !found_) findings_.push_back("a payload is corrupt, and verify finds nothing");
    take_one_more(journal);
  }

  // Through the operator's queries: what isn't as it was must have been found by verify.
  void look_at(Journal& journal, const KnownSubmission& known) {
    const auto differs = [&](const std::string& how) {
      if (!found_) findings_.push_back(name_of(known) + " " + how + ", and verify finds nothing");
    };
    const auto answer = journal.find(known.submission.id, true);
    if (!answer) return differs("can't be read");
    if (!*answer) return differs("is gone");
    const SubmissionView& view = (*answer)->view;
    if (view.submission.sha256 != known.submission.sha256 || view.submission.client != known.submission.client ||
        view.submission.payload_name != known.submission.payload_name ||
        view.submission.size != known.submission.size) {
      differs("has other metadata");
    }
    if (view.deliveries.size() != known.destinations.size()) differs("has other deliveries");
    for (const DeliveryView& delivery : view.deliveries) {
      const auto before = known.deliveries.find(delivery.destination);
      if (before == known.deliveries.end() || !before->second.possible.contains(delivery.state)) {
        differs("is " + std::string(delivery_state_name(delivery.state)) + " for " + delivery.destination);
      }
    }
  }

  void read(Journal& journal, const Claim& claim, std::set<SubmissionId>& corrupt) {
    const auto source = journal.payload(claim);
    std::string bytes;
    for (;;) {
      auto piece = source->read(bytes.size(), 200'000);
      if (!piece) {
        corrupt.insert(claim.submission.id);
        return;
      }
      if (piece->empty()) break;
      bytes += *piece;
    }
    const KnownSubmission* known = model_.find(claim.submission.id);
    if (!known) return findings_.push_back(claim.submission.id.text() + " is sent, and was never submitted");
    if (bytes != JournalModel::payload(known->payload_seed, known->submission.size.value)) {
      findings_.push_back(name_of(*known) + " is sent with other bytes");
    }
    if (claim.submission.client != known->submission.client ||
        claim.submission.content_type != known->submission.content_type ||
        claim.submission.payload_name != known->submission.payload_name) {
      findings_.push_back(name_of(*known) + " is sent with other metadata");
    }
  }

  void take_one_more(Journal& journal) {
    const std::string payload = "one more";
    Submission submission;
    submission.id = UuidGenerator(sample_.clock()).next();
    submission.client = "lab.one";
    submission.content_type = "application/hl7-v2";
    submission.size = {payload.size()};
    submission.sha256 = sha256(payload);
    submission.accepted_at = sample_.clock().wall_now();
    std::promise<bool> answered;
    journal.append({submission, {"alpha"}, std::nullopt, payload},
                   [&answered](auto result) { answered.set_value(result.ok()); });
    const bool taken = answered.get_future().get();
    if (!taken && !damaged(journal)) findings_.push_back("nothing is taken, and it doesn't say that it is damaged");
    if (!taken || damaged(journal)) return;
    const auto found = journal.find(submission.id, false);
    if (!found || !*found) {
      if (!damaged(journal)) findings_.push_back("a submission was acknowledged, and isn't there");
    }
  }

  static bool damaged(Journal& journal) {
    const JournalCondition condition = journal.condition();
    return condition.refusing == AppendRefusal::journal_failing &&
           condition.reason.find("edge-relay verify") != std::string::npos;
  }

  Sample& sample_;
  JournalModel& model_;
  bool found_ = false;
  Met met_ = Met::unharmed;
  std::vector<std::string> findings_;
};

// Somewhere in the page, often where it says how the rest is to be read.
std::size_t place_in_page(std::size_t page, std::size_t page_size, std::mt19937_64& random) {
  const std::size_t start = page == 0 ? header_size : 0;
  switch (random() % 4) {
    case 0:
      return start + random() % 12;
    case 1:
      return start + random() % 200;
    default:
      return start + random() % (page_size - start);
  }
}

struct Tally {
  std::uint64_t flips = 0, found = 0, refused = 0, named_damaged = 0, corrupt_delivery = 0;
};

struct Counts {
  std::uint64_t passed = 0;
  std::uint64_t failed = 0;
};

Counts run_flips(std::uint64_t flips, std::uint64_t seed, bool encryption, std::map<std::string, Tally>& tallies) {
  Sample sample(seed, encryption);
  std::mt19937_64 random(seed);
  Counts counts;
  while (counts.passed + counts.failed < flips) {
    for (const auto& [kind, pages] : sample.pages()) {
      if (counts.passed + counts.failed == flips) break;
      const std::size_t page = pages[random() % pages.size()];
      const std::size_t at =
          page * sample.page_size() +
          (kind == "header" ? random() % header_size : place_in_page(page, sample.page_size(), random));
      const unsigned bit = static_cast<unsigned>(random() % 8);
      std::snprintf(hang_message.data(), hang_message.size(), "hangs: --seed %llu, byte %zu, bit %u (%s)\n",
                    static_cast<unsigned long long>(seed), at, bit, kind.c_str());
      ::alarm(hang_after_seconds);
      std::string bytes = sample.bytes();
      bytes[at] = static_cast<char>(static_cast<unsigned char>(bytes[at]) ^ (1U << bit));
      Flip flip(sample);
      flip.run(bytes);
      ::alarm(0);
      Tally& tally = tallies[kind];
      ++tally.flips;
      tally.found += flip.found();
      tally.refused += flip.met() == Met::refused;
      tally.named_damaged += flip.met() == Met::named_damaged;
      tally.corrupt_delivery += flip.met() == Met::corrupt_delivery;
      ++(flip.findings().empty() ? counts.passed : counts.failed);
      for (const std::string& finding : flip.findings()) {
        std::cout << "seed " << seed << ", byte " << at << ", bit " << bit << " (" << kind << "): " << finding
                  << std::endl;
      }
    }
  }
  return counts;
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t flips = 300;
  std::uint64_t seed = std::random_device{}();
  bool encryption = false;
  CLI::App app("Turns bits round in a stopped journal and looks at what comes of it");
  app.add_option("--flips", flips, "how many");
  app.add_option("--seed", seed, "of the journal and of the flips");
  app.add_flag("--encryption", encryption, "seal payloads and names");
  CLI11_PARSE(app, argc, argv);

  configure_log(LogLevel::error, LogFormat::text, false);
  ::signal(SIGALRM, say_where_it_hangs);
  std::cout << "seed " << seed << std::endl;
  std::map<std::string, Tally> tallies;
  const Counts counts = run_flips(flips, seed, encryption, tallies);
  for (const auto& [kind, tally] : tallies) {
    std::cout << kind << ": " << tally.flips << " flips, " << tally.found << " found by verify, " << tally.refused
              << " refused at start, " << tally.named_damaged << " stopped the journal, " << tally.corrupt_delivery
              << " made a payload corrupt\n";
  }
  std::cout << counts.passed << " passed, " << counts.failed << " failed" << std::endl;
  return counts.failed == 0 ? 0 : 1;
}
