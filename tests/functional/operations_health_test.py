"""Health, metrics, the operator socket and systemd's notifications."""

import base64
import contextlib
import hashlib
import re
import socket
import subprocess

from relay import ROOT, await_true, hl7

PROMTOOL = ROOT / ".cache/prometheus/usr/bin/promtool"


def test_health_has_the_contracts_shape(azure_relay):
    azure_relay.await_state(azure_relay.submit(hl7()), "delivered")
    answer = azure_relay.admin("/health")
    assert answer.status == 200
    health = answer.json()
    assert health["status"] == "ok"
    assert isinstance(health["summary"], str) and "\n" not in health["summary"]
    assert isinstance(health["uptime_seconds"], (int, float)) and health["version"]
    assert {"queued", "dead_letter", "oldest_queued_seconds", "bytes", "disk_free_bytes"} <= set(health["journal"])
    assert health["journal"]["queued"] == 0 and health["journal"]["dead_letter"] == 0
    assert health["journal"]["bytes"] > 0 and health["journal"]["disk_free_bytes"] > 0
    destination = health["destinations"]["reportstream"]
    assert destination["state"] == "up" and destination["queued"] == 0
    assert destination["last_success_at"] and destination["last_error"] is None
    assert isinstance(health["as_of"], int)


def test_live_and_ready(azure_relay):
    assert azure_relay.admin("/health/live").status == 200
    assert azure_relay.admin("/health/ready").status == 200
    assert azure_relay.admin("/health/nothing").status == 404
    assert azure_relay.admin("/health", "POST").status == 405


def test_the_status_page_shows_it_to_people_and_asks_for_nothing_else(directory_relay):
    relay = directory_relay
    relay.await_state(relay.submit(hl7()), "delivered")
    relay.archive.rename(relay.archive.with_name("away"))
    dead = relay.submit(hl7(), client="lab.x", relay_payload_name="PLANTED name.hl7")
    await_true(lambda: relay.health()["destinations"]["archive"]["state"] == "down", "down")
    await_true(lambda: relay.command("set-aside", dead).returncode == 0, "set aside", timeout=60)
    answer = relay.admin("/")
    assert answer.status == 200 and answer.header("Content-Type") == "text/html; charset=utf-8"
    page = answer.body.decode()
    for shown in ("degraded", "archive", "down", dead, "lab.x", "set_aside"):
        assert shown in page, shown
    assert "PLANTED" not in page
    # One page: no script, nothing from elsewhere, and a policy that lets its own style through alone.
    assert not re.search(r"<script|<link|<img|<iframe|https?://|\son\w+=", page), page
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.S)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = answer.header("Content-Security-Policy")
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}';") and "frame-ancestors 'none'" in policy
    assert relay.admin("/", "HEAD").status == 200 and relay.admin_socket("/").status == 200
    assert relay.admin("/", headers={"Host": "evil.example"}).status == 403
    relay.archive.with_name("away").rename(relay.archive)


def test_two_answers_with_the_same_as_of_are_equal(azure_relay):
    for _ in range(10):
        azure_relay.submit(hl7())
        azure_relay.check_totals()
    answers = {}
    for _ in range(50):
        status = azure_relay.status()
        counts = {name: (each["accepted"], each["delivered"], each["queued"]) for name, each in status["destinations"].items()}
        assert answers.setdefault(status["as_of"], counts) == counts


def test_a_destination_that_the_configuration_no_longer_has(make_relay, azurite, tmp_path):
    (tmp_path / "archive").mkdir()
    relay = make_relay({"destinations": {"old": azurite.storage(create=False).destination()}})
    waiting = relay.submit(hl7())
    relay.await_delivery(waiting, lambda each: each["last_error"], "an error")
    assert relay.stop() == 0
    relay.update({"destinations": {"old": None, "archive": {"type": "directory", "path": str(tmp_path / "archive")}}})
    relay.start()
    health = relay.health()
    assert health["destinations"]["old"]["state"] == "unconfigured"
    assert health["destinations"]["old"]["queued"] == 1
    assert relay.get(waiting)["state"] == "queued"
    relay.await_state(relay.submit(hl7()), "delivered")
    relay.check_totals()


EXPECTED = [
    "edge_relay_submissions_accepted_total", "edge_relay_submissions_refused_total", "edge_relay_deliveries_accepted_total",
    "edge_relay_deliveries_delivered_total", "edge_relay_attempts_total", "edge_relay_possible_repeats_total",
    "edge_relay_deliveries", "edge_relay_oldest_queued_seconds", "edge_relay_circuit_open", "edge_relay_delivery_seconds",
    "edge_relay_commit_seconds", "edge_relay_commit_batch_size", "edge_relay_journal_bytes", "edge_relay_wal_bytes",
    "edge_relay_disk_free_bytes", "edge_relay_alarm", "edge_relay_build_info"]


def test_every_metric_is_there_from_the_start_and_promtool_is_content(azure_relay):
    answer = azure_relay.admin("/metrics")
    assert answer.status == 200 and answer.header("Content-Type").startswith("text/plain")
    families = {line.split()[2] for line in answer.body.decode().splitlines() if line.startswith("# TYPE")}
    assert set(EXPECTED) <= families, set(EXPECTED) - families
    assert all(family.startswith("edge_relay_") for family in families), families
    metrics = azure_relay.metrics()
    for series in ('edge_relay_submissions_accepted_total{intake="http"}', 'edge_relay_submissions_accepted_total{intake="submit"}',
                   'edge_relay_submissions_refused_total{intake="http",reason="no_route"}',
                   'edge_relay_attempts_total{destination="reportstream",outcome="unknown"}',
                   'edge_relay_deliveries{destination="reportstream",state="dead_letter"}',
                   'edge_relay_alarm{name="destination_down"}', 'edge_relay_alarm{name="refusing_everything"}'):
        assert metrics[series] == 0, series
    result = subprocess.run([PROMTOOL, "check", "metrics"], input=answer.body, capture_output=True, check=False)
    assert result.returncode == 0, (result.stdout + result.stderr).decode()


def test_totals_survive_restarts_and_kills(azure_relay):
    for _ in range(5):
        azure_relay.await_state(azure_relay.submit(hl7()), "delivered")
    azure_relay.post(b"no HL7")
    names = ['edge_relay_submissions_accepted_total{intake="http"}', 'edge_relay_deliveries_delivered_total{destination="reportstream"}',
             'edge_relay_submissions_refused_total{intake="http",reason="invalid_payload"}',
             'edge_relay_attempts_total{destination="reportstream",outcome="accepted"}']
    before = {name: azure_relay.metrics()[name] for name in names}
    assert list(before.values()) == [5, 5, 1, 5]
    assert azure_relay.stop() == 0
    azure_relay.start()
    assert {name: azure_relay.metrics()[name] for name in names} == before
    azure_relay.await_state(azure_relay.submit(hl7()), "delivered")
    azure_relay.kill()
    azure_relay.start()
    assert azure_relay.metrics()[names[0]] == 6
    assert azure_relay.metrics()[names[1]] == 6


def test_no_client_names_in_metrics(azure_relay):
    azure_relay.submit(hl7(), client="PLANTED.client")
    assert b"PLANTED" not in azure_relay.admin("/metrics").body


def test_the_socket_is_for_its_group_alone(azure_relay):
    assert azure_relay.socket_path.stat().st_mode & 0o777 == 0o660


def test_the_open_listener_changes_nothing(azure_relay):
    answer = azure_relay.admin("/v1/submissions", "POST", {"Content-Type": "application/hl7-v2", "Relay-Client": "a"}, hl7())
    assert answer.status in (401, 403, 405)
    assert azure_relay.status()["destinations"]["reportstream"]["accepted"] == 0


def test_systemd_is_told_ready_status_and_stopping(make_relay, tmp_path):
    (tmp_path / "archive").mkdir()
    relay = make_relay({"destinations": {"archive": {"type": "directory", "path": str(tmp_path / "archive")}}}, start=False)
    path = relay.short / "notify"
    told = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        listener.settimeout(0.05)

        def read():
            with contextlib.suppress(TimeoutError):
                while True:
                    told.extend(listener.recv(4096).decode().splitlines())
        relay.start(env={"NOTIFY_SOCKET": str(path)})
        await_true(lambda: read() or "READY=1" in told, lambda: f"READY=1: {told}")
        assert any(line.startswith("STATUS=") for line in told)
        assert "STOPPING=1" not in told
        assert relay.stop() == 0
        read()
        assert "STOPPING=1" in told
