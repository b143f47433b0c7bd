"""Stopping with work in the air, and starting again with much of it waiting."""

import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest
from fault_proxy import Rule, black_hole, delay
from relay import HL7, SLOWNESS, ConnectionEnded, await_true, head, hl7

SUPPORT = Path(__file__).resolve().parents[1] / "support"


@pytest.mark.main
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_stop_with_requests_in_the_air(directory_relay, how):
    """Every 202 is in the journal, whenever it was given; who got another answer, or none, is told nothing false."""
    taken, other, ended, lock = {}, [], threading.Event(), threading.Lock()

    def post():
        while not ended.is_set():
            payload = hl7(extra=b"s" * 2000)
            try:
                answer = directory_relay.post(payload)
            except (OSError, ConnectionEnded):
                ended.wait(0.01)
                continue
            with lock:
                if answer.status == 202:
                    taken[answer.json()["id"]] = payload
                else:
                    other.append((answer.status, answer.problem))

    threads = [threading.Thread(target=post) for _ in range(16)]
    for thread in threads:
        thread.start()
    await_true(lambda: len(taken) > 100, "load")
    code = directory_relay.stop(how)
    ended.set()
    for thread in threads:
        thread.join()
    assert code == 0
    assert set(other) <= {(503, "stopping")}
    directory_relay.verify()
    directory_relay.start()
    for identifier in taken:
        directory_relay.await_state(identifier, "delivered")
        assert (directory_relay.archive / f"{identifier}.hl7").read_bytes() == taken[identifier]


@pytest.mark.main
def test_a_request_half_received_is_finished(directory_relay):
    payload = hl7("HALF", extra=b"h" * 10_000)
    with directory_relay.connect() as half, directory_relay.connect() as idle:
        idle.send(head("GET", "/v1/nothing"))
        assert idle.read().status == 404
        half.send(head("POST", "/v1/submissions", {"Content-Type": HL7, "Content-Length": len(payload)}) + payload[:5000])
        # The half is in once the relay has read it; an answer to a later request shows that it is reading.
        assert directory_relay.post(hl7()).status == 202
        directory_relay.process.send_signal(signal.SIGTERM)
        assert idle.closed_within(10)
        half.send(payload[5000:])
        answer = half.read()
        assert answer.status == 202 and answer.header("Connection") == "close"
        identifier = answer.json()["id"]
    assert directory_relay.process.wait(timeout=40) == 0
    directory_relay.start()
    directory_relay.await_state(identifier, "delivered")


@pytest.mark.main
def test_a_delivery_in_flight_is_finished(make_relay, make_proxy, azurite, storage):
    proxy = make_proxy(azurite.queue_port)
    proxy.add(Rule(delay(2), method="POST"))
    relay = make_relay({"destinations": {"reportstream": storage.destination(
        connection_string=azurite.connection_string(queue=proxy.port))}})
    identifier = relay.submit(hl7())
    await_true(lambda: proxy.seen("POST"), "Put Message is under way")
    assert relay.stop() == 0
    assert [each["reportId"] for each in storage.envelopes()] == [identifier]
    relay.start()
    submission = relay.get(identifier)
    assert submission["state"] == "delivered" and submission["deliveries"][0]["attempts"] == 1
    assert len(proxy.seen("POST")) == 1


@pytest.mark.main
def test_shutdown_grace_ends_what_does_not_finish(make_relay, make_proxy, azurite, storage):
    proxy = make_proxy(azurite.queue_port)
    rule = proxy.add(Rule(black_hole(), method="POST"))
    relay = make_relay({"shutdown_grace": "1s", "destinations": {"reportstream": storage.destination(
        connection_string=azurite.connection_string(queue=proxy.port))}})
    identifier = relay.submit(hl7())
    await_true(lambda: rule.hits, "Put Message is under way")
    began = time.monotonic()
    assert relay.stop() == 0
    assert time.monotonic() - began < 15 * SLOWNESS
    proxy.clear()
    relay.start()
    relay.await_state(identifier, "delivered")
    assert {each["reportId"] for each in storage.envelopes()} == {identifier}


@pytest.mark.main
def test_a_connection_that_waits_is_answered_at_the_stop(make_relay, azurite):
    """Prefer: wait is no reason to hold up a stop."""
    relay = make_relay({"destinations": {"away": azurite.storage(create=False).destination()}})
    answers = []
    thread = threading.Thread(target=lambda: answers.append(relay.post(hl7(), Prefer="wait=60", timeout=60)))
    thread.start()
    await_true(lambda: relay.status()["destinations"]["away"]["accepted"] == 1, "taken")
    assert relay.stop() == 0
    thread.join()
    assert answers[0].status == 202


@pytest.mark.main
def test_a_second_term_changes_nothing(directory_relay):
    directory_relay.submit(hl7())
    directory_relay.process.send_signal(signal.SIGTERM)
    directory_relay.process.send_signal(signal.SIGTERM)
    assert directory_relay.process.wait(timeout=40) == 0


def test_restart_with_a_million_queued(make_relay, tmp_path):
    """Memory stays flat, they go out oldest first, the sums hold. Filling takes most of the minute that this takes."""
    count = 1_000_000
    folder = tmp_path / "archive"
    folder.mkdir()
    relay = make_relay({"destinations": {"archive": {"type": "directory", "path": str(folder),
                                                     "backoff": {"initial": "1s", "max": "2s"}}}})
    folder.rmdir()
    first = [relay.submit(hl7()) for _ in range(5)]
    accepted = 0
    while accepted < count:
        subprocess.run(["wrk", "-t1", "-c64", "-d5s", "-s", str(SUPPORT / "post.lua"), f"http://127.0.0.1:{relay.port}/v1/submissions"],
                       check=True, capture_output=True, env={**os.environ, "PAYLOAD_BYTES": "200"})
        now = relay.status()["destinations"]["archive"]["queued"]
        assert now > accepted
        accepted = now
    assert relay.stop() == 0
    relay.start()
    # What was on its way when the load ended was taken too, without anybody to tell.
    status = relay.status()["destinations"]["archive"]
    assert status["queued"] == status["accepted"] >= accepted
    accepted = status["accepted"]
    assert relay.get(first[0])["state"] == "queued"
    relay.submit(hl7())
    folder.mkdir()
    for identifier in first:
        relay.await_state(identifier, "delivered", timeout=60)
    await_true(lambda: relay.status()["destinations"]["archive"]["delivered"] > 2000, "two thousand delivered", timeout=60)
    relay.check_totals()
    assert relay.resident_bytes() < 100 * 1024 * 1024
    assert relay.stop() == 0
    delivered = {path.stem for path in folder.glob("*.hl7")}
    relay.verify()
    relay.start()
    status = relay.status()["destinations"]["archive"]
    assert status["accepted"] == accepted + 1
    assert status["delivered"] >= len(delivered) > 2000
