"""The descriptions of both interfaces: every path, method and status in them is answered so by the real program, and
nothing that it answers is missing from them."""

import hashlib
import json
import re
import subprocess
import time
from pathlib import Path
from urllib.parse import urlencode

import jwt
import pytest
import yaml
from ports import free_ports
from relay import HL7, ROOT, await_true, head, hl7, request

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
NOBODY = "/v1/submissions/01890000-0000-7000-8000-000000000000"


def operations_of(document):
    """{(method, path, status)} of a document."""
    return {(method.upper(), path, int(status)) for path, item in document["paths"].items()
            for method, operation in item.items() if method in METHODS for status in operation["responses"]}


@pytest.fixture(scope="module")
def relays(tmp_path_factory):
    """One that takes everything, one whose disk is called full, and one that asks who comes and lets them come slowly."""
    from relay import Relay
    folder = tmp_path_factory.mktemp("openapi")
    (folder / "archive").mkdir()
    directory = {"type": "directory", "path": str(folder / "archive"), "backoff": {"initial": "1h", "max": "1h"}}
    (folder / "other").mkdir()
    other = {**directory, "path": str(folder / "other")}
    roomy = Relay(folder, {"destinations": {"archive": directory, "other": other}, "clients": ["lab.*"],
                           "routes": [{"match": {"client": client}, "to": ["archive"]} for client in ("lab.default", "lab-014.submit")],
                           "intake": {"max_payload": "1MB", "validate": "envelope", "request_timeout": "1s"}}, "roomy")
    full = Relay(folder, {"destinations": {"archive": directory}, "journal": {"min_free_disk": "1000000GiB"}}, "full")
    guarded = Relay(folder, {"destinations": {"archive": directory}}, "guarded")
    private, public = folder / "sender.key", folder / "sender.pub"
    subprocess.run(["openssl", "genrsa", "-out", private, "2048"], check=True, capture_output=True)
    subprocess.run(["openssl", "rsa", "-in", private, "-pubout", "-out", public], check=True, capture_output=True)
    guarded.sender_key = private.read_text()
    guarded.config["intake"]["http"][0].update({
        "rate": "1/h", "tokens": [{"token_sha256": hashlib.sha256(b"token").hexdigest()}],
        "public_keys": [{"client": "lab.signing", "key": str(public)}]})
    guarded.update({})
    [full.signing_port] = free_ports(1)
    full.config["intake"]["http"].append({"listen": f"127.0.0.1:{full.signing_port}",
                                          "public_keys": [{"client": "lab.signing", "key": str(public)}]})
    full.update({})
    forgetful = Relay(folder, {"destinations": {"archive": directory}, "journal": {"keep_delivered_payload": "1ms"}}, "forgetful")
    try:
        guarded.start()
        roomy.start()
        forgetful.start()
        forgetful.gone = forgetful.submit(hl7())
        full.start(ready=False)
        await_true(lambda: answers(full), "the full one answers", timeout=60)
        yield {"roomy": roomy, "full": full, "guarded": guarded, "forgetful": forgetful}
        assert roomy.stop() == 0 and full.stop() == 0 and guarded.stop() == 0 and forgetful.stop() == 0
    finally:
        guarded.end()
        roomy.end()
        forgetful.end()
        full.end()


def answers(relay):
    try:
        return relay.admin("/health/live").status == 200
    except OSError:
        return False


class Caller:
    """Asks one listener, and keeps what it answered: {(method, path as described, status)}."""

    def __init__(self, ask, connect):
        self.ask = ask
        self.connect = connect
        self.seen = set()

    def __call__(self, expected, method, target, headers=(), body=None, path=None):
        answer = self.ask(method, target, headers, body)
        assert answer.status == expected, (method, target, answer.status, answer.body[:300])
        self.seen.add((method, path or target.split("?")[0], answer.status))
        return answer

    def refusals_of_a_body(self, path):
        """What POST of a submission refuses, but for what a full disk does."""
        good = {"Content-Type": HL7}
        self(400, "POST", path, good, b"")
        self(413, "POST", path, good, hl7(extra=b"x" * 1_000_001))
        self(415, "POST", path, {}, hl7())
        self(422, "POST", path, {**good, "client": "lab.nowhere"}, hl7())
        self(431, "POST", path, {**good, "X-Long": "x" * 20_000}, hl7())
        with self.connect() as connection:
            connection.send(head("POST", path, {**good, "Content-Length": "100"}) + b"MSH|")
            answer = connection.read()
        assert answer.status == 408
        self.seen.add(("POST", path, 408))


def test_the_intake_is_described(relays):
    roomy, full = relays["roomy"], relays["full"]
    call = Caller(roomy.request, roomy.connect)
    document = described(call(200, "GET", "/openapi.yaml"))
    submissions, one = "/v1/submissions", "/v1/submissions/{id}"

    taken = call(202, "POST", submissions, {"Content-Type": HL7}, hl7()).json()
    check_schema(document, "Submission", taken)
    call(200, "POST", submissions, {"Content-Type": HL7, "Prefer": "wait=30"}, hl7())
    call.refusals_of_a_body(submissions)
    call(403, "POST", submissions, {"Content-Type": HL7, "client": "other"}, hl7())
    call(405, "DELETE", submissions)
    call.seen |= {("POST", submissions, 405)}
    call.seen.discard(("DELETE", submissions, 405))
    busy = Caller(full.request, full.connect)
    busy(503, "POST", submissions, {"Content-Type": HL7}, hl7())
    check_schema(document, "Submission", call(200, "GET", f"{submissions}/{taken['id']}", path=one).json())
    check_schema(document, "Problem", call(404, "GET", NOBODY, path=one).json())
    call(403, "GET", NOBODY, {"Host": "evil.example"}, path=one)
    call(403, "GET", "/openapi.yaml", {"Host": "evil.example"})
    history = "/api/waters/report/{id}/history"
    no_history = "/api/waters/report/" + NOBODY.rpartition("/")[2] + "/history"
    guard = Caller(relays["guarded"].request, relays["guarded"].connect)
    for path in ("/api/waters", "/api/reports", "/api/v1/reports"):
        report = call(201, "POST", path, {"Content-Type": HL7}, hl7()).json()
        check_schema(document, "Report", report)
        call.refusals_of_a_body(path)
        call(403, "POST", path, {"Content-Type": HL7, "client": "other"}, hl7())
        busy(503, "POST", path, {"Content-Type": HL7}, hl7())
    check_schema(document, "Report", call(200, "GET", f"/api/waters/report/{report['id']}/history", path=history).json())
    call(404, "GET", no_history, path=history)
    call(403, "GET", no_history, {"Host": "evil.example"}, path=history)
    def ask_signing(method, target, headers=(), body=None):
        return request(("127.0.0.1", full.signing_port), method, target, headers, body)
    busy_signing = Caller(ask_signing, None)
    what_asking_answers(guard, busy_signing, document, relays["guarded"].sender_key)
    guard(401, "GET", NOBODY, path=one)
    guard(401, "GET", no_history, path=history)
    guard(401, "GET", "/openapi.yaml")
    targets = {one: NOBODY, history: no_history}
    refused_methods(call, document, targets)
    assert operations_of(document) == call.seen | busy.seen | busy_signing.seen | guard.seen
    nothing_undescribed(call, document, targets, "daemon/intake")


def what_asking_answers(guard, busy_signing, document, key):
    """401 and 429 of what is posted, and a token for a signed assertion."""
    for number, path in enumerate(("/v1/submissions", "/api/waters", "/api/reports", "/api/v1/reports")):
        who = {"Content-Type": HL7, "Authorization": "Bearer token", "client": f"lab.{number}"}
        guard.ask("POST", path, who, hl7())
        guard(429, "POST", path, who, hl7())
        guard(401, "POST", path, {"Content-Type": HL7}, hl7())
    assertion = jwt.encode({"iss": "lab.signing", "exp": int(time.time()) + 60, "jti": "1"}, key, algorithm="RS256")
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    body = urlencode({"scope": "lab.*.report", "client_assertion": assertion}).encode()
    check_schema(document, "Problem", busy_signing(503, "POST", "/api/token", form, body).json())
    check_schema(document, "AccessToken", guard(200, "POST", "/api/token", form, body).json())
    check_schema(document, "TokenRefusal", guard(401, "POST", "/api/token", form, body).json())
    guard(403, "POST", "/api/token", {**form, "Host": "evil.example"}, body)


def test_the_operator_endpoint_is_described(relays, tmp_path):
    roomy, full = relays["roomy"], relays["full"]
    call = Caller(lambda method, target, headers=(), body=None: roomy.admin_socket(target, method, headers, body),
                  lambda: roomy_socket(roomy))
    tcp = Caller(lambda method, target, headers=(), body=None: roomy.admin(target, method, headers, body), None)
    busy = Caller(lambda method, target, headers=(), body=None: full.admin_socket(target, method, headers, body), None)
    document = described(call(200, "GET", "/openapi.yaml"))
    submissions, one, payload = "/v1/submissions", "/v1/submissions/{id}", "/v1/submissions/{id}/payload"

    call(200, "GET", "/health/live")
    check_schema(document, "Ready", call(200, "GET", "/health/ready").json())
    check_schema(document, "Health", call(200, "GET", "/health").json())
    check_schema(document, "Ready", busy(503, "GET", "/health/ready").json())
    check_schema(document, "Health", busy(503, "GET", "/health").json())
    call(200, "GET", "/metrics")
    call(200, "GET", "/")
    check_schema(document, "Status", call(200, "GET", "/v1/status").json())

    taken = call(202, "POST", submissions, {"Content-Type": HL7, "Relay-Payload-Name": "a name"}, hl7()).json()
    call(200, "POST", submissions, {"Content-Type": HL7, "Prefer": "wait=30"}, hl7())
    call.refusals_of_a_body(submissions)
    busy(503, "POST", submissions, {"Content-Type": HL7}, hl7())
    tcp(401, "POST", submissions, {"Content-Type": HL7}, hl7())
    for submission in call(200, "GET", submissions).json()["submissions"]:
        check_schema(document, "Submission", submission)
    call(400, "GET", submissions + "?limit=many")
    check_schema(document, "Submission", call(200, "GET", f"{submissions}/{taken['id']}", path=one).json())
    call(404, "GET", NOBODY, path=one)
    call(200, "GET", f"{submissions}/{taken['id']}/payload", path=payload)
    call(404, "GET", f"{NOBODY}/payload", path=payload)
    tcp(401, "GET", f"{submissions}/{taken['id']}/payload", path=payload)
    assert call(200, "POST", "/v1/reload", body=b"").json() == {"restart_needed": []}
    tcp(401, "POST", "/v1/reload", body=b"")
    good = roomy.file.read_text()
    try:
        roomy.file.write_text("nonsense: 1\n")
        assert call(422, "POST", "/v1/reload", body=b"").json()["problems"]
    finally:
        roomy.file.write_text(good)

    identifier = taken["id"]
    operators_are_described(call, tcp, document, identifier)
    targets = {one: NOBODY, payload: f"{NOBODY}/payload"}
    targets |= {f"{one}/{verb}": f"{NOBODY}/{verb}" for verb in ("retry", "resend", "set-aside", "discard")}
    targets |= {f"/v1/destinations/{{name}}/{verb}": f"/v1/destinations/archive/{verb}" for verb in ("pause", "resume", "redirect")}
    for path, item in document["paths"].items():
        for method in (each for each in METHODS if each in item):
            tcp(401, method.upper(), targets.get(path, path), {"Authorization": "Bearer nobody's"},
                b"" if method == "post" else None, path=path)
    for path, item in document["paths"].items():
        method = next(each for each in METHODS if each in item).upper()
        tcp(403, method, targets.get(path, path), {"Host": "evil.example"}, b"" if method == "POST" else None, path=path)
    tcp(403, "POST", submissions, {"Host": "evil.example", "Content-Type": HL7}, hl7())
    refused_methods(call, document, targets)
    late_bodies(call, document, targets)
    # What retention has erased is gone for good, and said so.
    forgetful = relays["forgetful"]
    await_true(lambda: forgetful.admin_socket(f"/v1/submissions/{forgetful.gone}/payload").status == 409, "erased", timeout=90)
    seen = call.seen | tcp.seen | busy.seen | {("GET", payload, 409)}
    # A journal that can't be written is the same for everything that changes something.
    left = {each for each in operations_of(document) - seen if each[0] != "POST" or each[2] != 503}
    assert left == set(), "described, and never answered"
    assert seen - operations_of(document) == set(), "answered, and not described"
    nothing_undescribed(call, document, targets, "daemon/operations")


def operators_are_described(call, tcp, document, identifier):
    """What operators do: each answer of each request."""
    await_true(lambda: call.ask("GET", f"/v1/submissions/{identifier}", (), None).json()["state"] == "delivered", "delivered",
               timeout=60)
    for verb in ("resume", "pause"):
        path = f"/v1/destinations/{{name}}/{verb}"
        check_schema(document, "Paused", call(200, "POST", f"/v1/destinations/archive/{verb}", (), b"", path=path).json())
        call(400, "POST", f"/v1/destinations/archive/{verb}", (), b'{"a": 1}', path=path)
        call(404, "POST", f"/v1/destinations/nowhere/{verb}", (), b"", path=path)
    queued = call(202, "POST", "/v1/submissions", {"Content-Type": HL7}, hl7()).json()["id"]
    redirect = "/v1/destinations/{name}/redirect"
    moved = json.dumps({"to": "other", "submissions": [identifier]}).encode()
    call(409, "POST", "/v1/destinations/archive/redirect", (), moved, path=redirect)
    for verb, target, body in (("resend", identifier, b""), ("set-aside", queued, b""), ("retry", queued, b""),
                               ("discard", queued, b'{"reason": "a test"}')):
        path = f"/v1/submissions/{{id}}/{verb}"
        done = call(200, "POST", f"/v1/submissions/{target}/{verb}", (), body, path=path)
        check_schema(document, "ChangedSubmission", done.json())
        call(409, "POST", f"/v1/submissions/{target}/{verb}", (), body, path=path)
        call(400, "POST", f"/v1/submissions/{target}/{verb}", (), b'{"nonsense": 1}', path=path)
        call(404, "POST", f"{NOBODY}/{verb}", (), body, path=path)
    check_schema(document, "Changed", call(200, "POST", "/v1/destinations/archive/redirect", (), b'{"to": "other"}', path=redirect).json())
    check_schema(document, "Changed", call(200, "POST", "/v1/retry", (), b'{"destination": "archive"}').json())
    check_schema(document, "Changed", call(200, "POST", "/v1/resend", (), b'{"destination": "archive", "since": "1ms"}').json())
    for path in ("/v1/retry", "/v1/resend"):
        call(400, "POST", path, (), b"[]")
        call(404, "POST", path, (), b'{"destination": "nowhere", "since": "1h"}')
    call(400, "POST", "/v1/destinations/archive/redirect", (), b'{"to": "archive"}', path=redirect)
    call(404, "POST", "/v1/destinations/archive/redirect", (), b'{"to": "nowhere"}', path=redirect)
    check_schema(document, "Audit", call(200, "GET", "/v1/audit").json())
    call(400, "GET", "/v1/audit?limit=0")
    archive = call(200, "GET", "/v1/export").body
    check_schema(document, "ImportResult", call(200, "POST", "/v1/import", (), archive).json())
    call(400, "POST", "/v1/import", (), b"no archive")
    for method, path in (("GET", "/v1/export"), ("POST", "/v1/import"), ("POST", "/v1/retry")):
        tcp(401, method, path, (), b"" if method == "POST" else None)


def late_bodies(call, document, targets):
    """A body that comes to a halt, of every request that changes something."""
    waiting = {}
    for path, item in document["paths"].items():
        statuses = item.get("post", {}).get("responses", {})
        target = targets.get(path, path)
        if "408" in statuses and path != "/v1/submissions":
            waiting[path] = call.connect()
            waiting[path].send(head("POST", target, {"Content-Length": "100"}) + b"{")
    for path, connection in waiting.items():
        with connection:
            assert connection.read().status == 408, path
        call.seen.add(("POST", path, 408))


def roomy_socket(relay):
    from relay import RawConnection
    return RawConnection(relay.socket_path)


def described(answer):
    assert answer.header("Content-Type") == "application/yaml"
    document = yaml.safe_load(answer.body)
    assert document["openapi"].startswith("3.1.")
    return document


def refused_methods(call, document, targets):
    """Every method that a path doesn't describe is answered 405, with those it does in Allow."""
    for path, item in document["paths"].items():
        target = targets.get(path, path)
        methods = {method.upper() for method in item if method in METHODS}
        allowed = methods | ({"HEAD"} if "GET" in methods else set())
        for method in sorted({"GET", "PUT", "POST", "DELETE", "PATCH"} - methods):
            answer = call.ask(method, target, (), b"" if method != "GET" else None)
            assert answer.status == 405, (method, target, answer.status)
            assert set(answer.header("Allow").split(", ")) == allowed, (path, answer.header("Allow"))
        # Said once for each path, at any of its methods.
        for method in methods:
            if "405" in item[method.lower()]["responses"]:
                call.seen.add((method, path, 405))


def nothing_undescribed(call, document, targets, folder):
    """Every path that the source names is described, or isn't there."""
    described_targets = {targets.get(path, path) for path in document["paths"]}
    named = set()
    for source in (ROOT / folder).rglob("*.[ch]pp"):
        named |= set(re.findall(r'"(/[a-z][A-Za-z0-9_./-]*)"', source.read_text()))
    for path in sorted(named):
        for candidate in (path, NOBODY + path):
            answer = call.ask("GET", candidate, (), None)
            if answer.status != 404:
                assert candidate.rstrip("/") in described_targets or candidate in described_targets, (candidate, answer.status)


def check_schema(document, name, value):
    """As much of JSON Schema as these documents use."""
    problems = list(violations(document, {"$ref": f"#/components/schemas/{name}"}, value, name))
    assert not problems, (problems, json.dumps(value)[:2000])


TYPES = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool, "null": type(None), "number": (int, float)}


def violations(document, schema, value, where):
    if "$ref" in schema:
        target = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        schema = target
    for each in schema.get("allOf", ()):
        yield from violations(document, each, value, where)
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    if types and not any(isinstance(value, TYPES[each]) and not (each == "integer" and isinstance(value, bool)) for each in types):
        yield f"{where} is no {types}: {value!r}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{where} is none of {schema['enum']}: {value!r}"
    if "const" in schema and value != schema["const"]:
        yield f"{where} isn't {schema['const']!r}"
    if "pattern" in schema and isinstance(value, str) and not re.search(schema["pattern"], value):
        yield f"{where} doesn't match {schema['pattern']}: {value!r}"
    if isinstance(value, dict):
        for key in schema.get("required", ()):
            if key not in value:
                yield f"{where} has no {key}"
        for key, item in value.items():
            if key in schema.get("properties", {}):
                yield from violations(document, schema["properties"][key], item, f"{where}.{key}")
            elif isinstance(schema.get("additionalProperties"), dict):
                yield from violations(document, schema["additionalProperties"], item, f"{where}.{key}")
    if isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            yield from violations(document, schema["items"], item, f"{where}[{index}]")


def test_both_descriptions_are_whole():
    """Every reference leads somewhere, and the parts in the source are what a build puts together."""
    shared = (ROOT / "daemon/api/shared.yaml").read_text()
    for name in ("intake", "operator"):
        document = yaml.safe_load((ROOT / f"daemon/api/{name}.yaml").read_text() + shared)
        for reference in re.findall(r"'#/([^']+)'", (ROOT / f"daemon/api/{name}.yaml").read_text() + shared):
            target = document
            for part in reference.split("/"):
                assert part in target, reference
                target = target[part]
