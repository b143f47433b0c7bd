"""Every answer of the HTTP intake: statuses, problem names, headers, and which of two problems is told first."""

import base64
import hashlib
import re

import pytest
from relay import FHIR, HL7, fhir, hl7

PAYLOAD = hl7("ANSWERS")
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def digest_of(payload):
    return "sha-256=:" + base64.b64encode(hashlib.sha256(payload).digest()).decode() + ":"


def assert_problem(answer, status, name):
    assert (answer.status, answer.problem) == (status, name), (answer.status, answer.body[:300])
    body = answer.json()
    assert body["status"] == status and body["title"] and body["detail"]
    assert body["type"] == f"urn:edge-relay:problem:{name}"


def test_202_holds_the_submission_and_its_location(shared_relay):
    answer = shared_relay.post(PAYLOAD, client="lab.one", payloadName="a name.hl7")
    assert answer.status == 202
    assert answer.header("Content-Type").split(";")[0] == "application/json"
    body = answer.json()
    assert answer.header("Location") == f"/v1/submissions/{body['id']}"
    assert list(body) == ["id", "state", "client", "content_type", "payload_name", "intake", "size", "sha256", "accepted_at",
                          "repeats", "deliveries"]
    assert body["client"] == "lab.one" and body["content_type"] == HL7 and body["payload_name"] == "a name.hl7"
    assert body["intake"] == "http" and body["size"] == len(PAYLOAD) and body["repeats"] == 0
    assert body["sha256"] == hashlib.sha256(PAYLOAD).hexdigest()
    assert RFC3339.fullmatch(body["accepted_at"])
    (delivery,) = body["deliveries"]
    assert set(delivery) >= {"destination", "state", "attempts", "last_attempt_at", "next_attempt_at", "last_error",
                             "delivered_at", "confirmation", "receipt"}
    assert delivery["destination"] == "archive" and delivery["confirmation"] == "none"


def test_get_shows_it_without_the_payloads_name(shared_relay):
    identifier = shared_relay.submit(PAYLOAD, client="lab.one", payloadName="PLANTED NAME")
    answer = shared_relay.request("GET", f"/v1/submissions/{identifier}")
    assert answer.status == 200 and answer.json()["payload_name"] is None
    assert b"PLANTED" not in answer.body
    delivered = shared_relay.await_state(identifier, "delivered")["deliveries"][0]
    assert RFC3339.fullmatch(delivered["delivered_at"]) and delivered["attempts"] == 1
    assert delivered["receipt"]["path"].endswith(f"{identifier}.hl7")


@pytest.mark.parametrize("header", ["Relay-Client", "client", "client_id", "CLIENT"])
def test_the_client_may_be_named_by_any_of_three_headers(shared_relay, header):
    answer = shared_relay.request("POST", "/v1/submissions", {"Content-Type": HL7, header: "lab.named"}, PAYLOAD)
    assert answer.status == 202 and answer.json()["client"] == "lab.named"


def test_the_listeners_client_is_used_where_none_is_named(shared_relay):
    assert shared_relay.post(PAYLOAD).json()["client"] == "lab.default"


@pytest.mark.parametrize("header", ["Relay-Payload-Name", "payloadName"])
def test_the_payloads_name_by_either_header(shared_relay, header):
    answer = shared_relay.request("POST", "/v1/submissions", {"Content-Type": HL7, header: "one.hl7"}, PAYLOAD)
    assert answer.json()["payload_name"] == "one.hl7"


REFUSALS = [
    # name, status, problem, method, target, headers, body
    ("unknown path", 404, "not_found", "GET", "/v1/nothing", {}, None),
    ("root", 404, "not_found", "GET", "/", {}, None),
    ("id that isn't one", 404, "not_found", "GET", "/v1/submissions/abc", {}, None),
    ("unknown id", 404, "not_found", "GET", "/v1/submissions/01900000-0000-7000-8000-000000000000", {}, None),
    ("operator's path", 404, "not_found", "GET", "/health", {}, None),
    ("list is not for senders", 405, "method_not_allowed", "GET", "/v1/submissions", {}, None),
    ("delete", 405, "method_not_allowed", "DELETE", "/v1/submissions/01900000-0000-7000-8000-000000000000", {}, None),
    ("put", 405, "method_not_allowed", "PUT", "/v1/submissions", {"Content-Type": HL7}, PAYLOAD),
    ("bad client", 400, "bad_client", "POST", "/v1/submissions", {"Content-Type": HL7, "Relay-Client": "../etc"}, PAYLOAD),
    ("client of 101 characters", 400, "bad_client", "POST", "/v1/submissions", {"Content-Type": HL7, "client": "a" * 101}, PAYLOAD),
    ("clients that disagree", 400, "bad_client", "POST", "/v1/submissions",
     [("Content-Type", HL7), ("Relay-Client", "lab.a"), ("client", "lab.b")], PAYLOAD),
    ("the same header twice, disagreeing", 400, "bad_client", "POST", "/v1/submissions",
     [("Content-Type", HL7), ("client", "lab.a"), ("client", "lab.b")], PAYLOAD),
    ("client not in clients", 403, "client_not_allowed", "POST", "/v1/submissions",
     {"Content-Type": HL7, "client": "other.lab"}, PAYLOAD),
    ("no content type", 415, "content_type_missing", "POST", "/v1/submissions", {}, PAYLOAD),
    ("content type not taken", 415, "content_type_not_taken", "POST", "/v1/submissions", {"Content-Type": "image/png"}, PAYLOAD),
    ("content type that isn't one", 415, "content_type_not_taken", "POST", "/v1/submissions", {"Content-Type": "hl7"}, PAYLOAD),
    ("encoding not known", 415, "content_type_not_taken", "POST", "/v1/submissions",
     {"Content-Type": HL7, "Content-Encoding": "br"}, PAYLOAD),
    ("empty", 400, "empty_payload", "POST", "/v1/submissions", {"Content-Type": HL7}, b""),
    ("no body at all", 400, "empty_payload", "POST", "/v1/submissions", {"Content-Type": HL7}, None),
    ("wrong digest", 400, "digest_mismatch", "POST", "/v1/submissions",
     {"Content-Type": HL7, "Content-Digest": digest_of(b"other")}, PAYLOAD),
    ("no MSH", 400, "invalid_payload", "POST", "/v1/submissions", {"Content-Type": HL7}, b"PID|1\r"),
    ("too large", 413, "payload_too_large", "POST", "/v1/submissions", {"Content-Type": HL7}, b"MSH|^~\\&|" + b"x" * 1_000_000),
    ("empty key", 400, "malformed_request", "POST", "/v1/submissions", {"Content-Type": HL7, "Idempotency-Key": ""}, PAYLOAD),
    ("key of 256", 400, "malformed_request", "POST", "/v1/submissions", {"Content-Type": HL7, "Idempotency-Key": "k" * 256}, PAYLOAD),
    ("digest that can't be read", 400, "digest_mismatch", "POST", "/v1/submissions",
     {"Content-Type": HL7, "Content-Digest": "sha-256=nonsense"}, PAYLOAD),
    # Which of two is told first.
    ("host before path", 403, "foreign_host", "GET", "/v1/nothing", {"Host": "evil.example"}, None),
    ("path before method", 404, "not_found", "DELETE", "/v1/nothing", {}, None),
    ("method before client", 405, "method_not_allowed", "PUT", "/v1/submissions", {"client": "../etc"}, PAYLOAD),
    ("client before type", 400, "bad_client", "POST", "/v1/submissions", {"client": "../etc"}, PAYLOAD),
    ("type before size", 415, "content_type_not_taken", "POST", "/v1/submissions", {"Content-Type": "image/png"}, b"x" * 1_000_001),
    ("empty before digest", 400, "empty_payload", "POST", "/v1/submissions",
     {"Content-Type": HL7, "Content-Digest": digest_of(b"other")}, b""),
    ("digest before validation", 400, "digest_mismatch", "POST", "/v1/submissions",
     {"Content-Type": HL7, "Content-Digest": digest_of(b"other")}, b"PID|1\r"),
    ("type before digest", 415, "content_type_not_taken", "POST", "/v1/submissions",
     {"Content-Type": "image/png", "Content-Digest": "sha-256=nonsense", "Idempotency-Key": ""}, PAYLOAD),
    ("size before digest", 413, "payload_too_large", "POST", "/v1/submissions",
     {"Content-Type": HL7, "Content-Digest": "sha-256=nonsense"}, b"MSH|^~\\&|" + b"x" * 1_000_000),
    ("empty before a digest that can't be read", 400, "empty_payload", "POST", "/v1/submissions",
     {"Content-Type": HL7, "Content-Digest": "sha-256=nonsense"}, b""),
    ("digest before key", 400, "digest_mismatch", "POST", "/v1/submissions",
     {"Content-Type": HL7, "Content-Digest": "sha-256=:AAAA:", "Idempotency-Key": ""}, PAYLOAD),
    ("validation before key", 400, "invalid_payload", "POST", "/v1/submissions",
     {"Content-Type": HL7, "Idempotency-Key": ""}, b"PID|1\r"),
]


@pytest.mark.parametrize("status, problem, method, target, headers, body", [each[1:] for each in REFUSALS],
                         ids=[each[0].replace(" ", "-") for each in REFUSALS])
def test_refusals(shared_relay, status, problem, method, target, headers, body):
    answer = shared_relay.request(method, target, headers, body)
    assert_problem(answer, status, problem)
    if status == 405:
        assert answer.header("Allow")
    if problem in ("content_type_missing", "content_type_not_taken"):
        if isinstance(headers, dict) and "Content-Encoding" in headers:
            assert answer.header("Accept-Encoding") is not None
        else:
            assert HL7 in answer.header("Accept-Post")


def test_405_names_what_is_allowed(shared_relay):
    assert shared_relay.request("PUT", "/v1/submissions").header("Allow") == "POST"
    allow = shared_relay.request("POST", "/v1/submissions/01900000-0000-7000-8000-000000000000").header("Allow")
    assert "GET" in allow.split(", ")


def test_no_client_anywhere_is_400(make_relay, tmp_path):
    (tmp_path / "archive").mkdir()
    relay = make_relay({"destinations": {"archive": {"type": "directory", "path": str(tmp_path / "archive")}}}, start=False)
    relay.config["intake"]["http"][0].pop("client")
    relay.update({})
    relay.start()
    assert_problem(relay.post(PAYLOAD), 400, "no_client")
    assert relay.post(PAYLOAD, client="lab.x").status == 202


def test_a_right_digest_is_taken(shared_relay):
    assert shared_relay.post(PAYLOAD, Content_Digest=digest_of(PAYLOAD)).status == 202
    assert shared_relay.post(PAYLOAD, Content_Digest="sha-512=:AAAA:, " + digest_of(PAYLOAD)).status == 202


def test_a_refused_submission_is_not_in_the_journal(shared_relay):
    before = shared_relay.status()["destinations"]["archive"]["accepted"]
    shared_relay.post(b"PID|1\r")
    shared_relay.post(PAYLOAD, Content_Digest=digest_of(b"other"))
    shared_relay.post(b"x" * 200_000, "application/hl7-v2")
    assert shared_relay.status()["destinations"]["archive"]["accepted"] == before


VALID = [
    ("MSH", HL7, b"MSH|^~\\&|A\r"), ("BHS batch", HL7, b"BHS|^~\\&|A\rMSH|^~\\&|A\r"), ("FHS file", HL7, b"FHS|^~\\&|A\r"),
    ("other separators", HL7, b"MSH$%~\\&$A\r"), ("after a BOM", HL7, b"\xef\xbb\xbfMSH|^~\\&|A\r"),
    ("one bundle", FHIR, fhir()), ("CRLF", FHIR, fhir(3).replace(b"\n", b"\r\n")), ("no last line end", FHIR, fhir(2)[:-1]),
    ("FHIR JSON isn't looked into", "application/fhir+json", b"{}"), ("XML isn't looked into", "application/xml", b"<a/>"),
]
INVALID = [
    ("text", HL7, b"hello", None), ("MSH alone", HL7, b"MSH", None), ("lower case", HL7, b"msh|^~\\&|A\r", None),
    ("blank before", HL7, b" MSH|^~\\&|A\r", None), ("UTF-16", HL7, "MSH|^~\\&|A\r".encode("utf-16"), None),
    ("not JSON", FHIR, fhir(2) + b"{oops SECRETNAME\n", 3), ("blank line", FHIR, fhir(1) + b"\n" + fhir(1), 2),
    ("an array", FHIR, b"[]\n", 1), ("no resourceType", FHIR, fhir(1) + b'{"SECRETNAME":1}\n', 2), ("two on a line", FHIR,
     fhir(1)[:-1] + b" " + fhir(1), 1), ("only a line end", FHIR, b"\n", 1),
]


@pytest.mark.parametrize("content_type, payload", [each[1:] for each in VALID], ids=[each[0].replace(" ", "-") for each in VALID])
def test_valid_payloads(shared_relay, content_type, payload):
    answer = shared_relay.post(payload, content_type)
    assert answer.status == 202, answer.body


@pytest.mark.parametrize("content_type, payload, line", [each[1:] for each in INVALID],
                         ids=[each[0].replace(" ", "-") for each in INVALID])
def test_invalid_payloads_are_told_by_line_and_never_by_content(shared_relay, content_type, payload, line):
    answer = shared_relay.post(payload, content_type)
    assert_problem(answer, 400, "invalid_payload")
    assert b"SECRETNAME" not in answer.body
    if line is not None:
        assert f"line {line}" in answer.json()["detail"]


def test_an_invalid_line_far_behind_is_found(shared_relay):
    """Beyond what is kept inline: the payload was being written in chunks when the fault came."""
    good = fhir(1)
    count = 400_000 // len(good)
    answer = shared_relay.post(good * count + b"{}\n", FHIR)
    assert_problem(answer, 400, "invalid_payload")
    assert f"line {count + 1}" in answer.json()["detail"]


def test_validate_off_takes_anything(make_relay, tmp_path):
    (tmp_path / "archive").mkdir()
    relay = make_relay({"destinations": {"archive": {"type": "directory", "path": str(tmp_path / "archive")}},
                        "intake": {"validate": "off"}})
    assert relay.post(b"hello").status == 202


def test_validate_auto_asks_where_a_route_reaches_reportstreams_envelope(azure_relay):
    assert_problem(azure_relay.post(b"hello"), 400, "invalid_payload")


def test_validate_auto_asks_nothing_of_a_directory(directory_relay):
    assert directory_relay.post(b"hello").status == 202


def test_prefer_wait_answers_200_once_delivered(shared_relay):
    answer = shared_relay.post(PAYLOAD, Prefer="wait=20")
    assert answer.status == 200, answer.body
    assert answer.json()["state"] == "delivered"
    assert answer.header("Preference-Applied") == "wait=20"


def test_prefer_wait_answers_202_when_it_does_not_come(make_relay, azurite):
    relay = make_relay({"destinations": {"reportstream": azurite.storage(create=False).destination()}})
    answer = relay.post(PAYLOAD, Prefer="wait=1")
    assert answer.status == 202
    assert answer.json()["state"] == "queued"
    assert answer.header("Preference-Applied") is not None


@pytest.mark.parametrize("value", ["wait=abc", "respond-async", "wait=-1", ""])
def test_a_preference_that_is_not_understood_is_ignored(shared_relay, value):
    answer = shared_relay.post(PAYLOAD, Prefer=value)
    assert answer.status == 202


def test_problems_are_told_apart_by_type_over_a_closed_connection(shared_relay):
    """A refusal before the body is read closes: what follows would be taken for the next request."""
    with shared_relay.connect() as connection:
        connection.send(b"POST /v1/submissions HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: 10\r\n\r\n")
        answer = connection.read()
        assert answer.status == 415 and answer.header("Connection") == "close"
        assert connection.closed_within(5)
