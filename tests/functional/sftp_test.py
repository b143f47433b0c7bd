"""Destination `sftp` against Debian's openssh-server: the pinned host key, a file that has its name only when it is whole, and
servers that fail in the middle."""

import os
import subprocess

import pytest
from relay import FHIR, SLOWNESS, await_true, command, fhir, hl7
from sftp_server import PASSWORD, UID, SftpServer

pytestmark = pytest.mark.main


@pytest.fixture
def server():
    started = SftpServer()
    yield started
    started.close()


@pytest.fixture
def sftp_relay(make_relay, server):
    def make(**keys):
        return make_relay({"destinations": {"aims": server.destination(**keys)}})
    return make


def last_error(relay, identifier):
    return relay.await_delivery(identifier, lambda each: each["last_error"] is not None, "an error", timeout=60)["last_error"]


def attempts(relay, outcome):
    return relay.metrics()[f'edge_relay_attempts_total{{destination="aims",outcome="{outcome}"}}']


def test_a_file_has_its_name_and_bytes_and_nothing_else_is_left(sftp_relay, server):
    relay = sftp_relay()
    payload = fhir(3)
    identifier = relay.submit(payload, FHIR)
    delivery = relay.await_state(identifier, "delivered")["deliveries"][0]
    assert server.names() == [f"{identifier}.fhir"]
    path = server.inbox / f"{identifier}.fhir"
    assert path.read_bytes() == payload
    assert path.stat().st_mode & 0o777 == 0o640
    assert delivery["receipt"] == {"path": str(path)}
    assert delivery["attempts"] == 1
    relay.check_totals()


def test_password_key_as_text_and_names(sftp_relay, server):
    (server.inbox / "lab.default").mkdir()
    os.chown(server.inbox / "lab.default", UID, UID)
    relay = sftp_relay(password=PASSWORD, path="{client}/{date}~{payload_name}~STOP~{id}.{extension}")
    identifier = relay.submit(hl7(), relay_payload_name="../Jane D")
    view = relay.await_state(identifier, "delivered")
    date = view["accepted_at"][:10].replace("-", "")
    assert (server.inbox / "lab.default" / f"{date}~%2E.%2FJane%20D~STOP~{identifier}.hl7").exists()
    assert view["deliveries"][0]["receipt"]["path"].endswith(f"/{date}~{{payload_name}}~STOP~{identifier}.hl7")
    assert "Jane" not in relay.log()
    by_text = sftp_relay(key=(server.folder / "key").read_text(), url=server.url, path="inbox/{id}.txt")
    identifier = by_text.submit(hl7())
    assert by_text.await_state(identifier, "delivered")["deliveries"][0]["receipt"] == {"path": f"inbox/{identifier}.txt"}
    assert (server.inbox / f"{identifier}.txt").exists()


def test_another_host_key_is_never_spoken_to(sftp_relay, server):
    relay = sftp_relay(host_key_sha256="SHA256:" + "A" * 43, password=PASSWORD)
    identifier = relay.submit(hl7())
    error = last_error(relay, identifier)
    assert error["kind"] == "tls"
    assert server.fingerprint in error["message"]
    assert relay.get(identifier)["deliveries"][0]["attempts"] == 0
    assert server.names() == []


def test_any_host_key_of_a_server_can_be_the_pinned_one(make_relay):
    server = SftpServer(host_keys=("rsa", "ed25519", "ecdsa"))
    try:
        relay = make_relay({"destinations": {"aims": server.destination()}})
        for _ in range(3):
            assert relay.await_state(relay.submit(hl7()), "delivered")["deliveries"][0]["attempts"] == 1
        assert attempts(relay, "broken") == 0
    finally:
        server.close()


@pytest.mark.parametrize("what", ["password", "key"])
def test_a_secret_that_changes_in_its_file_is_taken_up(sftp_relay, server, tmp_path, what):
    wrong, right = ("wrong", PASSWORD) if what == "password" else ((server.folder / name).read_text() for name in ("other", "key"))
    secret = tmp_path / "secret"
    secret.write_text(wrong + "\n")
    relay = sftp_relay(**{what: str(secret) if what == "key" else f"${{file:{secret}}}"})
    identifier = relay.submit(hl7())
    assert last_error(relay, identifier)["kind"] == "sign_in"
    secret.write_text(right + "\n")
    delivery = relay.await_state(identifier, "delivered")["deliveries"][0]
    assert delivery["attempts"] == 1
    assert PASSWORD not in relay.log()


def test_keys_as_ssh_keygen_and_openssl_write_them(make_relay, server, tmp_path):
    kinds = [("ed25519", ["ed25519"])]
    if SLOWNESS == 1:  # libssh2 loses two numbers each time it signs with ECDSA, which a sanitizer tells of
        kinds += [("ecdsa", ["ecdsa", "-b", "384"]), ("pem", ["ecdsa", "-m", "PEM"]), ("pkcs8", ["ecdsa", "-b", "521", "-m", "PKCS8"])]
    for name, kind in kinds:
        subprocess.run(["ssh-keygen", "-q", "-N", "", "-t", *kind, "-f", tmp_path / name], check=True)
        with open(server.folder / "authorized", "ab") as authorized:
            authorized.write((tmp_path / f"{name}.pub").read_bytes())
        relay = make_relay({"destinations": {"aims": server.destination(key=str(tmp_path / name))}}, start=False)
        result = command("check", "--connect", "--config", relay.file)
        assert result.returncode == 0 and b"the sign-in holds" in result.stdout, (name, result)


def test_a_part_that_was_left_is_written_over_from_its_beginning(sftp_relay, server):
    relay = sftp_relay(url=f"{server.url}{server.inbox}/later")
    payload = hl7()
    identifier = relay.submit(payload)
    assert last_error(relay, identifier)["kind"] == "not_found"
    later = server.folder / "later"
    later.mkdir()
    (later / f".{identifier}.part").write_bytes(b"rubbish" * 1000)
    for path in (later, later / f".{identifier}.part"):
        os.chown(path, UID, UID)
    later.rename(server.inbox / "later")
    delivery = relay.await_state(identifier, "delivered")["deliveries"][0]
    assert (server.inbox / "later" / f"{identifier}.hl7").read_bytes() == payload
    assert [path.name for path in (server.inbox / "later").iterdir()] == [f"{identifier}.hl7"]
    assert delivery["attempts"] == 1


def test_a_file_that_is_there_is_ours_by_its_size(sftp_relay, server):
    relay = sftp_relay(url=f"{server.url}{server.inbox}/later")
    payload = hl7()
    same, other = relay.submit(payload), relay.submit(payload)
    for identifier in (same, other):
        last_error(relay, identifier)
    later = server.folder / "later"
    later.mkdir()
    (later / f"{same}.hl7").write_bytes(b"x" * len(payload))
    (later / f"{other}.hl7").write_bytes(b"x")
    later.chmod(0o777)
    later.rename(server.inbox / "later")
    relay.await_state(same, "delivered")
    delivery = relay.await_delivery(other, lambda each: (each["last_error"] or {}).get("kind") == "unexpected_answer", "another size")
    assert (delivery["state"], delivery["attempts"]) == ("queued", 0)
    assert (server.inbox / "later" / f"{other}.hl7").read_bytes() == b"x"


def test_a_server_that_dies_in_the_middle_of_a_file(sftp_relay, server):
    server.fault("hang")
    relay = sftp_relay(timeout="60s")
    payload = hl7(extra=b"x" * 3_000_000)
    identifier = relay.submit(payload)
    await_true(server.fault_came, "a file half written", timeout=60)
    assert server.names() == [f".{identifier}.part"]
    server.kill()
    assert last_error(relay, identifier)["kind"] == "unreachable"
    server.start()
    delivery = relay.await_state(identifier, "delivered", timeout=60)["deliveries"][0]
    assert (server.inbox / f"{identifier}.hl7").read_bytes() == payload
    assert server.names() == [f"{identifier}.hl7"]
    assert delivery["attempts"] == 1


def test_a_server_that_halts_is_timed_out(sftp_relay, server):
    server.fault("hang")
    relay = sftp_relay(timeout="2s")
    identifier = relay.submit(hl7())
    assert last_error(relay, identifier)["kind"] == "timeout"
    assert relay.await_state(identifier, "delivered")["deliveries"][0]["attempts"] == 1


@pytest.mark.parametrize("fault, tries", [("rename-lost", 1), ("rename-undone", 2)])
def test_an_answer_lost_at_the_rename_is_looked_for(sftp_relay, server, fault, tries):
    server.fault(fault)
    relay = sftp_relay()
    identifier = relay.submit(hl7())
    delivery = relay.await_state(identifier, "delivered", timeout=60)["deliveries"][0]
    assert server.fault_came()
    assert server.names() == [f"{identifier}.hl7"]
    assert (delivery["attempts"], attempts(relay, "unknown")) == (tries, tries - 1)
    assert relay.metrics()['edge_relay_possible_repeats_total{destination="aims"}'] == 0


def test_a_full_disk_there_holds_everything_and_loses_nothing(make_relay):
    server = SftpServer(disk_megabytes=2)
    try:
        (server.there / "filler").write_bytes(b"x" * 1_900_000)
        relay = make_relay({"destinations": {"aims": server.destination()}})
        payload = hl7(extra=b"x" * 500_000)
        identifier = relay.submit(payload)
        assert last_error(relay, identifier)["kind"] == "unavailable"
        assert relay.get(identifier)["deliveries"][0]["attempts"] == 0
        (server.there / "filler").unlink()
        assert relay.await_state(identifier, "delivered")["deliveries"][0]["attempts"] == 1
        assert (server.there / f"{identifier}.hl7").read_bytes() == payload
    finally:
        server.close()


def test_a_folder_where_nobody_may_write(sftp_relay, server):
    os.chown(server.inbox, 0, 0)
    relay = sftp_relay()
    identifier = relay.submit(hl7())
    assert last_error(relay, identifier)["kind"] == "forbidden"
    os.chown(server.inbox, UID, UID)
    relay.await_state(identifier, "delivered")


def test_many_at_once_and_after_a_restart_of_the_server(sftp_relay, server):
    relay = sftp_relay()
    identifiers = [relay.submit(hl7()) for _ in range(40)]
    for identifier in identifiers:
        relay.await_state(identifier, "delivered", timeout=60)
    for end in (server.kill, server.end_programs):
        end()
        if end == server.kill:
            server.start()
        identifiers.append(relay.submit(hl7()))
        relay.await_state(identifiers[-1], "delivered", timeout=60)
    assert server.names() == sorted(f"{identifier}.hl7" for identifier in identifiers)
    assert attempts(relay, "broken") == 0


def test_check_says_what_is_wrong_in_a_line(make_relay, server):
    def lines(**keys):
        relay = make_relay({"destinations": {"aims": server.destination(**keys)}}, start=False)
        result = command("check", "--connect", "--config", relay.file)
        return result.returncode, (result.stdout + result.stderr).decode()

    code, text = lines()
    assert code == 0 and "the sign-in holds" in text and "not checked" in text
    for keys, word in (({"password": "wrong"}, "doesn't take the password"), ({"key": str(server.folder / "other")}, "doesn't take the key"),
                       ({"host_key_sha256": "SHA256:" + "A" * 43}, "isn't the pinned one"), ({"url": f"{server.url}/nowhere"}, "there is no folder"),
                       ({"url": "sftp://127.0.0.1:1"}, "can't connect"), ({"url": "sftp://nowhere.invalid"}, "no address is known")):
        code, text = lines(**keys)
        assert code == 1 and word in text, (keys, text)
    assert server.names() == []
