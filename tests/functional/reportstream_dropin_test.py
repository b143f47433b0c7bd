"""ReportStream's own endpoints: a sender that was written for them changes its base URL and nothing else. Requests are made
as ReportStream's documentation shows them (its guide to the API: curl with x-functions-key, and a two-legged token)."""

import base64
import concurrent.futures
import hashlib
import hmac
import json
import subprocess
import time
import uuid
from urllib.parse import urlencode

import jwt
import pytest
from relay import FHIR, HL7, fhir, hl7

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
FORM = "application/x-www-form-urlencoded"


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


class Sender:
    def __init__(self, folder, name):
        self.private, self.public = folder / f"{name}.key", folder / f"{name}.pub"
        subprocess.run(["openssl", "ecparam", "-name", "secp384r1", "-genkey", "-noout", "-out", self.private], check=True)
        subprocess.run(["openssl", "ec", "-in", self.private, "-pubout", "-out", self.public], check=True, capture_output=True)

    def assertion(self, **changes):
        claims = {"iss": "lab.signing", "sub": "lab.signing", "aud": "prime.cdc.gov", "exp": int(time.time()) + 300,
                  "jti": str(uuid.uuid4()), **changes}
        return jwt.encode({key: value for key, value in claims.items() if value is not None}, self.private.read_text(),
                          algorithm="ES384", headers={"kid": "lab.signing"})


@pytest.fixture(scope="module")
def senders(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    return {"known": Sender(folder, "known"), "unknown": Sender(folder, "unknown")}


@pytest.fixture
def make_listener(make_relay, tmp_path, senders):
    archive = tmp_path / "archive"
    archive.mkdir()

    def make(destination=archive, **listener):
        relay = make_relay({"destinations": {"archive": {"type": "directory", "path": str(destination),
                                                         "backoff": {"initial": "1s", "max": "1s"}}}}, start=False)
        relay.config["intake"]["http"] = [{"listen": f"127.0.0.1:{relay.port}", **listener}]
        relay.update({})
        return relay.start()
    return make


def path_of(location):
    assert location.startswith("http://localhost/"), location
    return location.removeprefix("http://localhost")


@pytest.mark.parametrize("path", ["/api/reports", "/api/waters", "/api/v1/reports"])
def test_a_report_is_taken(make_listener, path):
    relay = make_listener()
    client = "client_id" if path == "/api/v1/reports" else "client"
    answer = relay.request("POST", path, {"Content-Type": HL7, client: "lab.sender", "payloadName": "day 7"}, hl7())
    assert answer.status == 201, answer.body
    body = answer.json()
    assert body["id"] == body["reportId"] and uuid.UUID(body["id"]).version == 7
    assert isinstance(body["submissionId"], int) and 0 < body["submissionId"] < 2**53
    assert body["overallStatus"] == "Received" and body["timestamp"].endswith("Z")
    assert body["sender"] == "lab.sender" and body["externalName"] == "day 7" and body["actionName"] == "receive"
    assert body["errors"] == [] and body["warnings"] == [] and body["httpStatus"] == 201
    assert set(body) == {"id", "submissionId", "overallStatus", "timestamp", "plannedCompletionAt", "actualCompletionAt", "sender",
                         "reportItemCount", "errorCount", "warningCount", "httpStatus", "destinations", "actionName", "externalName",
                         "reportId", "topic", "errors", "warnings", "destinationCount", "fileName"}
    kept = relay.await_state(body["id"], "delivered")
    assert kept["client"] == "lab.sender" and kept["intake"] == "http"
    history = relay.request("GET", path_of(answer.header("Location")))
    assert history.status == 200 and history.json()["overallStatus"] == "Waiting to Deliver"
    assert path_of(answer.header("Location")) == f"/api/waters/report/{body['id']}/history"
    assert history.json()["submissionId"] == body["submissionId"]
    second = relay.request("POST", path, {"Content-Type": FHIR, client: "lab.sender"}, fhir()).json()
    assert second["submissionId"] != body["submissionId"]


def test_client_and_name_may_stand_in_the_query(make_listener):
    relay = make_listener()
    answer = relay.request("POST", "/api/waters?client=lab.sender&payloadName=day%207&processing=async&allowDuplicate=true",
                           {"Content-Type": HL7}, hl7())
    assert answer.status == 201
    assert answer.json()["sender"] == "lab.sender" and answer.json()["externalName"] == "day 7"
    both = relay.request("POST", "/api/waters?client=lab.sender", {"Content-Type": HL7, "client": "lab.other"}, hl7())
    assert both.status == 400 and both.problem == "bad_client"
    assert relay.request("POST", "/api/waters", {"Content-Type": HL7}, hl7()).problem == "no_client"
    for name in ("a%0d%0aSet-Cookie:%20x", "..%2f..", "a%00b", "a%zz"):
        refused = relay.request("POST", f"/api/waters?client={name}", {"Content-Type": HL7}, hl7())
        assert refused.status == 400 and refused.header("Set-Cookie") is None, name


@pytest.mark.parametrize("option", ["ValidatePayload", "CheckConnections", "validatepayload"])
def test_what_would_keep_nothing_is_refused(make_listener, option):
    relay = make_listener()
    refused = relay.request("POST", f"/api/waters?option={option}", {"Content-Type": HL7, "client": "lab.a"}, hl7())
    assert refused.status == 400 and refused.problem == "malformed_request"
    assert relay.metrics()['edge_relay_submissions_accepted_total{intake="http"}'] == 0
    taken = relay.request("POST", "/api/waters?option=SkipInvalidItems", {"Content-Type": HL7, "client": "lab.a"}, hl7())
    assert taken.status == 201


def test_the_status_of_a_success_can_be_chosen(make_listener):
    relay = make_listener(reportstream_status=202)
    answer = relay.request("POST", "/api/waters", {"Content-Type": HL7, "client": "lab.a"}, hl7())
    assert answer.status == 202 and answer.json()["httpStatus"] == 202
    assert relay.request("GET", path_of(answer.header("Location"))).json()["httpStatus"] == 202


def test_the_history_follows_the_submission(make_listener, tmp_path):
    relay = make_listener(destination=tmp_path / "not there yet")
    # Paused, so that none is in flight just when it is to be set aside.
    assert relay.command("pause", "archive").returncode == 0
    answer = relay.request("POST", "/api/waters", {"Content-Type": HL7, "client": "lab.a"}, hl7())
    identifier = answer.json()["id"]

    def status():
        return relay.request("GET", f"/api/waters/report/{identifier}/history").json()["overallStatus"]
    assert status() == "Received"
    assert relay.command("set-aside", identifier).returncode == 0
    assert status() == "Error"
    assert relay.command("discard", identifier, "--reason", "a test").returncode == 0
    assert status() == "Not Delivering"
    for path in ("/api/waters/report/x/history", "/api/waters/report/01890000-0000-7000-8000-000000000000/history", "/api/waters/report//history"):
        assert relay.request("GET", path).status == 404, path
    assert relay.request("POST", f"/api/waters/report/{identifier}/history").header("Allow") == "GET, HEAD"
    assert relay.request("GET", "/api/waters").header("Allow") == "POST"


def test_a_function_key_is_one_of_the_listeners_tokens(make_listener):
    relay = make_listener(tokens=[{"token_sha256": sha256("the key"), "client": "lab.a"}])
    good = {"Content-Type": HL7, "client": "lab.a", "x-functions-key": "the key"}
    assert relay.request("POST", "/api/reports", good, hl7()).status == 201
    assert relay.request("POST", "/api/reports", {**good, "x-functions-key": "another"}, hl7()).status == 401
    assert relay.request("POST", "/api/reports", {"Content-Type": HL7, "client": "lab.a"}, hl7()).status == 401
    assert relay.request("POST", "/api/reports", {**good, "client": "lab.b"}, hl7()).status == 403
    assert relay.request("POST", "/v1/submissions", good, hl7()).status == 401


def token_request(relay, assertion, scope="lab.*.report", **changes):
    form = {"scope": scope, "grant_type": "client_credentials", "client_assertion_type": TYPE, "client_assertion": assertion, **changes}
    body = urlencode({key: value for key, value in form.items() if value is not None}).encode()
    return relay.request("POST", "/api/token", {"Content-Type": FORM}, body)


def test_a_signed_assertion_gives_a_token_for_five_minutes(make_listener, senders):
    relay = make_listener(public_keys=[{"client": "lab.signing", "key": str(senders["known"].public)}])
    report = {"Content-Type": HL7, "client": "lab.signing"}
    assert relay.request("POST", "/api/waters", report, hl7()).status == 401
    answer = token_request(relay, senders["known"].assertion())
    assert answer.status == 200, answer.body
    token = answer.json()
    assert token["token_type"] == "bearer" and token["expires_in"] == 300 and token["scope"] == "lab.*.report"
    assert token["sub"] == "lab.signing"
    bearer = {**report, "Authorization": f"Bearer {token['access_token']}"}
    taken = relay.request("POST", "/api/waters", bearer, hl7())
    assert taken.status == 201 and taken.json()["sender"] == "lab.signing"
    assert relay.request("GET", path_of(taken.header("Location")), bearer).status == 200
    assert relay.request("POST", "/api/waters", {**bearer, "client": "lab.other"}, hl7()).status == 403
    # As in the query of ReportStream's own sample.
    query = urlencode({"scope": "lab.*.report", "client_assertion": senders["known"].assertion(iss="lab")})
    assert relay.request("POST", f"/api/token?{query}", {}, b"").status == 200
    assert token["access_token"] not in relay.log()


def test_what_isnt_proven_gets_no_token(make_listener, senders):
    relay = make_listener(public_keys=[{"client": "lab.signing", "key": str(senders["known"].public)}])
    known, now = senders["known"], int(time.time())
    used = known.assertion()
    assert token_request(relay, used).status == 200
    public = senders["known"].public.read_text()
    cases = [(used, "expired_token"), (known.assertion(exp=now - 120), "expired_token"), (known.assertion(exp=None), "expired_token"),
             (known.assertion(exp=now + 86_400), "expired_token"), (known.assertion(jti=None), "malformed_jwt"),
             (known.assertion(iss="lab.other"), "no_org_found_for_iss"), (senders["unknown"].assertion(), "no_valid_keys"),
             (jwt.encode({"iss": "lab.signing", "exp": now + 60, "jti": "1"}, None, algorithm="none"), "unsigned_jwt"),
             ("nonsense", "malformed_jwt"), (None, "missing_client_assertion")]
    # The public key as a shared secret: written by hand, since libraries refuse to.
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")
    signed = part({"alg": "HS256", "typ": "JWT"}) + b"." + part({"iss": "lab.signing", "exp": now + 60, "jti": "2"})
    mac = base64.urlsafe_b64encode(hmac.digest(public.encode(), signed, "sha256")).rstrip(b"=")
    cases.append(((signed + b"." + mac).decode(), "no_valid_keys"))
    for assertion, wanted in cases:
        answer = token_request(relay, assertion)
        assert answer.status == 401 and answer.json()["error_description"] == wanted, (wanted, answer.body)
    assert token_request(relay, known.assertion(), scope=None).json()["error_description"] == "missing_scope"
    assert token_request(relay, known.assertion(), scope="other.*.report").json()["error"] == "invalid_scope"


def test_an_assertion_is_good_once_also_over_a_kill_and_for_two_at_once(make_listener, senders):
    relay = make_listener(public_keys=[{"client": "lab.signing", "key": str(senders["known"].public)}])
    used = senders["known"].assertion()
    wrong_scope = token_request(relay, used, scope="other.*.report")
    assert wrong_scope.json()["error"] == "invalid_scope", "which uses nothing up"
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        statuses = sorted(answer.status for answer in pool.map(lambda _: token_request(relay, used), range(8)))
    assert statuses == [200] + [401] * 7
    relay.kill()
    relay.start()
    again = token_request(relay, used)
    assert again.status == 401 and again.json()["error_description"] == "expired_token"
    assert token_request(relay, senders["known"].assertion()).status == 200
    assert relay.stop() == 0
    relay.verify()


def test_nobody_gets_a_token_where_no_key_is_configured(make_listener, senders):
    relay = make_listener(client="lab.default")
    answer = token_request(relay, senders["known"].assertion())
    assert answer.status == 401 and answer.json()["error"] == "invalid_client"
