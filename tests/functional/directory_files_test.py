"""Destination `directory`: the files, their names and contents, and what happens when the folder can't be written."""

import hashlib
import json
import os

import pytest
from relay import FHIR, HL7, await_true, fhir, hl7

QUICK = {"initial": "50ms", "max": "200ms"}


@pytest.mark.parametrize("content_type, payload, extension", [
    (HL7, hl7(), "hl7"), (FHIR, fhir(), "fhir"), ("application/fhir+json", b"{}", "json"), ("text/csv", b"a\n", "csv"),
    ("application/xml", b"<a/>", "xml")])
def test_payload_and_description(directory_relay, content_type, payload, extension):
    identifier = directory_relay.submit(payload, content_type, client="lab.Files", payloadName="the name")
    submission = directory_relay.await_state(identifier, "delivered")
    names = sorted(path.name for path in directory_relay.archive.iterdir())
    if extension == "json":
        # Payload and description would both be `<id>.json`: neither may cost the other.
        contents = [path.read_bytes() for path in directory_relay.archive.iterdir()]
        assert len(contents) == 2 and payload in contents
    else:
        assert names == sorted([f"{identifier}.{extension}", f"{identifier}.json"])
        assert (directory_relay.archive / f"{identifier}.{extension}").read_bytes() == payload
        assert json.loads((directory_relay.archive / f"{identifier}.json").read_text()) == {
            "id": identifier, "client": "lab.Files", "content_type": content_type, "payload_name": "the name",
            "size": len(payload), "sha256": hashlib.sha256(payload).hexdigest(),
            "accepted_at": submission["accepted_at"], "intake": "http", "site": "lab-014"}
        assert submission["deliveries"][0]["receipt"] == {"path": str(directory_relay.archive / f"{identifier}.{extension}")}


def test_other_types_are_bin(make_relay, tmp_path):
    (tmp_path / "archive").mkdir()
    relay = make_relay({"destinations": {"archive": {"type": "directory", "path": str(tmp_path / "archive")}},
                        "intake": {"content_types": ["application/octet-stream"]}})
    identifier = relay.submit(bytes(range(256)), "application/octet-stream")
    relay.await_state(identifier, "delivered")
    assert (tmp_path / "archive" / f"{identifier}.bin").read_bytes() == bytes(range(256))


def test_a_large_payload(directory_relay):
    payload = hl7(extra=os.urandom(5_000_000))
    identifier = directory_relay.submit(payload)
    directory_relay.await_state(identifier, "delivered")
    assert (directory_relay.archive / f"{identifier}.hl7").read_bytes() == payload


def test_a_folder_that_goes_away_and_comes_back(make_relay, tmp_path):
    folder = tmp_path / "archive"
    folder.mkdir()
    relay = make_relay({"destinations": {"archive": {"type": "directory", "path": str(folder), "backoff": QUICK}}})
    folder.rmdir()
    identifiers = [relay.submit(hl7()) for _ in range(15)]
    delivery = relay.await_delivery(identifiers[0], lambda each: each["last_error"], "an error")
    assert (delivery["state"], delivery["attempts"]) == ("queued", 0)
    await_true(lambda: relay.health()["destinations"]["archive"]["state"] == "down", "down")
    # It never makes the folder itself: the mount may be missing.
    assert not folder.exists()
    folder.mkdir()
    for identifier in identifiers:
        assert relay.await_state(identifier, "delivered")["deliveries"][0]["attempts"] == 1
    assert not list(folder.glob(".*"))
    assert len(list(folder.glob("*.hl7"))) == 15


def test_a_half_written_file_of_an_earlier_try_is_overwritten(make_relay, tmp_path):
    folder = tmp_path / "archive"
    folder.mkdir()
    relay = make_relay({"destinations": {"archive": {"type": "directory", "path": str(folder), "backoff": QUICK}}}, start=False)
    folder.rmdir()
    relay.start()
    payload = hl7()
    identifier = relay.submit(payload)
    relay.await_delivery(identifier, lambda each: each["last_error"], "an error")
    relay.kill()
    folder.mkdir()
    (folder / f".{identifier}.hl7.tmp").write_bytes(b"half of an ear")
    relay.start()
    relay.await_state(identifier, "delivered")
    assert (folder / f"{identifier}.hl7").read_bytes() == payload
    assert not list(folder.glob(".*"))
