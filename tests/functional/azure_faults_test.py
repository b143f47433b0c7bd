"""Answers that Azurite never gives, by the fault proxy: busy, failing, silent, cut off, or not Azure at all."""

import pytest
from fault_proxy import (Rule, answer, black_hole, cut_answer, delay, drip, html, reset_after_body, reset_after_forward,
                         reset_before_body, storage_error)
from relay import await_true, hl7

pytestmark = pytest.mark.main

QUICK = {"initial": "50ms", "max": "300ms"}
REPEATS = 'edge_relay_possible_repeats_total{destination="reportstream"}'


@pytest.fixture
def proxied(make_relay, make_proxy, azurite, storage):
    """A relay whose three services each stand behind a fault proxy: relay, proxies by service."""
    proxies = {service: make_proxy(getattr(azurite, f"{service}_port")) for service in ("queue", "blob", "table")}
    relay = make_relay({"destinations": {"reportstream": storage.destination(
        connection_string=azurite.connection_string(**{name: proxy.port for name, proxy in proxies.items()}),
        backoff=QUICK, timeout="2s")}})
    return relay, proxies


def attempts_of(relay, outcome):
    return relay.metrics()[f'edge_relay_attempts_total{{destination="reportstream",outcome="{outcome}"}}']


@pytest.mark.parametrize("service", ["queue", "blob", "table"])
@pytest.mark.parametrize("status, code, kind", [
    (429, "TooManyRequests", "throttled"), (500, "InternalError", "unavailable"), (503, "ServerBusy", "unavailable"),
    (502, "BadGateway", "unavailable"), (408, "RequestTimeout", None)])
def test_busy_is_try_later_and_counts(proxied, storage, service, status, code, kind):
    relay, proxies = proxied
    rule = proxies[service].add(Rule(storage_error(status, code)))
    identifier = relay.submit(hl7())
    delivery = relay.await_delivery(identifier, lambda each: each["attempts"] >= 2, "two tries")
    assert delivery["state"] == "queued"
    assert delivery["last_error"]["status"] == status
    if kind is not None:
        assert delivery["last_error"]["kind"] == kind
    assert str(status) in delivery["last_error"]["message"]
    proxies[service].clear()
    done = relay.await_state(identifier, "delivered")["deliveries"][0]
    assert done["attempts"] == rule.hits + 1
    assert attempts_of(relay, "try_later") == rule.hits
    assert [each["reportId"] for each in storage.envelopes()] == [identifier]
    assert relay.metrics()[REPEATS] == 0


def test_retry_after_holds_the_lane(proxied, storage):
    """One answer with Retry-After, and no other submission is tried before it has passed."""
    relay, proxies = proxied
    proxies["blob"].add(Rule(storage_error(503, "ServerBusy", headers={"Retry-After": "2"}), times=1))
    first = relay.submit(hl7())
    await_true(lambda: proxies["blob"].requests, "the first try")
    second = relay.submit(hl7())
    for identifier in (first, second):
        relay.await_state(identifier, "delivered")
    held, *later = proxies["blob"].seen()
    # The proxy answered at once; its clock and the relay's are one machine's.
    assert min(each.at for each in later) - held.at >= 1.9
    assert len(storage.envelopes()) == 2


def test_a_silent_queue_is_unknown_and_counted_as_a_possible_repeat(proxied, storage):
    relay, proxies = proxied
    proxies["queue"].add(Rule(black_hole(), method="POST", times=1))
    identifier = relay.submit(hl7())
    delivery = relay.await_delivery(identifier, lambda each: each["last_error"] or each["state"] == "delivered", "the time-out")
    assert delivery["last_error"] is None or delivery["last_error"]["kind"] == "timeout"
    assert relay.await_state(identifier, "delivered")["deliveries"][0]["attempts"] == 2
    assert attempts_of(relay, "unknown") == 1
    assert relay.metrics()[REPEATS] == 1
    assert [each["reportId"] for each in storage.envelopes()] == [identifier]


@pytest.mark.parametrize("service", ["blob", "table"])
def test_a_silent_blob_or_table_step_is_repeated_without_harm(proxied, storage, service):
    relay, proxies = proxied
    proxies[service].add(Rule(black_hole(), times=1))
    identifier = relay.submit(hl7())
    relay.await_state(identifier, "delivered")
    assert relay.metrics()[REPEATS] == 0
    assert [each["reportId"] for each in storage.envelopes()] == [identifier]
    assert len(storage.rows()) == 1


def test_an_answer_lost_after_put_message_makes_a_repeat_of_the_same_identity(proxied, storage):
    relay, proxies = proxied
    proxies["queue"].add(Rule(reset_after_forward(), method="POST", times=1))
    payload = hl7()
    identifier = relay.submit(payload)
    relay.await_state(identifier, "delivered")
    first, second = storage.envelopes()
    assert first == second
    assert first["reportId"] == identifier
    assert storage.blob(first["blobURL"]) == payload
    assert len(storage.blob_names()) == 1 and len(storage.rows()) == 1
    assert relay.metrics()[REPEATS] == 1


@pytest.mark.parametrize("service", ["queue", "blob", "table"])
@pytest.mark.parametrize("fault", [reset_before_body, reset_after_body, reset_after_forward, cut_answer])
def test_cut_connections_lose_nothing(proxied, storage, service, fault):
    relay, proxies = proxied
    proxies[service].add(Rule(fault(), times=3))
    payloads = {relay.submit(payload): payload for payload in (hl7() for _ in range(5))}
    for identifier in payloads:
        relay.await_state(identifier, "delivered")
    envelopes = storage.envelopes()
    assert {each["reportId"] for each in envelopes} == set(payloads)
    assert len(storage.rows()) == len(payloads)
    for each in envelopes:
        assert storage.blob(each["blobURL"]) == payloads[each["reportId"]]
    relay.check_totals()


@pytest.mark.parametrize("service", ["queue", "blob", "table"])
@pytest.mark.parametrize("status", [200, 201])
def test_html_is_never_success(proxied, storage, service, status):
    """A captive portal says 200 to everything; a gateway may even say 201."""
    relay, proxies = proxied
    proxies[service].add(Rule(html(status)))
    identifier = relay.submit(hl7())
    delivery = relay.await_delivery(identifier, lambda each: each["last_error"], "an error")
    assert (delivery["state"], delivery["attempts"]) == ("queued", 0)
    assert delivery["last_error"]["kind"] == "unexpected_answer"
    assert storage.peek() == []
    proxies[service].clear()
    relay.await_state(identifier, "delivered")
    assert [each["reportId"] for each in storage.envelopes()] == [identifier]


@pytest.mark.parametrize("status, kind", [(302, "redirect"), (307, "redirect"), (407, "proxy"), (410, "gone"), (418, "unexpected_answer")])
def test_what_is_not_listed_is_broken_and_costs_no_attempt(proxied, storage, status, kind):
    relay, proxies = proxied
    proxies["queue"].add(Rule(answer(status, b"", {"Location": f"http://127.0.0.1:{proxies['blob'].port}/elsewhere"})))
    identifier = relay.submit(hl7())
    delivery = relay.await_delivery(identifier, lambda each: each["last_error"], "an error")
    assert (delivery["state"], delivery["attempts"], delivery["last_error"]["kind"]) == ("queued", 0, kind)
    # Redirects are never followed: nobody asked for the other place.
    assert not proxies["blob"].seen(path="elsewhere")
    proxies["queue"].clear()
    relay.await_state(identifier, "delivered")
    assert len(storage.envelopes()) == 1


def test_a_clock_far_from_azures_is_named(proxied):
    relay, proxies = proxied
    proxies["blob"].add(Rule(storage_error(403, "AuthenticationFailed", {"Date": "Tue, 24 Nov 2020 18:00:00 GMT"})))
    delivery = relay.await_delivery(relay.submit(hl7()), lambda each: each["last_error"], "an error")
    assert delivery["last_error"]["kind"] == "clock"
    assert "clock is off by" in delivery["last_error"]["message"]
    assert delivery["attempts"] == 0


def test_a_refused_payload_is_a_dead_letter_and_blocks_nobody(proxied, storage):
    relay, proxies = proxied
    proxies["blob"].add(Rule(storage_error(413, "RequestBodyTooLarge"), path="/receive/lab.big/"))
    refused = relay.submit(hl7(), client="lab.big")
    good = [relay.submit(hl7()) for _ in range(5)]
    dead = relay.await_state(refused, "dead_letter")["deliveries"][0]
    assert dead["attempts"] == 1
    assert dead["last_error"]["kind"] in ("too_large", "refused")
    assert dead["last_error"]["status"] == 413
    for identifier in good:
        relay.await_state(identifier, "delivered")
    assert relay.health()["journal"]["dead_letter"] == 1
    assert relay.health()["status"] == "degraded"
    assert {each["reportId"] for each in storage.envelopes()} == set(good)


def test_ten_refusals_in_a_row_are_no_ten_bad_payloads(proxied, storage):
    """The circuit opens after the tenth; what is left stays queued, and goes out once the destination is itself again."""
    relay, proxies = proxied
    proxies["blob"].add(Rule(storage_error(413, "RequestBodyTooLarge")))
    identifiers = []
    for _ in range(10):
        identifiers.append(relay.submit(hl7()))
        relay.await_state(identifiers[-1], "dead_letter")
    later = [relay.submit(hl7()) for _ in range(10)]
    await_true(lambda: relay.metrics()['edge_relay_circuit_open{destination="reportstream"}'] == 1, "the circuit is open")
    seen = len(proxies["blob"].requests)
    await_true(lambda: len(proxies["blob"].requests) >= seen + 4, "four probes")
    assert all(relay.get(each)["state"] == "queued" for each in later)
    assert "alarm=refusing_everything" in relay.log()
    proxies["blob"].clear()
    for identifier in later:
        relay.await_state(identifier, "delivered")
    assert len(storage.envelopes()) == 10
    assert all(relay.get(each)["state"] == "dead_letter" for each in identifiers)
    relay.check_totals()


def test_the_azure_texts_of_an_error_are_shown_to_operators_alone(proxied):
    relay, proxies = proxied
    body = "<Error><Code>InternalError</Code><Message>PLANTED-REMOTE-TEXT</Message></Error>"
    proxies["queue"].add(Rule(answer(500, body, {"Content-Type": "application/xml"})))
    identifier = relay.submit(hl7())
    relay.await_delivery(identifier, lambda each: each["last_error"], "an error")
    assert b"PLANTED-REMOTE-TEXT" not in relay.request("GET", f"/v1/submissions/{identifier}").body
    assert b"PLANTED-REMOTE-TEXT" not in relay.admin(f"/v1/submissions/{identifier}").body
    assert b"PLANTED-REMOTE-TEXT" in relay.admin_socket(f"/v1/submissions/{identifier}").body
    assert "PLANTED-REMOTE-TEXT" not in relay.log()


def test_a_slow_answer_is_still_an_answer(proxied, storage):
    relay, proxies = proxied
    proxies["queue"].add(Rule(delay(0.5), times=1))
    proxies["blob"].add(Rule(drip(0.002), times=1))
    identifier = relay.submit(hl7())
    assert relay.await_state(identifier, "delivered")["deliveries"][0]["attempts"] == 1
    assert len(storage.envelopes()) == 1


def test_give_up_after_a_number_of_try_later_answers(make_relay, make_proxy, azurite, storage):
    proxy = make_proxy(azurite.queue_port)
    proxy.add(Rule(storage_error(503, "ServerBusy")))
    relay = make_relay({"destinations": {"reportstream": storage.destination(
        connection_string=azurite.connection_string(queue=proxy.port), backoff={**QUICK, "give_up_after": 3})}})
    delivery = relay.await_state(relay.submit(hl7()), "dead_letter")["deliveries"][0]
    assert delivery["attempts"] == 3
