"""Encryption at rest, of the real daemon: a name that was handed over is nowhere on the disk, nor in a core."""

import base64
import os
import signal
import sqlite3
import subprocess
from pathlib import Path

import pytest
from relay import BINARY, await_true, hl7

PLANTED = b"PLANTEDNAME"
KEY = base64.b64encode(bytes(range(32))).decode()
OTHER = base64.b64encode(bytes(range(1, 33))).decode()


def configuration(archive, *keys):
    journal = {"encryption_key": keys[0] if len(keys) == 1 else list(keys)} if keys else {"encryption_key": None}
    return {"journal": journal, "destinations": {"archive": {"type": "directory", "path": str(archive)}},
            "log": {"level": "debug"}}


@pytest.fixture
def archive(tmp_path):
    return tmp_path / "archive"  # isn't there: deliveries stay queued until a test makes it


def submit_named(relay):
    return relay.submit(hl7(extra=b"\rNTE|1||" + PLANTED), relay_payload_name=f"{PLANTED.decode()}.hl7",
                        idempotency_key=f"{PLANTED.decode()}-1")


def files_with(folder, planted=PLANTED):
    return sorted(path.name for path in Path(folder).rglob("*") if path.is_file() and planted in path.read_bytes())


def test_no_file_of_the_relay_holds_a_name(make_relay, archive):
    relay = make_relay(configuration(archive, KEY))
    identifier = submit_named(relay)
    large = relay.submit(hl7(extra=b"\rNTE|1||" + PLANTED * 40_000))
    await_true(lambda: relay.journal.with_name("journal.reserve").exists(), "the reserve")
    # Journal, its WAL and shared memory, reserve, lock file, log, while it runs, after a crash and after a clean stop.
    assert files_with(relay.folder) == []
    relay.kill()
    assert files_with(relay.folder) == []
    relay.start()
    archive.mkdir()
    relay.await_state(identifier, "delivered", timeout=60)
    relay.await_state(large, "delivered", timeout=60)
    assert PLANTED in (archive / f"{identifier}.hl7").read_bytes()
    shown = relay.admin_socket(f"/v1/submissions/{identifier}").json()
    assert shown["payload_name"] == f"{PLANTED.decode()}.hl7"
    relay.verify()
    assert relay.stop() == 0
    assert files_with(relay.folder) == []


def test_without_a_key_the_same_search_finds_the_name(make_relay, archive):
    relay = make_relay(configuration(archive))
    submit_named(relay)
    assert files_with(relay.folder)


def test_another_key_or_none_is_refused_with_65_and_changes_nothing(make_relay, archive):
    relay = make_relay(configuration(archive, KEY))
    submit_named(relay)
    assert relay.stop() == 0
    before = {path.name: path.read_bytes() for path in relay.folder.glob("journal.*")}
    for keys in ((OTHER,), ()):
        relay.update(configuration(archive, *keys))
        result = relay.command("run")
        assert result.returncode == 65, result.stderr
        assert b"journal.encryption_key" in result.stderr
        assert KEY.encode() not in result.stderr and OTHER.encode() not in result.stderr
        assert {path.name: path.read_bytes() for path in relay.folder.glob("journal.*")} == before
    relay.update(configuration(archive, OTHER, KEY))
    relay.start()
    archive.mkdir()
    assert relay.stop() == 0


def test_verify_without_the_key_says_what_it_could_not_check(make_relay, archive):
    relay = make_relay(configuration(archive, KEY))
    submit_named(relay)
    assert relay.stop() == 0
    relay.update(configuration(archive))
    result = relay.command("verify")
    assert result.returncode == 1
    assert b"not checked: the seals" in result.stdout
    assert b"couldn't be checked whole" in result.stderr and b"isn't sound" not in result.stderr
    assert result.stdout.splitlines()[-1] == b"1 submissions, 1 deliveries, 0 payloads checked, 0 findings"


def test_a_row_whose_seal_is_broken_becomes_a_dead_letter_and_blocks_nobody(make_relay, archive):
    relay = make_relay(configuration(archive, KEY))
    broken, whole = submit_named(relay), relay.submit(hl7())
    assert relay.stop() == 0
    with sqlite3.connect(relay.journal) as database:
        (row,) = database.execute("SELECT payload FROM submission ORDER BY seq LIMIT 1").fetchone()
        database.execute("UPDATE submission SET payload = ? WHERE seq = 1", (row[:-1] + bytes([row[-1] ^ 1]),))
    result = relay.command("verify")
    assert f"FINDING seal {broken} ".encode() in result.stdout
    archive.mkdir()
    relay.start()
    relay.await_state(whole, "delivered", timeout=60)
    dead = relay.await_state(broken, "dead_letter", timeout=60)
    assert dead["deliveries"][0]["last_error"]["kind"] == "corrupt"


@pytest.mark.parametrize("keys", [(KEY,), ()])
def test_a_daemon_with_a_key_leaves_no_core(make_relay, archive, keys, tmp_path):
    if Path("/proc/sys/kernel/core_pattern").read_text().strip() != "core":
        pytest.skip("cores go elsewhere here")
    relay = make_relay(configuration(archive, *keys), start=False)
    with open(relay.log_file, "ab") as log:
        relay.process = subprocess.Popen(["/bin/sh", "-c", 'ulimit -c unlimited; exec "$0" run --config "$1"', BINARY, relay.file],
                                         cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    relay.await_ready()
    submit_named(relay)
    relay.process.send_signal(signal.SIGABRT)
    _, status = os.waitpid(relay.process.pid, 0)
    relay.process.returncode = -signal.SIGABRT
    cores = list(tmp_path.glob("core*"))
    for core in cores:
        core.unlink()
    assert os.WCOREDUMP(status) == (not keys)
    assert bool(cores) == (not keys)
