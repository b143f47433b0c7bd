"""The drop folder's waits at their full length. Only with tests/run --long (EDGE_RELAY_LONG=1): minutes go by."""

import os
import time

import pytest
from relay import await_true, hl7

pytestmark = pytest.mark.skipif(not os.environ.get("EDGE_RELAY_LONG"), reason="takes minutes: tests/run --long")


def test_a_file_that_grows_for_forty_seconds_with_room_made_in_advance_is_taken_once_and_whole(make_outbox):
    outbox = make_outbox(settle="5s")
    whole = hl7(extra=b"x" * 90_000)
    step = len(whole) // 12
    grown, filled = outbox.path / "grown.hl7", outbox.path / "filled.hl7"
    with open(filled, "wb") as file:
        file.truncate(len(whole))
    for at in range(0, len(whole), step):
        piece = whole[at:at + step]
        with open(grown, "ab") as file:
            file.write(piece)
        with open(filled, "r+b") as file:
            file.seek(at)
            file.write(piece)
        time.sleep(3.6)  # the sender's pauses are what this is about
        assert outbox.submissions() == [] or at + 2 * step >= len(whole)
    assert outbox.await_done("grown.hl7", "filled.hl7") == {"grown.hl7": whole, "filled.hl7": whole}
    assert outbox.payloads() == [whole, whole]


def test_without_events_from_the_kernel_the_folder_is_looked_at_every_minute(make_outbox, step_faults):
    outbox = make_outbox(start=False)
    outbox.relay.start(env=step_faults(blind=1))
    await_true(lambda: "it is looked at every minute" in outbox.relay.log(), outbox.look)
    for name in ["a.hl7", "b.hl7"]:
        outbox.put(name, hl7())
        await_true(lambda name=name: name in outbox.done(), outbox.look, timeout=120)


def test_an_empty_file_fails_after_a_minute(make_outbox):
    outbox = make_outbox()
    began = time.monotonic()
    (outbox.path / "empty.hl7").touch()
    assert outbox.await_failed("empty.hl7", timeout=120).startswith("empty_payload: ")
    assert time.monotonic() - began >= 60
    assert outbox.submissions() == []


def test_nuls_that_stay_fail_after_ten_minutes(make_outbox):
    outbox = make_outbox()
    began = time.monotonic()
    (outbox.path / "hollow.hl7").write_bytes(hl7() + b"\0" * 10)
    assert outbox.await_failed("hollow.hl7", timeout=700).startswith("invalid_payload: ")
    assert time.monotonic() - began >= 600
