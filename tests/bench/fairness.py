"""What small posts feel of others: their p99 at a steady rate, alone and beside a 50 MB upload, slow clients, a dead
destination, a verify, and a pass that erases old payloads."""

import contextlib
import itertools
import subprocess
import tempfile
import threading
from collections import namedtuple
from pathlib import Path

from load import Load, load
from machine import print_table, rounds_of
from machine import median as median_of_values
from servers import relay_running, relay_settings, unreachable_destination

from raw_http import ConnectionEnded, RawConnection
from relay import BINARY

RATE = 200
UPLOAD = 50_000_000


@contextlib.contextmanager
def in_a_thread(work):
    """`work(stop)` beside the block; what it began with is its own to end once `stop` is set."""
    stop = threading.Event()
    thread = threading.Thread(target=work, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@contextlib.contextmanager
def nothing(options, relay):
    yield


@contextlib.contextmanager
def upload(options, relay):
    """One large payload after the other."""
    under_way = Load(options.programs, "http", relay.port, 1, size=options.upload, seconds=options.seconds * 2)
    try:
        yield
    finally:
        under_way.stop()


@contextlib.contextmanager
def slow_clients(options, relay):
    """Fifty that began a body, and send a byte now and then."""
    connections = [RawConnection(relay.address) for _ in range(50)]

    def drip(stop):
        for each in itertools.cycle(connections):
            if stop.wait(0.02):
                return
            with contextlib.suppress(OSError, ConnectionEnded):
                each.send(b"x")
    for each in connections:
        each.send("POST /v1/submissions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/hl7-v2\r\nContent-Length: 1000000\r\n\r\nMSH|^~\\&|")
    with in_a_thread(drip):
        yield
    for each in connections:
        each.close()


@contextlib.contextmanager
def verify(options, relay):
    """One after the other, beside the daemon."""
    def look(stop):
        while not stop.is_set():
            under_way = subprocess.Popen([str(BINARY), "verify", "--config", str(relay.file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            while under_way.poll() is None and not stop.wait(0.05):
                pass
            under_way.kill()
            under_way.wait()
    with in_a_thread(look):
        yield


# `delivered`: kept in the journal before; `keep`: of payloads; `dead`: a second destination where nobody listens, tried
# over and over.
Trouble = namedtuple("Trouble", "name beside delivered keep dead", defaults=(nothing, False, "7d", False))
TROUBLES = [
    Trouble("alone"),
    Trouble("50 MB uploads", upload),
    Trouble("50 slow clients", slow_clients),
    Trouble("a dead destination", dead=True),
    Trouble("verify", verify, delivered=True),
    Trouble("an erasing pass", delivered=True, keep="1s"),
]


def p99(options, trouble):
    destinations = {"nowhere": unreachable_destination()}
    if trouble.dead:
        destinations["dead"] = {**unreachable_destination(), "backoff": {"initial": "1ms", "max": "10ms"}}
    with tempfile.TemporaryDirectory(prefix="edge-relay-bench-", dir=options.folder) as folder:
        Path(folder, "relay").mkdir()
        if trouble.delivered:
            subprocess.run([options.programs / "fill_journal", Path(folder, "relay/journal.db"), "--delivered", "2000" if options.quick else "200000",
                            "--bytes", str(options.bytes)], check=True)
        settings = relay_settings(destinations, journal={"keep_delivered_payload": trouble.keep}, routes=[{"match": {}, "to": list(destinations)}])
        with relay_running(folder, settings) as relay:
            with trouble.beside(options, relay):
                return load(options.programs, "http", relay.port, 16, rate=RATE, size=options.bytes, seconds=options.seconds)["p99_ms"]


def fairness(options):
    options.upload = UPLOAD // 10 if options.quick else UPLOAD
    results = rounds_of(options.rounds, TROUBLES, lambda trouble: p99(options, trouble))
    medians = {each.name: median_of_values(results[each]) for each in TROUBLES}
    print_table("Fairness", ["beside", "p99 ms of a small post", "of alone"],
                [[name, value, f"{value / medians['alone']:.1f} ×"] for name, value in medians.items()],
                [f"{options.bytes} bytes each, {RATE} a second over 16 connections, timed from when each was due. Median of {options.rounds} rounds."])
