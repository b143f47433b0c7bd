"""MLLP under TLS: what is taken, whose certificate means which client, and what a change of the configuration does to
connections that are open."""

import shutil
import ssl
import threading

import pytest
from mllp import END, START, Closed, MllpConnection, message
from ports import free_ports
from relay import await_true
from tls import client_context

REFUSED = (ssl.SSLError, Closed, ConnectionResetError, BrokenPipeError)


def tls_of(identities, **more):
    server = identities["server"]
    return {"certificate": str(server.certificate), "key": str(server.key), **more}


def asking(identities, **more):
    return tls_of(identities, client_ca=str(identities["authority"].certificate), **more)


CLIENTS = [{"subject_cn": "Lab A", "client": "lab.a"}, {"san_dns": "lis.lab-b.example", "client": "lab.b"}]


def newest(relay):
    return relay.admin_socket("/v1/submissions?limit=1").json()["submissions"][0]


def accepted(relay):
    return relay.metrics()['edge_relay_submissions_accepted_total{intake="mllp"}']


def refused(relay):
    return relay.metrics()['edge_relay_submissions_refused_total{intake="mllp",reason="client_not_allowed"}']


def reload(relay, **listener):
    """The first listener with these keys changed; None takes one away."""
    changed = {**relay.config["intake"]["mllp"][0], **listener}
    relay.config["intake"]["mllp"][0] = {key: value for key, value in changed.items() if value is not None}
    relay.update({})
    answer = relay.admin_socket("/v1/reload", "POST")
    assert answer.status == 200, answer.body


def test_messages_are_taken_over_tls_and_nothing_in_plain(make_mllp_relay, identities):
    relay = make_mllp_relay({"client": "lab.lis", "tls": tls_of(identities)})
    context = client_context(identities["server"])
    with MllpConnection(relay.mllp[0], tls=context) as connection:
        for number in range(3):
            assert connection.ask(message(b"TLS-%d" % number)).control_id == b"TLS-%d" % number
        # Several records, several frames in one, and a frame whose last CR never comes.
        assert connection.ask(message(b"LARGE", extra=b"x" * 1_000_000)).code == "AA"
        connection.send(b"".join(START + message(b"AHEAD-%d" % number) + END for number in range(50)))
        assert [connection.read().control_id for _ in range(50)] == [b"AHEAD-%d" % number for number in range(50)]
        connection.send(START + message(b"NO-CR") + b"\x1c")
        assert connection.read().control_id == b"NO-CR"
        assert connection.ask(message(b"AFTER-NO-CR")).code == "AA"
    assert newest(relay)["client"] == "lab.lis"
    before = accepted(relay)
    with MllpConnection(relay.mllp[0]) as plain:
        plain.send_frame(message(b"PLAIN"))
        with pytest.raises((*REFUSED, AssertionError)):
            plain.read()
    assert accepted(relay) == before
    await_true(lambda: "MLLP: a TLS handshake failed" in relay.log(), "the log says so", timeout=60)


def test_an_old_tls_version_is_refused(make_mllp_relay, identities):
    relay = make_mllp_relay({"client": "lab.lis", "tls": tls_of(identities)})
    context = client_context(identities["server"])
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    with pytest.raises(REFUSED):
        MllpConnection(relay.mllp[0], tls=context)


def test_who_shakes_no_hands_is_closed(make_mllp_relay, identities):
    relay = make_mllp_relay({"client": "lab.lis", "tls": tls_of(identities)}, request_timeout="1s")
    with MllpConnection(relay.mllp[0]) as silent:
        assert silent.closes()
    await_true(lambda: "it took too long" in relay.log(), "the log says so", timeout=60)


def test_certificates_say_who_is_sending(make_mllp_relay, identities):
    """Whatever MSH-3 and MSH-4 say."""
    relay = make_mllp_relay({"clients": [{"msh3": "*", "client": "lab.epic"}], "tls": asking(identities, clients=CLIENTS)})
    for own, client in (("lab_a", "lab.a"), ("lab_b", "lab.b")):
        with MllpConnection(relay.mllp[0], tls=client_context(identities["server"], identities[own])) as connection:
            assert connection.ask(message(own.encode())).code == "AA"
        assert newest(relay)["client"] == client
    before, count = accepted(relay), refused(relay)
    for own in ("unknown", "stranger", None):
        context = client_context(identities["server"], identities[own] if own else None)
        with pytest.raises(REFUSED), MllpConnection(relay.mllp[0], tls=context) as connection:
            connection.ask(message(b"NOBODY"))
    await_true(lambda: "whose certificate is no client's" in relay.log(), "the log says so", timeout=60)
    assert accepted(relay) == before and refused(relay) == count + 1


def test_a_certificate_of_no_client_is_the_listeners(make_mllp_relay, identities):
    """Where certificates name nobody at all, messages still may."""
    rules = [{"msh3": "EPIC", "client": "lab.epic"}]
    relay = make_mllp_relay({"client": "lab.lis", "clients": rules, "tls": asking(identities, clients=CLIENTS)},
                            {"client": "lab.lis", "clients": rules, "tls": asking(identities)},
                            {"tls": asking(identities)})
    context = client_context(identities["server"], identities["unknown"])
    for listener, client in ((0, "lab.lis"), (1, "lab.epic")):
        with MllpConnection(relay.mllp[listener], tls=context) as connection:
            assert connection.ask(message(b"WHOSE-%d" % listener, sender=b"EPIC|HOSPITAL")).code == "AA"
        assert newest(relay)["client"] == client
    with pytest.raises(REFUSED), MllpConnection(relay.mllp[2], tls=context) as connection:
        connection.ask(message(b"NOBODYS"))


def test_a_changed_certificate_is_taken_up_without_a_restart(make_mllp_relay, identities, tmp_path):
    certificate, key = tmp_path / "current.pem", tmp_path / "current.key"
    shutil.copy(identities["server"].certificate, certificate)
    shutil.copy(identities["server"].key, key)
    relay = make_mllp_relay({"client": "lab.lis", "tls": {"certificate": str(certificate), "key": str(key)}})

    def works_with(name):
        try:
            with MllpConnection(relay.mllp[0], tls=client_context(identities[name])) as connection:
                return connection.ask(message(name.encode())).code == "AA"
        except REFUSED:
            return False
    assert works_with("server")
    with MllpConnection(relay.mllp[0], tls=client_context(identities["server"])) as kept:
        # The certificate first: until its key is there the old pair stays.
        shutil.copy(identities["next"].certificate, certificate)
        await_true(lambda: works_with("server") and "can't be used" in relay.log(), "the half-made change is told", timeout=60)
        shutil.copy(identities["next"].key, key)
        await_true(lambda: works_with("next"), "the new certificate is shown", timeout=60)
        assert not works_with("server")
        assert kept.ask(message(b"KEPT")).code == "AA", "a connection from before goes on"


def test_whom_a_reload_keeps_out_sends_nothing_more(make_mllp_relay, identities):
    """Connections live for months: what is asked for later is asked of those that are open, too."""
    relay = make_mllp_relay({"client": "lab.lis"})
    port, server = relay.mllp[0], identities["server"]

    def kept_out(connection, control_id):
        before = accepted(relay)
        connection.send_frame(message(control_id))
        assert connection.closes() and accepted(relay) == before

    plain, foreign = MllpConnection(port), MllpConnection(port, source="127.0.0.2")
    assert plain.ask(message(b"PLAIN")).code == "AA" and foreign.ask(message(b"FOREIGN")).code == "AA"
    reload(relay, allow_from=["127.0.0.1"])
    assert plain.ask(message(b"PLAIN-2")).code == "AA"
    kept_out(foreign, b"FOREIGN-2")
    reload(relay, tls=tls_of(identities), allow_from=None)
    kept_out(plain, b"PLAIN-3")

    anonymous = MllpConnection(port, tls=client_context(server))
    assert anonymous.ask(message(b"ANONYMOUS")).code == "AA"
    reload(relay, tls=asking(identities, clients=CLIENTS))
    kept_out(anonymous, b"ANONYMOUS-2")

    known = MllpConnection(port, tls=client_context(server, identities["lab_a"]))
    assert known.ask(message(b"KNOWN")).code == "AA" and newest(relay)["client"] == "lab.a"
    reload(relay, tls=asking(identities, clients=[{"subject_cn": "Lab A", "client": "lab.c"}]))
    assert known.ask(message(b"KNOWN-2")).code == "AA" and newest(relay)["client"] == "lab.c"
    reload(relay, client=None, tls=asking(identities, clients=CLIENTS[1:]))
    kept_out(known, b"KNOWN-3")

    other = MllpConnection(port, tls=client_context(server, identities["lab_b"]))
    assert other.ask(message(b"OTHER")).code == "AA"
    reload(relay, tls=tls_of(identities, client_ca=str(identities["stranger"].certificate), clients=CLIENTS))
    kept_out(other, b"OTHER-2")
    reload(relay, client="lab.lis", tls=None)
    with MllpConnection(port) as again:
        assert again.ask(message(b"AGAIN")).code == "AA"


def test_idle_tls_connections_dont_hold_up_a_stop(make_mllp_relay, identities):
    """Nor does one that never shakes hands."""
    relay = make_mllp_relay({"client": "lab.lis", "tls": tls_of(identities)})
    silent = MllpConnection(relay.mllp[0])
    idle = [MllpConnection(relay.mllp[0], tls=client_context(identities["server"])) for _ in range(5)]
    assert idle[0].ask(message(b"IDLE")).code == "AA"
    assert relay.stop() == 0
    assert "are cut" not in relay.log()
    assert all(connection.closes() for connection in [*idle, silent])
    assert "handshake failed" not in relay.log()


def test_beyond_loopback_somebody_has_to_be_asked(make_mllp_relay, make_relay, identities, tmp_path):
    """tls with client_ca, or allow_from."""
    relay = make_relay({"destinations": {"archive": {"type": "directory", "path": str(tmp_path)}}}, start=False)
    port = free_ports(1)[0]
    for more, good in (({}, False), ({"tls": tls_of(identities)}, False), ({"tls": asking(identities)}, True),
                       ({"allow_from": ["10.1.2.0/24"]}, True), ({"insecure": True}, True),
                       ({"insecure": True, "tls": asking(identities)}, True)):
        relay.config["intake"]["mllp"] = [{"listen": f"0.0.0.0:{port}", "client": "lab.lis", **more}]
        relay.update({})
        result = relay.command("check")
        assert (result.returncode == 0) == good, (more, result.stderr)
        named = more == {"insecure": True}
        assert (b"insecure" in result.stderr and b"warning" in result.stderr) == named, result.stderr
        if not good:
            assert result.returncode == 78 and b"intake.mllp[0].listen" in result.stderr
            for way_out in (b"tls.client_ca", b"allow_from", b"insecure: true"):
                assert way_out in result.stderr, result.stderr
    relay.config["intake"]["mllp"] = [{"listen": f"0.0.0.0:{port}", "client": "lab.lis", "insecure": True}]
    relay.update({})
    relay.start()
    assert "insecure" in relay.health()["summary"] or "insecure" in str(relay.health()), relay.health()


def test_unusable_files_are_configuration_errors(make_relay, identities, tmp_path):
    relay = make_relay({"destinations": {"archive": {"type": "directory", "path": str(tmp_path)}}}, start=False)
    for tls, wanted in ((tls_of(identities, certificate=str(tmp_path / "none.pem")), b"intake.mllp[0].tls.certificate: "),
                        (tls_of(identities, key=str(identities["next"].key)), b"intake.mllp[0].tls.key: "),
                        ({"certificate": str(identities["server"].certificate)}, b"needs `key`"),
                        (tls_of(identities, clients=CLIENTS), b"needs client_ca")):
        relay.config["intake"]["mllp"] = [{"listen": f"127.0.0.1:{free_ports(1)[0]}", "client": "lab.lis", "tls": tls}]
        relay.update({})
        result = relay.command("check")
        assert result.returncode == 78 and wanted in result.stderr, result.stderr


def test_many_at_once_over_tls(make_mllp_relay, identities):
    relay = make_mllp_relay({"client": "lab.lis", "tls": tls_of(identities)})
    right = []

    def send(sender):
        with MllpConnection(relay.mllp[0], tls=client_context(identities["server"])) as connection:
            names = [b"S%d-%d" % (sender, number) for number in range(20)]
            connection.send(b"".join(START + message(name) + END for name in names))
            right.append([connection.read().control_id for _ in names] == names)
    threads = [threading.Thread(target=send, args=(sender,)) for sender in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert right == [True] * 10 and accepted(relay) == 200
