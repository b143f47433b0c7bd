"""The drop folder: what can't be taken, for good or for now, and what is left alone."""

import os
import time

import pytest
from relay import await_true, hl7
from small_disk import NoMounts, SmallDisk


def test_a_file_whose_nuls_stay_goes_to_failed(make_outbox):
    outbox = make_outbox(settle="200ms")
    target = outbox.path / "hollow.hl7"
    target.write_bytes(hl7() + b"\0" * 100)
    old = time.time() - 11 * 60
    os.utime(target, (old, old))
    assert "NUL" in outbox.await_failed("hollow.hl7")
    assert outbox.submissions() == []


def test_what_cannot_be_taken_goes_to_failed_with_its_reason(make_outbox):
    outbox = make_outbox(config={"clients": ["lab.*"]}, patterns=["*"])
    name = "DOE^JOHN"
    outbox.put("nonsense.hl7", f"no HL7: {name}".encode())
    assert outbox.await_failed("nonsense.hl7").startswith("invalid_payload: line 1")
    outbox.put("nonsense.hl7", b"again")
    assert outbox.await_failed("nonsense~2.hl7").startswith("invalid_payload: line 1")
    assert (outbox.path / "failed" / "nonsense.hl7").read_bytes() == f"no HL7: {name}".encode()
    assert (outbox.path / "failed" / "nonsense~2.hl7").read_bytes() == b"again"
    assert not any(name in reason or "nonsense" in reason for reason in outbox.failed().values())
    outbox.put("good.hl7", hl7())
    outbox.await_done("good.hl7")
    assert len(outbox.submissions()) == 1
    metrics = outbox.relay.metrics()
    assert metrics['edge_relay_submissions_refused_total{intake="folder",reason="invalid_payload"}'] == 2
    assert outbox.waiting() == []


@pytest.mark.parametrize("config, reason", [
    ({"intake": {"max_payload": "100B"}}, "payload_too_large"),
    ({"clients": ["state.*"]}, "client_not_allowed"),
    ({"routes": [{"match": {"client": "state.*"}, "to": ["archive"]}]}, "no_route"),
])
def test_what_the_configuration_refuses_goes_to_failed(make_outbox, config, reason):
    outbox = make_outbox(config=config)
    outbox.put("result.hl7", hl7())
    assert outbox.await_failed("result.hl7").startswith(f"{reason}: ")
    assert outbox.submissions() == []


def test_symbolic_links_are_not_followed_and_nothing_outside_is_touched(make_outbox, tmp_path):
    outbox = make_outbox(client="from_folder")
    outside = tmp_path / "outside"
    (outside / "inner").mkdir(parents=True)
    (outside / "secret.hl7").write_bytes(hl7())
    (outside / "inner" / "secret.hl7").write_bytes(hl7())
    (outbox.path / "lab.linked").symlink_to(outside)
    (outbox.path / "lab.one").mkdir()
    (outbox.path / "lab.one" / "link.hl7").symlink_to(outside / "secret.hl7")
    (outbox.path / "lab.one" / "inner").symlink_to(outside / "inner")
    os.mkfifo(outbox.path / "lab.one" / "pipe.hl7")
    outbox.put("real.hl7", hl7(), "lab.one")
    outbox.await_done("real.hl7")
    outbox.put("last.hl7", hl7(), "lab.one")
    outbox.await_done("last.hl7")
    assert [each["payload_name"] for each in outbox.submissions()] == ["real.hl7", "last.hl7"]
    assert sorted(str(path.relative_to(outside)) for path in outside.rglob("*")) == ["inner", "inner/secret.hl7", "secret.hl7"]


@pytest.mark.parametrize("name", ["done", "failed"])
def test_a_linked_done_or_failed_is_refused_until_it_is_a_folder(make_outbox, tmp_path, name):
    outbox = make_outbox(start=False)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outbox.path / name).symlink_to(outside)
    outbox.relay.start()
    outbox.put("result.hl7", hl7() if name == "done" else b"nonsense")
    await_true(lambda: "must be folders, not symbolic links" in outbox.relay.log(), outbox.look)
    assert list(outside.iterdir()) == []
    (outbox.path / name).unlink()
    if name == "done":
        outbox.await_done("result.hl7")
        assert len(outbox.submissions()) == 1
        await_true(lambda: "can be taken again" in outbox.relay.log(), outbox.look)
    else:
        outbox.await_failed("result.hl7")


def test_a_full_journal_leaves_files_where_they_are(make_outbox):
    outbox = make_outbox(start=False)
    outbox.relay.update({"journal": {"min_free_disk": "900TiB"}})
    outbox.relay.start(ready=False)
    payload = hl7()
    outbox.put("result.hl7", payload)
    refused = 'edge_relay_submissions_refused_total{intake="folder",reason="disk_low"}'

    def seen():
        try:
            return outbox.relay.metrics().get(refused, 0) > 0
        except OSError:
            return False
    await_true(seen, outbox.look)
    assert outbox.waiting() == ["result.hl7"] and outbox.failed() == {}
    assert outbox.relay.stop() == 0
    outbox.relay.update({"journal": {"min_free_disk": "1MB"}})
    outbox.relay.start()
    outbox.await_done("result.hl7")
    assert outbox.payloads() == [payload]


def test_a_folder_that_comes_later_is_watched_then(make_outbox):
    outbox = make_outbox(start=False)
    outbox.path.rmdir()  # made by the fixture
    outbox.relay.start()
    await_true(lambda: "make the folder, or mount the share" in outbox.relay.log(), outbox.look)
    await_true(lambda: outbox.relay.health()["status"] == "degraded", "health says so, too")
    assert f"; folder {outbox.path}: " in outbox.relay.health()["summary"]
    outbox.path.mkdir()
    outbox.put("result.hl7", hl7())
    outbox.await_done("result.hl7")
    await_true(lambda: outbox.relay.health()["status"] == "ok", "well again")


def test_from_a_read_only_folder_nothing_is_taken_until_it_can_be_written(make_outbox, tmp_path):
    try:
        disk = SmallDisk(tmp_path, "tmpfs", 8)
    except NoMounts as error:
        pytest.skip(f"can't mount here: {error}")
    try:
        outbox = make_outbox(path=str(disk.folder), start=False)
        payload = hl7()
        outbox.put("result.hl7", payload)
        disk.remount("ro")
        outbox.relay.start()
        await_true(lambda: f"ReadWritePaths={disk.folder}" in outbox.relay.log(), outbox.look)
        assert outbox.submissions() == []
        disk.remount("rw")
        outbox.await_done("result.hl7")
        assert outbox.payloads() == [payload]
    finally:
        disk.end()


def test_check_says_what_is_wrong_with_a_folder(make_outbox, tmp_path):
    outbox = make_outbox(start=False)
    relay = outbox.relay
    good = relay.config["intake"]["folder"][0]

    def problems(*folders):
        relay.update({"intake": {"folder": list(folders)}})
        result = relay.command("check")
        return result.returncode, result.stderr.decode()

    assert problems(good) == (0, "")
    code, text = problems({})
    assert code == 78 and "path is missing" in text and "client is missing" in text
    code, text = problems({**good, "client": "not a client"}, {**good, "path": "outbox"})
    assert code == 78 and "is neither from_folder nor a client's name" in text and "isn't a full path" in text
    (outbox.path / "inner").mkdir()
    inner = {**good, "path": str(outbox.path / "inner") + "/"}
    assert problems(good, inner) == (0, "")
    for both in [(good, good), ({**good, "client": "from_folder"}, inner), (inner, {**good, "client": "from_folder"})]:
        code, text = problems(*both)
        assert code == 78 and "overlaps another watched folder" in text
    code, text = problems({**good, "path": str(tmp_path / "archive")})
    assert code == 78 and "is the folder of destination archive" in text
    code, text = problems({**good, "path": str(tmp_path), "client": "from_folder"})
    assert code == 78 and "or holds it" in text
    code, text = problems({**good, "path": str(relay.folder)})
    assert code == 0 and "holds the journal" in text
    code, text = problems({**good, "patterns": ["a/b", ""], "complete_when": "marker:ok", "content_type": "text/plain"})
    assert code == 78 and text.count(": error: ") == 4, text
    code, text = problems({**good, "complete_when": "soon", "after": "eat", "settle": "0s", "keep_done": "x"})
    assert code == 78 and text.count(": error: ") == 4, text
    code, text = problems({**good, "path": str(tmp_path / "nowhere")})
    assert code == 0 and "isn't a folder that is there" in text
