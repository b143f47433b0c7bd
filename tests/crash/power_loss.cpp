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
// key in front of the old ones at some of the openings. The last line is
// `N passed, N failed`; exit code 1 where anything failed.
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "support/crash_gate.hpp"
#include "support/journal_workload.hpp"
#include "support/lock_file_keeper.hpp"
#include "support/power_loss_vfs.hpp"

namespace {

using namespace relay;

constexpr unsigned longest_chain = 12;
constexpr unsigned hang_after_seconds = 120;

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
        model_(random_()),
        clock_(WallTime(std::chrono::milliseconds(1'795'000'000'000))),
        normal_(normal),
        encryption_(encryption),
        length_(1 + static_cast<unsigned>(random_() % longest_chain)) {}

  unsigned length() const { return length_; }

  JournalModel::Findings crash(bool last) {
    JournalModel::Findings findings;
    if (encryption_ && (keys_.empty() || random_() % 4 == 0)) {
      keys_.insert(keys_.begin(), Secret(std::string(32, static_cast<char>('a' + keys_.size()))));
    }
    LockFileKeeper lock(folder_.path() / "journal.lock");
    if (random_() % 20 == 0) clock_.advance(std::chrono::hours(24 * 5));  // keys and payloads grow old
    const bool clean = work_until_cut(lock, findings);
    const bool before_last = lock.restore(random_);
    disk_ = disk_->after_power_cut(random_, before_last);
    PowerLossVfs vfs(disk_);
    // Half of the time the next crash finds a journal that wasn't closed in good order.
    const bool cut_again = random_() % 2 == 0;
    GateOptions gate{.exact = clean, .drain = last, .before_close = [&] {
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
    const std::uint64_t n = 1 + random_() % (dice == 0 ? 15 : dice == 1 ? 60 : 700);
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

  Counts& counts_;
  std::mt19937_64 random_;
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
            << seconds.count() << " s\n";
  if (synchronous == "normal") {
    std::cout << "with synchronous=NORMAL " << counts.lost << " crash points lost acknowledged submissions: "
              << (counts.lost > 0 ? "the harness can fail\n" : "THE HARNESS IS BLIND\n");
  }
  std::cout << counts.passed << " passed, " << counts.failed << " failed" << std::endl;
  return counts.failed == 0 ? 0 : 1;
}
