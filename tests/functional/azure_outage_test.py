"""Azure away, half away, or set up wrongly: nothing is lost, no submission pays an attempt for it, health says why."""

from datetime import timedelta

import pytest
from azurite import ACCOUNT, Azurite
from relay import await_true, hl7

QUICK = {"initial": "100ms", "max": "500ms"}


def health_of(relay, name="reportstream"):
    return relay.health()["destinations"][name]


def assert_broken(relay, identifier, kinds, words=()):
    """The delivery waits with that error, no try has been counted, and health names the destination."""
    delivery = relay.await_delivery(identifier, lambda each: each["last_error"], "an error")
    assert (delivery["state"], delivery["attempts"]) == ("queued", 0)
    assert delivery["last_error"]["kind"] in kinds
    assert delivery["next_attempt_at"]
    for word in words:
        assert word in delivery["last_error"]["message"], delivery
    await_true(lambda: health_of(relay)["state"] == "down", "health says down")
    health = relay.health()
    assert health["status"] == "degraded"
    assert relay.admin("/health").status == 200
    assert relay.admin("/health?strict=1").status == 503
    assert relay.admin("/health/ready").status == 200
    assert relay.metrics()['edge_relay_circuit_open{destination="reportstream"}'] == 1


def assert_recovers(relay, identifiers):
    for identifier in identifiers:
        assert relay.await_state(identifier, "delivered")["deliveries"][0]["attempts"] == 1
    await_true(lambda: health_of(relay)["state"] == "up", "health says up again")
    assert relay.metrics()['edge_relay_circuit_open{destination="reportstream"}'] == 0
    relay.check_totals()


@pytest.mark.parametrize("down", ["queue", "blob", "table"])
def test_one_service_down_and_back(make_relay, make_proxy, azurite, storage, down):
    proxy = make_proxy(getattr(azurite, f"{down}_port"))
    relay = make_relay({"destinations": {"reportstream": storage.destination(
        connection_string=azurite.connection_string(**{down: proxy.port}), backoff=QUICK)}})
    proxy.stop()
    identifiers = [relay.submit(hl7()) for _ in range(20)]
    assert_broken(relay, identifiers[0], {"unreachable"})
    # The message is the last step: while a part before it is missing, nobody reads of a blob that isn't there.
    assert storage.peek() == []
    proxy.start()
    assert_recovers(relay, identifiers)
    assert sorted(envelope["reportId"] for envelope in storage.envelopes()) == sorted(identifiers)
    assert len(storage.rows()) == len(identifiers)


def test_the_emulator_itself_down_and_back(make_relay, tmp_path):
    emulator = Azurite(tmp_path / "azurite").start()
    try:
        storage = emulator.storage()
        relay = make_relay({"destinations": {"reportstream": storage.destination(backoff=QUICK)}})
        first = relay.submit(hl7())
        relay.await_state(first, "delivered")
        emulator.stop()
        later = [relay.submit(hl7()) for _ in range(10)]
        assert_broken(relay, later[0], {"unreachable"})
        emulator.start()
        assert_recovers(relay, [first, *later])
        assert sorted(each["reportId"] for each in storage.envelopes()) == sorted([first, *later])
    finally:
        emulator.stop()


def test_it_starts_and_accepts_with_the_destination_away(make_relay, make_proxy, azurite, storage):
    proxy = make_proxy(azurite.queue_port)
    proxy.stop()
    relay = make_relay({"destinations": {"reportstream": storage.destination(
        connection_string=azurite.connection_string(queue=proxy.port), backoff=QUICK)}})
    identifier = relay.submit(hl7())
    assert_broken(relay, identifier, {"unreachable"})
    proxy.start()
    assert_recovers(relay, [identifier])


@pytest.mark.parametrize("missing", ["queue", "container", "table"])
def test_what_is_missing_holds_the_lane_until_it_is_there(make_relay, azurite, missing):
    storage = azurite.storage(create=False)
    create = {"queue": storage.queue.create_queue, "container": storage.container.create_container,
              "table": storage.table.create_table}
    for name, make in create.items():
        if name != missing:
            make()
    relay = make_relay({"destinations": {"reportstream": storage.destination(backoff=QUICK)}})
    identifiers = [relay.submit(hl7()) for _ in range(12)]
    assert_broken(relay, identifiers[0], {"not_found"}, ["404"])
    create[missing]()
    assert_recovers(relay, identifiers)
    assert len(storage.envelopes()) == 12


def test_a_wrong_key_holds_the_lane(make_relay, azurite, storage):
    relay = make_relay({"destinations": {"reportstream": storage.destination(
        connection_string=azurite.connection_string(key="QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo="), backoff=QUICK)}})
    identifiers = [relay.submit(hl7()) for _ in range(12)]
    assert_broken(relay, identifiers[0], {"sign_in", "forbidden"}, ["403"])
    assert all(relay.get(each)["state"] == "queued" for each in identifiers)
    assert "QUJDREVGR0hJSktMTU5P" not in relay.log()


def test_a_key_in_a_file_that_is_put_right_is_read_again(make_relay, azurite, storage, tmp_path):
    """${file:} is read again when a sign-in fails: rotating a key needs no restart."""
    secret = tmp_path / "connection-string"
    secret.write_text(azurite.connection_string(key="QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=") + "\n")
    relay = make_relay({"destinations": {"reportstream": storage.destination(
        connection_string="${file:" + str(secret) + "}", backoff=QUICK)}})
    identifier = relay.submit(hl7())
    assert_broken(relay, identifier, {"sign_in", "forbidden"})
    secret.write_text(azurite.connection_string() + "\n")
    assert_recovers(relay, [identifier])


def sas_destination(azurite, storage, **sas):
    endpoint = azurite.endpoints()
    return storage.destination(
        connection_string=None, queue_endpoint=endpoint["queue"], blob_endpoint=endpoint["blob"],
        table_endpoint=endpoint["table"], backoff=QUICK,
        **{"queue_sas": azurite.sas("queue", "a"), "blob_sas": azurite.sas("blob", "cw"),
           "table_sas": azurite.sas("table", "a"), **sas})


def test_an_expired_sas_is_named_as_such(make_relay, azurite, storage):
    relay = make_relay({"destinations": {"reportstream": sas_destination(
        azurite, storage, queue_sas=azurite.sas("queue", "a", expires_in=-timedelta(minutes=5)))}})
    identifier = relay.submit(hl7())
    assert_broken(relay, identifier, {"sign_in", "forbidden"}, ["expired"])
    assert "sig=" not in relay.log()


def test_a_sas_without_the_right_is_named_as_such(make_relay, azurite, storage):
    relay = make_relay({"destinations": {"reportstream": sas_destination(
        azurite, storage, blob_sas=azurite.sas("blob", "r"))}})
    identifier = relay.submit(hl7())
    delivery = relay.await_delivery(identifier, lambda each: each["last_error"], "an error")
    assert (delivery["state"], delivery["attempts"]) == ("queued", 0)
    assert "blob" in delivery["last_error"]["message"].lower()
    assert storage.peek() == []


def test_a_row_that_is_there_already_is_done(make_relay, make_proxy, azurite, storage):
    """The row is written, then Put Message fails: the second try meets its own row, and the message goes out once."""
    from fault_proxy import Rule, storage_error
    proxy = make_proxy(azurite.queue_port)
    proxy.add(Rule(storage_error(503, "ServerBusy"), method="POST", times=1))
    relay = make_relay({"destinations": {"reportstream": storage.destination(
        connection_string=azurite.connection_string(queue=proxy.port), backoff=QUICK)}})
    identifier = relay.submit(hl7())
    assert relay.await_state(identifier, "delivered")["deliveries"][0]["attempts"] == 2
    assert [each["reportId"] for each in storage.envelopes()] == [identifier]
    assert len(storage.rows()) == 1
    assert ACCOUNT in relay.get(identifier)["deliveries"][0]["receipt"]["blob_url"]


def test_one_clients_missing_right_stops_nobody_else(make_relay, make_proxy, azurite, storage):
    """403 for one client's blobs: broken, so its submissions stay queued and cost no attempt, and the others go on."""
    from fault_proxy import Rule, storage_error
    proxy = make_proxy(azurite.blob_port)
    proxy.add(Rule(storage_error(403, "AuthorizationPermissionMismatch"), path="/receive/lab.barred/"))
    relay = make_relay({"destinations": {"reportstream": storage.destination(
        connection_string=azurite.connection_string(blob=proxy.port), backoff=QUICK)}})
    barred, good = [], []
    for _ in range(15):
        barred.append(relay.submit(hl7(), client="lab.barred"))
        good.append(relay.submit(hl7(), client="lab.good"))
    for identifier in good:
        relay.await_state(identifier, "delivered", timeout=60)
    for identifier in barred:
        delivery = relay.get(identifier)["deliveries"][0]
        assert (delivery["state"], delivery["attempts"]) == ("queued", 0)
    # Still so for what comes later.
    relay.await_state(relay.submit(hl7(), client="lab.good"), "delivered", timeout=60)
    proxy.clear()
    for identifier in barred:
        relay.await_state(identifier, "delivered", timeout=60)
    assert len(storage.envelopes()) == 31
    relay.check_totals()
