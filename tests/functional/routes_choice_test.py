"""Which destinations a submission goes to: first match, globs, otherwise, several at once, none at all."""

import pytest
from relay import FHIR, HL7, fhir, hl7


@pytest.fixture
def routed(make_relay, tmp_path):
    """A relay with directories a, b and c and these routes."""
    def make(routes, otherwise=None, start=True, **config):
        for name in "abc":
            (tmp_path / name).mkdir(exist_ok=True)
        return make_relay({"destinations": {name: {"type": "directory", "path": str(tmp_path / name)} for name in "abc"},
                           "routes": routes, "otherwise": otherwise, **config}, start=start)
    return make


def destinations_of(relay, *arguments, **options):
    answer = relay.post(*arguments, **options)
    assert answer.status == 202, answer.body
    return [each["destination"] for each in answer.json()["deliveries"]]


def test_the_first_match_wins(routed):
    relay = routed([{"match": {"client": "lab.*", "content_type": HL7}, "to": ["a"]},
                    {"match": {"client": "lab.one"}, "to": ["b"]},
                    {"match": {"content_type": FHIR, "intake": "http"}, "to": ["c"]},
                    {"match": {"intake": "submit"}, "to": ["a", "b", "c"]}], otherwise=["b", "c"])
    assert destinations_of(relay, hl7(), HL7, client="lab.one") == ["a"]
    assert destinations_of(relay, fhir(), FHIR, client="lab.one") == ["b"]
    assert destinations_of(relay, fhir(), FHIR, client="state.two") == ["c"]
    assert destinations_of(relay, hl7(), HL7, client="state.two") == ["b", "c"]
    payload = hl7()
    by_hand = relay.admin_socket("/v1/submissions", "POST", {"Content-Type": "text/csv", "Relay-Client": "desk.one"}, b"a,b\n1,2\n")
    assert [each["destination"] for each in by_hand.json()["deliveries"]] == ["a", "b", "c"]
    assert by_hand.json()["intake"] == "submit"
    assert payload


def test_every_destination_of_a_route_gets_it(routed, tmp_path):
    relay = routed([{"match": {}, "to": ["a", "b", "c"]}])
    payload = hl7()
    identifier = relay.submit(payload)
    assert len(relay.await_state(identifier, "delivered")["deliveries"]) == 3
    for name in "abc":
        assert (tmp_path / name / f"{identifier}.hl7").read_bytes() == payload
    relay.check_totals()


def test_one_destination_down_does_not_hold_the_other(make_relay, azurite, tmp_path):
    (tmp_path / "a").mkdir()
    missing = azurite.storage(create=False)
    relay = make_relay({"destinations": {"a": {"type": "directory", "path": str(tmp_path / "a")},
                                         "away": missing.destination(backoff={"initial": "100ms", "max": "500ms"})},
                        "routes": [{"match": {}, "to": ["a", "away"]}]})
    identifier = relay.submit(hl7())
    relay.await_delivery(identifier, lambda each: each["state"] == "delivered", "delivered to a")
    submission = relay.get(identifier)
    assert submission["state"] == "queued"
    assert [each["destination"] for each in submission["deliveries"]] == ["a", "away"]
    missing.create()
    relay.await_state(identifier, "delivered")


def test_no_route_is_422(routed):
    relay = routed([{"match": {"client": "lab.*"}, "to": ["a"]}])
    answer = relay.post(hl7(), client="state.x")
    assert (answer.status, answer.problem) == (422, "no_route")
    assert relay.post(hl7(), client="lab.x").status == 202


def test_a_type_that_one_destination_of_the_route_does_not_take_is_415(make_relay, azurite, storage, tmp_path):
    """text/csv can't go by ReportStream's envelope: refused at the door, not found out later."""
    (tmp_path / "a").mkdir()
    relay = make_relay({"destinations": {"a": {"type": "directory", "path": str(tmp_path / "a")},
                                         "reportstream": storage.destination()},
                        "routes": [{"match": {"client": "lab.*"}, "to": ["a", "reportstream"]}], "otherwise": ["a"]})
    answer = relay.post(b"a,b\n1,2\n", "text/csv", client="lab.x")
    assert (answer.status, answer.problem) == (415, "content_type_not_taken")
    assert "text/csv" not in answer.header("Accept-Post")
    assert relay.post(b"a,b\n1,2\n", "text/csv", client="other.x").status == 202


def test_a_size_that_one_destination_of_the_route_does_not_take_is_413(make_relay, azurite, storage, tmp_path):
    (tmp_path / "a").mkdir()
    relay = make_relay({"destinations": {"a": {"type": "directory", "path": str(tmp_path / "a")},
                                         "raw": storage.destination(envelope="raw")},
                        "routes": [{"match": {"client": "lab.*"}, "to": ["a", "raw"]}], "otherwise": ["a"]})
    assert relay.post(hl7(extra=b"x" * 60_000), client="lab.x").status == 413
    assert relay.post(hl7(extra=b"x" * 60_000), client="other.x").status == 202


def test_one_destination_without_routes_takes_everything(directory_relay):
    for client in ("lab.x", "a", "Z.9_-"):
        assert directory_relay.post(hl7(), client=client).status == 202
