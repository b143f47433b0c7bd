"""What can't be kept now over MLLP: closed without an answer, or AR/CE with code 207, and nothing of it is lost or taken."""

import pytest
from mllp import MllpConnection, message
from ports import free_ports
from relay import Relay, hl7

pytestmark = pytest.mark.main

LISTENERS = {"close": {}, "nak": {"when_unavailable": "nak"}, "close-enhanced": {"ack": "enhanced"},
             "nak-enhanced": {"ack": "enhanced", "when_unavailable": "nak"}, "nak-auto": {"ack": "auto", "when_unavailable": "nak"}}


@pytest.fixture(scope="module")
def relay(tmp_path_factory):
    """Its journal is full: nothing leaves it, and max_size is small."""
    folder = tmp_path_factory.mktemp("mllp-unavailable")
    ports = free_ports(len(LISTENERS))
    relay = Relay(folder, {
        "journal": {"max_size": "2MiB"},
        "destinations": {"archive": {"type": "directory", "path": str(folder / "missing")}},
        "intake": {"mllp": [{"listen": f"127.0.0.1:{port}", "client": "lab.lis", **LISTENERS[name]} for name, port in zip(LISTENERS, ports)]}})
    relay.mllp = dict(zip(LISTENERS, ports))
    relay.start()
    try:
        for size in (50_000, 1_000, 0):
            while (answer := relay.post(hl7(extra=b"x" * size))).status == 202:
                pass
            assert answer.problem == "journal_full", answer.body
        yield relay
        assert relay.stop() == 0, relay.log()[-3000:]
        relay.verify()
    finally:
        relay.end()


def refused(relay):
    return relay.metrics()['edge_relay_submissions_refused_total{intake="mllp",reason="journal_full"}']


@pytest.mark.parametrize("listener, accept", [("close", b""), ("close", b"AL"), ("close-enhanced", b""), ("close-enhanced", b"NE")])
def test_close_ends_the_connection_without_an_answer(relay, listener, accept):
    before = refused(relay)
    with MllpConnection(relay.mllp[listener]) as connection:
        connection.send_frame(message(b"CLOSED", accept=accept))
        assert connection.closes()
    assert refused(relay) == before + 1
    assert "its message can't be kept now" in relay.log()


@pytest.mark.parametrize("listener, accept, code", [("nak", b"", "AR"), ("nak", b"NE", "AR"), ("nak-enhanced", b"", "CE"),
                                                    ("nak-enhanced", b"ER", "CE"), ("nak-auto", b"AL", "CE"), ("nak-auto", b"", "AR")])
def test_nak_answers_207_and_the_connection_stays(relay, listener, accept, code):
    before = refused(relay)
    with MllpConnection(relay.mllp[listener]) as connection:
        for name in (b"FIRST", b"AGAIN"):
            answer = connection.ask(message(name, accept=accept))
            assert (answer.code, answer.control_id, answer.error) == (code, name, 207)
            assert answer.field("ERR", 3).startswith(b"207^") and answer.field("ERR", 4) == b"E"
        old = connection.ask(message(b"OLD", accept=accept, version=b"2.3"))
        assert (old.code, old.error) == (code, 207) and b"207" in old.field("ERR", 1)
    assert refused(relay) == before + 3


@pytest.mark.parametrize("accept", [b"NE", b"SU"])
def test_who_wants_to_hear_of_no_failure_is_closed_all_the_same(relay, accept):
    """It would take silence for success."""
    with MllpConnection(relay.mllp["nak-enhanced"]) as connection:
        connection.send_frame(message(b"SILENT", accept=accept))
        assert connection.closes()


def test_what_cant_be_taken_anyway_is_refused_for_good_all_the_same(relay):
    """A sender must not try again for ever what is wrong with the message itself."""
    with MllpConnection(relay.mllp["close"]) as connection:
        answer = connection.ask(b"HELLO")
        assert answer.code == "AR" and 200 <= answer.error < 204
