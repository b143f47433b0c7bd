"""What operators do: retry, resend, set-aside, discard, redirect, pause, resume and the audit of it; by the commands, over
the socket and over TCP with a token."""

import hashlib
import json
import os
import subprocess
import uuid

import pytest
from relay import BINARY, await_true, hl7

TOKEN = "a-token-of-the-one-on-call"
BEARER = ("Authorization", f"Bearer {TOKEN}")


@pytest.fixture
def two(make_relay, tmp_path):
    """A relay with two folders; what it takes goes to `first` alone unless the client is lab.both."""
    folders = {name: tmp_path / name for name in ("first", "second")}
    for folder in folders.values():
        folder.mkdir()
    relay = make_relay({"destinations": {name: {"type": "directory", "path": str(folder)}
                                         for name, folder in folders.items()},
                        "routes": [{"match": {"client": "lab.both"}, "to": ["first", "second"]}],
                        "otherwise": ["first"],
                        "admin": {"tokens": [{"token_sha256": hashlib.sha256(TOKEN.encode()).hexdigest(),
                                              "name": "on-call"}]}})
    relay.folders = folders
    return relay


def act(relay, identifier, action, body=None, **changes):
    return relay.admin_socket(f"/v1/submissions/{identifier}/{action}", "POST",
                              [("Content-Type", "application/json")], json.dumps({**(body or {}), **changes}).encode())


def post(relay, target, body=None, headers=(), over="socket"):
    send = relay.admin_socket if over == "socket" else relay.admin
    return send(target, "POST", headers, json.dumps(body).encode() if body is not None else b"")


def ok(answer):
    assert answer.status == 200, (answer.status, answer.body)
    return answer.json()


def run(relay, *arguments, code=0):
    result = relay.command(*arguments)
    assert result.returncode == code, (result.returncode, result.stdout, result.stderr)
    return result.stdout.decode()


def state_at(relay, identifier, destination):
    found = [each for each in ok(relay.admin_socket(f"/v1/submissions/{identifier}"))["deliveries"]
             if each["destination"] == destination]
    assert found, (identifier, destination)
    return found[0]


def check_promise_7(relay):
    for name, each in relay.status()["destinations"].items():
        into = each["accepted"] + each["moved_in"]
        out = each["delivered"] + each["queued"] + each["dead_letter"] + each["discarded"] + each["moved_out"]
        assert into == out, (name, each)


def audit(relay):
    return ok(relay.admin_socket("/v1/audit"))["entries"]


def test_a_paused_destination_gets_nothing_until_it_is_resumed(two):
    assert "first is paused" in run(two, "pause", "first")
    identifier = two.submit(hl7())
    both = two.submit(hl7(), client="lab.both")
    await_true(lambda: state_at(two, both, "second")["state"] == "delivered", "the other one goes on")
    assert state_at(two, identifier, "first")["state"] == "queued"
    health = two.health()["destinations"]["first"]
    assert (health["state"], health["queued"]) == ("paused", 2)
    assert "first is paused, 2 deliveries wait" in two.health()["summary"]
    two.kill()
    two.start()
    assert two.health()["destinations"]["first"]["state"] == "paused"
    assert list(two.folders["first"].iterdir()) == []
    assert "first is sent to again" in run(two, "resume", "first")
    two.await_state(identifier, "delivered", timeout=60)
    two.await_state(both, "delivered", timeout=60)
    assert two.health()["destinations"]["first"]["state"] == "up"
    assert [each["action"] for each in audit(two) if each["action"] != "configuration"] == ["resume", "pause"]


def test_set_aside_and_retry(two):
    run(two, "pause", "first")
    identifier = two.submit(hl7())
    assert run(two, "set-aside", identifier) == f"{identifier}: 1 delivery is set aside\n"
    shown = json.loads(run(two, "show", identifier, "--json"))
    assert shown["state"] == "dead_letter"
    assert shown["deliveries"][0]["last_error"]["kind"] == "set_aside"
    assert shown["deliveries"][0]["attempts"] == 0
    assert two.health()["status"] == "degraded" and two.health()["journal"]["dead_letter"] == 1
    assert run(two, "list", "--state", "dead_letter").count(identifier) == 1
    run(two, "resume", "first")
    assert run(two, "retry", identifier) == f"{identifier}: 1 delivery is queued again\n"
    two.await_state(identifier, "delivered", timeout=60)
    check_promise_7(two)
    two.verify()


def test_retry_all_of_a_destination(two):
    run(two, "pause", "first")
    identifiers = [two.submit(hl7()) for _ in range(12)]
    run(two, "set-aside", *identifiers)
    answer = ok(post(two, "/v1/retry", {"destination": "first"}))
    assert answer["changed"] == 12
    run(two, "set-aside", *identifiers)
    run(two, "resume", "first")
    assert run(two, "retry", "--all", "--destination", "first") == "12 deliveries are queued again\n"
    for identifier in identifiers:
        two.await_state(identifier, "delivered", timeout=60)
    entries = [each for each in audit(two) if each["action"] == "retry"]
    assert [each["changed"] for each in entries] == [12, 12]
    assert entries[0]["destination"] == "first"


def test_resend(two):
    identifier = two.submit(hl7())
    two.await_state(identifier, "delivered", timeout=60)
    for file in two.folders["first"].iterdir():
        file.unlink()
    assert "1 delivery is queued again" in run(two, "resend", identifier, "--reason", "lost over there")
    two.await_state(identifier, "delivered", timeout=60)
    await_true(lambda: (two.folders["first"] / f"{identifier}.hl7").exists(), "sent again")
    delivery = json.loads(run(two, "show", identifier, "--json"))["deliveries"][0]
    assert (delivery["resends"], delivery["attempts"]) == (1, 2)
    assert [each["receipt"] != {} for each in delivery["history"]] == [True, True], "the earlier receipt stays"
    answer = ok(post(two, "/v1/resend", {"destination": "first", "since": "1h"}))
    assert answer["changed"] == 1
    two.await_state(identifier, "delivered", timeout=60)
    assert run(two, "resend", "--since", "2h", "--until", "1h", "--destination", "first") == \
        "0 deliveries are queued again\n"
    assert two.metrics()['edge_relay_possible_repeats_total{destination="first"}'] == 2
    check_promise_7(two)
    two.verify()


def test_discard_keeps_its_reason_from_everybody_but_operators(two):
    run(two, "pause", "first")
    identifier = two.submit(hl7())
    assert two.command("discard", identifier).returncode == 2, "a reason is asked for"
    assert run(two, "discard", identifier, "--reason", "SMITH^JOHN was sent by fax") == \
        f"{identifier}: 1 delivery is discarded\n"
    assert two.get(identifier)["state"] == "discarded"
    assert state_at(two, identifier, "first")["discard_reason"] == "SMITH^JOHN was sent by fax"
    for answer in (two.admin(f"/v1/submissions/{identifier}"), two.admin("/v1/audit"), two.admin("/health"),
                   two.admin("/metrics"), two.request("GET", f"/v1/submissions/{identifier}")):
        assert answer.status == 200 and b"SMITH" not in answer.body
    assert "SMITH" not in two.log()
    assert b"SMITH" in two.admin(f"/v1/submissions/{identifier}", headers=[BEARER]).body
    assert "SMITH^JOHN was sent by fax" in run(two, "audit")
    check_promise_7(two)


def test_where_several_could_be_meant_they_are_named(two):
    for name in ("first", "second"):
        run(two, "pause", name)
    identifier = two.submit(hl7(), client="lab.both")
    for action, more in (("discard", {"reason": "x"}), ("set-aside", {})):
        answer = act(two, identifier, action, more)
        assert answer.status == 409
        assert answer.json()["type"] == "urn:edge-relay:problem:wrong_state"
        assert "first" in answer.json()["detail"] and "second" in answer.json()["detail"]
    assert two.get(identifier)["state"] == "queued"
    ok(act(two, identifier, "set-aside", destination="second"))
    assert state_at(two, identifier, "second")["state"] == "dead_letter"
    assert state_at(two, identifier, "first")["state"] == "queued"
    ok(act(two, identifier, "set-aside"))
    assert ok(act(two, identifier, "retry"))["changed"] == 2


def test_a_state_that_does_not_allow_it_is_409_and_named(two):
    identifier = two.submit(hl7())
    two.await_state(identifier, "delivered", timeout=60)
    for action in ("retry", "set-aside", "discard"):
        answer = act(two, identifier, action, reason="x")
        assert answer.status == 409 and "delivered" in answer.json()["detail"], answer.body
    run(two, "retry", identifier, code=1)
    assert act(two, identifier, "retry", destination="second").status == 404
    assert act(two, str(uuid.uuid4()), "retry").status == 404
    assert act(two, identifier, "retry", nonsense=1).status == 400
    assert act(two, identifier, "retry", destination=7).status == 400
    assert act(two, identifier, "discard").status == 400
    assert post(two, "/v1/retry", {}).status == 400
    assert post(two, "/v1/resend", {"destination": "first"}).status == 400
    assert post(two, "/v1/retry", {"destination": "nowhere"}).status == 404
    assert post(two, "/v1/destinations/nowhere/pause").status == 404
    assert two.admin_socket("/v1/retry").status == 405
    assert two.admin_socket("/v1/retry").header("Allow") == "POST"


def test_redirect(two):
    run(two, "pause", "first")
    run(two, "pause", "second")
    moved = [two.submit(hl7()) for _ in range(5)]
    run(two, "set-aside", moved[0])
    there = two.submit(hl7(), client="lab.both")
    assert post(two, "/v1/destinations/first/redirect", {"to": "nowhere"}).status == 404
    assert post(two, "/v1/destinations/first/redirect", {}).status == 400
    assert run(two, "redirect", "--from", "first", "--to", "second") == "6 deliveries moved from first to second\n"
    assert state_at(two, there, "first")["discard_reason"] == "redirected"
    shown = json.loads(run(two, "show", moved[0], "--json"))["deliveries"]
    assert [each["destination"] for each in shown] == ["second"]
    assert shown[0]["history"][0]["destination"] == "first"
    status = two.status()["destinations"]
    assert (status["first"]["moved_out"], status["second"]["moved_in"], status["first"]["discarded"]) == (5, 5, 1)
    check_promise_7(two)
    run(two, "resume", "second")
    for identifier in moved:
        two.await_state(identifier, "delivered", timeout=60)
        assert (two.folders["second"] / f"{identifier}.hl7").exists()
    two.await_state(there, "partially_delivered", timeout=60)
    check_promise_7(two)
    two.verify()


def test_what_the_other_one_cannot_take_is_not_redirected(make_relay, tmp_path, storage):
    (tmp_path / "folder").mkdir()
    relay = make_relay({"destinations": {"folder": {"type": "directory", "path": str(tmp_path / "folder")},
                                         "raw": {**storage.destination(), "envelope": "raw"}},
                        "otherwise": ["folder"]})
    run(relay, "pause", "folder")
    small, large = relay.submit(hl7()), relay.submit(hl7(extra=b"x" * 200_000))
    answer = post(relay, "/v1/destinations/folder/redirect", {"to": "raw"})
    assert answer.status == 409 and large in answer.json()["detail"]
    assert state_at(relay, small, "folder")["state"] == "queued"
    assert ok(post(relay, "/v1/destinations/folder/redirect", {"to": "raw", "submissions": [small]}))["changed"] == 1
    relay.await_state(small, "delivered", timeout=60)


def test_a_destination_that_left_the_configuration_is_redirected(two):
    run(two, "pause", "first")
    identifier = two.submit(hl7())
    assert two.stop() == 0
    two.config["destinations"].pop("first")
    two.update({"routes": None, "otherwise": ["second"]})
    two.start()
    assert two.health()["destinations"]["first"]["state"] == "unconfigured"
    assert "1 delivery moved" in run(two, "redirect", "--from", "first", "--to", "second")
    two.await_state(identifier, "delivered", timeout=60)
    check_promise_7(two)
    assert "configuration" in [each["action"] for each in audit(two)]


def test_resume_closes_an_open_circuit(make_relay, tmp_path):
    folder = tmp_path / "absent"
    relay = make_relay({"destinations": {"archive": {"type": "directory", "path": str(folder),
                                                     "backoff": {"initial": "1h", "max": "1h"}}}})
    identifier = relay.submit(hl7())
    await_true(lambda: relay.health()["destinations"]["archive"]["state"] == "down", "down", timeout=60)
    folder.mkdir()
    assert "wasn't paused" in run(relay, "resume", "archive")
    relay.await_state(identifier, "delivered", timeout=60)


def test_over_tcp_only_with_a_token(two):
    identifier = two.submit(hl7())
    two.await_state(identifier, "delivered", timeout=60)
    wrong = ("Authorization", "Bearer another")
    for method, target in [("POST", f"/v1/submissions/{identifier}/resend"), ("POST", "/v1/retry"),
                           ("POST", "/v1/destinations/first/pause"), ("GET", "/v1/export"), ("POST", "/v1/import"),
                           ("GET", f"/v1/submissions/{identifier}/payload"), ("POST", "/v1/submissions")]:
        for headers in ([], [wrong]):
            answer = two.admin(target, method, headers, b"{}" if method == "POST" else None)
            assert answer.status == 401 and answer.header("WWW-Authenticate") == "Bearer", (method, target)
    assert two.get(identifier)["state"] == "delivered"
    assert ok(post(two, f"/v1/submissions/{identifier}/resend", {}, [BEARER], over="tcp"))["changed"] == 1
    assert two.admin(f"/v1/submissions/{identifier}/payload", headers=[BEARER]).status == 200
    entry = audit(two)[0]
    assert (entry["who"], entry["from"], entry["action"]) == ("token on-call", "127.0.0.1", "resend")
    assert two.admin("/v1/audit").status == 200
    foreign = post(two, "/v1/destinations/first/pause", {}, [BEARER, ("Origin", "http://evil.example")], over="tcp")
    assert foreign.status == 403
    two.await_state(identifier, "delivered", timeout=60)


def test_with_read_token_nothing_is_shown_without_one(two):
    assert two.stop() == 0
    two.update({"admin": {"read": "token"}})
    two.start(ready=False)
    await_true(lambda: two.socket_path.exists() and two.admin_socket("/health/ready").status == 200, "ready", timeout=60)
    for target in ("/health", "/metrics", "/v1/status", "/v1/submissions", "/v1/audit", "/nothing"):
        assert two.admin(target).status == 401
    assert two.admin("/health", headers=[BEARER]).status == 200
    assert two.admin("/metrics", headers=[BEARER]).status == 200
    assert two.admin_socket("/health").status == 200


def test_the_audit_says_who_on_the_socket(two):
    run(two, "pause", "first")
    entry = audit(two)[0]
    assert entry["who"] == f"uid {os.getuid()} (root)" and entry["from"] == "socket"
    assert entry["submission"] is None and entry["changed"] == 1
    page = ok(two.admin_socket("/v1/audit?limit=1"))
    assert len(page["entries"]) == 1 and page["next_cursor"]
    rest = ok(two.admin_socket(f"/v1/audit?limit=100&cursor={page['next_cursor']}"))
    assert page["entries"][0]["number"] > rest["entries"][0]["number"]
    assert two.admin_socket("/v1/audit?cursor=nonsense").status == 400
    assert two.admin_socket("/v1/audit?nonsense=1").status == 400
    printed = json.loads(run(two, "audit", "--json"))
    assert printed["entries"][0] == page["entries"][0]
    header = run(two, "audit").splitlines()[0].split()
    assert header == ["WHEN", "ACTION", "WHO", "FROM", "CHANGED", "DESTINATION", "SUBMISSION", "REASON"]


def test_commands_say_what_to_do(two, tmp_path):
    run(two, "pause", "first")
    identifier = two.submit(hl7())
    assert two.command("retry").returncode == 2
    assert two.command("retry", "--all").returncode == 2
    assert two.command("retry", identifier, "--all", "--destination", "first").returncode == 2
    assert two.command("retry", "not-an-id").returncode == 2
    assert two.command("resend", "--until", "1h", "--destination", "first").returncode == 2
    assert two.command("redirect", "--from", "first").returncode == 2
    assert two.command("pause").returncode == 2
    result = two.command("retry", identifier)
    assert result.returncode == 1 and b"first is queued" in result.stderr
    assert two.stop() == 0
    for arguments in (["retry", identifier], ["pause", "first"], ["audit"],
                      ["redirect", "--from", "first", "--to", "second"],
                      ["export", "--output", tmp_path / "out.tar"]):
        result = two.command(*arguments)
        assert result.returncode == 1 and b"isn't running" in result.stderr and b"systemctl start" in result.stderr
    assert not (tmp_path / "out.tar").exists() and not (tmp_path / "out.tar.part").exists()


def test_without_permission_on_the_socket_the_group_is_named(two):
    os.chmod(two.short, 0o755)
    os.chmod(two.folder, 0o755)
    two.socket_path.chmod(0o660)
    result = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", str(BINARY), "audit", "--config",
                             "/nonexistent.yaml"], capture_output=True, timeout=60, check=False)
    # The default socket isn't there on a test machine; the one of this relay is.
    assert result.returncode == 1
    config = two.short / "readable.yaml"
    config.write_text(json.dumps({"admin": {"socket": str(two.socket_path)}}))
    config.chmod(0o644)
    result = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", str(BINARY), "audit", "--config",
                             str(config)], capture_output=True, timeout=60, check=False)
    assert result.returncode == 1
    assert b"no permission" in result.stderr and b"group root" in result.stderr, result.stderr
    config.unlink()


def test_what_is_in_flight_is_left_to_its_outcome(make_relay, storage):
    """The race from outside: discards while the lane sends. Each submission ends one way, and it is the right one."""
    relay = make_relay({"destinations": {"reportstream": storage.destination()}})
    identifiers = [relay.submit(hl7()) for _ in range(60)]
    discarded = set()
    for identifier in reversed(identifiers):
        answer = act(relay, identifier, "discard", reason="raced")
        assert answer.status in (200, 409), answer.body
        if answer.status == 200:
            discarded.add(identifier)
    await_true(lambda: relay.status()["destinations"]["reportstream"]["queued"] == 0, "nothing queued", timeout=60)
    for identifier in identifiers:
        assert relay.get(identifier)["state"] == ("discarded" if identifier in discarded else "delivered")
    sent = " ".join(storage.blob_names())
    assert {identifier for identifier in identifiers if identifier in sent} == set(identifiers) - discarded
    check_promise_7(relay)
    relay.verify()
