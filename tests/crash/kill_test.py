#!/usr/bin/python3
"""kill -9 at random under load, again and again: nothing acknowledged is lost, nothing invented, nothing doubled.

    tests/crash/kill_test.py [--kills 50] [--seed N] [--clients 12]

Clients submit payloads that are all different, so that a payload's SHA-256 tells whose it is: a third each to the relay's
own endpoint, to ReportStream's, and over MLLP. After each kill, with the clients held back, the journal is verified and
compared with what the clients know:

    acknowledged            must be there, with that id (MLLP tells none) and those bytes
    sent without an answer  may be there once, or not at all; some clients send it again with the same
                            Idempotency-Key (MLLP: the same MSH-10 and bytes), after which it must be there exactly once
    anything else there     is invented

At the end everything must have been delivered, byte for byte. A run in which at one of the doors no kill hit the moment
between the commit and the answer, or none hit a request before its commit, has shown nothing, and fails.
"""

import argparse
import contextlib
import hashlib
import random
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from mllp import Closed, MllpConnection  # noqa: E402
from ports import free_port  # noqa: E402
from raw_http import ConnectionEnded, RawConnection, await_true, head  # noqa: E402
from relay import HL7, Relay, hl7  # noqa: E402


class Load:
    """Clients on kept connections, and what each of them knows."""

    def __init__(self, relay, clients, seed, mllp_port=None):
        """With `mllp_port` every third client speaks MLLP."""
        self.relay = relay
        self.mllp_port = mllp_port
        self.doors = ["own", "reportstream"] + (["mllp"] if mllp_port is not None else [])
        self.lock = threading.Lock()
        self.open = threading.Event()
        self.ended = False
        self.parked = 0
        self.sent = {}          # sha256 -> (payload, key), from before the first byte goes out
        self.over_mllp = set()
        self.acknowledged = {}  # sha256 -> id; over MLLP None
        self.unanswered = set()
        self.refused = []
        self.threads = [threading.Thread(target=self._client, args=(random.Random(f"{seed}-{number}"), number), daemon=True)
                        for number in range(clients)]
        for thread in self.threads:
            thread.start()

    def hold(self):
        """Waits until every client stands still; an answer that is still in a socket is read first."""
        self.open.clear()
        await_true(lambda: self.parked == len(self.threads), "the clients stand still", timeout=60)

    def end(self):
        self.ended = True
        self.open.set()
        for thread in self.threads:
            thread.join(timeout=60)

    def _client(self, source, number):
        connection, again = None, []
        # Half of them retry what got no answer, as a careful sender does, and all over MLLP; the others show what happens without.
        mllp = self.door_of(number) == "mllp"
        careful = mllp or number // len(self.doors) % 2 == 0
        while True:
            if not self.open.is_set():
                with self.lock:
                    self.parked += 1
                self.open.wait()
                with self.lock:
                    self.parked -= 1
            if self.ended:
                break
            payload, key = again.pop() if again else self._new(source, careful)
            sha256 = hashlib.sha256(payload).hexdigest()
            try:
                connection = connection or self._connect(mllp)
            except OSError:
                if careful and sha256 in self.sent:
                    again.append((payload, key))
                time.sleep(0.002)
                continue
            with self.lock:
                self.sent[sha256] = (payload, key)
                self.unanswered.add(sha256)
                if mllp:
                    self.over_mllp.add(sha256)
            try:
                answer = connection.ask(payload) if mllp else self._post(connection, payload, key, number)
            except (OSError, ConnectionEnded, Closed):
                connection.close()
                connection = None
                if careful:
                    again.append((payload, key))
                continue
            with self.lock:
                self.unanswered.discard(sha256)
                if mllp:
                    taken, identifier = answer.code == "AA", None
                else:
                    taken = answer.status == (201 if self.door_of(number) == "reportstream" else 202)
                    identifier = answer.json()["id"] if taken else None
                if taken:
                    self.acknowledged[sha256] = identifier
                else:
                    self.refused.append((answer.code, answer.error) if mllp else (answer.status, answer.body[:200]))
        if connection:
            connection.close()

    def door_of(self, number):
        return self.doors[number % len(self.doors)]

    def _connect(self, mllp):
        return MllpConnection(self.mllp_port) if mllp else RawConnection(self.relay.address, timeout=60)

    @staticmethod
    def _new(source, careful):
        size = source.choice([0, 0, 0, 2_000, 20_000, 70_000, 400_000])
        payload = hl7(f"{source.getrandbits(64):016x}", extra=b"\rNTE|1||" + source.randbytes(16).hex().encode() + b"k" * size)
        return payload, f"{source.getrandbits(64):016x}" if careful else None

    def _post(self, connection, payload, key, number):
        target, client = "/v1/submissions", "Relay-Client"
        if self.door_of(number) == "reportstream":
            target, client = "/api/waters?processing=async", "client"
        headers = [("Content-Type", HL7), ("Content-Length", str(len(payload))), (client, f"lab.{number}")]
        if key:
            headers.append(("Idempotency-Key", key))
        connection.send(head("POST", target, headers) + payload)
        return connection.read()


class Journal:
    """What the daemon says is in its journal: sha256 -> id, read page by page until what is known already."""

    def __init__(self, relay):
        self.relay = relay
        self.known = {}

    def read_new(self):
        cursor, fresh = "", {}
        while cursor is not None:
            page = self.relay.admin_socket(f"/v1/submissions?limit=500{cursor and '&cursor=' + cursor}").json()
            for each in page["submissions"]:
                if self.known.get(each["sha256"]) == each["id"]:
                    cursor = None
                    break
                assert each["sha256"] not in fresh, f"{each['id']} and {fresh[each['sha256']]} are the same request"
                assert each["sha256"] not in self.known, f"{each['id']} and {self.known[each['sha256']]} are the same request"
                fresh[each["sha256"]] = each["id"]
            else:
                cursor = page["next_cursor"]
        self.known.update(fresh)
        return fresh


def check(load, journal, checked):
    """Holds the clients' knowledge against the journal; returns what is journalled without an answer, and what is neither."""
    journal.read_new()
    for sha256 in load.acknowledged.keys() - checked:
        assert sha256 in journal.known, f"LOST: {load.acknowledged[sha256]} was acknowledged"
        assert load.acknowledged[sha256] in (None, journal.known[sha256]), "acknowledged under another id"
    checked |= load.acknowledged.keys()
    invented = journal.known.keys() - load.sent.keys()
    assert not invented, f"INVENTED: {[journal.known[each] for each in invented][:5]}"
    assert not load.refused, f"refused: {load.refused[:3]}"
    open_ends = load.unanswered - load.acknowledged.keys()
    return open_ends & journal.known.keys(), open_ends - journal.known.keys()


def check_delivered(load, journal, archive):
    for sha256, identifier in journal.known.items():
        payload = (archive / f"{identifier}.hl7").read_bytes()
        assert hashlib.sha256(payload).hexdigest() == sha256, f"{identifier} was delivered with other bytes"
    files = {path.stem for path in archive.glob("*.hl7")}
    assert files == set(journal.known.values()), "files that belong to no submission"


def run(options, folder):
    chance = random.Random(options.seed)
    archive = folder / "archive"
    archive.mkdir()
    mllp_port = free_port()
    relay = Relay(folder, {"destinations": {"archive": {"type": "directory", "path": str(archive)}},
                           "intake": {"mllp": [{"listen": f"127.0.0.1:{mllp_port}", "client": "lab.lis"}]}})
    load = None
    try:
        relay.start()
        load, journal, checked = Load(relay, options.clients, options.seed, mllp_port), Journal(relay), set()
        # Over all kills: a careful client's retry takes its own out again.
        without_answer, neither = set(), set()
        for kill in range(1, options.kills + 1):
            before = len(load.acknowledged)
            load.open.set()
            # At least one answer, so that each kill falls into work and not into an idle moment.
            await_true(lambda: len(load.acknowledged) > before, "an answer", timeout=60, interval=0.001)
            time.sleep(chance.uniform(0, 0.25))
            relay.kill()
            load.hold()
            relay.verify()
            if chance.random() < 0.2:
                # Again in the middle of coming up.
                relay.start(ready=False)
                time.sleep(chance.uniform(0, 0.1))
                relay.kill()
            relay.start()
            there, absent = check(load, journal, checked)
            relay.check_totals()
            without_answer |= there
            neither |= absent
            if kill % 10 == 0 or kill == options.kills:
                print(f"{kill} kills: {len(load.acknowledged)} acknowledged, {len(journal.known)} in the journal; without "
                      f"an answer {len(there)} journalled, {len(absent)} not", flush=True)
        load.open.set()
        before = len(load.acknowledged)
        await_true(lambda: len(load.acknowledged) > before + options.clients, "the last answers", timeout=60)
        load.hold()
        check(load, journal, checked)
        for sha256, (_, key) in load.sent.items():
            retried = key or sha256 in load.over_mllp
            assert not retried or sha256 in journal.known or sha256 in load.unanswered, "a retried request is missing"
        await_true(lambda: relay.status()["destinations"]["archive"]["queued"] == 0, "everything is delivered", timeout=600)
        check_delivered(load, journal, archive)
        assert relay.stop() == 0
        print(relay.verify())
        repeats = without_answer & load.over_mllp & load.acknowledged.keys()
        print(f"over MLLP {len(load.acknowledged.keys() & load.over_mllp)} acknowledged, {len(repeats)} of them at a repeat of "
              f"what was journalled already")
        for door, sent in (("HTTP", load.sent.keys() - load.over_mllp), ("MLLP", load.over_mllp)):
            assert without_answer & sent, f"{door}: no kill fell between a commit and its answer: this run has shown nothing"
            assert neither & sent, f"{door}: no kill fell before a commit: this run has shown nothing"
        assert repeats, "no message was sent again that was journalled already: this run has shown nothing"
    finally:
        if load:
            load.end()
        relay.end()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--clients", type=int, default=12)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    options = parser.parse_args()
    print(f"kill test: {options.kills} kills, {options.clients} clients, --seed {options.seed}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="edge-relay-kill-"))
    try:
        run(options, folder)
    except Exception as error:
        print(f"FAILED ({folder} is kept): {type(error).__name__}: {error}")
        print("0 passed, 1 failed")
        return 1
    with contextlib.suppress(OSError):
        shutil.rmtree(folder)
    print("1 passed, 0 failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
