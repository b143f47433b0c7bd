"""What a benchmark needs of the machine: a probe of its disk, what a process cost, medians, tables."""

import os
import statistics
import tempfile
import time
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PROBES = 200


def probe(folder):
    """Median of a 4 KiB append and fdatasync in that folder, in milliseconds: what one durable write costs at least."""
    file, path = tempfile.mkstemp(prefix="edge-relay-probe-", dir=folder)
    took = []
    try:
        for _ in range(PROBES):
            began = time.perf_counter()
            os.write(file, bytes(4096))
            os.fdatasync(file)
            took.append(time.perf_counter() - began)
    finally:
        os.close(file)
        os.unlink(path)
    return statistics.median(took) * 1000


def descendants(pid):
    """That process and all below it that live now."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents.setdefault(int((entry / "stat").read_text().rpartition(")")[2].split()[1]), []).append(int(entry.name))
            except (OSError, IndexError):
                continue  # it ended meanwhile
    found = [pid]
    for each in found:
        found += parents.get(each, [])
    return found


def cpu_seconds(pid):
    """User and system time of a process and all below it, those that ended included."""
    total = 0
    for each in descendants(pid):
        try:
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(map(int, fields[11:15]))
    return total / TICKS


def _kilobytes(path, name):
    for line in Path(path).read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1])
    raise ValueError(f"{path} has no {name}")


def resident_bytes(pid):
    """Of one process all that is resident; of several their proportional shares, so that what they share counts once."""
    every = descendants(pid)
    if len(every) == 1:
        return _kilobytes(f"/proc/{pid}/status", "VmRSS") * 1024
    total = 0
    for each in every:
        try:
            total += _kilobytes(f"/proc/{each}/smaps_rollup", "Pss")
        except OSError:
            continue
    return total * 1024


def peak_resident_bytes(pid):
    return _kilobytes(f"/proc/{pid}/status", "VmHWM") * 1024


def written_bytes(pid):
    """What the process gave to the storage layer (dirtied pages count once, however often they are written to)."""
    return _kilobytes(f"/proc/{pid}/io", "write_bytes")


def processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "unknown processor"


def median(values):
    present = [each for each in values if each is not None]
    return statistics.median(present) if present else None


def cell(value, digits=None):
    """A number as a table shows it: 12,345 / 123 / 1.23; None is a dash."""
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    if digits is not None:
        return f"{value:,.{digits}f}"
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


def print_table(title, columns, rows, notes=()):
    """A Markdown table; the first column stands left."""
    print(f"\n### {title}\n")
    for each in notes:
        print(each)
    if notes:
        print()
    print("| " + " | ".join(columns) + " |")
    print("| --- |" + " ---: |" * (len(columns) - 1))
    for row in rows:
        print("| " + " | ".join(cell(each) for each in row) + " |")
    print(flush=True)


def rounds_of(count, subjects, measure):
    """Measures each subject once a round, `count` rounds, so that a machine that swings swings for all of them; returns
    {subject: [result of each round]}. The order turns round by round: nobody is always the first behind a pause."""
    results = {each: [] for each in subjects}
    for number in range(count):
        turned = subjects[number % len(subjects):] + subjects[:number % len(subjects)]
        for each in turned:
            results[each].append(measure(each))
    return results


def median_of(results):
    """The median of each number in dicts of the same keys."""
    return {key: median([each[key] for each in results]) for key in results[0]}
