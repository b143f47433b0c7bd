// nth_fault: lets the first, the second, the third … write, sync, truncation, open, removal or shared-memory mapping
// below the journal fail, with an I/O error or because the disk is full, once or from then on, until a run meets no
// failure any more. Each run opens a journal and works on it in the same way; then the disk is healed, the journal has
// to accept again by itself, is closed (and every second time loses its power instead), and passes the gate of
// power_loss: nothing acknowledged lost, nothing settled sent again, totals right.
//
//   nth_fault [--seed S] [--steps N] [--stride K] [--operation write|sync|truncate|open|remove|map_shared_memory]
//
// `--stride K` takes every K-th fault only. The last line is `N passed, N failed`; exit code 1 where anything failed.
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

// False where the fault was never met.
bool run_with(const Fault& fault, std::uint64_t seed, unsigned steps, JournalModel::Findings& findings) {
  std::mt19937_64 random(seed);
  JournalModel model(random());
  SteppedClock clock(WallTime(std::chrono::milliseconds(1'795'000'000'000)));
  TemporaryFolder folder;
  LockFileKeeper lock(folder.path() / "journal.lock");
  auto disk = std::make_shared<PowerLossDisk>();
  const bool loses_power = fault.nth % 2 == 0;
  bool met = false;
  bool clean = false;
  {
    PowerLossVfs below(disk);
    FaultVfs vfs(below.name(), seed + fault.nth);
    vfs.plan(fault);
    const auto excused = [&vfs] { return vfs.failures() > 0; };
    auto opened = open_journal(crash_journal_options(folder.path(), vfs.name(), model), clock);
    if (opened) {
      JournalWorkload workload(
          **opened, model, clock, random(), {}, [] { return false; }, excused);
      workload.run(steps);
      vfs.heal();
      if (!accepts_again(**opened, model, clock)) findings.push_back("doesn't accept again");
      if (loses_power) {
        lock.near_cut(1);
        lock.near_cut(0);
        disk->cut_power();
      }
      (*opened)->close();
      workload.finish();
      findings.insert(findings.end(), workload.findings().begin(), workload.findings().end());
      clean = !loses_power;
    } else if (!excused()) {
      findings.push_back("doesn't open: " + opened.error().message);
    }
    met = vfs.failures() > 0;
  }
  if (loses_power && disk->power_is_off()) {
    lock.restore(random);
    disk = disk->after_power_cut(random);
  }
  PowerLossVfs vfs(disk);
  pass_gate(crash_journal_options(folder.path(), vfs.name(), model), model, clock, random,
            {.exact = clean, .drain = true}, findings);
  return met;
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t seed = 1;
  unsigned steps = 60;
  unsigned stride = 1;
  std::string only;
  CLI::App app("Lets every single operation below the journal fail");
  app.add_option("--seed", seed, "of the work that is done");
  app.add_option("--steps", steps, "how much work");
  app.add_option("--stride", stride, "take every K-th fault")->check(CLI::PositiveNumber);
  app.add_option("--operation", only, "this operation alone");
  CLI11_PARSE(app, argc, argv);

  configure_log(LogLevel::error, LogFormat::text, false);
  set_log_level(LogLevel::error);
  ::signal(SIGALRM, say_where_it_hangs);
  std::uint64_t passed = 0;
  std::uint64_t failed = 0;
  for (const FaultyOperation operation : all_faulty_operations) {
    if (!only.empty() && only != faulty_operation_name(operation)) continue;
    const bool fills = operation == FaultyOperation::write || operation == FaultyOperation::map_shared_memory;
    for (const Fault::Kind kind : {Fault::Kind::io_error, Fault::Kind::disk_full}) {
      if (kind == Fault::Kind::disk_full && !fills) continue;
      for (const bool from_then_on : {false, true}) {
        std::uint64_t met = 0;
        Fault fault{.operation = operation, .nth = 1, .kind = kind, .from_then_on = from_then_on};
        for (bool again = true; again; fault.nth += stride) {
          JournalModel::Findings findings;
          std::snprintf(hang_message.data(), hang_message.size(), "hangs: --seed %llu, %s\n",
                        static_cast<unsigned long long>(seed), describe(fault).c_str());
          ::alarm(hang_after_seconds);
          again = run_with(fault, seed, steps, findings);
          ::alarm(0);
          met += again;
          (findings.empty() ? passed : failed) += 1;
          for (const std::string& finding : findings) {
            std::cout << "seed " << seed << ", " << describe(fault) << ": " << finding << std::endl;
          }
        }
        std::cout << describe({.operation = operation, .nth = met, .kind = kind, .from_then_on = from_then_on}) << ": "
                  << met << " faults met" << std::endl;
      }
    }
  }
  std::cout << passed << " passed, " << failed << " failed" << std::endl;
  return failed == 0 ? 0 : 1;
}
