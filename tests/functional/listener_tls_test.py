"""TLS of the listeners: what is spoken, who gets in with which certificate, and certificates that change."""

import contextlib
import hashlib
import http.server
import shutil
import socket
import ssl
import subprocess
import threading

import pytest
from ports import free_ports
from raw_http import ConnectionEnded
from relay import HL7, SLOWNESS, await_true, hl7, request
from scanners import SlowClients, weaknesses_of_tls
from tls import client_context, tls_request

REFUSED = (ssl.SSLError, ConnectionEnded, ConnectionResetError, BrokenPipeError)


def tls_of(identity, **more):
    return {"certificate": str(identity.certificate), "key": str(identity.key), **more}


@pytest.fixture
def make_tls_relay(make_relay, tmp_path):
    (tmp_path / "archive").mkdir()

    def make(listener, more=None):
        relay = make_relay({"destinations": {"archive": {"type": "directory", "path": str(tmp_path / "archive")}}, **(more or {})},
                           start=False)
        http = {**relay.config["intake"]["http"][0], **listener}
        relay.config["intake"]["http"] = [{key: value for key, value in http.items() if value is not None}]
        relay.update({})
        relay.start(ready=False)
        await_true(lambda: is_ready(relay), lambda: f"ready: {relay.log()[-2000:]}", timeout=60 * SLOWNESS)
        return relay
    return make


def is_ready(relay):
    """Over the socket: the operator's listener may speak TLS."""
    assert relay.process.poll() is None, relay.log()
    try:
        return relay.admin_socket("/health/ready").status == 200
    except OSError:
        return False


def test_it_takes_submissions_over_tls_and_nothing_in_plain(make_tls_relay, identities):
    relay = make_tls_relay({"tls": tls_of(identities["server"])})
    context = client_context(identities["server"])
    answer = tls_request(relay.address, context, "POST", "/v1/submissions", {"Content-Type": HL7}, hl7())
    assert answer.status == 202
    with pytest.raises((ConnectionEnded, ValueError, IndexError)):
        relay.post(hl7())
    # A large one, in several records.
    answer = tls_request(relay.address, context, "POST", "/v1/submissions", {"Content-Type": HL7}, hl7(extra=b"x" * 2_000_000))
    assert answer.status == 202 and answer.json()["size"] > 2_000_000


@pytest.fixture
def poor_server(identities, tmp_path):
    """poor_server(port, protocol): what openssl lets a server speak when it is asked to."""
    processes = []

    def make(port, *how):
        processes.append(subprocess.Popen(["openssl", "s_server", "-accept", str(port), "-cert", str(identities["server"].certificate),
                                           "-key", str(identities["server"].key), "-cipher", "ALL:@SECLEVEL=0", "-quiet", *how],
                                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

        def listens():
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), 5).close()
                return True
            return False
        await_true(listens, "openssl listens")
    yield make
    for each in processes:
        each.kill()
        each.wait()


def test_scanners_find_nothing_old_at_any_door(make_tls_relay, identities):
    """sslscan, which we didn't write, at the HTTP, MLLP and operator's listeners."""
    [mllp] = free_ports(1)
    tls = tls_of(identities["server"])
    relay = make_tls_relay({"tls": tls}, {"intake": {"mllp": [{"listen": f"127.0.0.1:{mllp}", "client": "lab.lis", "tls": tls}]},
                                          "admin": {"tls": tls}})
    assert {port: weaknesses_of_tls(port) for port in (relay.port, mllp, relay.admin_port)} == \
        {relay.port: [], mllp: [], relay.admin_port: []}


@pytest.mark.parametrize("how, finding", [(["-tls1"], "tls1.0 is spoken"), (["-tls1_1"], "tls1.1 is spoken"),
                                          (["-tls1_2"], "ECDHE-ECDSA-AES256-SHA is taken")])
def test_the_scanner_would_find_it(poor_server, how, finding):
    [port] = free_ports(1)
    poor_server(port, *how)
    assert finding in weaknesses_of_tls(port)


def test_certificates_say_who_is_sending(make_tls_relay, identities):
    relay = make_tls_relay({"client": None, "tls": tls_of(
        identities["server"], client_ca=str(identities["authority"].certificate),
        clients=[{"subject_cn": "Lab A", "client": "lab.a"}, {"san_dns": "lis.lab-b.example", "client": "lab.b"}])})

    def post(own, **headers):
        context = client_context(identities["server"], identities[own] if own else None)
        return tls_request(relay.address, context, "POST", "/v1/submissions", {"Content-Type": HL7, **headers}, hl7())

    first = post("lab_a", **{"Relay-Payload-Name": "results.hl7"})
    assert first.status == 202 and first.json()["client"] == "lab.a"
    assert post("lab_b").json()["client"] == "lab.b"
    assert post("lab_a", client="lab.a").status == 202
    contradiction = post("lab_a", client="lab.b")
    assert contradiction.status == 403 and contradiction.problem == "client_not_allowed"
    assert post("unknown").problem == "client_not_allowed"
    for own in ("stranger", None):
        with pytest.raises(REFUSED):
            post(own)
    assert "a TLS handshake failed" in relay.log()

    def get(own):
        context = client_context(identities["server"], identities[own])
        return tls_request(relay.address, context, "GET", first.header("Location"))
    assert get("lab_a").json()["payload_name"] == "results.hl7"
    assert get("lab_b").status == 404


def test_a_certificate_of_no_client_is_the_listeners(make_tls_relay, identities):
    relay = make_tls_relay({"tls": tls_of(identities["server"], client_ca=str(identities["authority"].certificate))})
    answer = tls_request(relay.address, client_context(identities["server"], identities["lab_a"]), "POST", "/v1/submissions",
                         {"Content-Type": HL7}, hl7())
    assert answer.status == 202 and answer.json()["client"] == "lab.default"


def test_a_changed_certificate_is_taken_up_without_a_restart(make_tls_relay, identities, tmp_path):
    certificate, key = tmp_path / "current.pem", tmp_path / "current.key"
    shutil.copy(identities["server"].certificate, certificate)
    shutil.copy(identities["server"].key, key)
    relay = make_tls_relay({"tls": {"certificate": str(certificate), "key": str(key)}})

    def works_with(name):
        try:
            return tls_request(relay.address, client_context(identities[name]), "GET", "/v1/submissions").status == 405
        except REFUSED:
            return False
    assert works_with("server")
    # The certificate first: until its key is there the old pair stays.
    shutil.copy(identities["next"].certificate, certificate)
    await_true(lambda: works_with("server") and "can't be used" in relay.log(), "the half-made change is told", timeout=60)
    shutil.copy(identities["next"].key, key)
    await_true(lambda: works_with("next"), "the new certificate is shown", timeout=60)
    assert not works_with("server")
    assert relay.process.poll() is None


def test_the_operator_listener_speaks_tls_too(make_tls_relay, identities):
    relay = make_tls_relay({}, {"admin": {"tls": tls_of(identities["server"])}})
    answer = tls_request(("127.0.0.1", relay.admin_port), client_context(identities["server"]), "GET", "/health/live")
    assert answer.status == 200


def test_the_operator_listener_beyond_loopback_shows_nothing_without_a_token(make_tls_relay, identities):
    tokens = [{"token_sha256": hashlib.sha256(b"on-call").hexdigest(), "name": "on-call"}]
    relay = make_tls_relay({})
    assert relay.stop() == 0
    relay.config["admin"] = {"listen": f"0.0.0.0:{relay.admin_port}", "socket": str(relay.socket_path), "tls": tls_of(identities["server"]),
                             "tokens": tokens}
    relay.update({})
    relay.start(ready=False)
    await_true(lambda: is_ready(relay), lambda: f"ready: {relay.log()[-2000:]}", timeout=60 * SLOWNESS)
    address, context = ("127.0.0.1", relay.admin_port), client_context(identities["server"])
    for target in ("/health", "/metrics", "/v1/submissions", "/v1/audit"):
        assert tls_request(address, context, "GET", target).status == 401, target
        assert tls_request(address, context, "GET", target, {"Authorization": "Bearer on-call"}).status == 200, target


def test_unusable_files_are_configuration_errors(make_relay, identities, tmp_path):
    relay = make_relay({"destinations": {"archive": {"type": "directory", "path": str(tmp_path)}}}, start=False)
    for tls, wanted in (({"certificate": str(tmp_path / "none.pem"), "key": str(identities["server"].key)}, b"tls.certificate: "),
                        (tls_of(identities["server"], key=str(identities["next"].key)), b"tls.key: "),
                        ({"certificate": str(identities["server"].certificate)}, b"needs `key`"),
                        (tls_of(identities["server"], clients=[{"subject_cn": "x", "client": "lab.a"}]), b"needs client_ca")):
        relay.config["intake"]["http"][0]["tls"] = tls
        relay.update({})
        result = relay.command("check")
        assert result.returncode == 78 and wanted in result.stderr, result.stderr


def test_beyond_loopback_needs_tls_and_somebody_who_asks(make_relay, identities, tmp_path):
    relay = make_relay({"destinations": {"archive": {"type": "directory", "path": str(tmp_path)}}}, start=False)
    token = [{"token_sha256": "0" * 64, "client": "lab.a"}]
    tls = tls_of(identities["server"])
    with_ca = tls_of(identities["server"], client_ca=str(identities["authority"].certificate))
    for more, good in (({}, False), ({"tls": tls}, False), ({"tokens": token}, False), ({"tls": tls, "tokens": token}, True),
                       ({"tls": with_ca}, True), ({"tls": with_ca, "tokens": token}, True), ({"insecure": True}, True)):
        relay.config["intake"]["http"] = [{"listen": f"0.0.0.0:{relay.port}", "client": "lab.default", **more}]
        relay.update({})
        result = relay.command("check")
        assert (result.returncode == 0) == good, (more, result.stderr)
        assert (b"insecure" in result.stderr and b"warning" in result.stderr) == ("insecure" in more), result.stderr
    for more, good in (({"tls": tls}, False), ({"tls": with_ca}, True)):
        relay.config["intake"]["http"] = [{"listen": f"127.0.0.1:{relay.port}"}]
        relay.config["admin"] = {"listen": f"0.0.0.0:{relay.admin_port}", "socket": str(relay.socket_path), **more}
        relay.update({})
        assert (relay.command("check").returncode == 0) == good, more


@pytest.mark.parametrize("kind", ["headers", "body", "read"])
def test_a_flood_of_slow_clients_keeps_nobody_out(make_tls_relay, identities, kind):
    """slowhttptest, which we didn't write, over TLS: 300 clients that take their time. Others, and its own probes, are served."""
    relay = make_tls_relay({"tls": tls_of(identities["server"])}, {"intake": {"request_timeout": "3s"}})
    context = client_context(identities["server"])
    flood = SlowClients(f"https://127.0.0.1:{relay.port}/v1/submissions", kind)
    try:
        posted = 0
        while flood.running():
            answer = tls_request(relay.address, context, "POST", "/v1/submissions", {"Content-Type": HL7}, hl7(), timeout=30 * SLOWNESS)
            assert answer.status == 202
            posted += 1
        assert posted > 10
        verdicts = flood.verdicts()
        assert verdicts and "NO" not in verdicts, verdicts
    finally:
        flood.end()
    assert request(("127.0.0.1", relay.admin_port), "GET", "/health/live").status == 200


def test_the_flood_would_be_felt():
    """By a server that serves one client at a time."""
    class Patient(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass
    with http.server.HTTPServer(("127.0.0.1", 0), Patient) as server:
        serving = threading.Thread(target=server.serve_forever, daemon=True)
        serving.start()
        flood = SlowClients(f"http://127.0.0.1:{server.server_address[1]}/", "headers", connections=20, seconds=6)
        try:
            assert "NO" in flood.verdicts()
        finally:
            flood.end()
            server.shutdown()
            serving.join()
