"""MLLP listeners: who may connect and how many, slow and vanished peers, and reloads with connections open."""

import select
import time

import pytest
from mllp import END, START, MllpConnection, message
from relay import SLOWNESS, await_true


def newest(relay):
    return relay.admin_socket("/v1/submissions?limit=1").json()["submissions"][0]


def count(relay, name, **labels):
    inside = ",".join(f'{key}="{value}"' for key, value in {"intake": "mllp", **labels}.items())
    return relay.metrics()[f"edge_relay_{name}_total{{{inside}}}"]


def reload(relay, listeners, **intake):
    relay.update({"intake": {**intake, "mllp": listeners}})
    return relay.admin_socket("/v1/reload", "POST")


# ---- who may connect, and how many ----

def test_an_address_that_isnt_allowed_is_closed(make_mllp_relay):
    relay = make_mllp_relay({"client": "lab.lis", "allow_from": ["127.0.0.2", "127.0.1.0/24"]})
    for source in ("127.0.0.2", "127.0.1.77"):
        with MllpConnection(relay.mllp[0], source=source) as connection:
            assert connection.ask(message(source.encode())).code == "AA"
    for source in (None, "127.0.0.3"):
        with MllpConnection(relay.mllp[0], source=source) as connection:
            assert connection.closes()
    assert count(relay, "submissions_accepted") == 2
    assert count(relay, "submissions_refused", reason="client_not_allowed") == 2
    assert "an address that allow_from doesn't name" in relay.log()


def test_beyond_max_connections_they_wait_in_the_backlog(make_mllp_relay):
    relay = make_mllp_relay({"client": "lab.lis", "max_connections": 3})
    served = [MllpConnection(relay.mllp[0]) for _ in range(3)]
    for number, connection in enumerate(served):
        assert connection.ask(message(b"SERVED-%d" % number)).code == "AA"
    with MllpConnection(relay.mllp[0]) as waiting:
        waiting.send_frame(message(b"WAITING"))
        for number, connection in enumerate(served * 5):
            assert connection.ask(message(b"STILL-%d" % number)).code == "AA"
        assert not select.select([waiting.socket], [], [], 0)[0], "nobody reads it yet"
        served[0].close()
        assert waiting.read().control_id == b"WAITING"
    for connection in served:
        connection.close()


# ---- slow and vanished peers ----

def test_a_peer_that_trickles_is_closed_and_a_slow_one_isnt(make_mllp_relay):
    """Under 512 bytes/s on average over request_timeout, whatever comes in between."""
    relay = make_mllp_relay({"client": "lab.lis"}, request_timeout="4s")
    with MllpConnection(relay.mllp[0]) as trickling, MllpConnection(relay.mllp[0]) as slow:
        trickling.send(START + message(b"TRICKLE"))
        slow.send(START + message(b"SLOW"))
        closed, sent = False, 0
        while not closed or sent < 10 * 5000:
            time.sleep(0.5)  # the pace of both
            slow.send(b"x" * 5000)
            sent += 5000
            if not closed:
                try:
                    trickling.send(b"x")
                    closed = bool(select.select([trickling.socket], [], [], 0)[0])
                except ConnectionError:
                    closed = True
            assert sent < 300 * 5000, "the trickling one is never closed"
        slow.send(END)
        assert slow.read().control_id == b"SLOW"
    assert count(relay, "submissions_refused", reason="request_timeout") == 1
    assert count(relay, "submissions_accepted") == 1


def test_peers_that_stall_keep_nobody_out(make_mllp_relay):
    relay = make_mllp_relay({"client": "lab.lis"}, request_timeout="2s")
    stalled = [MllpConnection(relay.mllp[0]) for _ in range(300)]
    for connection in stalled:
        connection.send(START + message(b"STALLED")[:-20])
    with MllpConnection(relay.mllp[0]) as connection:
        for number in range(20):
            assert connection.ask(message(b"BETWEEN-%d" % number)).code == "AA"
    assert all(connection.closes() for connection in stalled)
    assert count(relay, "submissions_refused", reason="request_timeout") == 300
    assert relay.log().count("didn't arrive within request_timeout") < 10, "the log isn't filled by it"


def test_a_vanished_peer_is_found_out(make_mllp_relay):
    """Nothing comes from a machine that lost its power: the kernel asks after two minutes (/proc/net/tcp, timer 2)."""
    relay = make_mllp_relay({"client": "lab.lis"})

    def timer():
        with open("/proc/net/tcp", encoding="ascii") as sockets:
            for line in sockets.read().splitlines()[1:]:
                fields = line.split()
                if fields[1].endswith(f":{relay.mllp[0]:04X}") and fields[3] == "01":
                    return fields[5].split(":")
        return None
    with MllpConnection(relay.mllp[0]) as connection:
        assert connection.ask(message(b"KEEP-ALIVE")).code == "AA"
        await_true(lambda: timer() and timer()[0] == "02" and 0 < int(timer()[1], 16) <= 120 * 100,
                   lambda: f"a keep-alive timer: {timer()}", timeout=60 * SLOWNESS)


# ---- reload ----

def test_listeners_come_and_go_with_connections_open(make_mllp_relay):
    relay = make_mllp_relay({"client": "lab.lis"})
    first, second = relay.mllp[:2]
    here, there = ({"listen": f"127.0.0.1:{port}", "client": client} for port, client in ((first, "lab.lis"), (second, "lab.two")))
    with MllpConnection(first) as kept, MllpConnection(first) as idle, MllpConnection(first) as busy:
        assert kept.ask(message(b"BEFORE")).code == "AA"
        assert idle.ask(message(b"IDLE")).code == "AA"
        assert reload(relay, [here, there]).status == 200
        assert kept.ask(message(b"WITH-TWO")).code == "AA" and newest(relay)["client"] == "lab.lis"
        with MllpConnection(second) as other:
            assert other.ask(message(b"SECOND")).code == "AA" and newest(relay)["client"] == "lab.two"
            # A listener goes: what is idle is closed, a message that has begun is taken and answered.
            whole = message(b"UNDER-WAY")
            busy.send(START + whole[:100])
            kept.send(START + message(b"IN-THE-SOCKET") + END)
            assert kept.read().code == "AA"
            # What was sent last has reached the daemon once a later message of another connection is answered.
            assert idle.ask(message(b"AFTER-IT")).code == "AA"
            assert reload(relay, [there]).status == 200
            assert idle.closes() and kept.closes()
            busy.send(whole[100:] + END)
            assert busy.read().control_id == b"UNDER-WAY"
            assert busy.closes()
            with pytest.raises(ConnectionRefusedError):
                MllpConnection(first).close()
            assert other.ask(message(b"SECOND-STILL")).code == "AA"
        assert reload(relay, [here]).status == 200
    with MllpConnection(first) as again:
        assert again.ask(message(b"BACK")).code == "AA"
    assert count(relay, "submissions_accepted") == 9
    assert "are cut" not in relay.log()


def test_frames_go_by_the_rules_under_which_they_began(make_mllp_relay):
    relay = make_mllp_relay({"client": "lab.lis"})
    listener = {"listen": f"127.0.0.1:{relay.mllp[0]}", "client": "lab.new", "ack": "enhanced", "clients": [{"msh3": "EPIC", "client": "lab.epic"}],
                "test_production_guard": "production"}
    with MllpConnection(relay.mllp[0]) as connection, MllpConnection(relay.mllp[0]) as other:
        begun = message(b"BEGUN")
        connection.send(START + begun[:200])
        # It has arrived once a later message of another connection is answered.
        assert other.ask(message(b"OTHER")).code == "AA"
        answer = reload(relay, [listener], max_payload="10kB")
        assert answer.status == 200 and answer.json()["restart_needed"] == []
        connection.send(begun[200:] + END)
        assert connection.read().code == "AA" and newest(relay)["client"] == "lab.lis"
        assert connection.ask(message(b"NEXT", processing=b"P")).code == "CA" and newest(relay)["client"] == "lab.new"
        assert connection.ask(message(b"EPIC", processing=b"P", sender=b"EPIC|LAB")).code == "CA" and newest(relay)["client"] == "lab.epic"
        assert (refused := connection.ask(message(b"TEST"))).code == "CR" and refused.error == 202
        assert connection.ask(message(b"LARGE", processing=b"P", extra=b"x" * 12_000)).code == "CE"


def test_what_only_a_restart_takes_over_is_named(make_mllp_relay):
    relay = make_mllp_relay({"client": "lab.lis", "dedupe_window": "1h"})
    listener = dict(relay.config["intake"]["mllp"][0])
    assert reload(relay, [{**listener, "dedupe_window": "30m"}]).json()["restart_needed"] == []
    answer = reload(relay, [{**listener, "dedupe_window": "48h", "max_connections": 7}])
    assert answer.json()["restart_needed"] == ["intake.mllp[0].dedupe_window", "intake.mllp[0].max_connections"]


def test_a_busy_port_changes_nothing(make_mllp_relay):
    relay = make_mllp_relay({"client": "lab.lis"})
    listener = dict(relay.config["intake"]["mllp"][0])
    with MllpConnection(relay.mllp[0]) as connection:
        answer = reload(relay, [{**listener, "ack": "enhanced"}, {"listen": f"127.0.0.1:{relay.admin_port}", "client": "lab.x"}])
        assert answer.status == 422, answer.body
        assert connection.ask(message(b"AS-BEFORE")).code == "AA"
