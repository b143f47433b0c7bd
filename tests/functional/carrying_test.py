"""export and import: what is undelivered, carried by hand to another relay."""

import hashlib
import io
import json
import os
import subprocess
import tarfile

import pytest
from relay import FHIR, await_true, fhir, hl7


@pytest.fixture
def source(make_relay, tmp_path):
    return relay_with(make_relay, tmp_path, "source")


def relay_with(make_relay, tmp_path, name, **config):
    folder = tmp_path / name
    folder.mkdir()
    relay = make_relay({"destinations": {"archive": {"type": "directory", "path": str(folder)}}, **config})
    relay.archive = folder
    return relay


def run(relay, *arguments, code=0):
    result = relay.command(*arguments)
    assert result.returncode == code, (result.returncode, result.stdout, result.stderr)
    return result.stdout.decode()


def fill(relay):
    """Three queued ones, of which one is large, and a dead letter; {id: payload}."""
    run(relay, "pause", "archive")
    payloads = {}
    for payload, content_type in [(hl7(), None), (fhir(3), FHIR), (hl7(extra=b"y" * 700_000), None), (hl7(), None)]:
        answer = relay.post(payload, content_type or "application/hl7-v2", Relay_Payload_Name="SMITH^JOHN.hl7")
        assert answer.status == 202
        payloads[answer.json()["id"]] = payload
    run(relay, "set-aside", list(payloads)[3])
    return payloads


def check_promise_7(relay):
    for name, each in relay.status()["destinations"].items():
        ended = each["delivered"] + each["queued"] + each["dead_letter"] + each["discarded"] + each["moved_out"]
        assert each["accepted"] + each["moved_in"] == ended, (name, each)


def test_what_is_carried_arrives_with_its_id_and_its_history(source, make_relay, tmp_path):
    payloads = fill(source)
    delivered = None
    archive = tmp_path / "out.tar"
    assert run(source, "export", "--output", archive).startswith("4 submissions, ")
    assert archive.stat().st_mode & 0o777 == 0o600
    other = relay_with(make_relay, tmp_path, "other")
    assert run(other, "import", archive) == "4 submissions imported, 0 there already\n"
    ids = list(payloads)
    for identifier in ids[:3]:
        other.await_state(identifier, "delivered", timeout=60)
    assert other.get(ids[3])["state"] == "dead_letter"
    assert other.get(ids[3])["deliveries"][0]["last_error"]["kind"] == "set_aside"
    for identifier, payload in payloads.items():
        here = json.loads(run(source, "show", identifier, "--json"))
        there = json.loads(run(other, "show", identifier, "--json"))
        for key in ("id", "client", "content_type", "payload_name", "size", "sha256", "accepted_at"):
            assert here[key] == there[key]
        assert there["intake"] == "import"
        result = other.command("show", identifier, "--payload")
        assert result.stdout == payload
    assert run(other, "import", archive) == "0 submissions imported, 4 there already\n"
    assert other.metrics()['edge_relay_submissions_accepted_total{intake="import"}'] == 4
    assert other.status()["destinations"]["archive"]["accepted"] == 4
    run(other, "retry", ids[3])
    other.await_state(ids[3], "delivered", timeout=60)
    check_promise_7(other)
    other.verify()
    audit = json.loads(run(other, "audit", "--json"))["entries"]
    assert [each["changed"] for each in audit if each["action"] == "import"] == [4]
    assert "export" in [each["action"] for each in json.loads(run(source, "audit", "--json"))["entries"]]
    assert delivered is None


def test_the_archive_is_a_tar_that_others_read(source, tmp_path):
    payloads = fill(source)
    answer = source.admin_socket("/v1/export")
    assert answer.status == 200 and answer.header("Content-Type") == "application/x-tar"
    with tarfile.open(fileobj=io.BytesIO(answer.body)) as archive:
        members = archive.getmembers()
        assert len(members) == 8
        for member in members:
            identifier, name = member.name.split("/")
            data = archive.extractfile(member).read()
            if name == "metadata.json":
                metadata = json.loads(data)
                assert metadata["id"] == identifier and metadata["payload_name"] == "SMITH^JOHN.hl7"
                assert metadata["sha256"] == hashlib.sha256(payloads[identifier]).hexdigest()
            else:
                assert data == payloads[identifier]


def test_an_archive_that_was_packed_anew_is_taken(source, make_relay, tmp_path):
    fill(source)
    run(source, "export", "--output", tmp_path / "out.tar")
    (tmp_path / "unpacked").mkdir()
    subprocess.run(["tar", "-xf", tmp_path / "out.tar", "-C", tmp_path / "unpacked"], check=True)
    subprocess.run(["tar", "--sort=name", "-cf", tmp_path / "again.tar", "-C", tmp_path / "unpacked", "."], check=True)
    other = relay_with(make_relay, tmp_path, "other")
    assert run(other, "import", tmp_path / "again.tar") == "4 submissions imported, 0 there already\n"


def test_offline_where_no_daemon_runs(source, make_relay, tmp_path):
    payloads = fill(source)
    running = source.command("export", "--offline", "--output", tmp_path / "no.tar")
    assert running.returncode == 65 and b"runs" in running.stderr
    source.kill()
    before = {path.name: path.read_bytes() for path in source.folder.glob("journal.db*") if "reserve" not in path.name}
    result = json.loads(run(source, "export", "--offline", "--output", tmp_path / "out.tar", "--json"))
    assert result["submissions"] == 4 and result["without_payload"] == 0
    after = {path.name: path.read_bytes() for path in source.folder.glob("journal.db*") if "reserve" not in path.name}
    assert before == after, "nothing was touched"
    other = relay_with(make_relay, tmp_path, "other")
    assert run(other, "import", tmp_path / "out.tar") == "4 submissions imported, 0 there already\n"
    for identifier in list(payloads)[:3]:
        other.await_state(identifier, "delivered", timeout=60)


def test_an_archive_is_its_owners_alone_and_takes_no_other_things_place(source, tmp_path):
    fill(source)
    linked = tmp_path / "linked"
    linked.write_bytes(b"somebody's")
    (tmp_path / "out.tar.part").symlink_to(linked)
    run(source, "export", "--output", tmp_path / "out.tar")
    assert linked.read_bytes() == b"somebody's"
    (tmp_path / "next.tar.part").write_bytes(b"left by an interrupted one")
    (tmp_path / "next.tar.part").chmod(0o644)
    run(source, "export", "--output", tmp_path / "next.tar")
    for name in ("out.tar", "next.tar"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600 and not (tmp_path / name).is_symlink()
    os.mkfifo(tmp_path / "pipe")
    result = source.command("export", "--output", tmp_path / "pipe")
    assert result.returncode == 1 and b"is there and is no file" in result.stderr
    assert (tmp_path / "pipe").is_fifo()


def test_offline_with_encryption(make_relay, tmp_path):
    key = "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="
    source = relay_with(make_relay, tmp_path, "source", journal={"encryption_key": key})
    payloads = fill(source)
    assert source.stop() == 0
    result = run(source, "export", "--offline", "--output", tmp_path / "out.tar")
    assert result.startswith("4 submissions")
    with tarfile.open(tmp_path / "out.tar") as archive:
        for member in archive.getmembers():
            if not member.name.endswith("metadata.json"):
                assert archive.extractfile(member).read() == payloads[member.name.split("/")[0]]


def test_a_damaged_archive_is_refused_and_can_be_sent_again(source, make_relay, tmp_path):
    fill(source)
    run(source, "export", "--output", tmp_path / "out.tar")
    whole = (tmp_path / "out.tar").read_bytes()
    other = relay_with(make_relay, tmp_path, "other")
    for damaged in (whole[:len(whole) // 2], b"no archive at all" * 100, b"", whole.replace(b"OBX|1", b"OBX|2")):
        answer = other.admin_socket("/v1/import", "POST", body=damaged)
        assert answer.status == 400, (answer.status, answer.body)
        assert answer.json()["type"] == "urn:edge-relay:problem:malformed_request"
    run(other, "import", tmp_path / "out.tar")
    assert other.status()["destinations"]["archive"]["accepted"] == 4
    other.verify()


def test_another_submission_of_the_same_id_is_left(source, make_relay, tmp_path):
    payloads = fill(source)
    run(source, "export", "--output", tmp_path / "out.tar")
    with tarfile.open(tmp_path / "out.tar") as archive, tarfile.open(tmp_path / "forged.tar", "w") as forged:
        for member in archive.getmembers():
            data = archive.extractfile(member).read()
            if member.name.endswith("metadata.json"):
                metadata = json.loads(data)
                metadata["client"] = "lab.other"
                data = json.dumps(metadata).encode()
                member.size = len(data)
            forged.addfile(member, io.BytesIO(data))
    other = relay_with(make_relay, tmp_path, "other")
    run(other, "import", tmp_path / "out.tar")
    result = other.command("import", tmp_path / "forged.tar")
    assert result.returncode == 1
    for identifier in payloads:
        assert identifier in result.stderr.decode()
        assert other.get(identifier)["client"] == "lab.default"


def test_what_the_importer_does_not_know_becomes_unconfigured(source, make_relay, tmp_path):
    payloads = fill(source)
    run(source, "export", "--output", tmp_path / "out.tar")
    (tmp_path / "elsewhere").mkdir()
    other = make_relay({"destinations": {"elsewhere": {"type": "directory", "path": str(tmp_path / "elsewhere")}}})
    run(other, "import", tmp_path / "out.tar")
    assert other.health()["destinations"]["archive"]["state"] == "unconfigured"
    assert run(other, "redirect", "--from", "archive", "--to", "elsewhere") == "4 deliveries moved from archive to elsewhere\n"
    for identifier in payloads:
        other.await_state(identifier, "delivered", timeout=60)
    check_promise_7(other)
    other.verify()


def test_a_large_backlog_is_carried_with_bounded_memory(source, make_relay, tmp_path):
    run(source, "pause", "archive")
    for _ in range(30):
        source.submit(hl7(extra=os.urandom(3_000_000).replace(b"\r", b"x").replace(b"\n", b"x").replace(b"\0", b"x")))
    before = source.resident_bytes()
    assert run(source, "export", "--output", tmp_path / "out.tar").startswith("30 submissions, 9")
    assert source.resident_bytes() - before < 40_000_000
    other = relay_with(make_relay, tmp_path, "other")
    run(other, "pause", "archive")
    before = other.resident_bytes()
    assert run(other, "import", tmp_path / "out.tar") == "30 submissions imported, 0 there already\n"
    assert other.resident_bytes() - before < 40_000_000
    await_true(lambda: other.status()["destinations"]["archive"]["queued"] == 30, "all there")
