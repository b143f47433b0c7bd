"""Logs: one line a fact, machine-readable where asked for, and never a word of what a sender wrote."""

import json
import os

import pytest
from fault_proxy import Rule, answer
from relay import await_true, hl7


@pytest.mark.parametrize("form", ["text", "json"])
def test_nothing_of_the_payload_its_name_its_key_or_a_remote_text_is_logged(make_relay, make_proxy, azurite, storage, form):
    proxy = make_proxy(azurite.queue_port)
    secret = azurite.connection_string().split("AccountKey=")[1].split(";")[0]
    relay = make_relay({"log": {"level": "trace", "format": form}, "destinations": {"reportstream": storage.destination(
        connection_string=azurite.connection_string(queue=proxy.port), backoff={"initial": "50ms", "max": "200ms"})}}, start=False)
    if relay.command("check").returncode == 78:  # a version without that level
        relay.update({"log": {"level": "debug"}})
    relay.start()
    proxy.add(Rule(answer(500, "<Error><Code>InternalError</Code><Message>PLANTEDremote</Message></Error>"), times=2))
    identifier = relay.submit(hl7(extra=b"\rNTE|1||PLANTEDpayload"), payloadName="PLANTEDname", Idempotency_Key="PLANTEDkey")
    relay.await_state(identifier, "delivered")
    relay.post(b"PLANTEDbroken", payloadName="PLANTEDname")
    relay.post(hl7(extra=b"PLANTEDother"), Idempotency_Key="PLANTEDkey")
    relay.request("GET", "/v1/PLANTEDpath?PLANTEDquery=1")
    relay.post(hl7(), "PLANTEDtype/x")
    assert relay.stop() == 0
    log = relay.log()
    assert "PLANTED" not in log
    assert secret not in log
    about = [line for line in log.splitlines() if identifier in line]
    assert about, "a delivery that failed twice is worth a line with its id"
    assert b"PLANTED" not in relay.command("verify").stdout


def test_json_lines(make_relay, tmp_path):
    (tmp_path / "archive").mkdir()
    relay = make_relay({"log": {"format": "json"}, "destinations": {"archive": {"type": "directory", "path": str(tmp_path / "archive")}}})
    relay.await_state(relay.submit(hl7()), "delivered")
    assert relay.stop() == 0
    lines = [json.loads(line) for line in relay.log().splitlines()]
    assert lines and all("level" in each and "message" in each for each in lines), lines[:2]


def test_under_journald_each_line_has_its_priority(make_relay, tmp_path):
    (tmp_path / "archive").mkdir()
    relay = make_relay({"destinations": {"archive": {"type": "directory", "path": str(tmp_path / "archive")}}}, start=False)
    relay.log_file.touch()
    state = os.stat(relay.log_file)
    relay.start(env={"JOURNAL_STREAM": f"{state.st_dev}:{state.st_ino}"})
    assert relay.stop() == 0
    lines = relay.log().splitlines()
    assert lines and all(line[0] == "<" and line[1] in "01234567" and line[2] == ">" for line in lines), lines[:3]


def test_an_alarm_is_one_line(make_relay, azurite):
    relay = make_relay({"destinations": {"away": azurite.storage(create=False).destination(
        backoff={"initial": "50ms", "max": "100ms"}, alarm_after="1s")}})
    relay.submit(hl7())
    await_true(lambda: "alarm=destination_down" in relay.log(), "the alarm's line")
    await_true(lambda: relay.metrics()['edge_relay_alarm{name="destination_down"}'] == 1, "the alarm's metric")
    (alarm,) = [each for each in relay.health()["alarms"] if each["name"] == "destination_down"]
    assert alarm["destination"] == "away" and alarm["since"]
    assert relay.log().count("alarm=destination_down") == 1
