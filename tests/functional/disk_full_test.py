"""A real disk that another process fills: nothing is taken, what was taken still goes out, and it goes on by itself."""

import json
import threading
import time

import pytest
from mllp import Closed, MllpConnection, message
from ports import free_ports
from relay import HL7, SLOWNESS, await_true, hl7
from small_disk import NoMounts


@pytest.fixture
def relay_on(make_relay, tmp_path):
    """relay_on(disk): its journal lies there, its destination elsewhere."""
    def make(disk, journal=None, start=True):
        archive = tmp_path / "archive"
        archive.mkdir()
        relay = make_relay({"destinations": {"archive": {"type": "directory", "path": str(archive), "backoff": {"max": "1s"}}},
                            "journal": {"path": str(disk.folder / "journal.db"), "min_free_disk": "4MB", **(journal or {})}},
                           start=start)
        relay.archive = archive
        relay.away = tmp_path / "archive-away"
        relay.reserve = disk.folder / "journal.reserve"
        return relay
    return make


class Sender(threading.Thread):
    """Posts without a pause until it is stopped; remembers what was taken and how the rest was refused."""

    def __init__(self, relay):
        super().__init__(daemon=True)
        self.relay = relay
        self.taken = []
        self.refused = []
        self.ends = threading.Event()

    def run(self):
        while not self.ends.is_set():
            payload = hl7(extra=b"x" * 20_000)
            if len(self.taken) % 2 == 0:
                answer = self.relay.post(payload)
            else:  # as to ReportStream itself
                answer = self.relay.request("POST", "/api/waters", {"Content-Type": HL7, "client": "lab.drop-in"}, payload)
            if answer.status in (201, 202):
                self.taken.append(answer.json()["id"])
            else:
                self.refused.append(answer)
                time.sleep(0.02)

    def stop(self):
        self.ends.set()
        self.join()


@pytest.mark.parametrize("kind", ["tmpfs", "ext4"])
def test_a_disk_that_another_process_fills(make_disk, relay_on, kind):
    disk = make_disk(kind, 160)
    relay = relay_on(disk)
    await_true(lambda: relay.reserve.exists() and relay.reserve.stat().st_size >= 32 << 20, lambda: "a reserve")
    whole = relay.reserve.stat().st_size
    assert relay.reserve.stat().st_blocks * 512 >= whole, "the reserve must be allocated"
    assert relay.reserve.stat().st_mode & 0o077 == 0
    relay.archive.rename(relay.away)  # a backlog grows
    sender = Sender(relay)
    sender.start()
    await_true(lambda: len(sender.taken) >= 150, lambda: f"150 taken: {len(sender.taken)}", timeout=60 * SLOWNESS)
    disk.fill()
    # What the relay gave up for its own work is filled too.
    await_true(lambda: len(sender.refused) >= 50, lambda: "fifty refusals")
    disk.fill()
    queued = relay.health()["journal"]["queued"]
    assert queued >= 100
    relay.away.rename(relay.archive)
    # Not a byte is free, and all the same every outcome is saved: nothing else would let the queue become empty.
    await_true(lambda: relay.health()["journal"]["queued"] == 0, lambda: relay.log()[-2000:], timeout=90 * SLOWNESS)
    assert disk.filler.exists()
    before = len(sender.taken)
    for answer in sender.refused:
        assert answer.status == 503 and int(answer.header("Retry-After")) > 0, (answer.status, answer.body)
    assert sender.refused[-1].json()["type"].endswith("disk_low"), sender.refused[-1].body

    disk.empty()
    emptied = time.monotonic()
    await_true(lambda: len(sender.taken) > before, lambda: "taken again", timeout=30 * SLOWNESS)
    assert time.monotonic() - emptied < 30 * SLOWNESS
    sender.stop()
    await_true(lambda: relay.reserve.exists() and relay.reserve.stat().st_size == whole, lambda: "the reserve made again")
    for identifier in sender.taken:
        relay.await_state(identifier, "delivered", timeout=60)
    assert len(list(relay.archive.glob("*.hl7"))) == len(sender.taken), "nothing was sent twice"
    relay.check_totals()
    assert relay.running()
    assert relay.stop() == 0
    relay.verify()


class MllpSender(threading.Thread):
    """Sends one message after the other over MLLP, and each again until it is answered AA, as an instrument does."""

    def __init__(self, port, name):
        super().__init__(daemon=True)
        self.port, self.own_name = port, name
        self.taken = []
        self.refusals = []  # a code of table 0357 with AR, or None where the connection was closed
        self.ends = threading.Event()

    def run(self):
        connection, number = None, 0
        while not self.ends.is_set():
            raw = message(b"%s-%d" % (self.own_name, number), extra=b"x" * 20_000)
            try:
                connection = connection or MllpConnection(self.port)
                answer = connection.ask(raw)
            except (Closed, OSError):
                if connection is not None:
                    connection.close()
                connection = None
                self.refusals.append(None)
                time.sleep(0.02)  # the pace of the next try
                continue
            if answer.code == "AA":
                self.taken.append(raw)
                number += 1
            else:
                self.refusals.append(answer.error)
                time.sleep(0.02)
        if connection is not None:
            connection.close()

    def stop(self):
        self.ends.set()
        self.join()


def test_a_full_disk_over_mllp(make_disk, relay_on):
    """Closed or AR with 207, as the listener says; what is sent again in the end is there exactly once."""
    disk = make_disk("tmpfs", 160)
    relay = relay_on(disk, start=False)
    ports = free_ports(2)
    relay.update({"intake": {"mllp": [{"listen": f"127.0.0.1:{port}", "client": "lab.lis", "when_unavailable": how}
                                      for port, how in zip(ports, ("close", "nak"))]}})
    relay.start()
    senders = [MllpSender(ports[number % 2], b"S%d" % number) for number in range(4)]
    for sender in senders:
        sender.start()
    await_true(lambda: all(len(sender.taken) >= 10 for sender in senders), lambda: "messages are taken", timeout=60 * SLOWNESS)
    disk.fill()
    await_true(lambda: all(len(sender.refusals) >= 3 for sender in senders), lambda: "refusals at both", timeout=60 * SLOWNESS)
    before = [len(sender.taken) for sender in senders]
    disk.empty()
    await_true(lambda: all(len(sender.taken) > earlier + 3 for sender, earlier in zip(senders, before)), lambda: "taken again",
               timeout=60 * SLOWNESS)
    for sender in senders:
        sender.stop()
    assert {refusal for sender in senders[0::2] for refusal in sender.refusals} == {None}
    assert {refusal for sender in senders[1::2] for refusal in sender.refusals} == {207}
    taken = [raw for sender in senders for raw in sender.taken]
    await_true(lambda: relay.health()["journal"]["queued"] == 0, lambda: relay.log()[-2000:], timeout=90 * SLOWNESS)
    delivered = [path.read_bytes() for path in relay.archive.glob("*.hl7")]
    assert sorted(delivered) == sorted(taken)
    await_true(lambda: "disk_low" not in {alarm["name"] for alarm in relay.health()["alarms"]}, lambda: "the alarm is over",
               timeout=60 * SLOWNESS)
    relay.check_totals()
    assert relay.stop() == 0
    relay.verify()


def test_a_read_only_disk_is_refused_and_nothing_changes(make_disk, relay_on):
    disk = make_disk("ext4", 100)
    relay = relay_on(disk)
    relay.await_state(relay.submit(hl7()), "delivered")
    assert relay.stop() == 0
    disk.remount("ro")
    relay.start(ready=False)
    assert relay.process.wait(timeout=30 * SLOWNESS) == 65, relay.log()
    assert str(disk.folder) in relay.log()
    relay.verify()
    disk.remount("rw")
    relay.start()
    relay.await_state(relay.submit(hl7()), "delivered")


def operators_are_refused(relay, identifier):
    """Nothing that couldn't be kept is answered as done, and each answer says so."""
    one = f"/v1/submissions/{identifier}"
    for target, body in ((f"{one}/set-aside", {}), (f"{one}/discard", {"reason": "a test"}), ("/v1/destinations/archive/pause", {}),
                         ("/v1/retry", {"destination": "archive"}), ("/v1/resend", {"destination": "archive", "since": "1h"})):
        answer = relay.admin_socket(target, "POST", {"Content-Type": "application/json"}, json.dumps(body).encode())
        assert (answer.status, answer.problem) == (503, "journal_failing"), (target, answer.status, answer.body)
        assert int(answer.header("Retry-After")) > 0
    result = relay.command("set-aside", identifier)
    assert result.returncode == 1 and b"journal" in result.stderr, result
    assert relay.get(identifier)["state"] == "queued"


def test_a_disk_that_turns_read_only_under_a_running_relay(make_disk, relay_on):
    disk = make_disk("ext4", 100)
    relay = relay_on(disk)
    relay.await_state(relay.submit(hl7()), "delivered")
    relay.archive.rename(relay.away)
    waiting = [relay.submit(hl7()) for _ in range(5)]
    try:
        disk.turn_read_only()
    except NoMounts as error:
        pytest.skip(f"can't make a file system fail here: {error}")
    await_true(lambda: relay.post(hl7()).status == 503, lambda: relay.log()[-2000:], timeout=60 * SLOWNESS)
    answer = relay.post(hl7())
    assert answer.status == 503 and answer.problem == "journal_failing", answer.body
    assert int(answer.header("Retry-After")) > 0
    health = relay.health()
    assert health["status"] == "failing" and "journal" in health["summary"], health
    assert "journal_failing" in [alarm["name"] for alarm in health["alarms"]]
    assert relay.metrics()['edge_relay_alarm{name="journal_failing"}'] == 1
    assert relay.admin("/health/ready").status == 503 and relay.admin("/health/live").status == 200
    operators_are_refused(relay, waiting[0])
    # What is there can still be read, and nothing is sent whose outcome couldn't be kept.
    relay.away.rename(relay.archive)
    assert relay.get(waiting[0])["state"] == "queued"
    assert relay.running()
    relay.stop()

    disk.repair()
    relay.start()
    for identifier in waiting:
        relay.await_state(identifier, "delivered", timeout=60)
    relay.check_totals()
    assert relay.stop() == 0
    relay.verify()


@pytest.mark.parametrize("kind", ["tmpfs", "ext4"])
def test_a_start_on_a_disk_without_a_free_byte(make_disk, relay_on, kind):
    """After a stop in good order SQLite's own files are gone too, and have to be made again before anything else."""
    disk = make_disk(kind, 160)
    relay = relay_on(disk)
    await_true(lambda: relay.reserve.exists() and relay.reserve.stat().st_size >= 32 << 20, lambda: "a reserve")
    relay.archive.rename(relay.away)
    waiting = [relay.submit(hl7(extra=b"x" * 20_000)) for _ in range(30)]
    assert relay.stop() == 0
    disk.fill()
    relay.start(ready=False)

    def answers():
        assert relay.running(), relay.log()[-2000:]
        try:
            return relay.admin("/health/live").status == 200
        except OSError:
            return False
    await_true(answers, lambda: relay.log()[-2000:], timeout=60 * SLOWNESS)
    answer = relay.post(hl7())
    assert answer.status == 503 and answer.problem == "disk_low", answer.body
    relay.away.rename(relay.archive)
    for identifier in waiting:
        relay.await_state(identifier, "delivered", timeout=60)
    disk.empty()
    await_true(lambda: relay.post(hl7()).status == 202, lambda: "taken again", timeout=30 * SLOWNESS)
    relay.check_totals()
    assert relay.stop() == 0
    relay.verify()


def test_max_size(make_disk, relay_on):
    disk = make_disk("tmpfs", 160)
    relay = relay_on(disk, {"max_size": "2MiB"})
    relay.archive.rename(relay.away)
    taken = []
    for _ in range(100):
        answer = relay.post(hl7(extra=b"x" * 50_000))
        if answer.status != 202:
            break
        taken.append(answer.json()["id"])
    assert answer.status == 503 and answer.json()["type"].endswith("journal_full"), answer.body
    assert int(answer.header("Retry-After")) > 0
    relay.away.rename(relay.archive)
    for identifier in taken:
        relay.await_state(identifier, "delivered", timeout=60)
