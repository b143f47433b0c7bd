"""Destination `s3`: one object a submission, signed as Amazon's own library signs, never written over, and looked for where
an answer got lost."""

import json
import re

import pytest
from relay import FHIR, await_true, command, fhir, hl7
from s3_service import Answer, S3Service, error

pytestmark = pytest.mark.main


@pytest.fixture
def service():
    server = S3Service()
    yield server
    server.close()
    assert server.findings == [], "a signature that botocore computes otherwise"


@pytest.fixture
def s3_relay(make_relay, service):
    def make(more=None, **keys):
        return make_relay({"destinations": {"lake": service.destination(**keys)}, **(more or {})})
    return make


def broken_delivery(relay, identifier):
    return relay.await_delivery(identifier, lambda each: each["last_error"] is not None, "an error")


def attempts(relay):
    metrics = relay.metrics()
    return {outcome: metrics[f'edge_relay_attempts_total{{destination="lake",outcome="{outcome}"}}']
            for outcome in ("accepted", "refused", "try_later", "broken", "unknown")}


def test_an_object_has_its_bytes_name_type_and_our_id(s3_relay, service):
    relay = s3_relay()
    payload = fhir(3)
    identifier = relay.submit(payload, FHIR, client="lab.Files")
    delivery = relay.await_state(identifier, "delivered")["deliveries"][0]
    (key, stored), = service.objects.items()
    assert key == f"lab.Files/{identifier}.fhir"
    assert (stored.body, stored.headers["content-type"]) == (payload, FHIR)
    assert stored.metadata == {"edge-relay-id": identifier}
    assert stored.headers["if-none-match"] == "*"
    assert delivery["receipt"] == {"bucket": "reports", "key": key, "etag": stored.etag, "version_id": "v1"}
    assert (delivery["attempts"], len(service.requests)) == (1, 1)
    relay.check_totals()


def test_names_metadata_encryption_and_token_are_signed(make_relay):
    service = S3Service(token="FwoGZXIvYXdzE//token+with/slashes==")
    relay = make_relay({"destinations": {"lake": service.destination(
        session_token=service.token, key="~user a/Sénd To/{client}~{timestamp}~STOP~{payload_name}~{id}.{extension}",
        server_side_encryption="aws:kms", kms_key="arn:aws:kms:eu-test-1:1:key/2", content_type="text/plain",
        metadata={"AIMSPlatformSender": "LAB 014", "AIMSPlatformFilename": "{payload_name}.{extension}",
                  "AIMSPlatformSenderMessageId": "{id}", "Base64Encoded": "False"})}})
    identifier = relay.submit(hl7(), relay_payload_name="Jane D=/+é?.txt".encode().decode("latin-1"))
    view = relay.await_state(identifier, "delivered")
    (key, stored), = service.objects.items()
    name = "Jane%20D%3D%2F%2B%C3%A9%3F.txt"
    stamp = re.sub("[-:.]", "", view["accepted_at"])
    assert key == f"~user a/Sénd To/lab.default~{stamp}~STOP~{name}~{identifier}.hl7"
    assert stored.metadata == {"edge-relay-id": identifier, "aimsplatformsender": "LAB 014", "base64encoded": "False",
                               "aimsplatformfilename": name + ".hl7", "aimsplatformsendermessageid": identifier}
    assert stored.headers["x-amz-server-side-encryption"] == "aws:kms"
    assert stored.headers["x-amz-server-side-encryption-aws-kms-key-id"] == "arn:aws:kms:eu-test-1:1:key/2"
    assert stored.headers["content-type"] == "text/plain"
    # What a sender named stays out of what anybody may read.
    assert view["deliveries"][0]["receipt"]["key"].endswith(f"~STOP~{{payload_name}}~{identifier}.hl7")
    assert "Jane" not in relay.log()
    assert service.findings == []
    service.close()


def test_an_object_that_is_there_is_ours_or_refused(s3_relay, service):
    """412: a HEAD decides."""
    service.answer("PUT", error(500, "InternalError").with_effect())
    relay = s3_relay()
    identifier = relay.submit(hl7())
    delivery = relay.await_state(identifier, "delivered")["deliveries"][0]
    assert (delivery["attempts"], len(service.seen("PUT")), len(service.seen("HEAD"))) == (2, 2, 1)
    assert [each.writes for each in service.objects.values()] == [1]
    assert delivery["receipt"]["etag"]

    service.answer("PUT", error(412, "PreconditionFailed"))
    service.answer("HEAD", Answer(200, headers={"ETag": '"1"', "x-amz-meta-edge-relay-id": "0199b3a0-0000-7000-8000-000000000001"}))
    delivery = relay.await_state(relay.submit(hl7()), "dead_letter")["deliveries"][0]
    assert delivery["last_error"]["kind"] == "refused"
    service.answer("PUT", error(412, "PreconditionFailed"))
    service.answer("HEAD", Answer(200, headers={"ETag": '"1"'}))
    relay.await_state(relay.submit(hl7()), "dead_letter")


def test_a_key_that_may_not_look_is_told_of_and_loses_nothing(s3_relay, service):
    service.may_look = False
    service.answer("PUT", error(500, "InternalError").with_effect())
    relay = s3_relay()
    identifier = relay.submit(hl7())
    delivery = relay.await_delivery(identifier, lambda each: each["last_error"] and each["last_error"]["status"] == 403, "403")
    assert (delivery["state"], delivery["last_error"]["kind"]) == ("queued", "forbidden")
    service.may_look = True
    relay.await_state(identifier, "delivered")
    assert [each.writes for each in service.objects.values()] == [1]


@pytest.mark.parametrize("lost", [Answer(close=True, after=True), Answer(hang=True, after=True), Answer(504, "late", after=True)],
                         ids=["cut off", "time-out", "gateway"])
def test_a_lost_answer_is_looked_for_before_anything_is_sent_again(s3_relay, service, lost):
    service.answer("PUT", lost)
    relay = s3_relay(timeout="1s")
    delivery = relay.await_state(relay.submit(hl7()), "delivered")["deliveries"][0]
    assert (len(service.seen("PUT")), len(service.seen("HEAD"))) == (1, 1)
    assert delivery["attempts"] == 1
    assert relay.metrics()['edge_relay_possible_repeats_total{destination="lake"}'] == 0


def test_what_was_lost_on_its_way_is_sent_again(s3_relay, service):
    service.answer("PUT", Answer(close=True))
    relay = s3_relay(timeout="1s")
    delivery = relay.await_state(relay.submit(hl7()), "delivered")["deliveries"][0]
    assert delivery["attempts"] == 2
    assert attempts(relay)["unknown"] == 1
    assert len(service.objects) == 1


def test_a_service_without_conditions_gets_none_from_then_on(s3_relay, service):
    service.knows_conditions = False
    relay = s3_relay(timeout="1s")
    for _ in range(3):
        relay.await_state(relay.submit(hl7()), "delivered")
    assert ["if-none-match" in each[2] for each in service.seen("PUT")] == [True, False, False, False]
    assert attempts(relay) == {"accepted": 3, "refused": 0, "try_later": 0, "broken": 0, "unknown": 0}
    # Then it is looked at before what may be there is written over.
    service.answer("PUT", Answer(hang=True, after=True))
    service.answer("HEAD", error(503, "SlowDown"))
    identifier = relay.submit(hl7())
    relay.await_state(identifier, "delivered")
    assert service.objects[f"lab.default/{identifier}.hl7"].writes == 1


@pytest.mark.parametrize("answer, outcome, kind", [
    (error(409, "ConditionalRequestConflict"), "try_later", "unavailable"),
    (error(503, "SlowDown"), "try_later", "throttled"), (error(500, "InternalError"), "try_later", "unavailable"),
    (error(400, "RequestTimeout"), "try_later", "timeout"), (error(429, "TooManyRequests"), "try_later", "throttled"),
    (error(400, "ExpiredToken"), "broken", "sign_in"), (error(403, "RequestTimeTooSkewed"), "broken", "clock"),
    (error(403, "SignatureDoesNotMatch"), "broken", "sign_in"), (error(403, "InvalidAccessKeyId"), "broken", "sign_in"),
    (error(403, "AccessDenied"), "broken", "forbidden"), (error(400, "KMS.DisabledException"), "broken", "forbidden"),
    (error(400, "InvalidRequest"), "broken", "unexpected_answer"), (error(404, "NoSuchBucket"), "broken", "not_found"),
    (error(301, "PermanentRedirect", Location="http://127.0.0.1:1/"), "broken", "redirect"),
    (Answer(200, "<!DOCTYPE html><html>Welcome</html>", "text/html"), "broken", "unexpected_answer"),
    (Answer(200, ""), "broken", "unexpected_answer"), (Answer(204, ""), "broken", "unexpected_answer"),
    (Answer(403, "", headers={"Date": "Tue, 24 Nov 2020 18:00:00 GMT"}), "broken", "clock"),
    (Answer(511, "<html>portal</html>", "text/html"), "broken", "proxy")],
    ids=lambda each: each.label if isinstance(each, Answer) else None)
def test_what_an_answer_means(s3_relay, service, answer, outcome, kind):
    service.answer("PUT", answer, answer)  # the second one is the circuit's probe, or another try
    relay = s3_relay()
    identifier = relay.submit(hl7())
    delivery = broken_delivery(relay, identifier)
    assert (delivery["last_error"]["kind"], delivery["last_error"]["status"]) == (kind, answer.status)
    assert "words of the service" not in json.dumps(delivery)
    relay.await_state(identifier, "delivered")
    assert attempts(relay)[outcome] == 2
    assert relay.get(identifier)["deliveries"][0]["attempts"] == (3 if outcome == "try_later" else 1)


@pytest.mark.parametrize("answer, kind", [(error(400, "EntityTooLarge"), "too_large"), (Answer(413), "too_large"),
                                          (error(400, "KeyTooLongError"), "refused")], ids=["400", "413", "key"])
def test_refused(s3_relay, service, answer, kind):
    service.answer("PUT", answer)
    relay = s3_relay()
    assert relay.await_state(relay.submit(hl7()), "dead_letter")["deliveries"][0]["last_error"]["kind"] == kind


def test_keys_that_were_renewed_are_taken_up(make_relay, service, tmp_path):
    for name, value in (("id", service.access_key), ("secret", service.secret_key), ("token", "old")):
        (tmp_path / name).write_text(value + "\n")
    service.token = "old"
    relay = make_relay({"destinations": {"lake": service.destination(
        access_key=f"${{file:{tmp_path}/id}}", secret_key=f"${{file:{tmp_path}/secret}}", session_token=f"${{file:{tmp_path}/token}}")}})
    relay.await_state(relay.submit(hl7()), "delivered")
    service.access_key, service.secret_key, service.token = "AKIDNEW", "new+/secret", "new=="
    for name, value in (("id", service.access_key), ("secret", service.secret_key), ("token", service.token)):
        (tmp_path / name).write_text(value + "\n")
    delivery = relay.await_state(relay.submit(hl7()), "delivered")["deliveries"][0]
    assert delivery["attempts"] == 1
    assert attempts(relay)["broken"] == 0
    service.findings.clear()  # of the request under the old keys


def test_check_says_what_is_wrong_in_a_line(make_relay, service):
    def lines(**keys):
        relay = make_relay({"destinations": {"lake": service.destination(**keys)}}, start=False)
        result = command("check", "--connect", "--config", relay.file)
        return result.returncode, (result.stdout + result.stderr).decode()

    code, text = lines()
    assert code == 0 and "it is there, and the sign-in holds" in text
    for keys, word in (({"bucket": "others"}, "NoSuchBucket"), ({"secret_key": "x"}, "SignatureDoesNotMatch"),
                       ({"access_key": "x"}, "InvalidAccessKeyId"), ({"endpoint": "http://127.0.0.1:1"}, "can't connect"),
                       ({"endpoint": "http://nowhere.invalid", "path_style": False}, "no address is known")):
        code, text = lines(**keys)
        assert code == 1 and word in text, (keys, text)
    service.may_look = False
    code, text = lines()
    assert code == 0 and "not checked" in text
    service.answer("GET", Answer(403, "", headers={"Date": "Tue, 24 Nov 2020 18:00:00 GMT"}))
    code, text = lines()
    assert code == 1 and "clock is off" in text
    assert service.objects == {}
    service.findings.clear()


def test_a_large_payload_among_many(s3_relay, service):
    relay = s3_relay()
    large = hl7(extra=b"x" * 5_000_000)
    identifiers = [relay.submit(large)] + [relay.submit(hl7()) for _ in range(20)]
    for identifier in identifiers:
        relay.await_state(identifier, "delivered")
    await_true(lambda: len(service.objects) == 21, "all objects")
    assert service.objects[f"lab.default/{identifiers[0]}.hl7"].body == large
    assert {each.writes for each in service.objects.values()} == {1}
