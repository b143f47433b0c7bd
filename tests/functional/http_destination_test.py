"""Destination `http`: templates, signing in, what answers mean, repeats; against a server made from the contract, and
against Node's own and an OpenID provider that others wrote."""

import base64
import json
import re
import subprocess
from pathlib import Path

import pytest
from answering_server import Answer
from endpoint import Endpoint
from relay import FHIR, HL7, await_true, command, fhir, hl7
from tls import Identity

SUPPORT = Path(__file__).resolve().parents[1] / "support"
QUICK = {"initial": "100ms", "max": "300ms"}


@pytest.fixture
def endpoint():
    server = Endpoint()
    yield server
    server.close()


def destination(server, path="/results/{id}", **keys):
    return {"type": "http", "url": server.url + path, "backoff": QUICK, "timeout": "20s", **keys}


@pytest.fixture
def relay_to(make_relay):
    def make(server, path="/results/{id}", **keys):
        return make_relay({"destinations": {"state": destination(server, path, **keys)}})
    return make


# ---- What is sent ----

def test_the_payload_goes_out_as_it_came_under_the_submissions_id(relay_to, endpoint):
    relay = relay_to(endpoint)
    payload = hl7(extra=b"\xf6\x00|")
    identifier = relay.submit(payload, "application/hl7-v2; charset=ISO-8859-1")
    relay.await_state(identifier, "delivered")
    ((method, path, headers, body),) = endpoint.bodies
    assert (method, path, body) == ("POST", f"/results/{identifier}", payload)
    assert headers["Idempotency-Key"] == identifier
    assert headers["Content-Type"] == "application/hl7-v2; charset=ISO-8859-1"
    assert int(headers["Content-Length"]) == len(payload)
    assert headers["User-Agent"].startswith("edge-relay/") and "(lab-014)" in headers["User-Agent"]


def test_address_and_headers_are_templates(relay_to, endpoint):
    relay = relay_to(endpoint, "/in/{client}/{date}/{timestamp}.{extension}?name={payload_name}&id={id}", method="PUT",
                     headers={"X-Name": "{payload_name}", "X-Site": "lab-014", "idempotency-key": '"{id}"',
                              "Content-Type": "text/plain"})
    identifier = relay.submit(fhir(), FHIR, relay_payload_name="a b/ö%.fhir")
    relay.await_state(identifier, "delivered")
    accepted_at = relay.get(identifier)["accepted_at"]
    timestamp = accepted_at.replace("-", "").replace(":", "").replace(".", "")
    ((method, path, headers, _),) = endpoint.bodies
    assert method == "PUT"
    assert path == (f"/in/lab.default/{timestamp[:8]}/{timestamp}.fhir?name={headers['X-Name']}&id={identifier}")
    assert headers["X-Name"].startswith("a%20b%2F") and headers["X-Name"].endswith("%25.fhir")
    assert headers["X-Site"] == "lab-014"
    assert headers.get_all("Idempotency-Key") == [f'"{identifier}"']
    assert headers.get_all("Content-Type") == ["text/plain"]


# ---- Signing in ----

def test_basic_and_bearer(relay_to, endpoint, tmp_path):
    endpoint.authorization = "Basic " + base64.b64encode(b"lab:PLANTED:pass word").decode()
    relay = relay_to(endpoint, auth={"type": "basic", "user": "lab", "password": "PLANTED:pass word"})
    relay.await_state(relay.submit(hl7()), "delivered")
    token = tmp_path / "token"
    token.write_text("PLANTEDtoken-1\n")
    endpoint.authorization = "Bearer PLANTEDtoken-1"
    other = relay_to(endpoint, auth={"type": "bearer", "token": f"${{file:{token}}}"})
    other.await_state(other.submit(hl7()), "delivered")
    # A token that changed in its file is taken up while the relay runs; one that isn't taken costs no attempt.
    endpoint.authorization = "Bearer PLANTEDtoken-2"
    identifier = other.submit(hl7())
    delivery = other.await_delivery(identifier, lambda each: each["last_error"], "an error")
    assert (delivery["last_error"]["kind"], delivery["last_error"]["status"], delivery["attempts"]) == ("sign_in", 401, 0)
    token.write_text("PLANTEDtoken-2\n")
    other.await_state(identifier, "delivered")
    assert "PLANTED" not in relay.log() + other.log()


OAUTH = {"type": "oauth", "client_id": "relay", "client_secret": "PLANTEDsecret", "scope": "results.write"}


def test_oauth_keeps_its_token_and_asks_for_another_when_it_isnt_taken(relay_to, endpoint):
    endpoint.authorization = "nobody has it yet"
    relay = relay_to(endpoint, auth=OAUTH | {"token_url": endpoint.url + "/token"})
    for identifier in [relay.submit(hl7()) for _ in range(5)]:
        relay.await_state(identifier, "delivered")
    assert endpoint.forms == [{"grant_type": "client_credentials", "scope": "results.write"}]
    endpoint.authorization = "revoked"
    identifier = relay.submit(hl7())
    assert relay.await_state(identifier, "delivered")["deliveries"][0]["attempts"] == 1
    assert len(endpoint.forms) == 2 and len(endpoint.of(identifier)) == 1
    assert "PLANTED" not in relay.log()


def test_less_than_the_scope_asked_for_is_broken(relay_to, endpoint):
    endpoint.granted_scope = "results.read"
    relay = relay_to(endpoint, auth=OAUTH | {"token_url": endpoint.url + "/token"})
    identifier = relay.submit(hl7())
    delivery = relay.await_delivery(identifier, lambda each: each["last_error"], "an error")
    assert (delivery["last_error"]["kind"], delivery["attempts"]) == ("sign_in", 0)
    endpoint.granted_scope = "results.write and.more"
    relay.await_state(identifier, "delivered")


def test_oauth_at_an_openid_provider(relay_to, endpoint):
    provider = subprocess.Popen(["node", str(SUPPORT / "oidc_server.mjs"), '{"keys":[]}', "results.write", "RS256"],
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        port = next(line.split()[1] for line in provider.stdout if line.startswith("port "))
        auth = OAUTH | {"client_id": "lab secret", "client_secret": "PLANTED: %+/&", "token_url": f"http://127.0.0.1:{port}/token"}
        relay = relay_to(endpoint, auth=auth)
        relay.await_state(relay.submit(hl7()), "delivered")
        assert endpoint.bodies[0][2]["Authorization"].startswith("Bearer ")
        wrong = relay_to(endpoint, auth=auth | {"client_secret": "another"})
        delivery = wrong.await_delivery(wrong.submit(hl7()), lambda each: each["last_error"], "an error")
        assert delivery["last_error"]["kind"] == "sign_in" and "invalid_client" in delivery["last_error"]["message"]
    finally:
        provider.terminate()
        provider.wait(20)
        provider.stdout.close()


def test_a_client_certificate_at_nodes_own_server(make_relay, tmp_path):
    authority = Identity(tmp_path, "authority", "Test authority")
    server = Identity(tmp_path, "server", "server", dns=["localhost"], issuer=authority)
    own = Identity(tmp_path, "relay", "lab-014", issuer=authority)
    node = subprocess.Popen(["node", str(SUPPORT / "https_server.mjs"), server.certificate, server.key, authority.certificate],
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        port = int(node.stdout.readline().split()[1])
        keys = {"type": "http", "url": f"https://localhost:{port}/in", "ca_file": str(authority.certificate), "backoff": QUICK}
        relay = make_relay({"destinations": {"state": keys | {"client_certificate": {
            "certificate": str(own.certificate), "key": own.key.read_text()}}}})
        payload = hl7()
        identifier = relay.submit(payload)
        relay.await_state(identifier, "delivered")
        seen = json.loads(node.stdout.readline())
        assert seen == {"client": "lab-014", "key": identifier, "body": base64.b64encode(payload).decode()}
        said = command("check", "--connect", "--config", relay.file).stdout.decode()
        assert re.search(r"^state: TLS: the certificate holds, for another \d+ days$", said, re.MULTILINE), said
        stranger = make_relay({"destinations": {"state": keys}})
        delivery = stranger.await_delivery(stranger.submit(hl7()), lambda each: each["last_error"], "an error")
        assert (delivery["last_error"]["kind"], delivery["attempts"], delivery["state"]) == ("tls", 0, "queued")
    finally:
        node.terminate()
        node.wait(20)
        node.stdout.close()


# ---- What answers mean ----

def test_what_accept_and_refuse_say(relay_to, endpoint):
    relay = relay_to(endpoint, accept={"status": [202], "content_type": "application/json", "body_contains": '"taken"'},
                     refuse={"status": [409]})
    identifier = relay.submit(hl7())
    delivery = relay.await_delivery(identifier, lambda each: each["last_error"], "an error")  # 201 isn't named
    assert (delivery["last_error"]["kind"], delivery["attempts"]) == ("unexpected_answer", 0)
    endpoint.answer("/results", Answer(202, "taken", "text/plain"), Answer(202, {"no": 1}), Answer(202, {"taken": 1}))
    relay.await_state(identifier, "delivered")
    endpoint.clear()
    endpoint.answer("/results", Answer(409, {"why": "PLANTED"}))
    refused = relay.submit(hl7())
    shown = relay.await_state(refused, "dead_letter")["deliveries"][0]
    assert (shown["last_error"]["kind"], shown["last_error"]["status"]) == ("refused", 409)
    assert "PLANTED" not in relay.log()


def test_a_page_is_never_taken_for_an_answer_unless_it_is_named(relay_to, endpoint):
    endpoint.always("/results", Answer(200, "<!DOCTYPE html><p>Please sign in", "text/html"))
    relay = relay_to(endpoint)
    delivery = relay.await_delivery(relay.submit(hl7()), lambda each: each["last_error"], "an error")
    assert (delivery["last_error"]["kind"], delivery["attempts"]) == ("unexpected_answer", 0)
    named = relay_to(endpoint, accept={"content_type": "text/html", "body_contains": "sign in"})
    named.await_state(named.submit(hl7()), "delivered")


@pytest.mark.parametrize("lost", [Answer(close=True, after=True), Answer(502, after=True)], ids=["cut off", "502"])
def test_what_had_no_answer_is_sent_again_with_the_same_key_and_counted(relay_to, endpoint, lost):
    endpoint.answer("/results", lost)
    relay = relay_to(endpoint)
    payload = hl7()
    identifier = relay.submit(payload)
    delivery = relay.await_state(identifier, "delivered")["deliveries"][0]
    assert delivery["attempts"] == 2
    assert endpoint.of(identifier) == [payload, payload]
    await_true(lambda: relay.metrics()['edge_relay_possible_repeats_total{destination="state"}'] == 1, "its count")


# ---- The configuration, and what check says ----

def problems(tmp_path, keys):
    file = tmp_path / "problems.yaml"
    file.write_text(json.dumps({"destinations": {"state": {"type": "http", **keys}}}))
    result = command("check", "--config", file)
    return result.returncode, result.stderr.decode()


@pytest.mark.parametrize("keys, words", [
    ({}, "url is missing"),
    ({"url": "ftp://a"}, "must begin with https://"),
    ({"url": "https://a/{nobody}"}, "brace"),
    ({"url": "https://{client}.example/"}, "host"),
    ({"url": "https://a/", "method": "GET"}, "POST, PUT or PATCH"),
    ({"url": "https://a/", "headers": {"Content-Length": "1"}}, "the relay's own"),
    ({"url": "https://a/", "headers": {"X": "a\r\nY: b"}}, "line break"),
    ({"url": "https://a/", "headers": {"X Y": "a"}}, "can't be a header's name"),
    ({"url": "https://a/", "auth": {"type": "bearer"}}, "token is missing"),
    ({"url": "https://a/", "auth": {"type": "basic", "user": "a", "password": "b", "token": "c"}}, "belongs to type: bearer"),
    ({"url": "https://a/", "auth": {"type": "oauth", "client_id": "a", "client_secret": "b"}}, "token_url is missing"),
    ({"url": "https://a/", "client_certificate": {"certificate": "/nowhere.pem"}}, "needs `key`"),
    ({"url": "https://a/", "accept": {"status": [302]}}, "isn't a status from 200 to 299 or"),
    ({"url": "https://a/", "refuse": {"status": ["many"]}}, "isn't a status from 400 to 599"),
    ({"url": "https://a/", "rate": "fast"}, "isn't a rate"),
])
def test_each_slip_has_its_line(tmp_path, keys, words):
    code, text = problems(tmp_path, keys)
    assert code == 78 and words in text and ": error: destinations.state" in text, text


def test_check_connect_signs_in_and_sends_nothing(relay_to, endpoint):
    relay = relay_to(endpoint, auth=OAUTH | {"token_url": endpoint.url + "/token"})
    good = command("check", "--connect", "--config", relay.file)
    assert good.returncode == 0, good.stderr
    assert b"token: the sign-in holds" in good.stdout and b"not checked: " in good.stdout
    endpoint.client = ("relay", "another")
    bad = command("check", "--connect", "--config", relay.file)
    assert bad.returncode == 1 and b"invalid_client" in bad.stdout + bad.stderr
    assert endpoint.bodies == []


def test_a_rate_holds_back_and_loses_nothing(relay_to, endpoint):
    relay = relay_to(endpoint, rate="10/s")
    identifiers = [relay.submit(hl7()) for _ in range(30)]
    for identifier in identifiers:
        relay.await_state(identifier, "delivered")
    # What a bucket of ten a second lets out: ten at once, then one each 100 ms.
    times = sorted(each["deliveries"][0]["delivered_at"] for each in map(relay.get, identifiers))
    assert times[0] < times[-1]
    assert all(len(endpoint.of(each)) == 1 for each in identifiers)
    await_true(lambda: relay.get(identifiers[0])["content_type"] == HL7, "its record")
