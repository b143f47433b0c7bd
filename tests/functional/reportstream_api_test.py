"""Destination `reportstream`: a submission to ReportStream's own API, answers of every kind, what had no answer, and what
became of it."""

import json
import sqlite3

import pytest
from relay import FHIR, HL7, await_true, command, hl7
from reportstream import Answer, ReportStream

pytestmark = pytest.mark.main

QUICK = {"initial": "50ms", "max": "300ms"}
REPEATS = 'edge_relay_possible_repeats_total{destination="rs"}'


@pytest.fixture
def service():
    server = ReportStream()
    yield server
    server.close()


def new_key(folder, *options):
    """A key made by `edge-relay key new`: the file of its private half, and its JWK."""
    path = folder / f"key-{len(list(folder.iterdir()))}.pem"
    made = command("key", "new", "--output", path, *options)
    assert made.returncode == 0, made.stderr
    return path, json.loads(made.stdout)


@pytest.fixture
def signing_key(tmp_path, service):
    path, jwk = new_key(tmp_path)
    service.trust(jwk)
    return path


@pytest.fixture
def rs_relay(make_relay, service, signing_key):
    """rs_relay(auth=…, key=value, …): a relay with one destination, `rs`, that delivers to `service`."""
    def make(auth=None, **keys):
        return make_relay({"destinations": {"rs": {
            "type": "reportstream", "url": service.url, "backoff": QUICK, "timeout": "2s",
            "auth": auth or {"type": "private_key_jwt", "key": f"${{file:{signing_key}}}"}, **keys}}})
    return make


def delivery_of(relay, identifier):
    return relay.get(identifier)["deliveries"][0]


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "RS256", "RS384"])
def test_a_submission_goes_out_as_it_came_under_a_token_of_its_org(rs_relay, service, tmp_path, algorithm):
    path, jwk = new_key(tmp_path, "--algorithm", algorithm, "--key-id", "lab-2026")
    service.trust(jwk)
    auth = {"type": "private_key_jwt", "key": f"${{file:{path}}}", "key_id": "lab-2026"}
    relay = rs_relay(auth | ({"algorithm": algorithm} if algorithm == "RS384" else {}), follow_up=False)
    payload = hl7()
    identifier = relay.submit(payload, **{"payloadName": "results.hl7"})
    delivery = relay.await_state(identifier, "delivered")["deliveries"][0]
    (taken,) = service.submissions
    assert (taken.body, taken.client, taken.content_type) == (payload, "lab.default", HL7)
    assert taken.name == f"results.hl7~{identifier}"
    ((header, claims),) = service.assertions
    assert (header["alg"], header["kid"]) == (algorithm, "lab-2026")
    assert claims["iss"] == claims["sub"] == "lab"
    (sent,) = service.seen("/api/waters", "POST")
    assert sent[2]["Content-Length"] == str(len(payload))
    assert "Transfer-Encoding" not in sent[2]
    assert delivery["attempts"] == 1
    assert delivery["confirmation"] == "none"
    assert delivery["receipt"]["id"] == taken.id
    assert delivery["receipt"]["submissionId"] == "1"
    assert delivery["receipt"]["Location"].endswith(f"/api/waters/report/{taken.id}/history")
    relay.check_totals()


def test_the_key_pair_is_printed_where_no_file_is_named():
    made = command("key", "new")
    assert made.returncode == 0
    pem, _, jwk = made.stdout.decode().partition("-----END PRIVATE KEY-----\n")
    assert pem.startswith("-----BEGIN PRIVATE KEY-----\n")
    jwk = json.loads(jwk)
    assert (jwk["kty"], jwk["crv"], jwk["alg"], jwk["use"]) == ("EC", "P-384", "ES384", "sig")
    assert "d" not in jwk
    assert json.loads(command("key", "new").stdout.decode().rpartition("-----\n")[2])["kid"] != jwk["kid"]


def test_a_key_file_is_never_overwritten(tmp_path):
    path, _ = new_key(tmp_path)
    before = path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    assert command("key", "new", "--output", path).returncode == 1
    assert path.read_bytes() == before


def test_a_token_serves_many_and_is_renewed_before_it_ends(rs_relay, service):
    service.token_seconds = 2
    relay = rs_relay(follow_up=False)
    for _ in range(20):
        relay.await_state(relay.submit(hl7()), "delivered")
    first = len(service.seen("/api/token"))
    assert first < 20
    await_true(lambda: relay.await_state(relay.submit(hl7()), "delivered") and len(service.seen("/api/token")) > first,
               "a new token")
    assert len({claims["jti"] for _, claims in service.assertions}) == len(service.assertions)
    assert relay.metrics()['edge_relay_attempts_total{destination="rs",outcome="broken"}'] == 0


def test_a_token_that_is_no_longer_taken_is_replaced_once(rs_relay, service):
    relay = rs_relay(follow_up=False)
    relay.await_state(relay.submit(hl7()), "delivered")
    service.tokens.clear()
    identifier = relay.submit(hl7())
    assert relay.await_state(identifier, "delivered")["deliveries"][0]["attempts"] == 1
    assert len(service.seen("/api/token")) == 2
    # Not taken again and again: that is the destination's trouble, and costs nobody an attempt.
    service.always("/api/waters", Answer(401, {"error": "Authentication Failed"}))
    stuck = relay.submit(hl7())
    delivery = relay.await_delivery(stuck, lambda each: each["last_error"] is not None, "the circuit")
    assert (delivery["last_error"]["kind"], delivery["attempts"]) == ("sign_in", 0)
    service.clear()
    relay.await_state(stuck, "delivered")


@pytest.mark.parametrize("scope", [None, "lab.*.user", "other.*.report", "lab.*.report lab.*.user"])
def test_another_scope_than_asked_for_is_broken(rs_relay, service, scope):
    granted = {"access_token": "t", "token_type": "bearer", "expires_in": 300} | ({"scope": scope} if scope else {})
    service.always("/api/token", Answer(200, granted))
    relay = rs_relay()
    delivery = relay.await_delivery(relay.submit(hl7()), lambda each: each["last_error"] is not None, "the circuit")
    assert delivery["last_error"]["kind"] == "sign_in"
    assert "scope" in delivery["last_error"]["message"]
    assert service.seen("/api/waters") == []


@pytest.mark.parametrize("answer, kind", [
    (Answer(401, {"error": "no_valid_keys", "error_description": "SECRET-TEXT"}), "sign_in"),
    (Answer(401, {"error": "SECRET-TEXT"}), "sign_in"), (Answer(404, "nothing"), "not_found"),
    (Answer(500, "failed"), "unavailable"), (Answer(302, "", headers={"Location": "http://127.0.0.1:1/"}), "redirect"),
    (Answer(200, "<html>portal</html>", "text/html"), "unexpected_answer"), (Answer(200, {}), "unexpected_answer"),
    (Answer(401, {"error": "expired_token"}, headers={"Date": "Tue, 24 Nov 2020 18:00:00 GMT"}), "clock")])
def test_a_sign_in_that_fails_is_broken_and_mended_by_itself(rs_relay, service, answer, kind):
    service.always("/api/token", answer)
    relay = rs_relay(follow_up=False)
    identifier = relay.submit(hl7())
    delivery = relay.await_delivery(identifier, lambda each: each["last_error"] is not None, "the circuit")
    assert (delivery["last_error"]["kind"], delivery["attempts"]) == (kind, 0)
    assert "SECRET-TEXT" not in relay.log() + json.dumps(delivery)
    service.clear()
    assert relay.await_state(identifier, "delivered")["deliveries"][0]["attempts"] == 1


def test_a_key_that_was_replaced_in_its_file_is_taken_up(rs_relay, service, signing_key, tmp_path):
    relay = rs_relay(follow_up=False)
    relay.await_state(relay.submit(hl7()), "delivered")
    path, jwk = new_key(tmp_path)
    service.keys.clear()
    service.trust(jwk)
    service.tokens.clear()
    signing_key.write_bytes(path.read_bytes())
    identifier = relay.submit(hl7())
    assert relay.await_state(identifier, "delivered")["deliveries"][0]["attempts"] == 1


def test_a_function_key_goes_to_reports(rs_relay, service, tmp_path):
    (tmp_path / "function-key").write_text("first-key\n")
    service.function_keys = {"first-key"}
    relay = rs_relay({"type": "function_key", "key": f"${{file:{tmp_path / 'function-key'}}}"}, follow_up=False)
    relay.await_state(relay.submit(hl7()), "delivered")
    assert [each[1] for each in service.seen("/api/")] == ["/api/reports"]
    service.function_keys = {"second-key"}
    (tmp_path / "function-key").write_text("second-key\n")
    assert relay.await_state(relay.submit(hl7()), "delivered")["deliveries"][0]["attempts"] == 1


def test_with_an_issuer_only_clients_of_that_org_are_taken(rs_relay, service, signing_key):
    relay = rs_relay({"type": "private_key_jwt", "key": f"${{file:{signing_key}}}", "issuer": "lab"}, follow_up=False)
    refused = relay.post(hl7(), client="state.elr")
    assert refused.status == 403
    assert refused.json()["type"] == "urn:edge-relay:problem:client_not_allowed"
    relay.await_state(relay.submit(hl7(), client="lab.other"), "delivered")
    assert service.submissions[0].client == "lab.other"


def test_a_fixed_client_and_content_type_are_sent_as_configured(rs_relay, service):
    service.content_types = {"application/hl7-v2; charset=utf-8"}
    relay = rs_relay(client="lab.default", content_type="application/hl7-v2; charset=utf-8", follow_up=False)
    relay.await_state(relay.submit(hl7(), client="state.elr"), "delivered")
    assert service.submissions[0].client == "lab.default"


def test_types_that_nobody_takes_there_are_refused_at_the_door(rs_relay):
    relay = rs_relay()
    assert relay.post(b"<a/>", content_type="application/xml").status == 415
    assert relay.post(b"a,b\n1,2\n", content_type="text/csv").status == 202
    assert relay.post(b'{"resourceType":"Bundle"}\n', content_type=FHIR).status == 202


@pytest.mark.parametrize("answer, kind", [
    (Answer(400, {"id": None, "errors": [{"message": "Doe^Jane", "errorCode": "INVALID_MSG", "field": "PID-5"}]}), "refused"),
    (Answer(400, "bare text about Doe^Jane", "text/plain"), "refused"), (Answer(413, ""), "too_large"),
    (Answer(415, ""), "refused"), (Answer(422, "{}"), "refused")])
def test_a_refusal_is_a_dead_letter_that_quotes_nothing(rs_relay, service, answer, kind):
    service.answer("/api/waters", answer)
    relay = rs_relay()
    identifier = relay.submit(hl7())
    delivery = relay.await_state(identifier, "dead_letter")["deliveries"][0]
    assert delivery["last_error"]["kind"] == kind
    assert "Doe" not in relay.log() + json.dumps(delivery)
    if "PID-5" in answer.body:
        assert "INVALID_MSG field PID-5" in delivery["last_error"]["message"]
    if "Doe" in answer.body:
        seen = relay.admin_socket(f"/v1/submissions/{identifier}").json()
        assert "Doe^Jane" in seen["deliveries"][0]["last_error"]["remote_text"]


@pytest.mark.parametrize("answer, kind", [
    (Answer(403, ""), "forbidden"), (Answer(404, ""), "not_found"), (Answer(410, "The sender is inactive", "text/plain"), "gone"),
    (Answer(301, "", headers={"Location": "http://127.0.0.1:1/"}), "redirect"), (Answer(407, ""), "proxy"),
    (Answer(200, "<html>Welcome</html>", "text/html"), "unexpected_answer"), (Answer(201, "OK", "text/plain"), "unexpected_answer"),
    (Answer(201, "MSH|^~\\&|R|S|L|A|1||ACK|9|P|2.5.1\rMSA|AA|another\r", "application/hl7-v2"), "unexpected_answer")])
def test_what_isnt_reportstreams_answer_holds_everything_and_costs_nothing(rs_relay, service, answer, kind):
    service.always("/api/waters", answer)
    relay = rs_relay(follow_up=False)
    identifiers = [relay.submit(hl7()) for _ in range(5)]
    relay.await_delivery(identifiers[0], lambda each: (each["last_error"] or {}).get("kind") == kind, "the circuit")
    for identifier in identifiers:
        delivery = delivery_of(relay, identifier)
        assert (delivery["state"], delivery["attempts"]) == ("queued", 0)
    service.clear()
    for identifier in identifiers:
        relay.await_state(identifier, "delivered")
        assert len(service.of(identifier)) == 1


@pytest.mark.parametrize("code, state", [("AA", "delivered"), ("CA", "delivered"), ("AE", "dead_letter"), ("CE", "dead_letter"),
                                         ("AR", "dead_letter"), ("CR", "dead_letter")])
def test_an_hl7_acknowledgement_counts_by_its_code(rs_relay, service, code, state):
    service.answer("/api/waters", Answer(201, f"MSH|^~\\&|R|S|L|A|1||ACK|9|P|2.5.1\rMSA|{code}|MSG-7\r", "application/hl7-v2"))
    relay = rs_relay(follow_up=False)
    relay.await_state(relay.submit(hl7("MSG-7")), state)


def test_busy_is_tried_later(rs_relay, service):
    service.answer("/api/waters", Answer(429, ""), Answer(503, ""))
    relay = rs_relay(follow_up=False)
    assert relay.await_state(relay.submit(hl7()), "delivered")["deliveries"][0]["attempts"] == 3


@pytest.mark.parametrize("lost", [Answer(hang=True, after=True), Answer(close=True, after=True), Answer(504, "", after=True),
                                  Answer(500, {"error": "Internal error"}, after=True), Answer(502, "", after=True),
                                  Answer(408, "", after=True)])
def test_what_was_taken_without_an_answer_is_found_and_not_sent_again(rs_relay, service, lost):
    """January 2022: uploads that got 504 while they had been taken, resent, doubled in state systems."""
    service.answer("/api/waters", lost)
    relay = rs_relay(follow_up=False)
    identifier = relay.submit(hl7())
    delivery = relay.await_state(identifier, "delivered", timeout=60)["deliveries"][0]
    (taken,) = service.of(identifier)
    assert len(service.seen("/api/waters", "POST")) == 1
    assert delivery["attempts"] == 1
    assert delivery["receipt"]["id"] == taken.id
    looked = service.seen("/submissions?", "GET")[0]
    assert looked[1].startswith("/api/waters/org/lab.default/submissions?since=")
    assert "showfailed=true" in looked[1]
    assert relay.metrics()[REPEATS] == 0
    relay.check_totals()


def test_it_is_found_behind_many_pages(rs_relay, service):
    service.answer("/api/waters", Answer(504, "", after=True))
    relay = rs_relay(follow_up=False, backoff={"initial": "5s", "max": "5s"})
    identifier = relay.submit(hl7())
    await_true(lambda: service.of(identifier), "the submission")
    with service.lock:
        (ours,) = service.submissions
        for number in range(350):
            other = type(ours)(f"other-{number}", number + 10, "lab.default", HL7, f"other-{number}", b"", ours.at + 0.001 * number + 0.001)
            service.submissions.append(other)
    relay.await_state(identifier, "delivered", timeout=60)
    assert len(service.seen("/api/waters", "POST")) == 1
    assert len(service.seen("cursor=")) == 3


def test_what_isnt_in_the_list_yet_waits_and_isnt_sent_again_at_once(rs_relay, service):
    service.answer("/api/waters", Answer(504, ""))
    relay = rs_relay(follow_up=False)
    identifier = relay.submit(hl7())
    await_true(lambda: service.seen("/submissions?"), "a look")
    delivery = relay.await_delivery(identifier, lambda each: each["next_attempt_at"] is not None, "the second look's time")
    assert (delivery["state"], delivery["attempts"], delivery["last_error"]["status"]) == ("queued", 1, 504)
    assert len(service.seen("/api/waters", "POST")) == 1
    # Others go on, and so does this one where it turns up after all.
    relay.await_state(relay.submit(hl7()), "delivered")


@pytest.mark.parametrize("status", [400, 500])
def test_a_row_that_failed_proves_nothing(rs_relay, service, status):
    service.answer("/api/waters", Answer(504, "", after=True))
    relay = rs_relay(follow_up=False, backoff={"initial": "2s", "max": "2s"})
    identifier = relay.submit(hl7())
    await_true(lambda: service.of(identifier), "the submission")
    service.of(identifier)[0].http_status = status
    await_true(lambda: service.seen("/submissions?"), "a look")
    await_true(lambda: delivery_of(relay, identifier)["next_attempt_at"], "the second look's time")
    assert delivery_of(relay, identifier)["state"] == "queued"


@pytest.mark.parametrize("barred", [401, 403, 404])
def test_where_the_list_may_not_be_read_it_is_sent_again_and_counted(rs_relay, service, barred):
    service.answer("/api/waters", Answer(504, "", after=True))
    service.always("/submissions?", Answer(barred, {"error": "Authorization Failed"}))
    service.rules.reverse()
    relay = rs_relay(follow_up=False)
    identifier = relay.submit(hl7())
    delivery = relay.await_state(identifier, "delivered")["deliveries"][0]
    assert delivery["attempts"] == 2
    assert len(service.of(identifier)) == 2
    assert {each.name for each in service.of(identifier)} == {identifier}
    assert relay.metrics()[REPEATS] == 1


def test_all_duplicates_after_a_lost_answer_is_accepted(rs_relay, service):
    duplicates = Answer(400, {"errors": [{"message": "All items in this submission are duplicates."}]})
    service.always("/submissions?", Answer(403, ""))
    service.answer("/api/waters", Answer(504, "", after=True), duplicates, duplicates)
    relay = rs_relay(follow_up=False)
    relay.await_state(relay.submit(hl7()), "delivered")
    assert relay.await_state(relay.submit(hl7()), "dead_letter"), "without a lost answer it is a refusal"


def test_a_kill_in_the_middle_of_a_try_sends_nothing_twice(rs_relay, service):
    service.answer("/api/waters", Answer(hang=True, after=True))
    relay = rs_relay(follow_up=False, timeout="60s")
    identifier = relay.submit(hl7())
    await_true(lambda: service.of(identifier), "the submission")
    relay.kill()
    relay.verify()
    relay.start()
    delivery = relay.await_state(identifier, "delivered", timeout=60)["deliveries"][0]
    assert len(service.of(identifier)) == 1
    assert delivery["attempts"] == 1
    relay.check_totals()


@pytest.mark.parametrize("status, confirmation", [("Delivered", "confirmed"), ("Error", "failed"), ("Not Delivering", "failed")])
def test_the_follow_up_says_what_became_of_it(rs_relay, service, status, confirmation):
    relay = rs_relay()
    identifier = relay.submit(hl7())
    delivery = relay.await_delivery(identifier, lambda each: each.get("overall_status") == "Received", "a first word")
    assert (delivery["state"], delivery["confirmation"]) == ("delivered", "pending")
    service.of(identifier)[0].overall_status = status
    delivery = relay.await_delivery(identifier, lambda each: each["confirmation"] == confirmation, "the last word")
    assert delivery["overall_status"] == status
    alarms = {(each["name"], each["destination"], each["count"]) for each in relay.health()["alarms"]}
    assert (("confirmation_failed", "rs", 1) in alarms) == (confirmation == "failed")
    if confirmation == "failed":
        assert "alarm=confirmation_failed" in relay.log()
        assert relay.metrics()['edge_relay_alarm{name="confirmation_failed"}'] == 1
        # An operator sends it again: the alarm is over until it is known what became of that.
        service.of(identifier)[0].overall_status = "Received"
        assert relay.command("resend", identifier, "--reason", "lost on the way").returncode == 0
        await_true(lambda: relay.metrics()['edge_relay_alarm{name="confirmation_failed"}'] == 0, relay.log, timeout=60)
        await_true(lambda: "ended_alarm=confirmation_failed" in relay.log(), relay.log, timeout=60)
    relay.check_totals()


def test_a_follow_up_outlives_the_process_and_never_opens_the_circuit(rs_relay, service):
    service.always("/history", Answer(500, {"error": "Internal error"}))
    relay = rs_relay()
    identifier = relay.submit(hl7())
    relay.await_state(identifier, "delivered")
    await_true(lambda: len(service.seen("/history")) >= 2, "two tries to ask")
    assert relay.health()["status"] == "ok"
    assert relay.stop() == 0
    service.clear()
    service.of(identifier)[0].overall_status = "Delivered"
    relay.start()
    relay.await_delivery(identifier, lambda each: each["confirmation"] == "confirmed", "the confirmation")


def make_older(relay, milliseconds):
    """As if what was delivered had been so that long ago, and were to be asked about now."""
    assert relay.stop() == 0
    with sqlite3.connect(relay.journal) as database:
        database.execute("UPDATE record SET ended_at = ended_at - ?, follow_up_due = 1 WHERE confirmation = 1", (milliseconds,))
    database.close()
    relay.start()


def test_what_isnt_confirmed_after_a_day_raises_an_alarm_until_it_is(rs_relay, service):
    relay = rs_relay()
    identifier = relay.submit(hl7())
    relay.await_delivery(identifier, lambda each: each.get("overall_status") == "Received", "a first word")

    def late():
        return [(each["destination"], each["count"]) for each in relay.health()["alarms"] if each["name"] == "confirmation_late"]
    make_older(relay, 23 * 3_600_000)
    assert late() == []
    asked = len(service.seen("/history"))
    make_older(relay, 2 * 3_600_000)
    await_true(lambda: late() == [("rs", 1)], lambda: f"late: {relay.health()}")
    assert relay.health()["status"] == "degraded"
    await_true(lambda: relay.metrics()['edge_relay_alarm{name="confirmation_late"}'] == 1, "the alarm in the metrics")
    assert "alarm=confirmation_late" in relay.log()
    await_true(lambda: len(service.seen("/history")) > asked, "asked again")
    assert delivery_of(relay, identifier)["confirmation"] == "pending"
    service.of(identifier)[0].overall_status = "Delivered"
    make_older(relay, 0)
    relay.await_delivery(identifier, lambda each: each["confirmation"] == "confirmed", "the confirmation")
    await_true(lambda: late() == [], lambda: f"over: {relay.health()}")
    assert relay.health()["status"] == "ok"
    relay.check_totals()


def test_without_follow_up_nobody_is_asked(rs_relay, service):
    relay = rs_relay(follow_up=False)
    identifier = relay.submit(hl7())
    relay.await_state(identifier, "delivered")
    for _ in range(3):
        relay.await_state(relay.submit(hl7()), "delivered")
    assert service.seen("/history") == []
    assert delivery_of(relay, identifier)["confirmation"] == "none"


def test_what_an_operator_resends_is_sent_although_it_is_there_already(rs_relay, service):
    relay = rs_relay(follow_up=False)
    identifier = relay.submit(hl7())
    first = relay.await_state(identifier, "delivered")["deliveries"][0]
    assert relay.command("resend", identifier, "--reason", "asked for").returncode == 0
    await_true(lambda: len(service.of(identifier)) == 2, "the repeat")
    second = relay.await_state(identifier, "delivered")["deliveries"][0]
    assert second["receipt"]["id"] != first["receipt"]["id"]
    # And where the repeat has no answer, the first one isn't taken for it.
    service.answer("/api/waters", Answer(504, ""))
    assert relay.command("resend", identifier, "--reason", "once more").returncode == 0
    await_true(lambda: service.seen("/submissions?"), "a look")
    await_true(lambda: delivery_of(relay, identifier)["next_attempt_at"], "the second look's time")
    assert delivery_of(relay, identifier)["state"] == "queued"


def test_check_connect_signs_in_and_sends_nothing(rs_relay, service):
    relay = rs_relay(client="lab.default")
    service.requests.clear()
    good = relay.command("check", "--connect")
    assert good.returncode == 0, good.stderr
    assert "the scope asked for was granted" in good.stdout.decode()
    assert "list of submissions: it can be read" in good.stdout.decode()
    service.may_list = False
    assert "not checked: rs: list of submissions: HTTP 403" in relay.command("check", "--connect").stdout.decode()
    service.keys.clear()
    bad = relay.command("check", "--connect")
    assert bad.returncode == 1
    assert "no_valid_keys" in bad.stderr.decode()
    assert service.submissions == []
