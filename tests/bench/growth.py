"""Whether a backlog, or what is kept of years, makes anything slower: start, a retry of half of the backlog at once, accepts,
drain, memory, the operator's answers. Every scenario fills a journal of its own; 5 million take 12 GB of disk and minutes."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from load import Load, load
from machine import cell, peak_resident_bytes, print_table
from servers import bare_server, check_gate, relay_running, relay_settings, unreachable_destination

from raw_http import request

SCENARIOS = [
    # name, queued, delivered and kept
    ("10 thousand queued", 10_000, 0),
    ("1 million queued", 1_000_000, 0),
    ("5 million queued", 5_000_000, 0),
    ("10 thousand queued, 5 million delivered", 10_000, 5_000_000),
]
QUICK = [("1 thousand queued", 1_000, 0), ("20 thousand queued", 20_000, 0), ("1 thousand queued, 20 thousand delivered", 1_000, 20_000)]
ANSWERS = 15
# As fill_journal names them, so that what is put in while measuring lies among what was there: a small backlog of one
# client would be quicker to drain than any of twenty.
CLIENTS = 20


def median_milliseconds(call):
    took = []
    for _ in range(ANSWERS):
        began = time.perf_counter()
        call()
        took.append((time.perf_counter() - began) * 1000)
    return sorted(took)[ANSWERS // 2]


def answered(relay, target):
    answer = relay.admin_socket(target)
    assert answer.status in (200, 503), (target, answer.status, answer.body[:200])


def fill(options, folder, queued, delivered):
    """Half of the backlog is dead letters, for the storm."""
    Path(folder, "relay").mkdir()
    subprocess.run([options.programs / "fill_journal", Path(folder, "relay/journal.db"), "--delivered", str(delivered),
                    "--dead-letters", str(queued // 2), "--queued", str(queued - queued // 2), "--bytes", str(options.bytes)], check=True)


def drained(relay, seconds):
    """Deliveries a second over that time."""
    def delivered():
        return relay.status()["destinations"]["nowhere"]["delivered"]
    first, began = delivered(), time.monotonic()
    while (left := began + seconds - time.monotonic()) > 0 and relay.status()["destinations"]["nowhere"]["queued"]:
        time.sleep(min(left, 0.1))
    return (delivered() - first) / (time.monotonic() - began)


def time_to_ready(relay):
    began = time.monotonic()
    relay.start()
    return time.monotonic() - began


def retry_storm(options, relay, dead_letters):
    """Half of the backlog put back into the queue at once, while senders go on: (retried a second, p99 of a submission)."""
    senders = Load(options.programs, "http", relay.port, 4, rate=200, size=options.bytes, seconds=options.seconds, clients=CLIENTS)
    began = time.monotonic()
    # Millions take minutes, slice by slice.
    answer = request(relay.socket_path, "POST", "/v1/retry", [("Content-Type", "application/json")], json.dumps({"destination": "nowhere"}),
                     timeout=1800)
    took = time.monotonic() - began
    assert answer.status == 200 and answer.json()["changed"] == dead_letters, (answer.status, answer.body[:300])
    return dead_letters / took, senders.result()


def scenario(options, name, queued, delivered):
    with tempfile.TemporaryDirectory(prefix="edge-relay-bench-", dir=options.folder) as folder:
        fill(options, folder, queued, delivered)
        row = {"": name, "journal GB": Path(folder, "relay/journal.db").stat().st_size / 1e9}
        with relay_running(folder, relay_settings({"nowhere": unreachable_destination()}), verify=False) as relay:
            assert relay.stop() == 0
            row["ready s"] = time_to_ready(relay)
            row["retried/s"], storm = retry_storm(options, relay, queued // 2)
            row["p99 ms beside it"] = storm["p99_ms"]
            os.sync()  # the storm's pages, which the system still writes: not what a backlog costs
            submit = load(options.programs, "http", relay.port, 20, size=options.bytes, seconds=options.seconds, warm_up=options.seconds / 5,
                          clients=CLIENTS)
            row["accepts/s"] = submit["per_second"]
            for heading, target in (("list ms", "/v1/submissions"), ("status ms", "/v1/status"), ("/health ms", "/health"), ("/metrics ms", "/metrics")):
                row[heading] = median_milliseconds(lambda target=target: answered(relay, target))
            check_gate(relay, queued + delivered + storm["answered"] + submit["answered"])
            with bare_server(options.programs) as server:
                assert relay.stop() == 0
                relay.update({"destinations": {"nowhere": {"url": f"http://127.0.0.1:{server.port}"}}})
                relay.start()
                row["drain/s"] = drained(relay, options.seconds)
                row["peak memory MiB"] = peak_resident_bytes(relay.process.pid) / 2**20
                check_gate(relay)
                assert relay.stop() == 0
                relay.start()
    return row


def growth(options):
    rows = []
    for each in QUICK if options.quick else SCENARIOS:
        rows.append(scenario(options, *each))
        print(rows[-1], file=sys.stderr, flush=True)
    columns = list(rows[0])
    print_table("Growth", columns, [[each[column] if isinstance(each[column], str) else cell(each[column]) for column in columns] for each in rows])
