"""Certificates that end soon are told of before anybody is kept out: the listeners' own, those that clients show, and
what destinations are shown."""

import shutil
import ssl

import pytest
from mllp import MllpConnection, message
from relay import HL7, await_true, hl7, request
from tls import Identity, client_context, tls_request


@pytest.fixture(scope="module")
def identities(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    authority = Identity(folder, "authority", "Senders of the lab")
    return {"folder": folder, "authority": authority,
            "server": Identity(folder, "server", "relay.lab.example"),
            "server_soon": Identity(folder, "server_soon", "relay.lab.example", days=5),
            "authority_soon": Identity(folder, "authority_soon", "Old senders", days=5),
            "client": Identity(folder, "client", "Lab A", issuer=authority),
            "client_soon": Identity(folder, "client_soon", "Lab A", issuer=authority, days=5)}


def tls_of(identity, **more):
    return {"certificate": str(identity.certificate), "key": str(identity.key), **more}


@pytest.fixture
def make_tls_relay(make_relay, tmp_path):
    (tmp_path / "archive").mkdir()

    def make(**tls):
        relay = make_relay({"destinations": {"archive": {"type": "directory", "path": str(tmp_path / "archive")}}}, start=False)
        relay.config["intake"]["http"][0]["tls"] = tls
        relay.update({})
        return relay.start()
    return make


def raised(relay):
    return [each for each in relay.health()["alarms"] if each["name"] == "certificate_expiring"]


def metric(relay):
    return relay.metrics()['edge_relay_alarm{name="certificate_expiring"}']


def test_a_listeners_certificate_that_ends_soon_is_told_of_until_it_is_renewed(make_tls_relay, identities, tmp_path):
    certificate, key = tmp_path / "server.pem", tmp_path / "server.key"
    shutil.copy(identities["server_soon"].certificate, certificate)
    shutil.copy(identities["server_soon"].key, key)
    relay = make_tls_relay(certificate=str(certificate), key=str(key))
    health = relay.health()
    assert health["status"] == "degraded"
    assert f"the certificate of intake.http 127.0.0.1:{relay.port} ends in 4 d" in health["summary"]
    [alarm] = raised(relay)
    assert alarm["destination"] is None and alarm["count"] == 1 and alarm["since"] < "2100"
    assert metric(relay) == 1
    assert relay.admin("/health?strict=1").status == 503
    assert "alarm=certificate_expiring" in relay.log()
    assert "a certificate ends soon" in relay.log()
    shutil.copy(identities["server"].key, key)
    shutil.copy(identities["server"].certificate, certificate)
    await_true(lambda: not raised(relay), "the new certificate is seen", timeout=60)
    assert metric(relay) == 0 and relay.health()["status"] == "ok"
    assert "ended_alarm=certificate_expiring" in relay.log()


def test_authorities_of_clients_that_end_soon_are_told_of(make_tls_relay, identities):
    relay = make_tls_relay(**tls_of(identities["server"], client_ca=str(identities["authority_soon"].certificate)))
    [alarm] = raised(relay)
    assert alarm["count"] == 1
    assert f"client_ca of intake.http 127.0.0.1:{relay.port} ends in" in relay.health()["summary"]


def test_a_clients_certificate_that_ends_soon_is_told_of_until_it_shows_another(make_tls_relay, identities):
    relay = make_tls_relay(**tls_of(identities["server"], client_ca=str(identities["authority"].certificate),
                                    clients=[{"subject_cn": "Lab A", "client": "lab.a"}]))

    def post(own):
        context = client_context(identities["server"], identities[own])
        return tls_request(relay.address, context, "POST", "/v1/submissions", {"Content-Type": HL7}, hl7()).status

    assert post("client") == 202
    assert raised(relay) == [] and metric(relay) == 0
    assert post("client_soon") == 202
    [alarm] = raised(relay)
    assert alarm["count"] == 1 and metric(relay) == 1
    assert "a client's certificate ends in 4 d" in relay.health()["summary"]
    assert "Lab A" not in relay.health()["summary"]
    await_true(lambda: 'certificate="a client\'s certificate (Lab A)"' in relay.log(), lambda: relay.log()[-2000:])
    assert post("client") == 202
    assert raised(relay) == []


def test_what_an_mllp_sender_shows_counts_too(make_relay, identities, tmp_path):
    (tmp_path / "archive").mkdir()
    relay = make_relay({"destinations": {"archive": {"type": "directory", "path": str(tmp_path / "archive")}}}, start=False)
    port = relay.port
    relay.update({"intake": {"http": [], "mllp": [{"listen": f"127.0.0.1:{port}", "client": "lab.a", "tls": tls_of(
        identities["server_soon"], client_ca=str(identities["authority"].certificate))}]}})
    relay.start()
    [alarm] = raised(relay)
    assert alarm["count"] == 1
    context = client_context(identities["server_soon"], identities["client_soon"])
    with MllpConnection(port, tls=context) as connection:
        assert connection.ask(message()).code == "AA"
        await_true(lambda: raised(relay)[0]["count"] == 2, lambda: relay.health()["summary"])


def test_the_operator_listeners_certificate_counts_too(make_relay, identities, tmp_path):
    (tmp_path / "archive").mkdir()
    relay = make_relay({"destinations": {"archive": {"type": "directory", "path": str(tmp_path / "archive")}},
                        "admin": {"tls": tls_of(identities["server_soon"])}}, start=False)
    relay.start(ready=False)

    def health():
        try:
            return request(relay.socket_path, "GET", "/health").json()
        except (OSError, ssl.SSLError):
            return None
    await_true(lambda: health() and "the certificate of admin" in health()["summary"], lambda: relay.log()[-2000:], timeout=60)


def test_a_certificate_that_a_destination_is_shown_counts_too(make_relay, identities):
    relay = make_relay({"destinations": {"state": {"type": "http", "url": "https://localhost:9/in", "client_certificate": {
        "certificate": str(identities["client_soon"].certificate), "key": str(identities["client_soon"].key)}}}})
    [alarm] = raised(relay)
    assert (alarm["destination"], alarm["count"]) == ("state", 1)
    assert "client_certificate of state ends in 4 d" in relay.health()["summary"]
