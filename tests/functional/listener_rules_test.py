"""The rules of listeners from outside: several credentials at once, PEM text in the configuration, sockets' rights, and what is
insecure keeps being named."""

import grp
import hashlib
import os
import ssl
import stat

import pytest
from raw_http import ConnectionEnded
from relay import HL7, hl7, request
from tls import Identity, client_context, tls_request

REFUSED = (ssl.SSLError, ConnectionEnded, ConnectionResetError, BrokenPipeError)


@pytest.fixture(scope="module")
def identities(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    authority = Identity(folder, "authority", "Senders of the lab")
    return {"server": Identity(folder, "server", "relay.lab.example"), "authority": authority,
            "lab_a": Identity(folder, "lab_a", "Lab A", issuer=authority), "lab_b": Identity(folder, "lab_b", "Lab B", issuer=authority)}


@pytest.fixture
def make_listener(make_relay, tmp_path):
    (tmp_path / "archive").mkdir()

    def make(listen=None, **listener):
        relay = make_relay({"destinations": {"archive": {"type": "directory", "path": str(tmp_path / "archive")}}}, start=False)
        relay.config["intake"]["http"] = [{"listen": listen or f"127.0.0.1:{relay.port}", **listener}]
        relay.update({})
        return relay.start()
    return make


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def test_where_certificates_and_tokens_are_configured_both_are_asked_for(make_listener, identities):
    """The certificates as PEM text, which may stand where a path may."""
    relay = make_listener(tls={"certificate": identities["server"].certificate.read_text(), "key": identities["server"].key.read_text(),
                               "client_ca": identities["authority"].certificate.read_text(),
                               "clients": [{"subject_cn": "Lab A", "client": "lab.a"}, {"subject_cn": "Lab B", "client": "lab.b"}]},
                          tokens=[{"token_sha256": sha256("of a"), "client": "lab.a"}])

    def post(own, token):
        headers = {"Content-Type": HL7, **({"Authorization": f"Bearer {token}"} if token else {})}
        context = client_context(identities["server"], identities[own] if own else None)
        return tls_request(relay.address, context, "POST", "/v1/submissions", headers, hl7())

    taken = post("lab_a", "of a")
    assert taken.status == 202 and taken.json()["client"] == "lab.a"
    assert post("lab_a", None).status == 401
    assert post("lab_a", "of nobody").status == 401
    of_another = post("lab_b", "of a")
    assert of_another.status == 403 and of_another.problem == "client_not_allowed"
    with pytest.raises(REFUSED):
        post(None, "of a")
    assert "PRIVATE KEY" not in relay.log() and "of a" not in relay.log()


def test_what_is_insecure_is_named_in_health_and_check(make_relay, tmp_path):
    (tmp_path / "archive").mkdir()
    relay = make_relay({"destinations": {"archive": {"type": "directory", "path": str(tmp_path / "archive")}}}, start=False)
    relay.config["intake"]["http"] = [{"listen": f"0.0.0.0:{relay.port}", "client": "lab.a", "insecure": True}]
    relay.update({})
    relay.start()
    health = relay.health()
    assert health["insecure"] == [f"intake.http 0.0.0.0:{relay.port}"] and "is insecure" in health["summary"]
    checked = relay.command("check")
    assert checked.returncode == 0 and b"insecure" in checked.stderr
    assert "insecure: true" in relay.log()


def test_a_unix_listener_has_its_group_and_mode(make_listener, tmp_path):
    group = grp.getgrgid(os.getgid()).gr_name
    path = tmp_path / "s"
    if len(str(path)) > 100:
        pytest.skip("the path is too long for a socket")
    relay = make_listener(listen=f"unix:{path}", client="lab.unix", group=group, mode="0600")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and path.stat().st_gid == os.getgid()
    answer = request(path, "POST", "/v1/submissions", {"Content-Type": HL7, "Host": "whatever.example"}, hl7())
    assert answer.status == 202 and answer.json()["client"] == "lab.unix"
    assert relay.stop() == 0
    assert not path.exists()
