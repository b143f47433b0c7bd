"""Start-up that can't succeed: one clear line, its exit code, and not a byte changed on disk."""

import hashlib
import json
import os
import shutil
import socket
import sqlite3
import subprocess

import pytest
from ports import free_port
from relay import BINARY, hl7


def state_of(folder):
    """Every file's content (and that it is there at all)."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("journal*"))}


def run(relay, timeout=30):
    return subprocess.run([str(BINARY), "run", "--config", str(relay.file)], capture_output=True, timeout=timeout, check=False)


def assert_refused(relay, code, *words):
    """`run` ends with that code, says each word, and changes nothing."""
    before = state_of(relay.folder)
    result = run(relay)
    text = result.stderr.decode()
    assert result.returncode == code, text
    for word in words:
        assert str(word) in text, text
    assert state_of(relay.folder) == before
    return text


@pytest.fixture
def used(directory_relay):
    """A relay with a journal that has been used, stopped in good order."""
    for _ in range(3):
        directory_relay.await_state(directory_relay.submit(hl7()), "delivered")
    assert directory_relay.stop() == 0
    return directory_relay


def test_locked_by_another_daemon(directory_relay):
    directory_relay.await_state(directory_relay.submit(hl7()), "delivered")
    other = directory_relay.folder / "other.yaml"
    other.write_text(json.dumps({**directory_relay.config, "intake": {"http": []}, "admin": {
        "listen": f"127.0.0.1:{free_port()}", "socket": str(directory_relay.short / "other.sock"), "socket_group": "root"}}))
    result = subprocess.run([str(BINARY), "run", "--config", str(other)], capture_output=True, timeout=30, check=False)
    assert result.returncode == 65, result.stderr
    assert str(directory_relay.folder / "journal.lock") in result.stderr.decode()
    directory_relay.await_state(directory_relay.submit(hl7()), "delivered")


def test_corrupt(used):
    data = bytearray(used.journal.read_bytes())
    data[:100] = b"this is no database" + bytes(81)
    used.journal.write_bytes(data)
    assert_refused(used, 65, used.journal, "verify")


def test_garbage(used):
    used.journal.write_bytes(os.urandom(100_000))
    assert_refused(used, 65, used.journal)
    assert used.command("verify").returncode == 1


def test_a_page_in_the_middle_overwritten_is_found_by_verify(used):
    data = bytearray(used.journal.read_bytes())
    size = int.from_bytes(data[16:18], "big")  # SQLite's page size; 1 stands for 65536
    page = data.index(b"SYNTHETIC^SAMPLE") // size * size
    data[page:page + 100] = os.urandom(100)
    used.journal.write_bytes(data)
    result = used.command("verify")
    assert result.returncode == 1
    assert b"FINDING page - " in result.stdout, result.stdout


def test_newer(used):
    with sqlite3.connect(used.journal) as database:
        version = database.execute("PRAGMA user_version").fetchone()[0]
        assert version >= 1
        database.execute(f"PRAGMA user_version={version + 1}")
    database.close()
    assert_refused(used, 65, used.journal, "newer")


def test_a_lock_file_without_its_journal(used):
    """The journal was moved away: a fresh one beside the old lock would hide that everything in it is missing."""
    used.journal.rename(used.folder / "kept-elsewhere")
    assert_refused(used, 65, used.journal)
    (used.folder / "kept-elsewhere").rename(used.journal)
    used.start()
    assert used.status()["destinations"]["archive"]["accepted"] == 3


def test_a_killed_daemons_journal_without_its_wal(directory_relay):
    """SQLite would open the last checkpoint and call it sound; what was acknowledged since stood in the WAL."""
    directory_relay.submit(hl7())
    directory_relay.kill()
    wal = directory_relay.folder / "journal.db-wal"
    assert wal.exists() and wal.stat().st_size > 0
    kept = directory_relay.folder / "kept-wal"
    shutil.move(wal, kept)
    assert_refused(directory_relay, 65, "wal")
    shutil.move(kept, wal)
    directory_relay.start()
    assert directory_relay.status()["destinations"]["archive"]["accepted"] == 1


def test_in_memory(make_relay, tmp_path):
    if subprocess.run(["stat", "-f", "-c", "%T", "/dev/shm"], capture_output=True, check=False).stdout.strip() != b"tmpfs":
        pytest.skip("/dev/shm is no tmpfs here")
    (tmp_path / "archive").mkdir()
    folder = f"/dev/shm/edge-relay-test-{os.getpid()}"
    os.mkdir(folder)
    try:
        relay = make_relay({"destinations": {"archive": {"type": "directory", "path": str(tmp_path / "archive")}},
                            "journal": {"path": f"{folder}/journal.db", "allow_tmpfs": False}}, start=False)
        result = run(relay)
        assert result.returncode == 65 and "allow_tmpfs" in result.stderr.decode(), result.stderr
        assert os.listdir(folder) == []
    finally:
        shutil.rmtree(folder)


def test_a_folder_that_is_not_there(make_relay, tmp_path):
    (tmp_path / "archive").mkdir()
    relay = make_relay({"destinations": {"archive": {"type": "directory", "path": str(tmp_path / "archive")}},
                        "journal": {"path": str(tmp_path / "missing" / "journal.db")}}, start=False)
    result = run(relay)
    assert result.returncode == 65 and str(tmp_path / "missing") in result.stderr.decode(), result.stderr
    assert not (tmp_path / "missing").exists()


@pytest.mark.parametrize("door", ["intake", "admin"])
@pytest.mark.parametrize("fresh", [True, False], ids=["fresh", "used"])
def test_a_port_in_use_is_1(make_relay, tmp_path, door, fresh):
    (tmp_path / "archive").mkdir()
    relay = make_relay({"destinations": {"archive": {"type": "directory", "path": str(tmp_path / "archive")}}}, start=False)
    if not fresh:
        relay.start()
        relay.submit(hl7())
        assert relay.stop() == 0
    port = relay.port if door == "intake" else relay.admin_port
    with socket.socket() as busy:
        busy.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        busy.bind(("127.0.0.1", port))
        busy.listen()
        text = assert_refused(relay, 1, f"127.0.0.1:{port}", "in use")
    errors = [line for line in text.splitlines() if "in use" in line]
    assert len(errors) == 1, text
    relay.start()


def test_a_live_operator_socket_is_in_use(directory_relay, make_relay, tmp_path):
    second = make_relay({"destinations": {"archive": {"type": "directory", "path": str(tmp_path / "archive")}},
                         "admin": {"socket": str(directory_relay.socket_path)}}, start=False)
    assert_refused(second, 1, directory_relay.socket_path, "in use")
    assert directory_relay.command("status").returncode == 0
