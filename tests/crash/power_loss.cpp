// power_loss: cuts the power under a working journal, again and again, and looks at what is left each time.
//
// For each crash point: the journal is opened over a disk in memory that loses its power at a random operation (see
// support/power_loss_disk.hpp for what that can and can't show), clients and lanes work on it at random, the power goes
// (while it opens, works, checkpoints or closes), and what the disk kept is opened again and held against everything
// anybody was told. The next crash goes on with that same image, for a chain of up to a dozen.
//
//   power_loss [--crashes N] [--seed S] [--synchronous full|normal] [--encryption]
//
// A chain has its own seed, printed with each finding; `--seed <that> --crashes <number in its chain>` runs it again.
// Runs with several threads repeat only nearly. `--synchronous normal` takes the journal's commit syncs away (as
// `PRAGMA synchronous=NORMAL` would): then rows must be lost, or the harness is blind. `--encryption` seals, with a new
// key in front of the old ones at some of the openings. A third of the chains grow old: days pass between their
// crashes, so that payloads and records are erased and idempotency keys rotate. Operators retry, resend, set aside,
// discard and pause meanwhile; lanes save that tries begin, and what destinations say later; marks are used once. Two
// thirds of what comes in keep an order, by client or by order number. A quarter begin with the journal of the first
// version, and most of their first crashes fall into its steps to this one. A long run in which none of that happened
// has shown nothing, and fails. The last line is `N passed, N failed`; exit code 1 where anything failed.
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "journal/database.hpp"
#include "journal/schema.hpp"
#include "support/crash_gate.hpp"
#include "support/first_version_journal.hpp"
#include "support/journal_workload.hpp"
#include "support/lock_file_keeper.hpp"
#include "support/power_loss_vfs.hpp"

namespace {

using namespace relay;

constexpr unsigned longest_chain = 12;
constexpr unsigned hang_after_seconds = 120;
// From so many crash points on everything must have happened at least once.
constexpr std::uint64_t long_run = 400;
constexpr auto keep_record_in_old_age = std::chrono::hours(24 * 9);

struct Counts {
  std::uint64_t passed = 0;
  std::uint64_t failed = 0;
  std::uint64_t lost = 0;           // crash points that lost something acknowledged
  std::uint64_t while_opening = 0;  // the power went before the journal was open
  std::uint64_t while_working = 0;
  std::uint64_t while_closing = 0;
  std::uint64_t after_closing = 0;
  std::uint64_t acknowledged = 0;
  std::uint64_t operations = 0;
  std::uint64_t old_before_steps = 0;  // a journal of the first version, as it was before the cut
  std::uint64_t old_after_steps = 0;
  std::uint64_t erased = 0;     // records
  std::uint64_t rotations = 0;  // of the idempotency tables
  JournalModel::Happened happened;
};

std::array<char, 200> hang_message;

void say_where_it_hangs(int) {
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, hang_message.data(), std::strlen(hang_message.data()));
  ::_exit(3);
}

// One image and everything that is known of it, over several crashes.
class Chain {
 public:
  Chain(std::uint64_t seed, bool normal, bool encryption, Counts& counts)
      : counts_(counts),
        random_(seed),
        kind_(seed ^ 0x5eed),
        grows_old_(kind_() % 3 == 0),
        model_(random_(), grows_old_ ? keep_record_in_old_age : std::chrono::hours(24 * 365 * 100)),
        clock_(WallTime(std::chrono::milliseconds(1'795'000'000'000))),
        normal_(normal),
        encryption_(encryption),
        length_(1 + static_cast<unsigned>(random_() % longest_chain)) {
    if (kind_() % 4 != 0) return;
    PowerLossVfs vfs(disk_);
    make_first_version_journal(options(vfs), model_, clock_, kind_);
    first_version_ = true;
  }
  ~Chain() {
    counts_.erased += model_.erased();
    counts_.happened += model_.happened();
  }
  Chain(const Chain&) = delete;
  Chain& operator=(const Chain&) = delete;

  unsigned length() const { return length_; }

  JournalModel::Findings crash(bool last) {
    JournalModel::Findings findings;
    if (encryption_ && (keys_.empty() || random_() % 4 == 0)) {
      keys_.insert(keys_.begin(), Secret(std::string(32, static_cast<char>('a' + keys_.size()))));
    }
    LockFileKeeper lock(folder_.path() / "journal.lock");
    // Keys, payloads and records grow old.
    if (random_() % 20 == 0 || (grows_old_ && kind_() % 2)) clock_.advance(std::chrono::hours(24 * 5));
    const bool clean = work_until_cut(lock, findings);
    const bool before_last = lock.restore(random_);
    disk_ = disk_->after_power_cut(random_, before_last);
    PowerLossVfs vfs(disk_);
    look_at_image(options(vfs));
    // Half of the time the next crash finds a journal that wasn't closed in good order.
    const bool cut_again = random_() % 2 == 0;
    GateOptions gate{.exact = clean, .older = first_version_, .drain = last, .before_close = [&] {
                       lock.near_cut(1);
                       lock.near_cut(0);
                       if (cut_again) disk_->cut_power();
                     }};
    pass_gate(options(vfs), model_, clock_, random_, gate, findings);
    if (cut_again) {
      lock.restore(random_);
      disk_ = disk_->after_power_cut(random_);
    }
    return findings;
  }

 private:
  JournalOptions options(const PowerLossVfs& vfs) const {
    JournalOptions made = crash_journal_options(folder_.path(), vfs.name(), model_);
    made.encryption_keys = keys_;
    return made;
  }

  // True where the journal was closed in good order before the power went.
  bool work_until_cut(LockFileKeeper& lock, JournalModel::Findings& findings) {
    PowerLossVfs vfs(disk_, {.as_if_synchronous_normal = normal_});
    lock.near_cut(1);
    // Some while it opens and at its first commits, where most goes on that happens only once.
    const std::uint64_t dice = random_() % 8;
    std::uint64_t n = 1 + random_() % (dice == 0 ? 15 : dice == 1 ? 60 : 700);
    if (first_version_ && kind_() % 4) n = 1 + kind_() % 40;
    disk_->cut_power_at(n, [&lock](unsigned left) { lock.near_cut(left); });
    const auto how_to_open = options(vfs);
    const auto is_off = [this] { return disk_->power_is_off(); };
    auto opened = open_journal(how_to_open, clock_);
    if (!opened) {
      if (!is_off()) findings.push_back("doesn't open before the crash: " + opened.error().message);
      ++counts_.while_opening;
      disk_->cut_power();
      return false;
    }
    (*opened)->witness_clock(clock_.wall_now());  // or nothing is erased after the days that went by
    const bool together = random_() % 2 == 0;
    const WorkloadOptions how{.in_flight = together ? 1 + random_() % 12 : 1,
                              .readers = together ? static_cast<unsigned>(random_() % 3) : 0};
    JournalWorkload workload(**opened, model_, clock_, random_(), how, is_off, is_off);
    workload.run(20 + static_cast<unsigned>(random_() % 120));
    counts_.while_working += is_off();
    if (!is_off() && random_() % 2) disk_->cut_power();
    const bool closing = !is_off();
    (*opened)->close();
    workload.finish();
    opened->reset();
    const bool clean = !is_off();
    counts_.while_closing += closing && !clean;
    counts_.after_closing += clean;
    disk_->cut_power();
    counts_.acknowledged += workload.acknowledged();
    counts_.operations += disk_->operations();
    findings.insert(findings.end(), workload.findings().begin(), workload.findings().end());
    return clean;
  }

  // What the cut left of a step to a newer version and of a rotation; whether it is right is the gate's.
  void look_at_image(const JournalOptions& how) {
    if (!database_file_exists(how.path, how.vfs)) return;
    try {
      Connection image(how.path, Connection::Mode::read_stopped, how.vfs);
      const std::int64_t version = image.integer("PRAGMA user_version");
      if (version == 0) return;  // not made yet
      if (std::exchange(first_version_, version == 1)) {
        ++(version == 1 ? counts_.old_before_steps : counts_.old_after_steps);
      }
      const std::int64_t current = image.integer("SELECT idempotency_current FROM journal");
      counts_.rotations += current != std::exchange(idempotency_current_, current);
    } catch (const DatabaseError&) {
      // The gate meets it too, and says so.
    }
  }

  Counts& counts_;
  std::mt19937_64 random_;
  std::mt19937_64 kind_;  // of its own, so that what kind of chain it is changes nothing of the rest
  const bool grows_old_;
  bool first_version_ = false;  // the image holds a journal of the first version
  std::int64_t idempotency_current_ = 0;
  JournalModel model_;
  SteppedClock clock_;
  bool normal_;
  bool encryption_;
  std::vector<Secret> keys_;
  unsigned length_;
  TemporaryFolder folder_;
  std::shared_ptr<PowerLossDisk> disk_ = std::make_shared<PowerLossDisk>();
};

void run_chains(std::uint64_t crashes, std::uint64_t seed, bool normal, bool encryption, Counts& counts) {
  while (counts.passed + counts.failed < crashes) {
    Chain chain(seed, normal, encryption, counts);
    for (unsigned number = 1; number <= chain.length() && counts.passed + counts.failed < crashes; ++number) {
      std::snprintf(hang_message.data(), hang_message.size(), "hangs: --seed %llu, crash %u of its chain\n",
                    static_cast<unsigned long long>(seed), number);
      ::alarm(hang_after_seconds);
      const auto findings = chain.crash(number == chain.length());
      ::alarm(0);
      if (findings.empty()) {
        ++counts.passed;
        continue;
      }
      ++counts.failed;
      bool lost = false;
      for (const std::string& finding : findings) {
        lost |= finding.starts_with("LOST");
        std::cout << "seed " << seed << ", crash " << number << ": " << finding << "\n";
      }
      counts.lost += lost;
      break;  // what comes after would only repeat it
    }
    ++seed;
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t crashes = 500;
  std::uint64_t seed = std::random_device{}();
  std::string synchronous = "full";
  bool encryption = false;
  CLI::App app("Cuts the power under a working journal and looks at what is left");
  app.add_option("--crashes", crashes, "how many crash points");
  app.add_option("--seed", seed, "of the first chain");
  app.add_flag("--encryption", encryption, "seal payloads and names");
  app.add_option("--synchronous", synchronous)->check(CLI::IsMember({"full", "normal"}));
  CLI11_PARSE(app, argc, argv);

  configure_log(LogLevel::error, LogFormat::text, false);
  ::signal(SIGALRM, say_where_it_hangs);
  std::cout << "seed " << seed << std::endl;
  Counts counts;
  const auto started = std::chrono::steady_clock::now();
  run_chains(crashes, seed, synchronous == "normal", encryption, counts);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - started;

  std::cout << "power went while opening " << counts.while_opening << ", working " << counts.while_working
            << ", closing " << counts.while_closing << ", after a clean close " << counts.after_closing << "; "
            << counts.acknowledged << " submissions acknowledged, " << counts.operations << " disk operations, "
            << seconds.count() << " s; first version before its steps " << counts.old_before_steps << ", behind them "
            << counts.old_after_steps << ", records erased " << counts.erased << ", key rotations " << counts.rotations
            << "\n"
            << "seen behind crashes: operators' acts " << counts.happened.acts << ", paused destinations "
            << counts.happened.paused << ", confirmations " << counts.happened.confirmations << ", interrupted tries "
            << counts.happened.interrupted << ", repeats known by their message's name "
            << counts.happened.named_repeats << ", marks used once " << counts.happened.marks
            << ", claims behind others of their order " << counts.happened.turns << "\n";
  if (crashes >= long_run && (counts.old_before_steps == 0 || counts.old_after_steps == 0 || counts.erased == 0 ||
                              counts.rotations == 0 || counts.happened.anything_missing())) {
    std::cout << "something that the run is for never happened\n";
    ++counts.failed;
  }
  if (synchronous == "normal") {
    std::cout << "with synchronous=NORMAL " << counts.lost << " crash points lost acknowledged submissions: "
              << (counts.lost > 0 ? "the harness can fail\n" : "THE HARNESS IS BLIND\n");
  }
  std::cout << counts.passed << " passed, " << counts.failed << " failed" << std::endl;
  return counts.failed == 0 ? 0 : 1;
}
