"""Measures Edge Relay and prints tables; see tests/bench/run. Every number is a median of rounds that are interleaved with
those of what it is compared to, since a machine swings; nothing here asserts a time."""

import argparse
import datetime
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build/bench"
BENCHMARKS = {
    "accepts": "durable accepts/s beside a server without a journal, a bare log, Redis, RabbitMQ, PostgreSQL",
    "drain": "deliveries/s beside a bare client of the same library, with and without intake; wake-up from idle",
    "growth": "the same with 10 thousand, 1 and 5 million queued, and 5 million delivered ones kept",
    "written": "bytes written to the disk a payload byte, bytes kept a delivered record",
    "fairness": "p99 of small posts beside a large upload, slow clients, a dead destination, verify, erasure",
}


def build(folder):
    for arguments in (["cmake", "--preset", "release", "-B", str(folder), "-DRELAY_BENCHMARKS=ON"],
                      ["cmake", "--build", str(folder), "--target", "edge-relay", "bench_programs"]):
        result = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=False)
        if result.returncode:
            sys.exit(result.stdout[-4000:] + result.stderr[-4000:])


def parsed():
    parser = argparse.ArgumentParser(prog="tests/bench/run", description="Measures Edge Relay and prints tables.",
                                     formatter_class=argparse.RawDescriptionHelpFormatter,
                                     epilog="benchmarks:\n" + "\n".join(f"  {name:12} {text}" for name, text in BENCHMARKS.items()))
    parser.add_argument("benchmarks", nargs="*", metavar="BENCHMARK", help="which (default: all)")
    parser.add_argument("--quick", action="store_true", help="one short round, small backlogs: whether it works, not how fast it is")
    parser.add_argument("--rounds", type=int, help="default 5")
    parser.add_argument("--seconds", type=float, help="of each measurement, default 10")
    parser.add_argument("--bytes", type=int, default=2000, help="of a payload, default 2000")
    parser.add_argument("--connections", type=int, action="append", help="accepts: that many; repeatable")
    parser.add_argument("--subject", dest="subjects", action="append", type=str.lower, help="only those with that word in their name; repeatable")
    parser.add_argument("--folder", default=tempfile.gettempdir(), help="where journals and stores lie: the disk to know about")
    parser.add_argument("--build", type=Path, help="a build folder that is there already, with RELAY_BENCHMARKS=ON")
    options = parser.parse_args()
    for name in options.benchmarks:
        if name not in BENCHMARKS:
            parser.error(f"no benchmark {name}: {', '.join(BENCHMARKS)}")
    options.benchmarks = options.benchmarks or list(BENCHMARKS)
    options.rounds = options.rounds or (1 if options.quick else 5)
    options.seconds = options.seconds or (2 if options.quick else 10)
    return options


def main():
    options = parsed()
    # What runs is ended as on an error, whoever ends this.
    for each in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, lambda number, frame: sys.exit(128 + number))
    if options.build is None:
        build(BUILD)
    folder = (options.build or BUILD).resolve()
    options.programs = folder / "tests/bench"
    os.environ["EDGE_RELAY"] = str(folder / "edge-relay")
    # The relay under test is named by the environment when its module is loaded.
    import importlib

    from machine import processor, probe
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
    print(f"{datetime.date.today()}, commit {commit}, {processor()}, {os.cpu_count()} cores shared with the load, load average "
          f"{os.getloadavg()[0]:.1f}, probe {probe(options.folder):.2f} ms", flush=True)
    for name in options.benchmarks:
        module = importlib.import_module(name)
        getattr(module, name)(options)


if __name__ == "__main__":
    sys.exit(main())
