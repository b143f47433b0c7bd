"""Idempotency-Key: the same key, client, payload and type is one submission, however often and however close together."""

import threading

import pytest
from relay import FHIR, HL7, fhir, hl7

pytestmark = pytest.mark.main


def test_a_repeat_is_answered_with_the_first_submission(shared_relay):
    payload = hl7()
    first = shared_relay.post(payload, Idempotency_Key="one")
    again = shared_relay.post(payload, Idempotency_Key="one")
    assert (first.status, again.status) == (202, 202)
    assert again.json()["id"] == first.json()["id"]
    assert again.header("Location") == first.header("Location")
    assert first.header("Idempotency-Replayed") is None
    assert again.header("Idempotency-Replayed") == "true"
    assert again.json()["repeats"] == 1
    assert shared_relay.get(first.json()["id"])["repeats"] == 1


def test_quoted_and_bare_are_the_same_key(shared_relay):
    payload = hl7()
    first = shared_relay.post(payload, Idempotency_Key='"quoted"').json()["id"]
    assert shared_relay.post(payload, Idempotency_Key="quoted").json()["id"] == first


def test_another_payload_or_type_is_422(shared_relay):
    shared_relay.post(hl7("A"), Idempotency_Key="conflict")
    for payload, content_type in ((hl7("B"), HL7), (hl7("A"), "text/csv"), (fhir(), FHIR)):
        answer = shared_relay.post(payload, content_type, Idempotency_Key="conflict")
        assert (answer.status, answer.problem) == (422, "idempotency_conflict")
        assert "conflict" not in answer.json()["detail"].replace("idempotency_conflict", "")


def test_the_key_is_the_clients_own(shared_relay):
    payload = hl7()
    first = shared_relay.submit(payload, client="lab.a", Idempotency_Key="shared")
    second = shared_relay.submit(payload, client="lab.b", Idempotency_Key="shared")
    assert first != second


def test_without_a_key_the_same_bytes_are_two_submissions(shared_relay):
    payload = hl7()
    assert shared_relay.submit(payload) != shared_relay.submit(payload)


@pytest.mark.parametrize("size", [0, 150_000], ids=["small", "in-chunks"])
def test_simultaneous_repeats_are_one_submission(shared_relay, size):
    payload = hl7(extra=b"s" * size)
    answers, start = [], threading.Barrier(16)

    def post():
        start.wait()
        answers.append(shared_relay.post(payload, Idempotency_Key=f"together-{size}"))

    threads = [threading.Thread(target=post) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status for answer in answers] == [202] * 16
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum(answer.header("Idempotency-Replayed") is None for answer in answers) == 1


def test_it_holds_over_a_restart_and_a_kill(directory_relay):
    payload = hl7(extra=b"k" * 100_000)
    first = directory_relay.submit(payload, Idempotency_Key="kept")
    assert directory_relay.stop() == 0
    directory_relay.start()
    again = directory_relay.post(payload, Idempotency_Key="kept")
    assert again.json()["id"] == first and again.header("Idempotency-Replayed") == "true"
    directory_relay.kill()
    directory_relay.start()
    assert directory_relay.post(payload, Idempotency_Key="kept").json()["id"] == first
    directory_relay.await_state(first, "delivered")
    assert len(list(directory_relay.archive.glob("*.hl7"))) == 1


def test_a_repeat_of_a_dead_letter_is_a_new_submission(make_relay, make_proxy, azurite, storage):
    from fault_proxy import Rule, storage_error
    proxy = make_proxy(azurite.blob_port)
    proxy.add(Rule(storage_error(413, "RequestBodyTooLarge"), method="PUT", times=1))
    relay = make_relay({"destinations": {"reportstream": storage.destination(
        connection_string=azurite.connection_string(blob=proxy.port))}})
    payload = hl7()
    dead = relay.submit(payload, Idempotency_Key="again")
    relay.await_state(dead, "dead_letter")
    new = relay.post(payload, Idempotency_Key="again")
    assert new.json()["id"] != dead and new.header("Idempotency-Replayed") is None
    relay.await_state(new.json()["id"], "delivered")
    assert relay.post(payload, Idempotency_Key="again").json()["id"] == new.json()["id"]
