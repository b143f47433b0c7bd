"""A journal whose bytes aren't what was written: what is damaged is named, what is sound is found and goes on."""

import random
import subprocess

import pytest
from relay import SLOWNESS, hl7

MARK = b"SYNTHETIC^SAMPLE"


@pytest.fixture
def waiting(directory_relay):
    """A stopped relay with twelve submissions that couldn't be delivered yet."""
    away = directory_relay.folder / "archive-away"
    directory_relay.archive.rename(away)
    directory_relay.away = away
    directory_relay.waiting = [directory_relay.submit(hl7(extra=b"x" * 3000)) for _ in range(12)]
    assert directory_relay.stop() == 0
    return directory_relay


def undelivered(result):
    lines = result.stderr.decode().splitlines()
    return {line.split(": ", 1)[1] for line in lines if line.startswith("undelivered and readable: ")}


def test_a_flipped_bit_in_a_payload_costs_that_submission_alone(waiting):
    data = bytearray(waiting.journal.read_bytes())
    data[data.index(MARK)] ^= 0x20
    waiting.journal.write_bytes(data)
    result = waiting.command("verify")
    assert result.returncode == 1
    named = [line.split()[2] for line in result.stdout.decode().splitlines() if line.startswith("FINDING digest ")]
    assert len(named) == 1 and named[0] in waiting.waiting, result.stdout
    assert undelivered(result) == set(waiting.waiting) - set(named)
    assert "copy" in result.stderr.decode()

    waiting.away.rename(waiting.archive)
    waiting.start()
    dead = waiting.await_state(named[0], "dead_letter", timeout=60)
    assert dead["deliveries"][0]["last_error"]["kind"] == "corrupt", dead
    for identifier in set(waiting.waiting) - set(named):
        waiting.await_state(identifier, "delivered", timeout=60)
    waiting.check_totals()


def test_a_flipped_bit_anywhere_is_found_or_changes_nothing(waiting):
    """One in every page, so in every table and index: verify neither crashes nor hangs, and never calls unreadable what
    it doesn't name. A bit in a page's unused space changes nothing, so nothing can be found."""
    sound = waiting.journal.read_bytes()
    page_size = int.from_bytes(sound[16:18], "big") or 65536
    seed = random.randrange(1 << 30)
    print("seed", seed)
    choice = random.Random(seed)
    found = 0
    for page in range(len(sound) // page_size):
        # The header of a b-tree page and its first cells' places; elsewhere mostly nothing is stored.
        at = page * page_size + (100 if page == 0 else 0) + choice.choice([0, 1, 3, 5, 8, 9])
        data = bytearray(sound)
        data[at] ^= 1 << choice.randrange(8)
        waiting.journal.write_bytes(data)
        result = waiting.command("verify", timeout=30)
        assert result.returncode in (0, 1), (seed, page, result.returncode, result.stderr)
        if result.returncode == 0:
            continue
        found += 1
        assert b"FINDING " in result.stdout or b"not checked" in result.stdout or result.stderr, (seed, page)
        assert undelivered(result) <= set(waiting.waiting)
    assert found > 0
    waiting.journal.write_bytes(sound)
    waiting.verify()


def test_a_damaged_table_stops_the_intake_and_not_the_process(waiting):
    """Nothing is restarted over and over, nothing is taken that can't be kept, and health says what to do."""
    data = bytearray(waiting.journal.read_bytes())
    page_size = int.from_bytes(data[16:18], "big") or 65536
    leaves = [page for page in range(1, len(data) // page_size) if MARK in data[page * page_size:(page + 1) * page_size]]
    for page in leaves:
        data[page * page_size:page * page_size + 8] = b"\xff" * 8
    waiting.journal.write_bytes(data)
    waiting.start(ready=False)
    try:
        code = waiting.process.wait(timeout=5 * SLOWNESS)
    except subprocess.TimeoutExpired:  # it runs on
        code = None
    if code is not None:
        assert code == 65, waiting.log()
        assert "verify" in waiting.log()
        return
    assert waiting.post(hl7()).status == 503
    assert waiting.health()["status"] == "failing"
    assert waiting.running()
    waiting.kill()
