"""The drop folder where a disk is full, and where it doesn't answer: each file is one submission all the same, and nobody else
waits for it."""

import pytest
from relay import SLOWNESS, await_true, hl7


@pytest.mark.parametrize("kind", ["tmpfs", "ext4"])
def test_files_of_a_full_disk_are_taken_once_and_moved_when_there_is_room(make_outbox, make_disk, kind):
    disk = make_disk(kind, 16)
    outbox = make_outbox(path=str(disk.folder / "outbox"), start=False)
    good = {f"good-{number}.hl7": hl7(extra=b"x" * 5000) for number in range(3)}
    for name, payload in {**good, "bad.hl7": b"no HL7"}.items():
        outbox.put(name, payload)
    disk.fill()
    outbox.relay.start()
    await_true(lambda: "No space left on device" in outbox.relay.log() or len(outbox.done()) == 3, outbox.look)
    assert outbox.relay.health()["status"] in ("ok", "degraded"), "the other doors go on"
    outbox.relay.submit(hl7())
    # What is in the journal already isn't taken again at a start that finds it there still.
    outbox.relay.kill()
    outbox.relay.start()
    outbox.relay.submit(hl7())
    disk.empty()
    assert outbox.await_done(*good) == good
    assert outbox.await_failed("bad.hl7").startswith("invalid_payload: ")
    await_true(lambda: outbox.waiting() == [], outbox.look)
    assert sorted(outbox.payloads()) == sorted(good.values())
    assert outbox.relay.stop() == 0
    outbox.relay.verify()


def test_a_full_disk_of_the_journal_leaves_files_and_takes_them_when_there_is_room(make_outbox, make_disk):
    disk = make_disk("tmpfs", 160)
    outbox = make_outbox(start=False)
    relay = outbox.relay
    relay.update({"journal": {"path": str(disk.folder / "journal.db"), "min_free_disk": "4MB"}})
    relay.start()
    first = hl7()
    outbox.put("first.hl7", first)
    outbox.await_done("first.hl7")
    disk.fill()
    await_true(lambda: relay.post(hl7()).status == 503, "the journal's disk is full", timeout=60 * SLOWNESS)
    files = {f"{number}.hl7": hl7(extra=b"x" * 20_000) for number in range(5)}
    for name, payload in files.items():
        outbox.put(name, payload)
    refused = 'edge_relay_submissions_refused_total{intake="folder",reason="disk_low"}'
    await_true(lambda: relay.metrics()[refused] > 0, outbox.look, timeout=60 * SLOWNESS)
    assert outbox.waiting() == sorted(files) and outbox.failed() == {} and outbox.payloads() == [first]
    disk.empty()
    outbox.await_done(*files)
    assert sorted(outbox.payloads()) == sorted([first, *files.values()])
    relay.check_totals()
    assert relay.stop() == 0
    relay.verify()


def test_a_share_that_hangs_stalls_no_other_door_and_no_stop(make_outbox, tmp_path, step_faults):
    outbox = make_outbox(start=False)
    other = tmp_path / "other"
    other.mkdir()
    relay = outbox.relay
    [folder] = relay.config["intake"]["folder"]
    relay.update({"intake": {"folder": [folder, {**folder, "path": str(other)}]}, "shutdown_grace": "1s"})
    hangs = tmp_path / "hangs"
    hangs.touch()
    relay.start(env=step_faults(thread="folder-0", hang=hangs))
    payload, beside = hl7(), hl7()
    outbox.put("hanging.hl7", payload)
    (other / "beside.hl7").write_bytes(beside)
    await_true(lambda: outbox.payloads() == [beside], outbox.look)
    await_true(lambda: (tmp_path / "hangs.met").exists(), "the other folder's thread hangs")
    relay.submit(hl7())
    assert outbox.waiting() == ["hanging.hl7"]
    assert relay.stop() == 0, "it waits for the share"
    assert "hangs in its files" in relay.log()
    hangs.unlink()
    relay.start()
    outbox.await_done("hanging.hl7")
    assert sorted(outbox.payloads()) == sorted([payload, beside])
    assert relay.stop() == 0
    relay.verify()


def test_a_share_that_hangs_keeps_no_reload_waiting_for_ever(make_outbox, tmp_path, step_faults):
    outbox = make_outbox(start=False)
    relay = outbox.relay
    hangs = tmp_path / "hangs"
    hangs.touch()
    relay.update({"shutdown_grace": "1s"})
    relay.start(env=step_faults(thread="folder-0", hang=hangs))
    outbox.put("hanging.hl7", hl7())
    relay.update({"intake": {"folder": []}})
    assert relay.command("reload", timeout=120).returncode == 0
    relay.submit(hl7())
    hangs.unlink()
    assert relay.stop() == 0
