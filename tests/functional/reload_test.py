"""Reload: another configuration takes over without losing a connection or a submission, or changes nothing at all."""

import contextlib
import json
import re
import signal
import threading

import pytest
from ports import free_ports
from relay import HL7, ConnectionEnded, RawConnection, await_true, head, hl7, request
from service_manager import ServiceManager

QUICK = {"initial": "50ms", "max": "200ms"}


def directory(path, **keys):
    return {"type": "directory", "path": str(path), "backoff": QUICK, **keys}


def reload(relay, changes=None):
    """Changes the file and has it read; returns what the daemon says."""
    if changes is not None:
        relay.update(changes)
    return relay.admin_socket("/v1/reload", "POST", body=b"")


def reloaded(relay, changes=None):
    answer = reload(relay, changes)
    assert answer.status == 200, answer.body
    return answer.json()["restart_needed"]


@pytest.fixture
def two_folders(tmp_path):
    for name in ("archive", "second"):
        (tmp_path / name).mkdir(exist_ok=True)
    return tmp_path / "archive", tmp_path / "second"


@pytest.mark.main
def test_routes_and_destinations(directory_relay, two_folders):
    relay, second = directory_relay, two_folders[1]
    assert reloaded(relay, {"destinations": {"second": directory(second)}, "routes": [
        {"match": {"client": "lab.two"}, "to": ["second"]}], "otherwise": ["archive"]}) == []
    first = relay.await_state(relay.submit(hl7()), "delivered")
    assert [each["destination"] for each in first["deliveries"]] == ["archive"]
    other = relay.await_state(relay.submit(hl7(), client="lab.two"), "delivered")
    assert [each["destination"] for each in other["deliveries"]] == ["second"]
    assert (second / f"{other['id']}.hl7").exists()
    assert 'edge_relay_deliveries_accepted_total{destination="second"}' in relay.metrics()
    # What the door takes changes with it.
    assert reloaded(relay, {"clients": ["lab.two"], "intake": {"max_payload": "2KiB", "content_types": [HL7]}}) == []
    assert relay.post(hl7()).problem == "client_not_allowed"
    assert relay.post(hl7(), client="lab.two", content_type="text/csv").problem == "content_type_not_taken"
    assert relay.post(hl7(extra=b"x" * 2048), client="lab.two").problem == "payload_too_large"
    relay.check_totals()


@pytest.mark.main
def test_a_bad_file_changes_nothing(directory_relay):
    relay = directory_relay
    good = relay.file.read_text()
    relay.file.write_text(good.replace('"site"', '"sight"'))
    answer = reload(relay)
    assert answer.status == 422
    problems = answer.json()["problems"]
    assert len(problems) == 1 and problems[0].startswith(f"{relay.file}:2:2: error: "), problems
    result = relay.command("reload")
    assert result.returncode == 78
    assert result.stderr.decode().splitlines()[0] == problems[0]
    assert "nothing was changed" in result.stderr.decode() and result.stdout == b""
    as_json = relay.command("reload", "--json")
    assert as_json.returncode == 78 and json.loads(as_json.stdout) == answer.json()
    # A warning is no reason for it.
    config = json.loads(good)
    relay.file.write_text(json.dumps({**config, "admin": {**config.get("admin", {}), "socket_mode": "0666"}, "sight": "x"}))
    assert [": error: " in each for each in reload(relay).json()["problems"]] == [True]
    relay.file.write_text(good.rstrip().removesuffix("}"))
    result = relay.command("reload")
    assert result.returncode == 78, result.stderr
    assert re.match(re.escape(str(relay.file)) + r":\d+:\d+: error: ", result.stderr.decode())
    relay.file.unlink()
    # Only admin.socket is read by the command, and the file is gone: the daemon is asked by its socket here.
    assert reload(relay).status == 422
    relay.file.write_text(good)
    relay.await_state(relay.submit(hl7()), "delivered")
    result = relay.command("reload")
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")
    assert json.loads(relay.command("reload", "--json").stdout) == {"restart_needed": []}
    assert "the configuration isn't taken over" in relay.log()


def test_no_connection_and_no_submission_is_lost(make_relay, two_folders):
    archive, second = two_folders
    relay = make_relay({"destinations": {"archive": directory(archive)}})
    taken, ended = [], threading.Event()

    def send():
        with relay.connect() as connection:
            while not ended.is_set():
                payload = hl7()
                connection.send(head("POST", "/v1/submissions", {"Content-Type": HL7, "Content-Length": str(len(payload))}) + payload)
                answer = connection.read()
                assert answer.status == 202, answer.body
                assert answer.header("Connection") != "close"
                taken.append(answer.json()["id"])

    failures = []

    def sender():
        try:
            send()
        except Exception as error:  # reported by the test's own thread
            failures.append(error)

    senders = [threading.Thread(target=sender) for _ in range(4)]
    for each in senders:
        each.start()
    try:
        for turn in range(12):
            # Lane, route, listener and client change under it, again and again.
            changes = {"destinations": {"archive": directory(archive, concurrency=4 + turn), "second": directory(second)},
                       "otherwise": ["archive", "second"] if turn % 2 else ["archive"],
                       "intake": {"http": [{"listen": f"127.0.0.1:{relay.port}", "client": f"lab.turn{turn}"}]}}
            assert reloaded(relay, changes) == []
            before = len(taken)
            await_true(lambda: len(taken) >= before + 8 or failures, "submissions go on")
    finally:
        ended.set()
        for each in senders:
            each.join()
    assert not failures, failures
    await_true(lambda: relay.health()["journal"]["queued"] == 0, "all delivered", timeout=60)
    relay.check_totals()
    assert len(list(archive.glob("*.hl7"))) == len(set(taken)) == len(taken)
    clients = {relay.get(identifier)["client"] for identifier in (taken[0], taken[-1])}
    assert "lab.turn11" in clients and len(clients) == 2


@pytest.mark.main
def test_a_destination_that_goes_away_keeps_what_is_queued(make_relay, tmp_path, two_folders):
    missing = tmp_path / "missing"
    relay = make_relay({"destinations": {"archive": directory(two_folders[0]), "gone": directory(missing)}, "otherwise": ["gone"]})
    identifiers = [relay.submit(hl7()) for _ in range(5)]
    await_true(lambda: relay.health()["destinations"]["gone"]["state"] == "down", "down")
    assert reloaded(relay, {"destinations": {"gone": None}, "otherwise": ["archive"]}) == []
    health = relay.health()
    assert health["destinations"]["gone"]["state"] == "unconfigured"
    assert health["destinations"]["gone"]["queued"] == 5
    assert health["status"] == "degraded" and "no longer configured" in health["summary"]
    assert relay.get(identifiers[0])["state"] == "queued"
    relay.await_state(relay.submit(hl7()), "delivered")
    relay.check_totals()
    # Back again, with a folder that is there.
    missing.mkdir()
    assert reloaded(relay, {"destinations": {"gone": directory(missing)}}) == []
    for identifier in identifiers:
        relay.await_state(identifier, "delivered")
    assert relay.health()["destinations"]["gone"]["state"] == "up"


def test_credentials_are_read_again(make_relay, storage, tmp_path):
    secret = tmp_path / "secret"
    right = storage.destination()["connection_string"]
    secret.write_text(right.replace("AccountKey=", "AccountKey=AAAA"))
    destination = {**storage.destination(), "connection_string": f"${{file:{secret}}}", "backoff": {"initial": "1h", "max": "1h"}}
    relay = make_relay({"destinations": {"reportstream": destination}})
    identifier = relay.submit(hl7())
    await_true(lambda: relay.health()["destinations"]["reportstream"]["state"] == "down", "down")
    secret.write_text(right + "\n")
    # The circuit wouldn't probe for an hour: a new lane begins anew.
    assert reloaded(relay) == []
    relay.await_state(identifier, "delivered")
    relay.check_totals()


def test_listeners_come_and_go(directory_relay):
    relay = directory_relay
    old, (new,) = relay.port, free_ports(1)
    with relay.connect() as kept:
        assert reloaded(relay, {"intake": {"http": [
            {"listen": f"127.0.0.1:{old}", "client": "lab.old"}, {"listen": f"127.0.0.1:{new}", "client": "lab.new"}]}}) == []
        answer = request(("127.0.0.1", new), "POST", "/v1/submissions", {"Content-Type": HL7}, hl7())
        assert answer.status == 202 and answer.json()["client"] == "lab.new"
        # The connection that was there before goes by what is in force now.
        payload = hl7()
        kept.send(head("POST", "/v1/submissions", {"Content-Type": HL7, "Content-Length": str(len(payload))}) + payload)
        assert kept.read().json()["client"] == "lab.old"
        payload = hl7()
        kept.send(head("POST", "/v1/submissions", {"Content-Type": HL7, "Content-Length": str(len(payload))}) + payload[:10])
        assert reloaded(relay, {"intake": {"http": [{"listen": f"127.0.0.1:{new}", "client": "lab.new"}]}}) == []
        # What is under way when its listener goes ends well.
        kept.send(payload[10:])
        assert kept.read().status == 202
    with pytest.raises(ConnectionRefusedError):
        RawConnection(("127.0.0.1", old))
    assert request(("127.0.0.1", new), "POST", "/v1/submissions", {"Content-Type": HL7}, hl7()).status == 202
    relay.port = new


def test_a_busy_port_changes_nothing(directory_relay, two_folders):
    relay = directory_relay
    with_busy = {"intake": {"http": [{"listen": f"127.0.0.1:{relay.port}", "client": "lab.x"}, {"listen": f"127.0.0.1:{relay.admin_port}"}]}}
    answer = reload(relay, with_busy)
    assert answer.status == 422, answer.body
    busy, = free_ports(1)
    with socket_on(busy):
        answer = reload(relay, {"destinations": {"second": directory(two_folders[1])}, "otherwise": ["second"], "intake": {"http": [
            {"listen": f"127.0.0.1:{relay.port}", "client": "lab.x"}, {"listen": f"127.0.0.1:{busy}"}]}})
        assert answer.status == 422 and "in use" in answer.json()["problems"][0]
        assert answer.json()["problems"][0].startswith(f"{relay.file}:1:1: error: ")
    submission = relay.await_state(relay.submit(hl7()), "delivered")
    assert submission["client"] == "lab.default" and submission["deliveries"][0]["destination"] == "archive"


def socket_on(port):
    import socket
    listening = socket.socket()
    listening.bind(("127.0.0.1", port))
    listening.listen()
    return listening


def test_what_a_restart_is_needed_for(make_relay, two_folders, tmp_path):
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "folder").write_text(str(two_folders[0]))
    relay = make_relay({"destinations": {"archive": {"type": "directory", "path": "${credential:folder}"}}}, start=False)
    relay.start(env={"CREDENTIALS_DIRECTORY": str(credentials)})
    assert reloaded(relay) == []
    assert reloaded(relay, {"journal": {"max_size": "1GiB", "keep_record": "3y"}, "site": "lab-015", "intake": {"keep_idempotency": "8d"},
                            "log": {"level": "debug"}}) == ["intake.keep_idempotency", "journal.keep_record", "journal.max_size", "site"]
    # The service manager passes credentials at the start alone.
    (credentials / "folder").write_text(str(two_folders[1]))
    result = relay.command("reload")
    assert result.returncode == 0
    assert result.stdout.decode().splitlines() == [f"restart needed: {key}" for key in (
        "destinations.archive.path", "intake.keep_idempotency", "journal.keep_record", "journal.max_size", "site")]
    relay.await_state(relay.submit(hl7()), "delivered")
    assert list(two_folders[0].glob("*.hl7")) and not list(two_folders[1].glob("*.hl7"))
    # The log's level is in force.
    await_true(lambda: " debug " in relay.log(), "a line at debug")


def test_a_signal_reloads_and_the_service_manager_hears_of_it(make_relay, two_folders):
    manager = ServiceManager()
    try:
        relay = make_relay({"destinations": {"archive": directory(two_folders[0])}}, start=False)
        relay.start(env=manager.environment())
        manager.await_message("READY=1")
        relay.update({"otherwise": ["second"], "destinations": {"second": directory(two_folders[1])}})
        relay.process.send_signal(signal.SIGHUP)
        manager.await_message("READY=1", count=2)
        reloading, = [text for text in manager.messages() if text.startswith("RELOADING=1")]
        assert reloading.splitlines()[1].startswith("MONOTONIC_USEC=")
        submission = relay.await_state(relay.submit(hl7()), "delivered")
        assert submission["deliveries"][0]["destination"] == "second"
        # A bad one: ready again all the same, with what was in force.
        relay.file.write_text("destinations: 1\n")
        relay.process.send_signal(signal.SIGHUP)
        manager.await_message("READY=1", count=3)
        assert f"{relay.file}:1:" in relay.log()
        relay.await_state(relay.submit(hl7()), "delivered")
        assert relay.stop() == 0
        manager.await_message("STOPPING=1")
    finally:
        manager.stop()


def test_who_may_reload(directory_relay):
    relay = directory_relay
    over_tcp = relay.admin("/v1/reload", "POST", body=b"")
    assert over_tcp.status == 401 and over_tcp.problem == "unauthenticated"
    assert over_tcp.header("WWW-Authenticate") == "Bearer"
    wrong_method = relay.admin_socket("/v1/reload")
    assert wrong_method.status == 405 and wrong_method.header("Allow") == "POST"


def test_many_at_once_all_get_what_they_asked_for(directory_relay, two_folders):
    relay = directory_relay
    answers = []

    def ask():
        answers.append(reload(relay).status)
    askers = [threading.Thread(target=ask) for _ in range(8)]
    relay.update({"destinations": {"second": directory(two_folders[1])}, "otherwise": ["second"]})
    for each in askers:
        each.start()
    for each in askers:
        each.join()
    assert answers == [200] * 8
    assert json.loads(relay.file.read_text())["otherwise"] == ["second"]
    assert relay.await_state(relay.submit(hl7()), "delivered")["deliveries"][0]["destination"] == "second"


def test_a_stop_during_a_reload_loses_nothing(make_relay, storage):
    relay = make_relay({"destinations": {"reportstream": storage.destination()}, "shutdown_grace": "1s"})
    relay.await_state(relay.submit(hl7()), "delivered")
    relay.update({"destinations": {"reportstream": {"concurrency": 2}}})

    def ask():
        # It may be too late for an answer.
        with contextlib.suppress(OSError, ConnectionEnded):
            reload(relay)
    asker = threading.Thread(target=ask)
    asker.start()
    assert relay.stop() == 0
    asker.join()
    relay.verify()
