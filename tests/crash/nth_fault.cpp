// nth_fault: lets the first, the second, the third … write, sync, truncation, open, removal or shared-memory mapping
// below the journal fail, with an I/O error or because the disk is full, once or from then on, until a run meets no
// failure any more. Each run opens a journal and works on it in the same way. Then the disk is healed and the journal
// has to accept again by itself, or it is closed while the fault lasts; either may end in a power cut instead of a
// close. Then it passes the gate of power_loss: nothing acknowledged lost, nothing settled sent again, totals right.
//
//   nth_fault [--seed S] [--steps N] [--stride K] [--operation write|sync|truncate|open|remove|map_shared_memory]
//             [--nth N]
//
// `--stride K` takes every K-th fault only, `--nth N` the N-th alone. The last line is `N passed, N failed`; exit code
// 1 where anything failed.
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <future>
#include <iostream>
#include <string>
#include <thread>

#include "base/log.hpp"
#include "support/crash_gate.hpp"
#include "support/fault_vfs.hpp"
#include "support/journal_workload.hpp"
#include "support/lock_file_keeper.hpp"
#include "support/power_loss_vfs.hpp"

namespace {

using namespace relay;

constexpr unsigned hang_after_seconds = 180;
constexpr auto accepts_again_within = std::chrono::seconds(30);

std::array<char, 200> hang_message;

void say_where_it_hangs(int) {
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, hang_message.data(), std::strlen(hang_message.data()));
  ::_exit(3);
}

std::string describe(const Fault& fault) {
  return std::string(faulty_operation_name(fault.operation)) + " " + std::to_string(fault.nth) +
         (fault.from_then_on ? " and all later" : "") +
         (fault.kind == Fault::Kind::disk_full ? " (disk full)" : " (I/O error)");
}

// The disk is well again: the journal takes submissions without a restart.
bool accepts_again(Journal& journal, JournalModel& model, SteppedClock& clock) {
  const auto deadline = std::chrono::steady_clock::now() + accepts_again_within;
  while (std::chrono::steady_clock::now() < deadline) {
    KnownSubmission& known = model.invent(clock, 100);
    auto answered = std::make_shared<std::promise<bool>>();
    auto answer = answered->get_future();
    journal.append({known.submission, known.destinations, known.key, JournalModel::payload(known.payload_seed, 100)},
                   [answered](auto result) { answered->set_value(result.ok()); });
    if (answer.get()) {
      known.answer = KnownSubmission::Answer::acknowledged;
      return true;
    }
    clock.advance(std::chrono::milliseconds(200));
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

// One journal under one fault.
class Run {
 public:
  Run(const Fault& fault, std::uint64_t seed, unsigned steps) : fault_(fault), steps_(steps), random_(seed) {
    std::mt19937_64 variant(seed + fault.nth);
    heals_ = fault.from_then_on && variant() % 2 == 0;
    loses_power_ = variant() % 2 == 0;
  }

  // So that the fault meets the opening of a journal that was closed in good order, with something in it.
  void fill() {
    PowerLossVfs vfs(disk_);
    auto opened = open_journal(crash_journal_options(folder_.path(), vfs.name(), model_), clock_);
    if (!opened) return findings_.push_back("doesn't open: " + opened.error().message);
    JournalWorkload workload(
        **opened, model_, clock_, random_(), {}, [] { return false; }, [] { return false; });
    workload.run(30);
    (*opened)->close();
    keep(workload);
  }

  // False where the fault was never met, and a later one can't be either.
  bool meet_fault() {
    PowerLossVfs below(disk_);
    FaultVfs vfs(below.name(), fault_.nth);
    vfs.plan(fault_);
    const auto excused = [&vfs] { return vfs.failures() > 0; };
    auto opened = open_journal(crash_journal_options(folder_.path(), vfs.name(), model_), clock_);
    if (!opened) {
      if (!excused()) findings_.push_back("doesn't open: " + opened.error().message);
      return excused();
    }
    JournalWorkload workload(
        **opened, model_, clock_, random_(), {}, [] { return false; }, excused);
    workload.run(steps_);
    if (heals_) vfs.heal();
    if ((heals_ || !fault_.from_then_on) && !accepts_again(**opened, model_, clock_)) {
      findings_.push_back("doesn't accept again");
    }
    if (loses_power_) {
      lock_.near_cut(1);
      lock_.near_cut(0);
      disk_->cut_power();
    }
    (*opened)->close();
    keep(workload);
    clean_ = !loses_power_ && (heals_ || !excused());
    return heals_ || excused();
  }

  JournalModel::Findings pass() {
    if (disk_->power_is_off()) {
      lock_.restore(random_);
      disk_ = disk_->after_power_cut(random_);
    }
    PowerLossVfs vfs(disk_);
    pass_gate(crash_journal_options(folder_.path(), vfs.name(), model_), model_, clock_, random_,
              {.exact = clean_, .drain = true}, findings_);
    return findings_;
  }

 private:
  void keep(JournalWorkload& workload) {
    workload.finish();
    findings_.insert(findings_.end(), workload.findings().begin(), workload.findings().end());
  }

  const Fault fault_;
  const unsigned steps_;
  std::mt19937_64 random_;
  bool heals_ = false;        // before the journal is closed
  bool loses_power_ = false;  // instead of closing in good order
  bool clean_ = false;
  JournalModel model_{random_()};
  SteppedClock clock_{WallTime(std::chrono::milliseconds(1'795'000'000'000))};
  TemporaryFolder folder_;
  LockFileKeeper lock_{folder_.path() / "journal.lock"};
  std::shared_ptr<PowerLossDisk> disk_ = std::make_shared<PowerLossDisk>();
  JournalModel::Findings findings_;
};

struct Options {
  std::uint64_t seed = 1;
  unsigned steps = 60;
  unsigned stride = 1;
  std::uint64_t nth = 0;
  std::string operation;
};

struct Counts {
  std::uint64_t passed = 0;
  std::uint64_t failed = 0;
};

// The first, the second, … until a run meets none.
void run_until_it_passes(Fault fault, bool filled, const Options& options, Counts& counts) {
  std::uint64_t met = 0;
  fault.nth = options.nth > 0 ? options.nth : 1;
  for (bool again = true; again && (options.nth == 0 || fault.nth == options.nth); fault.nth += options.stride) {
    const std::string name = describe(fault) + (filled ? " at a filled journal" : " at a new journal");
    std::snprintf(hang_message.data(), hang_message.size(), "hangs: --seed %llu, %s\n",
                  static_cast<unsigned long long>(options.seed), name.c_str());
    ::alarm(hang_after_seconds);
    Run run(fault, options.seed, options.steps);
    if (filled) run.fill();
    again = run.meet_fault();
    const auto findings = run.pass();
    ::alarm(0);
    met += again;
    ++(findings.empty() ? counts.passed : counts.failed);
    for (const std::string& finding : findings) {
      std::cout << "seed " << options.seed << ", " << name << ": " << finding << std::endl;
    }
  }
  std::cout << faulty_operation_name(fault.operation)
            << (fault.kind == Fault::Kind::disk_full ? ", disk full" : ", I/O error")
            << (fault.from_then_on ? ", from then on" : ", once") << (filled ? ", filled journal: " : ", new journal: ")
            << met << " faults met" << std::endl;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Lets every single operation below the journal fail");
  app.add_option("--seed", options.seed, "of the work that is done");
  app.add_option("--steps", options.steps, "how much work");
  app.add_option("--stride", options.stride, "take every K-th fault")->check(CLI::PositiveNumber);
  app.add_option("--operation", options.operation, "this operation alone");
  app.add_option("--nth", options.nth, "this fault alone");
  CLI11_PARSE(app, argc, argv);

  configure_log(LogLevel::error, LogFormat::text, false);
  ::signal(SIGALRM, say_where_it_hangs);
  Counts counts;
  for (const FaultyOperation operation : all_faulty_operations) {
    if (!options.operation.empty() && options.operation != faulty_operation_name(operation)) continue;
    const bool fills = operation == FaultyOperation::write || operation == FaultyOperation::map_shared_memory;
    for (const Fault::Kind kind : {Fault::Kind::io_error, Fault::Kind::disk_full}) {
      if (kind == Fault::Kind::disk_full && !fills) continue;
      for (const bool from_then_on : {false, true}) {
        for (const bool filled : {false, true}) {
          run_until_it_passes({.operation = operation, .kind = kind, .from_then_on = from_then_on}, filled, options,
                              counts);
        }
      }
    }
  }
  std::cout << counts.passed << " passed, " << counts.failed << " failed" << std::endl;
  return counts.failed == 0 ? 0 : 1;
}
