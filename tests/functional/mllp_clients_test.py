"""MLLP with clients we didn't write: Debian's mllp_send and python3-hl7, and node-hl7-client, plain and under TLS."""

import asyncio
import json
import subprocess

import pytest
from hl7.mllp import open_hl7_connection
from mllp import message
from relay import ROOT, SLOWNESS, await_true
from tls import client_context

CLIENT = ROOT / "tests/support/hl7_client.mjs"


@pytest.fixture
def relay(make_mllp_relay, identities):
    """One listener in plain, one under TLS that asks for certificates."""
    server = identities["server"]
    relay = make_mllp_relay({"client": "lab.lis"}, {"tls": {
        "certificate": str(server.certificate), "key": str(server.key), "client_ca": str(identities["authority"].certificate),
        "clients": [{"subject_cn": "Lab A", "client": "lab.a"}]}})
    relay.plain, relay.tls = relay.mllp[:2]
    return relay


def submissions(relay):
    """(client, payload) of each, the oldest first."""
    found = relay.admin_socket("/v1/submissions?limit=100").json()["submissions"]
    return [(each["client"], relay.admin_socket(f"/v1/submissions/{each['id']}/payload").body) for each in reversed(found)]


def test_debians_mllp_send(relay, tmp_path):
    names = [f"SEND-{number}" for number in range(5)]
    # With framing in the file: each is sent as it stands, and answered.
    file = tmp_path / "messages.hl7"
    file.write_bytes(b"".join(b"\x0b" + message(name.encode()) + b"\x1c\r" for name in names))
    result = subprocess.run(["mllp_send", "--port", str(relay.plain), "--file", str(file), "127.0.0.1"], capture_output=True,
                            timeout=60 * SLOWNESS, check=False)
    assert result.returncode == 0, result.stderr
    for name in names:
        assert f"MSA|AA|{name}".encode() in result.stdout, result.stdout
    # It takes the last CR away.
    assert submissions(relay) == [("lab.lis", message(name.encode())[:-1]) for name in names]


def test_debians_mllp_send_loose(relay, tmp_path):
    """A file as an editor leaves it: no framing, a line a segment. The client turns it into messages of its own."""
    file = tmp_path / "edited.hl7"
    file.write_bytes((message(b"LOOSE-1") + message(b"LOOSE-2")).replace(b"\r", b"\r\n"))
    result = subprocess.run(["mllp_send", "--loose", "--port", str(relay.plain), "--file", str(file), "127.0.0.1"], capture_output=True,
                            timeout=60 * SLOWNESS, check=False)
    assert result.returncode == 0, result.stderr
    assert b"MSA|AA|LOOSE-1" in result.stdout and b"MSA|AA|LOOSE-2" in result.stdout, result.stdout
    assert len(submissions(relay)) == 2


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_pythons_hl7_library(relay, identities, tls):
    """It parses the answers itself."""
    async def send():
        context = client_context(identities["server"], identities["lab_a"]) if tls else None
        reader, writer = await open_hl7_connection("127.0.0.1", relay.tls if tls else relay.plain, encoding="utf-8", ssl=context)
        answers = []
        for number in range(20):
            writer.writemessage(message(b"LIB-%d" % number).decode())
            await writer.drain()
            answer = await reader.readmessage()
            answers.append((str(answer.segment("MSA")[1]), str(answer.segment("MSA")[2])))
        writer.close()
        return answers
    assert asyncio.run(send()) == [("AA", f"LIB-{number}") for number in range(20)]
    assert [client for client, _ in submissions(relay)] == ["lab.a" if tls else "lab.lis"] * 20


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_an_npm_client(relay, identities, tls):
    own = identities["lab_a"]
    files = [str(identities["server"].certificate), str(own.certificate), str(own.key)] if tls else []
    result = subprocess.run(["node", str(CLIENT), str(relay.tls if tls else relay.plain), "20", *files], capture_output=True,
                            timeout=60 * SLOWNESS, check=False)
    assert result.returncode == 0, result.stderr
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    names = [f"NODE-{number}" for number in range(20)] + ["NODE-BATCH"]
    assert [(answer["code"], answer["controlId"], answer["type"]) for answer in answers] == [("AA", name, "ACK") for name in names]
    taken = submissions(relay)
    assert [client for client, _ in taken] == ["lab.a" if tls else "lab.lis"] * 21
    assert taken[-1][1].startswith(b"BHS|") and taken[-1][1].count(b"MSH|") == 2
    await_true(lambda: len(list(relay.archive.glob("*.hl7"))) == 21, "all of them are delivered", timeout=60)
