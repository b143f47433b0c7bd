"""What has been kept long enough is erased from the disk; with a clock that can't be right nothing is."""

import pytest
from relay import await_true, hl7
from wall_clock import WallClock

PLANTED = b"PLANTED^PATIENT^4711"


def on_disk(relay, text):
    return [path.name for path in relay.folder.glob("journal*") if text in path.read_bytes()]


def payload_of(relay, identifier):
    return relay.admin_socket(f"/v1/submissions/{identifier}/payload")


def test_a_payload_goes_from_the_database_and_from_the_wal(make_relay, tmp_path):
    archive = tmp_path / "archive"
    archive.mkdir()
    relay = make_relay({"destinations": {"archive": {"type": "directory", "path": str(archive)}},
                        "journal": {"keep_delivered_payload": "1s"}})
    small = relay.submit(hl7(extra=PLANTED * 50))
    large = relay.submit(hl7(extra=PLANTED * 40_000))
    for identifier in (small, large):
        relay.await_state(identifier, "delivered")
    await_true(lambda: not on_disk(relay, PLANTED), lambda: f"gone from {on_disk(relay, PLANTED)}", timeout=90)
    for identifier in (small, large):
        answer = payload_of(relay, identifier)
        assert (answer.status, answer.problem) == (409, "wrong_state")
        assert "erased" in answer.json()["detail"]
        assert relay.get(identifier)["state"] == "delivered"
    relay.check_totals()
    relay.verify()


def test_ten_years_ahead_for_a_while_and_back(make_relay, tmp_path):
    archive = tmp_path / "archive"
    archive.mkdir()
    clock = WallClock(tmp_path)
    relay = make_relay({"destinations": {"archive": {"type": "directory", "path": str(archive)}}}, start=False)
    relay.start(env=clock.env)
    first = relay.submit(hl7(extra=PLANTED))
    relay.await_state(first, "delivered")
    clock.set(days=3650)
    await_true(lambda: "clock jumped" in relay.log(), "notice of the jump")
    second = relay.submit(hl7(extra=PLANTED + b"2"))
    relay.await_state(second, "delivered")
    relay.stop()
    relay.start(env=clock.env)  # also over a restart
    third = relay.submit(hl7(extra=PLANTED + b"3"))
    relay.await_state(third, "delivered")
    clock.set_right()
    await_true(lambda: relay.log().count("clock jumped") >= 2, "notice of the way back")
    fourth = relay.submit(hl7(extra=PLANTED + b"4"))
    relay.await_state(fourth, "delivered")
    for identifier in (first, second, third, fourth):
        assert payload_of(relay, identifier).status == 200
    assert len({first, second, third, fourth}) == 4
    relay.check_totals()
    relay.verify()


@pytest.mark.parametrize("minutes,words", [(20, "ahead"), (-20, "behind")])
def test_twenty_minutes_off_the_clouds_date_is_said(make_relay, storage, tmp_path, minutes, words):
    clock = WallClock(tmp_path)
    clock.set(minutes=minutes)
    relay = make_relay({"destinations": {"reportstream": storage.destination()}}, start=False)
    relay.start(env=clock.env)
    relay.submit(hl7())
    await_true(lambda: "Date disagree" in relay.log(), lambda: f"a word about it in {relay.log()[-2000:]}")
    line = next(line for line in relay.log().splitlines() if "Date disagree" in line)
    assert words in line and ("20m" in line or "19m" in line)

    def alarms():
        return [alarm["name"] for alarm in relay.health().get("alarms", [])]
    await_true(lambda: "clock_off" in alarms(), lambda: f"the alarm in {relay.health()}", timeout=60)
    assert "alarm=clock_off" in relay.log()
    assert relay.metrics()['edge_relay_alarm{name="clock_off"}'] == 1
    health = relay.health()
    assert health["status"] == "degraded" and "clock" in health["summary"], health
    # Set right, it is over with the next answer.
    clock.set_right()
    relay.submit(hl7())
    await_true(lambda: "clock_off" not in alarms(), lambda: f"no alarm in {relay.health()}", timeout=60)
    assert relay.metrics()['edge_relay_alarm{name="clock_off"}'] == 0
