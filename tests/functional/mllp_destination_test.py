"""Destination `mllp`: what goes out, what acknowledgements mean, what is refused at the door; against a receiver made from
the contract and against one that others wrote (npm simple-hl7)."""

import json
import re
import ssl
import subprocess
from pathlib import Path

import pytest
from hl7_receiver import END, START, Hl7Receiver, acknowledgement
from mllp import MllpConnection
from ports import free_port
from relay import FHIR, await_true, command, fhir, hl7
from tls import Identity

SUPPORT = Path(__file__).resolve().parents[1] / "support"
QUICK = {"initial": "100ms", "max": "300ms"}


@pytest.fixture
def receiver():
    made = Hl7Receiver()
    yield made
    made.close()


def destination(port, **keys):
    return {"type": "mllp", "address": f"127.0.0.1:{port}", "backoff": QUICK, "ack_timeout": "20s", **keys}


@pytest.fixture
def relay_to(make_relay):
    def make(port, config=None, **keys):
        return make_relay({"destinations": {"engine": destination(port, **keys)}, **(config or {})})
    return make


def test_messages_go_out_as_they_came_over_one_connection(relay_to, receiver):
    relay = relay_to(receiver.port)
    payloads = [hl7(f"ID{number}", extra=b"\xf6") for number in range(20)]
    identifiers = [relay.submit(each) for each in payloads]
    for identifier in identifiers:
        delivery = relay.await_state(identifier, "delivered")["deliveries"][0]
        assert delivery["attempts"] == 1
        assert delivery["receipt"] == {"acknowledgement": "AA"}
    assert sorted(receiver.messages) == sorted(payloads)
    assert receiver.connections == 1


def test_from_door_to_door(relay_to, receiver):
    """MLLP in, MLLP out: any line ends, BOM and Z-segments stay as they are."""
    port = free_port()
    relay_to(receiver.port, {"intake": {"mllp": [{"listen": f"127.0.0.1:{port}", "client": "lab.lis"}]}})
    message = b"\xef\xbb\xbfMSH|^~\\&|LIS|HOSP|R|S|20261124||ORU^R01|77|P|2.3\nPID|1||\xc3\xb6\nZXX|any|thing\n"
    with MllpConnection(port) as connection:
        assert connection.ask(message).code == "AA"
    await_true(lambda: receiver.messages == [message], lambda: f"the message: {receiver.messages}", timeout=60)


LATER = [("AE", b"ERR||PID^1|207^Application internal error^HL70357|E"), ("AR", b""), ("CR", b"ERR||PID^1|206^x|E"),
         ("AE", b"ERR|PID^1^3^207&x&HL70357")]
REFUSED = [("AE", b""), ("CE", b"ERR||PID^1|101^x|E"), ("AR", b"ERR||MSH^9|200^x|E"), ("CR", b"ERR||MSH^12|203^x|E")]


@pytest.mark.parametrize("answer", LATER, ids=lambda each: f"{each[0]} {each[1][:14].decode()}")
def test_try_later(relay_to, receiver, answer):
    receiver.answer(answer)
    relay = relay_to(receiver.port)
    identifier = relay.submit(hl7())
    assert relay.await_state(identifier, "delivered")["deliveries"][0]["attempts"] == 2
    assert receiver.connections == 1


@pytest.mark.parametrize("answer", REFUSED, ids=lambda each: f"{each[0]} {each[1][:14].decode()}")
def test_refused(relay_to, receiver, answer):
    receiver.answer(answer)
    relay = relay_to(receiver.port)
    delivery = relay.await_state(relay.submit(hl7()), "dead_letter")["deliveries"][0]
    assert (delivery["attempts"], delivery["last_error"]["kind"]) == (1, "refused")


@pytest.mark.parametrize("answer", [START + acknowledgement("AA", b"another") + END, START + acknowledgement("AA", b"") + END, None],
                         ids=["another MSA-2", "no MSA-2", "none in time"])
def test_unknown_is_sent_again_over_another_connection_and_counted(relay_to, receiver, answer):
    receiver.answer(answer)
    relay = relay_to(receiver.port, ack_timeout="300ms" if answer is None else "20s")
    identifier = relay.submit(hl7("SAME"))
    delivery = relay.await_state(identifier, "delivered", timeout=60)["deliveries"][0]
    assert delivery["attempts"] >= 2
    assert set(receiver.control_ids()) == {b"SAME"} and receiver.connections >= 2
    await_true(lambda: relay.metrics()['edge_relay_possible_repeats_total{destination="engine"}'] >= 1, "its count")


def test_a_receiver_that_is_away_costs_no_attempt(relay_to, receiver):
    receiver.close()
    relay = relay_to(receiver.port)
    identifiers = [relay.submit(hl7()) for _ in range(5)]
    for identifier in identifiers:
        delivery = relay.await_delivery(identifier, lambda each: each["last_error"], "an error")
        assert (delivery["last_error"]["kind"], delivery["attempts"]) == ("unreachable", 0)
    receiver.start()
    for identifier in identifiers:
        relay.await_state(identifier, "delivered", timeout=60)
    assert len(receiver.messages) == 5


@pytest.mark.parametrize("payload", [b"MSH|^~\\&|LAB\rPID|1\r", hl7(extra=b"\x1c "), hl7(extra=b"\x0b ")],
                         ids=["no MSH-10", "0x1C", "0x0B"])
def test_what_no_frame_can_hold_is_refused_at_the_door(relay_to, receiver, payload):
    relay = relay_to(receiver.port, {"intake": {"validate": "off"}})
    answer = relay.post(payload)
    assert (answer.status, answer.json()["type"]) == (400, "urn:edge-relay:problem:invalid_payload")
    assert "MLLP" in answer.json()["detail"] or "MSH-10" in answer.json()["detail"]
    assert relay.post(fhir(), FHIR).status == 415
    relay.await_state(relay.submit(hl7()), "delivered")
    assert len(receiver.messages) == 1


def test_a_batch_is_answered_by_its_own_control_id(relay_to, receiver):
    batch = b"BHS|^~\\&|LAB||||20261124||||B7\r" + hl7("1") + hl7("2") + b"BTS|2\r"
    receiver.answer(START + acknowledgement("AA", b"B7") + END)
    relay = relay_to(receiver.port)
    relay.await_state(relay.submit(batch), "delivered")
    assert receiver.messages == [batch]


def test_a_receiver_that_others_wrote(relay_to):
    port = free_port()
    node = subprocess.Popen(["node", str(SUPPORT / "hl7_server.mjs"), str(port)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                            text=True)
    try:
        assert node.stdout.readline() == f"port {port}\n"
        relay = relay_to(port)
        taken, refused = relay.submit(hl7("GOOD1")), relay.submit(hl7("bad1"))
        relay.await_state(taken, "delivered")
        relay.await_state(refused, "dead_letter")
        relay.await_state(relay.submit(hl7("GOOD2")), "delivered")
        seen = [node.stdout.readline().split()[1] for _ in range(3)]
        assert sorted(seen) == ["GOOD1", "GOOD2", "bad1"]
    finally:
        node.terminate()
        node.wait(20)
        node.stdout.close()


def test_tls_is_verified_and_a_certificate_shown(make_relay, tmp_path):
    authority = Identity(tmp_path, "authority", "Test authority")
    server = Identity(tmp_path, "server", "server", dns=["localhost"], issuer=authority)
    own = Identity(tmp_path, "relay", "lab-014", issuer=authority)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server.certificate, server.key)
    context.load_verify_locations(authority.certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    receiver = Hl7Receiver(tls=context)
    try:
        shown = {"ca_file": str(authority.certificate), "certificate": str(own.certificate), "key": str(own.key)}
        relay = make_relay({"destinations": {"engine": destination(receiver.port, tls=shown)}})
        relay.await_state(relay.submit(hl7()), "delivered")
        said = command("check", "--connect", "--config", relay.file).stdout.decode()
        assert re.search(r"^engine: TLS: the certificate holds, for another \d+ days$", said, re.MULTILINE), said
        for keys, address in (({"tls": True}, "127.0.0.1"), ({"tls": shown | {"ca_file": str(own.certificate)}}, "localhost"),
                              ({"tls": {"ca_file": str(authority.certificate)}}, "localhost")):
            stranger = make_relay({"destinations": {"engine": destination(receiver.port, **keys) | {
                "address": f"{address}:{receiver.port}"}}})
            delivery = stranger.await_delivery(stranger.submit(hl7()), lambda each: each["last_error"], "an error")
            assert (delivery["last_error"]["kind"], delivery["attempts"]) == ("tls", 0)
            assert "certificate" in delivery["last_error"]["message"]
        assert len(receiver.messages) == 1
    finally:
        receiver.close()


@pytest.mark.parametrize("keys, words", [
    ({}, "address is missing"),
    ({"address": "host"}, "isn't HOST:PORT"),
    ({"address": "host:0"}, "isn't HOST:PORT"),
    ({"address": "a:1", "tls": {"certificate": "/nowhere.pem"}}, "needs `key`"),
    ({"address": "a:1", "ca_file": "/nowhere.pem"}, "ca_file"),
    ({"address": "a:1", "ack_timeout": "soon"}, "isn't a duration"),
    ({"address": "a:1", "proxy": "http://a:1"}, "unknown key"),
])
def test_each_slip_has_its_line(tmp_path, keys, words):
    file = tmp_path / "problems.yaml"
    file.write_text(json.dumps({"destinations": {"engine": {"type": "mllp", **keys}}}))
    result = command("check", "--config", file)
    assert result.returncode == 78 and words in result.stderr.decode(), result.stderr


def test_check_connect(relay_to, receiver):
    relay = relay_to(receiver.port)
    good = command("check", "--connect", "--config", relay.file)
    assert good.returncode == 0 and b"it takes connections" in good.stdout, good.stdout + good.stderr
    receiver.close()
    bad = command("check", "--connect", "--config", relay.file)
    assert bad.returncode == 1 and b"can't connect" in bad.stdout + bad.stderr
    assert receiver.messages == []
