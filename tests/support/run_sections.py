"""tests/run behind its first line: builds, runs one section after the other, and adds up what each of them counted.

A section that fails hides none after it. Everything a section started has ended before the next one begins.

CI takes nothing that lasts longer than an hour and a half, and a slow machine that has built nothing before needs more
for all of it. So a section that would no longer be done within MOST_MINUTES is named at the end instead of run; those
that guard most come first. With --long, or where sections are named, all are run.
"""

import argparse
import contextlib
import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PR_SET_CHILD_SUBREAPER = 36

GTEST_PASSED = re.compile(r"^\[  PASSED  \] (\d+) tests?\.")
GTEST_FAILED = re.compile(r"^\[  FAILED  \] (\d+) tests?, listed below:")
PLAIN = re.compile(r"^(\d+) passed, (\d+) failed\b")
# The parts under test log as the daemon does; shown only where the program fails.
LOG_LINE = re.compile(r"^\d{4}-\d\d-\d\dT[\d:.]+Z (trace|debug|info|warning|error) ")
NINJA_STEP = re.compile(r"^\[\d+/\d+\] ")
PYTEST = re.compile(r"^=* ?(.*(?:passed|failed|error|no tests ran).*) in [\d.]+s")
# Where a test says what went wrong; it stands in the next few lines.
FAILURE = re.compile(r": Failure$|^\[  FAILED  \] |^FAILED |^ERROR |^E   |^seed \d+, |^hangs: |Sanitizer: |: (error|fatal error): |was ended: ")
LINES_BEHIND_A_FAILURE = 8
MOST_MINUTES = 75
# Said again at the end, where a reader of a long log looks first.
what_failed = []


@dataclass
class Count:
    passed: int = 0
    failed: int = 0

    def read(self, line):
        """Adds what a test runner's closing line says."""
        if match := GTEST_PASSED.match(line):
            self.passed += int(match[1])
        elif match := GTEST_FAILED.match(line):
            self.failed += int(match[1])
        elif match := PLAIN.match(line):
            self.passed += int(match[1])
            self.failed += int(match[2])
        elif match := PYTEST.match(line):
            for number, word in re.findall(r"(\d+) (passed|failed|errors?)", match[1]):
                if word == "passed":
                    self.passed += int(number)
                else:
                    self.failed += int(number)


# ---- processes ----

def children_of(parent):
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, IndexError):
                if int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == parent:
                    found.append(int(entry.name))
    return found


def end_left_processes():
    """Ends every descendant: orphans come to this process, which is their subreaper."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + 10
        while (left := [pid for pid in children_of(os.getpid())]) and time.monotonic() < deadline:
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, how)
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            time.sleep(0.05)


def run(arguments, minutes, count=None, env=None, quiet=False):
    """Runs a program to its end, showing its lines (where quiet: only if it fails); returns its exit code."""
    kept = []
    failures = []
    behind = 0
    if not os.access(arguments[0], os.X_OK) and not shutil.which(str(arguments[0])):
        print(f"{arguments[0]} isn't there", flush=True)
        return 127
    process = subprocess.Popen([str(each) for each in arguments], cwd=ROOT, env={**os.environ, **(env or {})},
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               errors="replace", start_new_session=True)
    late = threading.Event()

    def stop():
        late.set()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    timer = threading.Timer(minutes * 60, stop)
    timer.start()
    try:
        for line in process.stdout:
            if count is not None:
                count.read(line.rstrip("\n"))
            behind = LINES_BEHIND_A_FAILURE if FAILURE.search(line.rstrip("\n")) else behind - 1
            if behind > 0:
                failures.append(line)
            if quiet or LOG_LINE.match(line):
                kept.append(line)
            else:
                print(line, end="", flush=True)
        code = process.wait()
    finally:
        timer.cancel()
    if late.is_set():
        print(f"{arguments[0]} was ended: not done within {minutes} minutes", flush=True)
        code = code or 1
    if code != 0:
        what_failed.append(f"-- {Path(arguments[0]).name} ended with {code}\n" + "".join(failures[:120]))
    if code != 0 and kept:
        print("".join([line for line in kept if not NINJA_STEP.match(line)][-100:]), flush=True)
    return code


def explain_missing_space():
    """What a full run can't do without, said before it has half filled the disk: three builds and what the tests write."""
    needed = 16 * 2**30
    free = shutil.disk_usage(ROOT).free
    if (ROOT / "build/tsan").exists() or free >= needed:
        return ""
    return f"tests/run needs {needed >> 30} GiB of free disk at {ROOT}, and there are {free >> 30}: make room, or take --fast"


# ---- sections ----

@dataclass
class Options:
    long: bool
    scratch: Path


def build(preset):
    """Configures and builds a preset; counts as one."""
    count = Count()
    code = run(["cmake", "--preset", preset], 5, quiet=True)
    code = code or run(["cmake", "--build", f"build/{preset}", "-j", str(os.cpu_count())], 40, quiet=True)
    count.passed, count.failed = (0, 1) if code else (1, 0)
    return count


def programs_of(preset):
    return sorted(path for path in (ROOT / f"build/{preset}/tests").glob("unit_*") if os.access(path, os.X_OK) and path.is_file())


SANITIZER = {
    "release": {},
    "asan": {"ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:exitcode=99", "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
             "LSAN_OPTIONS": f"suppressions={ROOT / 'tests/support/library_leaks.txt'}:print_suppressions=0"},
    "tsan": {"TSAN_OPTIONS": "halt_on_error=0:exitcode=99:second_deadlock_stack=1"},
}


def unit(preset, options):
    count = Count()
    programs = programs_of(preset)
    if not programs:
        print("no unit test program was built")
        count.failed += 1
    for program in programs:
        own = Count()
        print(f"-- {program.name}", flush=True)
        code = run([program, "--gtest_brief=1"], 25 if preset == "tsan" else 10, own, {**SANITIZER[preset], "TMPDIR": str(options.scratch)})
        own.failed += 1 if code and not own.failed else 0
        count.passed, count.failed = count.passed + own.passed, count.failed + own.failed
    return count


def functional(preset, options):
    count = Count()
    arguments = ["/usr/bin/python3", "-B", "-m", "pytest", "-q", "--no-header", "-rfE", "--tb=short", "tests/functional",
                 "-c", "tests/functional/pytest.ini", "--rootdir=tests/functional", f"--basetemp={options.scratch}/functional-{preset}"]
    if preset != "release":
        arguments += ["-m", "main"]
    env = {**SANITIZER[preset], "EDGE_RELAY": str(ROOT / f"build/{preset}/edge-relay"),
           "EDGE_RELAY_SLOWNESS": "1" if preset == "release" else "4", "EDGE_RELAY_LONG": "1" if options.long else ""}
    code = run(arguments, 25, count, env)
    count.failed += 1 if code and not count.failed else 0
    return count


def counted(arguments, minutes, env=None):
    """A program that counts for itself, or whose exit code is the one thing that counts."""
    count = Count()
    code = run(arguments, minutes, count, env)
    if code and not count.failed:
        count.failed += 1
    elif not code and not count.passed:
        count.passed += 1
    return count


def checks(_):
    total = Count()
    for name in ("include_direction", "house_rules", "road_map", "descriptions", "format", "tidy"):
        print(f"-- {name}", flush=True)
        own = counted([ROOT / "tests/checks" / name], 20)
        total.passed, total.failed = total.passed + own.passed, total.failed + own.failed
    return total


def power_loss(options):
    program = ROOT / "build/release/tests/power_loss"
    total = Count()
    for crashes, *how in ((10000, 500), (2000, 100, "--encryption")):
        own = counted([program, "--crashes", str(crashes if options.long else how[0]), *how[1:]], 60 if options.long else 10,
                      {"TMPDIR": str(options.scratch)})
        total.passed, total.failed = total.passed + own.passed, total.failed + own.failed
    return total


def nth_fault(options):
    return counted([ROOT / "build/release/tests/nth_fault", "--stride", "1" if options.long else "10"], 40 if options.long else 10,
                   {"TMPDIR": str(options.scratch)})


def bit_flips(options):
    program = ROOT / "build/release/tests/bit_flips"
    total = Count()
    for flips, *how in ((3000, 200), (1000, 60, "--encryption")):
        own = counted([program, "--flips", str(flips if options.long else how[0]), *how[1:]], 40 if options.long else 10,
                      {"TMPDIR": str(options.scratch)})
        total.passed, total.failed = total.passed + own.passed, total.failed + own.failed
    return total


def kill(options):
    return counted([ROOT / "tests/crash/kill_test.py", "--kills", "200" if options.long else "50"], 40 if options.long else 12,
                   {"TMPDIR": str(options.scratch)})


def fuzz(_):
    return counted([ROOT / "tests/fuzz/run", "60"], 40)


def soak(options):
    return counted([ROOT / "tests/soak/run", "--minutes", "10"], 25, {"TMPDIR": str(options.scratch)})


def package(options):
    """The Debian package, built from what is committed, looked into, and lived through in a machine of its own."""
    count = Count()
    code = run(["/usr/bin/python3", "-B", "-m", "pytest", "-q", "--no-header", "-rfE", "--tb=short", "-x", "tests/package",
                "-c", "tests/functional/pytest.ini", "--rootdir=tests/package", f"--basetemp={options.scratch}/package"], 60, count)
    count.failed += 1 if code and not count.failed else 0
    return count


def instructions(options):
    """Instructions a call of what every submission goes through, against those on record."""
    if run(["cmake", "--build", "build/release", "--target", "instruction_counts"], 10, quiet=True):
        return Count(failed=1)
    return counted([ROOT / "tests/bench/instructions"], 5, {"TMPDIR": str(options.scratch)})


def quickstart(_):
    return counted([ROOT / "packaging/quickstart", "--once"], 15)


@dataclass(frozen=True)
class Section:
    name: str
    title: str
    run: Callable[[Options], Count]
    # What it takes on two slow cores; for a sanitizer build with the unit tests that it is made for.
    minutes: int
    fast: bool = False


SECTIONS = [
    Section("build", "build (release)", lambda options: build("release"), 0, fast=True),
    Section("checks", "checks", checks, 6),
    Section("unit", "unit tests", lambda options: unit("release", options), 3, fast=True),
    Section("functional", "functional tests", lambda options: functional("release", options), 20, fast=True),
    Section("instructions", "instructions a call, at most a tenth more than on record", instructions, 3),
    Section("kill", "kill -9 under load", kill, 5),
    Section("power-loss", "power loss", power_loss, 5),
    Section("nth-fault", "one failing disk operation after the other", nth_fault, 5),
    Section("bit-flips", "a bit turned round, in every table and kind of page", bit_flips, 5),
    Section("fuzz", "fuzzing, a minute each target", fuzz, 20),
    Section("soak", "ten minutes of everything at once", soak, 25),
    Section("package", "the Debian package, under a systemd of its own", package, 40),
    Section("quickstart", "the README's first command", quickstart, 2),
    Section("asan-build", "build (ASan and UBSan)", lambda options: build("asan"), 25),
    Section("asan-unit", "unit tests under ASan and UBSan", lambda options: unit("asan", options), 5),
    Section("asan-functional", "main functional tests under ASan and UBSan", lambda options: functional("asan", options), 5),
    Section("tsan-build", "build (TSan)", lambda options: build("tsan"), 25),
    Section("tsan-unit", "unit tests under TSan", lambda options: unit("tsan", options), 10),
    Section("tsan-functional", "main functional tests under TSan", lambda options: functional("tsan", options), 5),
]
# Only with --long, or by name.
LONG_ONLY = {"fuzz", "soak", "package"}
# What a section can't do without.
NEEDS = {"checks": "build", "unit": "build", "functional": "build", "instructions": "build", "kill": "build", "power-loss": "build", "nth-fault": "build",
         "bit-flips": "build",
         "quickstart": "build", "soak": "build",
         "asan-unit": "asan-build", "asan-functional": "asan-build", "tsan-unit": "tsan-build", "tsan-functional": "tsan-build"}


def chosen_sections(arguments):
    if arguments.only:
        wanted = set(arguments.only) | {NEEDS[name] for name in arguments.only if name in NEEDS}
        return [section for section in SECTIONS if section.name in wanted]
    return [section for section in SECTIONS
            if (section.fast or not arguments.fast) and (arguments.long or section.name not in LONG_ONLY)]


def run_in_time(section, options, until, left_out):
    """What a section counted; None where it, or what it needs, isn't run for want of time."""
    if NEEDS.get(section.name) in left_out or time.monotonic() + section.minutes * 60 > until:
        left_out.append(section.name)
        return None
    print(f"\n== {section.title} ==", flush=True)
    count = section.run(options)
    end_left_processes()
    return count


def main():
    names = [section.name for section in SECTIONS]
    parser = argparse.ArgumentParser(prog="tests/run", description="Edge Relay's tests. Last line: N passed, N failed.",
                                     epilog="sections: " + ", ".join(names))
    parser.add_argument("--fast", action="store_true", help="build, unit and functional tests, without sanitizers and crashes")
    parser.add_argument("--long", action="store_true", help="200 kills, 12,000 power losses, 4,000 bit flips, fuzzing, soak")
    parser.add_argument("--only", action="append", choices=names, metavar="SECTION", help="this section and what it needs; repeatable")
    arguments = parser.parse_args()

    if not arguments.fast and not arguments.only and (missing := explain_missing_space()):
        print(f"{missing}\n0 passed, 1 failed")
        return 1
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(each, lambda number, frame: sys.exit(128 + number))
    scratch = Path(tempfile.mkdtemp(prefix="edge-relay-tests-"))
    options = Options(arguments.long, scratch)
    total, summary, left_out = Count(), [], []
    until = float("inf") if arguments.long or arguments.only else time.monotonic() + MOST_MINUTES * 60
    try:
        for section in chosen_sections(arguments):
            began = time.monotonic()
            if (count := run_in_time(section, options, until, left_out)) is None:
                continue
            total.passed, total.failed = total.passed + count.passed, total.failed + count.failed
            summary.append(f"{section.name:18} {count.passed:6} passed {count.failed:4} failed {time.monotonic() - began:7.0f} s")
    finally:
        end_left_processes()
        shutil.rmtree(scratch, ignore_errors=True)
    if what_failed:
        print("\n== what failed ==\n" + "\n".join(what_failed))
    print("\n== summary ==\n" + "\n".join(summary))
    if left_out:
        print(f"not run, for want of time ({MOST_MINUTES} minutes in all; --only SECTION runs one): {', '.join(left_out)}")
    print(f"{total.passed} passed, {total.failed} failed", flush=True)
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main())
