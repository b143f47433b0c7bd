"""Every alarm of the contract is told in three ways (one line of the log, health, a metric) and told to be over.

clock_off is in erasure_test, certificate_expiring in certificate_expiring_test, confirmation_failed in reportstream_api_test.
"""

import re

import pytest
from answering_server import Answer
from endpoint import Endpoint
from relay import SLOWNESS, await_true, hl7
from small_disk import NoMounts

NAMES = ["destination_down", "refusing_everything", "stuck", "confirmation_failed", "confirmation_late", "disk_low",
         "journal_failing", "clock_off", "certificate_expiring", "oldest_queued"]


@pytest.fixture
def endpoint():
    server = Endpoint()
    yield server
    server.close()


@pytest.fixture
def relay(make_relay, endpoint):
    return make_relay({"destinations": {"state": {"type": "http", "url": endpoint.url + "/{client}/{id}", "alarm_after": "1s",
                                                  "backoff": {"initial": "20ms", "max": "100ms"}}}})


def raised(relay, name):
    return {each["name"]: each for each in relay.health()["alarms"]}.get(name)


def metric(relay, name):
    return relay.metrics()[f'edge_relay_alarm{{name="{name}"}}']


def await_raised(relay, name, destination="state", count=None):
    seen = {}

    def there():
        seen.update(raised(relay, name) or {})
        return seen and count in (None, seen["count"])
    await_true(there, lambda: f"{name}: {relay.health()}", timeout=60 * SLOWNESS)
    assert seen["destination"] == destination and re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", seen["since"]), seen
    assert metric(relay, name) == 1
    assert f"alarm={name}" in relay.log()


def await_ended(relay, name):
    await_true(lambda: raised(relay, name) is None, lambda: f"{name} is over: {relay.health()}", timeout=60 * SLOWNESS)
    await_true(lambda: metric(relay, name) == 0, lambda: f"{name} is over", timeout=60)
    await_true(lambda: f"ended_alarm={name}" in relay.log(), relay.log, timeout=60)
    assert len(re.findall(rf"(?<!ended_)alarm={name}\b", relay.log())) == 1, "one line, however often it is looked at"


def test_each_has_a_series_from_the_start_and_none_is_raised(relay):
    assert relay.health()["alarms"] == []
    assert {name: metric(relay, name) for name in NAMES} == dict.fromkeys(NAMES, 0)


def test_down_for_long_and_late(relay, endpoint):
    endpoint.always("/", Answer(404))
    identifier = relay.submit(hl7())
    await_raised(relay, "destination_down", count=1)
    await_raised(relay, "oldest_queued", count=1)
    assert relay.health()["status"] == "degraded" and relay.admin("/health?strict=1").status == 503
    endpoint.clear()
    relay.await_state(identifier, "delivered", timeout=60)
    for name in ("destination_down", "oldest_queued"):
        await_ended(relay, name)
    assert relay.health()["status"] == "ok"


def test_refusing_everything(relay, endpoint):
    endpoint.always("/", Answer(422))
    identifiers = [relay.submit(hl7()) for _ in range(12)]
    await_raised(relay, "refusing_everything")
    endpoint.clear()
    await_ended(relay, "refusing_everything")
    await_true(lambda: relay.status()["destinations"]["state"]["queued"] == 0, "nothing waits", timeout=60)
    states = [relay.get(each)["state"] for each in identifiers]
    assert states.count("dead_letter") == 10 and states.count("delivered") == 2


def test_stuck_while_others_go_through(relay, endpoint):
    endpoint.always("/lab.barred/", Answer(403))
    barred = relay.submit(hl7(), client="lab.barred")

    def stuck():
        relay.await_state(relay.submit(hl7(), client="lab.good"), "delivered", timeout=60)
        return raised(relay, "stuck")
    await_true(stuck, lambda: f"stuck: {relay.get(barred)}", timeout=90 * SLOWNESS)
    await_raised(relay, "stuck", count=1)
    assert relay.status()["destinations"]["state"]["stuck"] == 1
    # Set aside it blocks nobody, and nobody is told of it any more but as of a dead letter.
    await_true(lambda: relay.command("set-aside", barred).returncode == 0, "set aside", timeout=60)
    await_ended(relay, "stuck")
    assert relay.get(barred)["state"] == "dead_letter"


def test_a_disk_that_fills_up_and_one_that_fails(make_relay, make_disk, tmp_path):
    (tmp_path / "archive").mkdir()
    disk = make_disk("ext4", 200)
    relay = make_relay({"journal": {"path": str(disk.folder / "journal.db"), "min_free_disk": "10MB"},
                        "destinations": {"archive": {"type": "directory", "path": str(tmp_path / "archive")}}})
    disk.fill()
    await_raised(relay, "disk_low", destination=None)
    assert relay.health()["status"] == "failing" and relay.admin("/health/ready").status == 503
    disk.empty()
    await_ended(relay, "disk_low")
    relay.submit(hl7())
    try:
        disk.turn_read_only()
    except NoMounts as error:
        pytest.skip(f"can't make a file system fail here: {error}")
    await_true(lambda: relay.post(hl7()).status == 503, relay.log, timeout=60 * SLOWNESS)
    await_raised(relay, "journal_failing", destination=None)
    relay.stop()
    disk.repair()
    relay.start()
    assert raised(relay, "journal_failing") is None and metric(relay, "journal_failing") == 0
