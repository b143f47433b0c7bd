"""Everything at once: clients that post, a cloud that changes its mind every few seconds, kill -9, a disk that fills up,
a clock that is set, and a new encryption key now and then; for a set time.

    tests/soak/run [--minutes 10] [--seed N] [--clients 8]

It ends with the gate: with all faults gone, everything that was accepted is delivered, queued, dead or discarded, for
each destination; nothing is queued any more; and every acknowledged id is at every destination, byte for byte, or is one
of its dead letters. A run in which one of the faults never came has shown nothing, and fails.
"""

import argparse
import base64
import collections
import contextlib
import hashlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "support"), str(TESTS / "crash")]

from azurite import Azurite  # noqa: E402
from fault_proxy import (FaultProxy, Rule, answer, cut_answer, delay, html, reset_after_body, reset_after_forward,  # noqa: E402
                         reset_before_body, storage_error)
from kill_test import Journal, Load  # noqa: E402
from raw_http import await_true  # noqa: E402
from relay import Relay  # noqa: E402
from wall_clock import WallClock  # noqa: E402

DISK = 768 * 1024 * 1024
SERVICES = ("blob", "queue", "table")


class PacedLoad(Load):
    """As many submissions as an emulator beside it can take, and at times refused: then the client waits a little."""

    def _post(self, connection, payload, key, number):
        time.sleep(random.uniform(0, 1.5))
        answered = super()._post(connection, payload, key, number)
        if answered.status == 503:
            assert answered.header("Retry-After"), "a 503 without Retry-After"
            time.sleep(0.5)
        return answered


def moods(chance):
    """What a proxy may do for the next seconds: a name and its rules."""
    busy = answer(503, headers={"Retry-After": "1"})
    return chance.choice([
        ("well", []), ("well", []), ("well", []),
        ("busy", [Rule(busy)]),
        ("throttled", [Rule(answer(429, headers={"Retry-After": "2"}))]),
        ("error", [Rule(storage_error(500, "InternalError"))]),
        ("portal", [Rule(html())]),
        ("sign-in", [Rule(storage_error(403, "AuthenticationFailed"))]),
        ("missing", [Rule(storage_error(404, "QueueNotFound"))]),
        ("slow", [Rule(delay(chance.uniform(0.05, 0.5)))]),
        ("reset before", [Rule(reset_before_body())]),
        ("reset after", [Rule(reset_after_body())]),
        ("answer lost", [Rule(reset_after_forward(), times=20)]),
        ("answer cut", [Rule(cut_answer(), times=20)]),
        ("refused", [Rule(storage_error(400, "RequestBodyTooLarge"), times=2)]),
        ("down", None)])


class Soak:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.chance = random.Random(options.seed)
        self.count = collections.Counter()
        self.ending = threading.Event()
        self.disk = folder / "disk"
        self.disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(self.disk)], check=True)
        self.archive = folder / "archive"
        self.archive.mkdir()
        self.azurite = Azurite(folder / "azurite").start()
        self.storage = self.azurite.storage()
        self.proxies = {name: FaultProxy(getattr(self.azurite, f"{name}_port")).start() for name in SERVICES}
        self.clock = WallClock(folder)
        self.keys = []
        cloud = self.storage.destination(
            connection_string=self.azurite.connection_string(**{name: proxy.port for name, proxy in self.proxies.items()}),
            backoff={"initial": "200ms", "max": "5s"}, timeout="5s")
        self.relay = Relay(self.disk, {
            "journal": {"min_free_disk": "40MB", "path": str(self.disk / "journal.db")},
            "destinations": {"cloud": cloud, "archive": {"type": "directory", "path": str(self.archive)}},
            "otherwise": ["cloud", "archive"], "log": {"level": "warning"}})
        self.relay.log_file = folder / "log"

    # ---- the faults, each in a thread of its own ----

    def cloud_changes_its_mind(self):
        chance = random.Random(self.options.seed + 1)
        while not self.ending.wait(chance.uniform(1, 4)):
            proxy = self.proxies[chance.choice(SERVICES)]
            name, rules = moods(chance)
            with proxy.lock:
                proxy.requests = []
            if rules is None:
                proxy.stop()
                self.ending.wait(chance.uniform(0.5, 3))
                proxy.start()
            else:
                proxy.only(*rules) if rules else proxy.clear()
            self.count[f"cloud {name}"] += 1

    def disk_fills_up(self):
        chance = random.Random(self.options.seed + 2)
        balloon = self.disk / "balloon"
        while not self.ending.wait(chance.uniform(10, 25)):
            with contextlib.suppress(OSError), open(balloon, "wb") as file:
                while True:
                    file.write(bytes(1 << 20))
            self.count["disk full"] += 1
            self.ending.wait(chance.uniform(1, 6))
            balloon.unlink()

    def clock_is_set(self):
        chance = random.Random(self.options.seed + 3)
        while not self.ending.wait(chance.uniform(8, 20)):
            self.clock.set(seconds=chance.choice([0, 0, 600, -600, 7200, -7200, 86400]))
            self.count["clock set"] += 1

    # ---- the relay ----

    def start(self):
        if not self.keys or self.chance.random() < 0.3:
            self.keys.insert(0, base64.b64encode(self.chance.randbytes(32)).decode())
            self.count["new key"] += 1
        self.relay.update({"journal": {"encryption_key": self.keys}})
        self.relay.start(env=self.clock.env, ready=False)

    def await_up(self):
        """Answers; on a full disk it isn't ready."""
        def up():
            if not self.relay.running():
                # A full disk is a reason not to start; the service manager would try again.
                self.count["start failed"] += 1
                self.start()
                time.sleep(0.5)
                return False
            with contextlib.suppress(OSError):
                return self.relay.admin("/health/live").status == 200
            return False
        await_true(up, lambda: f"up; its log ends: {self.relay.log()[-2000:]}", timeout=120, interval=0.2)

    def work(self, load, journal):
        faults = [threading.Thread(target=each, daemon=True)
                  for each in (self.cloud_changes_its_mind, self.disk_fills_up, self.clock_is_set)]
        for each in faults:
            each.start()
        until = time.monotonic() + self.options.minutes * 60
        while time.monotonic() < until:
            load.open.set()
            time.sleep(min(self.chance.uniform(5, 30), max(until - time.monotonic(), 0.1)))
            self.relay.kill()
            self.count["kill"] += 1
            load.hold()
            self.start()
            self.await_up()
            self.check_acknowledged(load, journal)
            print(f"{int(until - time.monotonic())} s left: {len(load.acknowledged)} acknowledged, {len(load.refused)} "
                  f"refused, {self.count['kill']} kills", flush=True)
        self.ending.set()
        for each in faults:
            each.join(timeout=60)

    # ---- the gate ----

    def check_acknowledged(self, load, journal):
        journal.read_new()
        for sha256, identifier in load.acknowledged.items():
            assert sha256 in journal.known, f"LOST: {identifier} was acknowledged"
            assert journal.known[sha256] == identifier, f"{identifier} was acknowledged under another id"
        invented = journal.known.keys() - load.sent.keys()
        assert not invented, f"INVENTED: {[journal.known[each] for each in invented][:5]}"
        wrong = [each for each in load.refused if each[0] != 503]
        assert not wrong, f"refused for no reason: {wrong[:3]}"
        self.relay.check_totals()

    def dead_letters(self):
        """(id, destination) of every dead letter."""
        dead, cursor = set(), ""
        while cursor is not None:
            page = self.relay.admin_socket(f"/v1/submissions?state=dead_letter&limit=500{cursor and '&cursor=' + cursor}").json()
            for each in page["submissions"]:
                dead |= {(each["id"], delivery["destination"]) for delivery in each["deliveries"] if delivery["state"] == "dead_letter"}
            cursor = page["next_cursor"]
        return dead

    def queued(self):
        return sum(each["queued"] for each in self.relay.status()["destinations"].values())

    def pass_gate(self, load, journal):
        for proxy in self.proxies.values():
            proxy.clear()
        self.clock.set_right()
        (self.disk / "balloon").unlink(missing_ok=True)
        load.hold()
        # A clock set back by ten minutes leaves retries waiting as long: below an hour they may be a lane's own waits.
        await_true(lambda: self.queued() == 0, lambda: f"everything is delivered: {self.relay.status()}", timeout=1200, interval=1)
        self.check_acknowledged(load, journal)
        dead = self.dead_letters()
        at_archive = {path.stem: path for path in self.archive.glob("*.hl7")}
        in_queue = {each["reportId"] for each in self.storage.envelopes()}
        for sha256, identifier in journal.known.items():
            if (identifier, "archive") not in dead:
                assert identifier in at_archive, f"{identifier} is called delivered and isn't in the archive"
                assert hashlib.sha256(at_archive[identifier].read_bytes()).hexdigest() == sha256, f"{identifier}: other bytes"
            if (identifier, "cloud") not in dead:
                assert identifier in in_queue, f"{identifier} is called delivered and isn't in the queue"
        strangers = (set(at_archive) | in_queue) - set(journal.known.values())
        assert not strangers, f"delivered, but not in the journal: {sorted(strangers)[:5]}"
        for name, each in self.relay.status()["destinations"].items():
            print(f"{name}: accepted {each['accepted']} = delivered {each['delivered']} + queued {each['queued']} + dead "
                  f"{each['dead_letter']} + discarded {each['discarded']}")
            assert each["accepted"] == len(journal.known), (name, each["accepted"], len(journal.known))
        assert self.relay.stop() == 0
        print(self.relay.verify())
        for fault in ("kill", "disk full", "clock set", "new key", "cloud down", "cloud busy"):
            assert self.options.minutes < 5 or self.count[fault], f"no {fault}: this run has shown nothing"

    def run(self):
        load = None
        try:
            self.start()
            self.await_up()
            load, journal = PacedLoad(self.relay, self.options.clients, self.options.seed), Journal(self.relay)
            self.work(load, journal)
            self.pass_gate(load, journal)
            print(f"{len(load.acknowledged)} acknowledged, {len(load.refused)} refused; faults: {dict(sorted(self.count.items()))}")
        finally:
            self.ending.set()
            if load:
                load.end()
            self.relay.end()
            for proxy in self.proxies.values():
                proxy.stop()
            self.azurite.stop()


def main():
    parser = argparse.ArgumentParser(prog="tests/soak/run", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    options = parser.parse_args()
    print(f"soak: {options.minutes} minutes, {options.clients} clients, --seed {options.seed}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="edge-relay-soak-"))
    try:
        Soak(options, folder).run()
    except Exception as error:  # pylint: disable=broad-exception-caught
        print(f"FAILED (its log is in {folder}): {type(error).__name__}: {error}")
        print("0 passed, 1 failed")
        return 1
    subprocess.run(["umount", str(folder / "disk")], check=False)
    shutil.rmtree(folder, ignore_errors=True)
    print("1 passed, 0 failed")
    return 0


if __name__ == "__main__":
    os.environ.setdefault("EDGE_RELAY_SLOWNESS", "2")
    sys.exit(main())
