"""The order of deliveries (`routes[].ordering`, `on_dead_letter`) and hold windows, through the real program: over a
destination that fails, over kill -9, and what `status` says of what blocks."""

import datetime
import re

import pytest
from answering_server import Answer
from endpoint import Endpoint
from mllp import MllpConnection, message
from ports import free_ports
from relay import await_true, hl7

QUICK = {"initial": "50ms", "max": "200ms"}
BUSY = Answer(503, {"error": "busy"})
REFUSED = Answer(422, {"error": "no"})


@pytest.fixture
def endpoint():
    server = Endpoint()
    yield server
    server.close()


@pytest.fixture
def ordered_relay(make_relay, endpoint):
    """A relay with one destination, `state`, and one route to it with these keys."""
    def make(destination=None, intake=None, **route):
        return make_relay({
            "destinations": {"state": {"type": "http", "url": endpoint.url + "/results/{client}/{id}", "backoff": QUICK,
                                       "timeout": "20s", **(destination or {})}},
            "routes": [{"match": {}, "to": ["state"], **route}], **({"intake": intake} if intake else {})})
    return make


def order_of_arrival(endpoint):
    """Ids in the order in which the endpoint took them first."""
    with endpoint.lock:
        return list(dict.fromkeys(path.rsplit("/", 1)[1] for _, path, _, _ in endpoint.bodies))


def numbered(number):
    """A result of that order: ORC-3."""
    return hl7().replace(b"OBR|1|ORD-1|FIL-1|", b"ORC|RE|ORD-1|" + number + b"\rOBR|1|ORD-1|FIL-1|")


def delivery_of(relay, identifier):
    """As operators see it: it may wait for another client's."""
    return relay.admin_socket(f"/v1/submissions/{identifier}").json()["deliveries"][0]


def blocked_by(relay):
    return relay.status()["destinations"]["state"]["blocked_by"]


def test_a_clients_submissions_arrive_in_order_over_failures_and_kills(ordered_relay, endpoint):
    relay = ordered_relay(ordering="client")
    sent = {"lab.a": [], "lab.b": []}
    for turn in range(3):
        for client in ("lab.a", "lab.b"):
            endpoint.answer(client, BUSY, Answer(close=True))
        for _ in range(6):
            for client, identifiers in sent.items():
                identifiers.append(relay.submit(hl7(), client=client))
        if turn == 2:
            break
        # Somewhere in the middle of them.
        await_true(lambda least=len(endpoint.bodies): len(endpoint.bodies) > least, "one more has arrived")
        relay.kill()
        relay.start()
    for identifiers in sent.values():
        for identifier in identifiers:
            relay.await_state(identifier, "delivered", timeout=60)
    arrived = order_of_arrival(endpoint)
    for identifiers in sent.values():
        assert [each for each in arrived if each in identifiers] == identifiers
    assert blocked_by(relay) == []
    relay.check_totals()
    assert relay.stop() == 0
    relay.verify()


def test_what_waits_and_what_it_waits_for_are_named_by_their_ids(ordered_relay, endpoint):
    relay = ordered_relay(ordering="client")
    endpoint.always("lab.a", BUSY)
    first = relay.submit(hl7(), client="lab.a")
    second = relay.submit(hl7(), client="lab.a")
    other = relay.submit(hl7(), client="lab.b")
    relay.await_state(other, "delivered")
    assert blocked_by(relay) == [first]
    assert f"wait for {first}" in relay.command("status").stdout.decode()
    waiting = delivery_of(relay, second)
    assert (waiting["waits_for"], waiting["attempts"], waiting["next_attempt_at"]) == (first, 0, None)
    assert "waits_for" not in delivery_of(relay, first)
    endpoint.clear()
    relay.await_state(second, "delivered")
    assert order_of_arrival(endpoint) == [other, first, second]


def test_order_numbers_go_beside_each_other_and_each_in_its_order(ordered_relay, endpoint):
    relay = ordered_relay(ordering="key")
    endpoint.always("lab.held/", BUSY)
    held = relay.submit(numbered(b"4711^LIS"), client="lab.held")
    # A correction of the same order, through another client.
    behind = relay.submit(numbered(b"4711^LIS"), client="lab.a")
    beside = relay.submit(numbered(b"4712^LIS"), client="lab.b")
    without = relay.submit(b"MSH|^~\\&|A|B|C|D|20261124180000||ADT^A01|N-1|T|2.5.1\r", client="lab.a")
    relay.await_state(beside, "delivered")
    relay.await_state(without, "delivered")
    assert delivery_of(relay, behind)["waits_for"] == held
    endpoint.clear()
    relay.await_state(behind, "delivered")
    arrived = order_of_arrival(endpoint)
    assert arrived.index(held) < arrived.index(behind)


def test_behind_a_dead_letter_others_go_on_by_default(ordered_relay, endpoint):
    relay = ordered_relay(ordering="client")
    endpoint.answer("lab.a", REFUSED)
    first = relay.submit(hl7(), client="lab.a")
    second = relay.submit(hl7(), client="lab.a")
    relay.await_state(first, "dead_letter")
    relay.await_state(second, "delivered")


def test_behind_a_dead_letter_others_stop_until_somebody_acts(ordered_relay, endpoint):
    relay = ordered_relay(ordering="client", on_dead_letter="stop")
    endpoint.answer("lab.a", REFUSED, REFUSED)
    first = relay.submit(hl7(), client="lab.a")
    relay.await_state(first, "dead_letter")
    second = relay.submit(hl7(), client="lab.a")
    third = relay.submit(hl7(), client="lab.a")
    other = relay.submit(hl7(), client="lab.b")
    relay.await_state(other, "delivered")
    assert relay.get(second)["state"] == "queued"
    assert blocked_by(relay) == [first]
    relay.kill()
    relay.start()
    # Refused once more; then taken, and the others behind it.
    assert relay.command("retry", first).returncode == 0
    await_true(lambda: len(endpoint.seen(first)) == 2, "tried once more")
    relay.await_state(first, "dead_letter")
    assert len(endpoint.seen(second)) == 0
    assert relay.command("retry", first).returncode == 0
    relay.await_state(third, "delivered")
    assert order_of_arrival(endpoint) == [other, first, second, third]
    # What was given up holds nobody.
    endpoint.answer("lab.a", REFUSED)
    fourth = relay.submit(hl7(), client="lab.a")
    relay.await_state(fourth, "dead_letter")
    fifth = relay.submit(hl7(), client="lab.a")
    assert relay.command("discard", fourth, "--reason", "a mistake").returncode == 0
    relay.await_state(fifth, "delivered")


def test_what_comes_through_mllp_keeps_its_clients_order_by_itself(ordered_relay, endpoint):
    (port,) = free_ports(1)
    relay = ordered_relay(intake={"mllp": [{"listen": f"127.0.0.1:{port}", "client": "lab.lis"}]})
    endpoint.answer("lab.lis", BUSY, BUSY)
    connection = MllpConnection(port)
    for number in range(4):
        assert connection.ask(message(f"ORDER-{number}".encode())).code == "AA"
    connection.close()
    await_true(lambda: len(endpoint.bodies) == 4, "all arrived")
    names = [re.search(rb"ORDER-\d", body)[0] for _, _, _, body in endpoint.bodies]
    assert names == [b"ORDER-0", b"ORDER-1", b"ORDER-2", b"ORDER-3"]


# ---- Hold windows ----

ZONE = "America/New_York"
ALL_DAY = [{"from": "00:00", "to": "24:00", "time_zone": ZONE}]


def test_nothing_is_sent_inside_a_hold_window_and_the_door_stays_open(ordered_relay, endpoint):
    relay = ordered_relay({"hold_windows": ALL_DAY})
    identifiers = [relay.submit(hl7()) for _ in range(5)]
    await_true(lambda: relay.health()["destinations"]["state"]["state"] == "holding", "held")
    status = relay.status()["destinations"]["state"]
    assert status["queued"] == 5
    until = datetime.datetime.fromisoformat(status["holding_until"].replace("Z", "+00:00"))
    now = datetime.datetime.now(datetime.timezone.utc)
    assert now < until <= now + datetime.timedelta(hours=25)
    assert until.hour in (4, 5), "midnight in New York"
    assert relay.get(identifiers[0])["deliveries"][0]["next_attempt_at"] == status["holding_until"]
    assert endpoint.requests == []
    # The window is taken away: all of it goes out.
    relay.update({"destinations": {"state": {"hold_windows": []}}})
    assert relay.command("reload").returncode == 0
    for identifier in identifiers:
        relay.await_state(identifier, "delivered")
    assert relay.health()["destinations"]["state"]["state"] == "up"


def test_a_window_that_isnt_now_holds_nothing(ordered_relay, endpoint):
    weekdays = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    # Three days away, in every zone.
    day = weekdays[(datetime.datetime.now(datetime.timezone.utc).weekday() + 3) % 7]
    relay = ordered_relay({"hold_windows": [{"days": [day], "from": "09:30", "to": "11:00", "time_zone": ZONE}]})
    relay.await_state(relay.submit(hl7()), "delivered")
