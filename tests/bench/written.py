"""What goes to the disk for each byte of payload, with one sender and with many, and what a delivered record keeps of it."""

import contextlib
import sqlite3
import subprocess
import tempfile
from pathlib import Path

from load import load
from machine import print_table, written_bytes
from servers import await_true, bare_server, relay_running, relay_settings, unreachable_destination

SIZES = (2_000, 20_000)


def while_accepting(options, size, connections):
    """Bytes written a payload byte; None where the file system doesn't count them (a tmpfs)."""
    with tempfile.TemporaryDirectory(prefix="edge-relay-bench-", dir=options.folder) as folder:
        with relay_running(folder, relay_settings({"nowhere": unreachable_destination()})) as relay:
            # The file that is held back for hard times is written at the start, not for a payload.
            before = written_bytes(relay.process.pid)
            result = load(options.programs, "http", relay.port, connections, size=size, seconds=options.seconds)
            written = written_bytes(relay.process.pid) - before
            return written / (result["answered"] * size) if written else None


def with_delivery(options, size):
    """The same with each one delivered at once, at 16 connections."""
    with tempfile.TemporaryDirectory(prefix="edge-relay-bench-", dir=options.folder) as folder:
        with bare_server(options.programs) as server:
            there = {"type": "reportstream", "url": f"http://127.0.0.1:{server.port}", "auth": {"type": "function_key", "key": "bench"},
                     "follow_up": False}
            with relay_running(folder, relay_settings({"there": there})) as relay:
                before = written_bytes(relay.process.pid)
                result = load(options.programs, "http", relay.port, 16, size=size, seconds=options.seconds)
                await_true(lambda: relay.status()["destinations"]["there"]["queued"] == 0, "all delivered", timeout=600)
                written = written_bytes(relay.process.pid) - before
                return written / (result["answered"] * size) if written else None


def payloads_to_erase(file):
    """How many ended submissions still wait for the erasing pass (journal/FORMAT.md, `erasure`)."""
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as journal:
        return journal.execute("SELECT count(*) FROM erasure WHERE stage = 1").fetchone()[0]


def kept(options, count, erased):
    """Bytes of the journal's used pages a delivered submission; with `erased` once retention has taken the payloads."""
    with tempfile.TemporaryDirectory(prefix="edge-relay-bench-", dir=options.folder) as folder:
        Path(folder, "relay").mkdir()
        file = Path(folder, "relay/journal.db")
        subprocess.run([options.programs / "fill_journal", file, "--delivered", str(count), "--bytes", str(options.bytes)], check=True)
        settings = relay_settings({"nowhere": unreachable_destination()}, journal={"keep_delivered_payload": "1s" if erased else "7d"})
        with relay_running(folder, settings) as relay:
            if erased:
                await_true(lambda: payloads_to_erase(file) == 0, "all payloads erased", timeout=600)
            return relay.health()["journal"]["bytes"] / count


def written(options):
    rows = [[f"{size // 1000} kB", while_accepting(options, size, 1), while_accepting(options, size, 16), while_accepting(options, size, 256),
             with_delivery(options, size)] for size in SIZES]
    print_table("Bytes written to the disk a payload byte", ["payload", "1 connection", "16", "256", "16, and delivered"], rows)
    count = 2_000 if options.quick else 100_000
    print_table("Bytes kept a delivered submission", ["", "bytes"],
                [[f"with its payload of {options.bytes} bytes", kept(options, count, False)],
                 ["once the payload is erased", kept(options, count, True)]])
