"""Repeats over MLLP: the same client, MSH-10 and bytes within the window is one submission, whatever else happened."""

import re
import threading

import pytest
from mllp import MllpConnection, message
from ports import free_ports
from raw_http import await_true
from relay import Relay

pytestmark = pytest.mark.main

ABSORB, ACCEPT, SHORT = range(3)


def start_relay(folder, **config):
    (folder / "archive").mkdir()
    ports = free_ports(3)
    listener = [{"listen": f"127.0.0.1:{port}", "client": "lab.lis", "clients": [{"msh3": "OTHER", "client": "lab.other"}]}
                for port in ports]
    listener[ACCEPT]["on_repeat"] = "accept"
    listener[SHORT]["dedupe_window"] = "1s"
    relay = Relay(folder, {"destinations": {"archive": {"type": "directory", "path": str(folder / "archive")}},
                           "intake": {"mllp": listener}, **config})
    relay.ports = ports
    relay.archive = folder / "archive"
    return relay.start()


@pytest.fixture(scope="module")
def relay(tmp_path_factory):
    relay = start_relay(tmp_path_factory.mktemp("mllp-repeats"))
    try:
        yield relay
        assert relay.stop() == 0, relay.log()[-3000:]
        relay.verify()
    finally:
        relay.end()


def accepted(relay):
    return relay.metrics()['edge_relay_submissions_accepted_total{intake="mllp"}']


def counter(relay, name):
    return relay.metrics()[f'edge_relay_{name}_total{{intake="mllp"}}']


def newest(relay):
    return relay.admin_socket("/v1/submissions?limit=1").json()["submissions"][0]


def ask(relay, raw, listener=ABSORB):
    with MllpConnection(relay.ports[listener]) as connection:
        return connection.ask(raw)


def test_a_repeat_is_answered_alike_and_makes_no_second_submission(relay):
    before, absorbed = accepted(relay), counter(relay, "repeats_absorbed")
    first, again = ask(relay, message(b"TWICE")), ask(relay, message(b"TWICE"))
    assert (first.code, again.code, again.control_id) == ("AA", "AA", b"TWICE")

    def alike(answer):
        return re.sub(rb"\d{14}\+0000\|\|ACK\^R01\^ACK\|[^|]+", b"", answer.raw)
    assert alike(first) == alike(again)
    assert accepted(relay) == before + 1 and counter(relay, "repeats_absorbed") == absorbed + 1
    assert newest(relay)["repeats"] == 1
    # After it was delivered too.
    relay.await_state(newest(relay)["id"], "delivered")
    assert ask(relay, message(b"TWICE")).code == "AA"
    assert accepted(relay) == before + 1 and newest(relay)["repeats"] == 2
    shown = relay.command("show", newest(relay)["id"], "--json").stdout
    assert b'"repeats":2' in shown.replace(b" ", b"")


def test_the_same_control_id_with_other_bytes_is_a_new_submission_and_counted(relay):
    before, reused = accepted(relay), counter(relay, "message_names_reused")
    for extra in (b"A", b"B", b"A", b"B"):
        assert ask(relay, message(b"REUSED", extra=extra)).code == "AA"
    assert accepted(relay) == before + 2, "each of both is known again"
    assert counter(relay, "message_names_reused") == reused + 1


def test_another_clients_same_message_is_no_repeat(relay):
    before = accepted(relay)
    ask(relay, message(b"WHOSE", sender=b"OTHER|LAB"))
    ask(relay, message(b"WHOSE", sender=b"LABSYS|LAB"))
    assert accepted(relay) == before + 2


def test_without_a_control_id_nothing_is_a_repeat(relay):
    before = accepted(relay)
    for _ in range(3):
        answer = ask(relay, message(b""))
        assert (answer.code, answer.control_id) == ("AA", b"")
    assert accepted(relay) == before + 3


def test_accept_makes_a_repeat_a_submission_of_its_own(relay):
    before, repeats = accepted(relay), counter(relay, "repeats_accepted")
    for _ in range(3):
        assert ask(relay, message(b"ACCEPTED"), ACCEPT).code == "AA"
    assert accepted(relay) == before + 3 and counter(relay, "repeats_accepted") == repeats + 2


def test_after_the_window_it_is_a_new_submission(relay):
    before = accepted(relay)
    asked = 0

    def taken_again():
        nonlocal asked
        assert ask(relay, message(b"WINDOW"), SHORT).code == "AA"
        asked += 1
        return accepted(relay) == before + 2
    await_true(taken_again, "the window is over", timeout=60, interval=0.2)
    assert asked > 2, "within the window it was absorbed"


def test_repeats_at_once_are_one_submission(relay):
    before = accepted(relay)
    start, codes = threading.Barrier(12), []

    def send():
        with MllpConnection(relay.ports[ABSORB]) as connection:
            start.wait()
            codes.append(connection.ask(message(b"AT-ONCE", extra=b"x" * 100_000)).code)
    threads = [threading.Thread(target=send) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == ["AA"] * 12 and accepted(relay) == before + 1
    assert newest(relay)["repeats"] == 11


def test_a_batch_is_known_by_its_own_control_id(relay):
    before = accepted(relay)
    batch = b"BHS|^~\\&|LABSYS|LAB|||||||B-77\r" + message(b"IN-BATCH") + b"BTS|1\r"
    for _ in range(2):
        assert ask(relay, batch).control_id == b"B-77"
    assert accepted(relay) == before + 1
    assert ask(relay, message(b"IN-BATCH")).code == "AA"
    assert accepted(relay) == before + 2


def test_repeats_are_known_over_a_stop_and_a_kill(tmp_path):
    relay = start_relay(tmp_path)
    try:
        assert ask(relay, message(b"KEPT")).code == "AA"
        assert relay.stop() == 0
        relay.start()
        assert ask(relay, message(b"KEPT")).code == "AA"
        relay.kill()
        relay.start()
        assert ask(relay, message(b"KEPT")).code == "AA"
        assert accepted(relay) == 1 and newest(relay)["repeats"] == 2
        assert relay.stop() == 0
        relay.verify()
    finally:
        relay.end()


def test_what_was_given_up_may_be_sent_again(make_relay, tmp_path):
    port = free_ports(1)[0]
    relay = make_relay({"destinations": {"archive": {"type": "directory", "path": str(tmp_path / "missing")}},
                        "intake": {"mllp": [{"listen": f"127.0.0.1:{port}", "client": "lab.lis"}]}})
    # Paused, so that none is in flight just when it is to be discarded.
    assert relay.command("pause", "archive").returncode == 0
    with MllpConnection(port) as connection:
        assert connection.ask(message(b"DEAD")).code == "AA"
        identifier = newest(relay)["id"]
        assert relay.command("discard", identifier, "--reason", "a test").returncode == 0
        assert connection.ask(message(b"DEAD")).code == "AA"
    assert accepted(relay) == 2
