"""MLLP answers, line by line of the contract's table: original, enhanced and auto; ERR in the sender's version; MSA-2."""

import re

import pytest
from mllp import connections, message
from ports import free_ports
from relay import Relay, await_true

pytestmark = pytest.mark.main

ORIGINAL, ENHANCED, AUTO, NAK, NOBODY, PRODUCTION, TEST_ONLY = range(7)


@pytest.fixture(scope="module")
def relay(tmp_path_factory):
    """One relay with a listener for each way to answer."""
    folder = tmp_path_factory.mktemp("mllp-answers")
    (folder / "archive").mkdir()
    ports = free_ports(7)
    listener = [{"listen": f"127.0.0.1:{port}", "client": "lab.lis"} for port in ports]
    listener[ENHANCED]["ack"] = "enhanced"
    listener[AUTO]["ack"] = "auto"
    listener[NAK]["when_unavailable"] = "nak"
    del listener[NOBODY]["client"]
    listener[NOBODY]["clients"] = [{"msh3": "EPIC", "msh4": "HOSP*", "client": "lab.epic"},
                                   {"msh3": "STRANGER", "client": "other.stranger"},
                                   {"msh3": "LOST", "client": "state.lost"}]
    listener[PRODUCTION]["test_production_guard"] = "production"
    listener[TEST_ONLY]["test_production_guard"] = "test"
    relay = Relay(folder, {
        "clients": ["lab.*", "state.*"],
        "destinations": {"archive": {"type": "directory", "path": str(folder / "archive")}},
        "routes": [{"match": {"client": "lab.*", "intake": "mllp"}, "to": ["archive"]}],
        "intake": {"max_payload": "100kB", "mllp": listener}})
    relay.ports = ports
    relay.archive = folder / "archive"
    relay.start()
    try:
        yield relay
        assert relay.stop() == 0, relay.log()[-3000:]
    finally:
        relay.end()


@pytest.fixture
def connect(relay):
    with connections(lambda listener=ORIGINAL: relay.ports[listener]) as make:
        yield make


def count_of(relay):
    return relay.metrics()['edge_relay_submissions_accepted_total{intake="mllp"}']


def test_what_is_in_the_journal_is_answered_aa(relay, connect):
    before = count_of(relay)
    answer = connect().ask(message(b"KEPT-1"))
    assert (answer.code, answer.control_id, answer.error) == ("AA", b"KEPT-1", None)
    assert count_of(relay) == before + 1


def test_the_answers_header_is_the_senders_turned_round(connect):
    answer = connect().ask(message(b"HEADER-1", version=b"2.5.1", processing=b"D^T"))
    assert answer.raw.startswith(b"MSH|^~\\&|RELAY|STATE|LABSYS^1.2.3^ISO|TESTLAB^99D0000000^CLIA|")
    assert re.fullmatch(rb"\d{14}(\.\d{1,4})?[+-]\d{4}", answer.field("MSH", 7))
    assert answer.field("MSH", 9) == b"ACK^R01^ACK"
    assert answer.field("MSH", 11) == b"D^T" and answer.field("MSH", 12) == b"2.5.1"
    assert 1 <= len(answer.field("MSH", 10)) <= 20


def test_every_answer_has_a_control_id_of_its_own(connect):
    connection = connect()
    ids = {connection.ask(message(b"OWN-%d" % number)).field("MSH", 10) for number in range(20)}
    assert len(ids) == 20


@pytest.mark.parametrize("version, type_", [(b"2.1", b"ACK^R01"), (b"2.2", b"ACK^R01"), (b"2.3", b"ACK^R01"),
                                            (b"2.3.1", b"ACK^R01^ACK"), (b"2.4", b"ACK^R01^ACK"), (b"2.8.2", b"ACK^R01^ACK")])
def test_the_answers_type_is_of_the_senders_version(connect, version, type_):
    answer = connect().ask(message(b"TYPE-" + version, version=version))
    assert answer.field("MSH", 9) == type_ and answer.field("MSH", 12) == version


def test_other_separators_are_the_answers_too(connect):
    raw = message(b"SEPARATORS").replace(b"|", b"$").replace(b"^", b"*").replace(b"~", b"%").replace(b"&", b"@")
    answer = connect().ask(raw)
    assert answer.raw.startswith(b"MSH$*%\\@$RELAY$STATE$LABSYS*1.2.3*ISO$")
    assert (answer.code, answer.control_id) == ("AA", b"SEPARATORS")
    assert answer.field("MSH", 9) == b"ACK*R01*ACK"


# ---- what isn't taken ----

def test_too_large_is_ae_and_the_connection_stays(relay, connect):
    connection = connect()
    answer = connection.ask(message(b"LARGE", extra=b"x" * 120_000))
    assert (answer.code, answer.control_id) == ("AE", b"LARGE") and answer.error is not None
    assert connection.ask(message(b"AFTER-LARGE")).code == "AA"


def test_beyond_twice_the_limit_it_is_closed(relay, connect):
    connection = connect()
    connection.send(b"\x0b" + message(b"HUGE") + b"x" * 250_000)
    assert connection.closes()
    assert "over twice max_payload" in relay.log()


@pytest.mark.parametrize("listener, code", [(ORIGINAL, "AR"), (ENHANCED, "CR")])
@pytest.mark.parametrize("raw", [b"HELLO", b"PID|1\r" + message(), b"MSHABC", "MSH|^~\\&|LABSYS\r".encode("utf-16"),
                                 "MSH|^~\\&|LABSYS\r".encode("utf-16-be"), b"\r" + message(), b"MSH", b"\x00" * 20])
def test_what_cant_be_read_is_rejected_in_default_separators(connect, raw, listener, code):
    answer = connect(listener).ask(raw)
    assert answer.code == code and answer.control_id == b"" and answer.raw.startswith(b"MSH|^~\\&|")
    assert 200 <= answer.error < 204, "another relay must take it for refused, not for busy"


def test_no_route_and_no_client_are_ar(connect):
    for sender in (b"LOST|LAB", b"STRANGER|LAB", b"NOBODY|LAB"):
        answer = connect(NOBODY).ask(message(b"ROUTE", sender=sender))
        assert (answer.code, answer.control_id) == ("AR", b"ROUTE"), sender
        assert 200 <= answer.error < 204


def test_a_content_type_that_isnt_taken_is_ae_and_ce(make_relay, tmp_path):
    """The contract's "content that can't be taken (validation, type, size)"; `check` says so beforehand."""
    ports = free_ports(2)
    relay = make_relay({
        "destinations": {"archive": {"type": "directory", "path": str(tmp_path)}},
        "intake": {"content_types": ["text/csv"], "mllp": [
            {"listen": f"127.0.0.1:{ports[0]}", "client": "lab.lis"},
            {"listen": f"127.0.0.1:{ports[1]}", "client": "lab.lis", "ack": "enhanced"}]}})
    check = relay.command("check")
    assert check.returncode == 0 and b"application/hl7-v2 isn't in intake.content_types" in check.stderr
    with connections(lambda listener: ports[listener]) as connect:
        for listener, code in ((0, "AE"), (1, "CE")):
            answer = connect(listener).ask(message(b"TYPE"))
            assert (answer.code, answer.control_id, answer.error) == (code, b"TYPE", 200)
    await_true(lambda: relay.metrics()['edge_relay_submissions_refused_total{intake="mllp",reason="content_type_not_taken"}'] == 2,
               relay.log, timeout=60)
    assert count_of(relay) == 0


def test_the_client_is_told_by_msh_3_and_4(relay, connect):
    connection = connect(NOBODY)
    for sender in (b"EPIC|HOSPITAL", b"EPIC^1.2.840.114350^ISO|HOSP^99D^CLIA"):
        assert connection.ask(message(b"EPIC-" + sender[-4:], sender=sender)).code == "AA"
    assert connection.ask(message(b"EPIC-OTHER", sender=b"EPIC|CLINIC")).code == "AR"
    assert connection.ask(message(b"epic", sender=b"epic|HOSPITAL")).code == "AR"
    newest = relay.admin_socket("/v1/submissions?limit=2").json()["submissions"]
    assert [each["client"] for each in newest] == ["lab.epic", "lab.epic"]


@pytest.mark.parametrize("version, form", [(b"2.3", 1), (b"2.4", 1), (b"2.5", 3), (b"2.5.1", 3), (b"2.7", 3)])
def test_errors_have_the_form_of_the_senders_version(connect, version, form):
    answer = connect(PRODUCTION).ask(message(b"ERR-" + version, version=version, processing=b"T"))
    assert (answer.code, answer.error) == ("AR", 202)
    if form == 1:
        assert answer.field("ERR", 1) == b"^^^202&Unsupported processing id&HL70357" and not answer.field("ERR", 3)
        assert b"MSH-11" in answer.field("MSA", 3)
    else:
        assert answer.field("ERR", 1) == b"" and answer.field("ERR", 3) == b"202^Unsupported processing id^HL70357"
        assert answer.field("ERR", 4) == b"E" and b"MSH-11" in answer.field("ERR", 8)


@pytest.mark.parametrize("listener, processing, taken", [
    (PRODUCTION, b"P", True), (PRODUCTION, b"P^T", True), (PRODUCTION, b"T", False), (PRODUCTION, b"D", False),
    (PRODUCTION, b"", False), (TEST_ONLY, b"T", True), (TEST_ONLY, b"D^I", True), (TEST_ONLY, b"P", False),
    (TEST_ONLY, b"", False), (ORIGINAL, b"T", True), (ORIGINAL, b"", True)])
def test_the_guard_between_test_and_production(connect, listener, processing, taken):
    answer = connect(listener).ask(message(b"GUARD", processing=processing, extra=processing))
    assert (answer.code, answer.error) == (("AA", None) if taken else ("AR", 202))


def test_the_guard_looks_at_every_message_of_a_batch(relay, connect):
    before = count_of(relay)
    batch = b"BHS|^~\\&|LABSYS|LAB||||||||BATCH-G\r" + message(b"G1", processing=b"P") + message(b"G2", processing=b"T") + b"BTS|2\r"
    assert (connect(PRODUCTION).ask(batch)).error == 202
    assert count_of(relay) == before


# ---- enhanced and auto ----

@pytest.mark.parametrize("accept, good, bad", [(b"", "CA", "CR"), (b"AL", "CA", "CR"), (b"NE", None, None),
                                               (b"ER", None, "CR"), (b"SU", "CA", None), (b"XX", "CA", "CR")])
def test_enhanced_answers_as_msh_15_asks(relay, connect, accept, good, bad):
    before = count_of(relay)
    connection = connect(ENHANCED)
    for control_id, wanted, raw in (
            (b"GOOD-" + accept, good, message(b"GOOD-" + accept, accept=accept)),
            (b"BAD-" + accept, bad, b"MSH|^~\\&|LABSYS|LAB|||||ORU^R01|BAD-" + accept + b"|P|2.5.1|||" + accept + b"\r" + b"x" * 120_000)):
        connection.send_frame(raw)
        if wanted is None:
            assert connection.says_nothing(message(b"CONTROL-" + control_id))
            continue
        answer = connection.read()
        # Too large is content: CE, not CR.
        assert (answer.code, answer.control_id) == ("CE" if wanted == "CR" else wanted, control_id)
    assert count_of(relay) > before


@pytest.mark.parametrize("accept, code", [(b"AL", "CA"), (b"SU", "CA"), (b"", "AA"), (b"NE", "AA"), (b"XX", "AA")])
def test_auto_goes_by_msh_15(connect, accept, code):
    assert connect(AUTO).ask(message(b"AUTO-" + accept, accept=accept)).code == code


def test_auto_with_er_is_silent_when_all_is_well(connect):
    connection = connect(AUTO)
    connection.send_frame(message(b"AUTO-ER", accept=b"ER"))
    assert connection.says_nothing(message(b"AUTO-AFTER"))


def test_original_answers_even_who_never_asked(connect):
    assert connect(ORIGINAL).ask(message(b"NEVER", accept=b"NE")).code == "AA"


# ---- what is no submission ----

def test_acknowledgements_and_empty_frames_are_ignored(relay, connect):
    before = count_of(relay)
    for listener in (ORIGINAL, ENHANCED):
        connection = connect(listener)
        connection.send_frame(b"MSH|^~\\&|RELAY|STATE|LABSYS|LAB|20261124||ACK^R01^ACK|77|P|2.5.1\rMSA|AA|1\r")
        connection.send_frame(b"MSH|^~\\&|||||||ACK\rMSA|AA|1\r")
        connection.send_frame(b"")
        connection.send_frame(b"\r\n\r")
        assert connection.says_nothing(message(b"REAL-%d" % listener))
    assert count_of(relay) == before + 2


def test_an_acknowledgement_in_front_hides_no_message(relay, connect):
    before = count_of(relay)
    frame = b"MSH|^~\\&|RELAY|STATE|LABSYS|LAB|20261124||ACK^R01^ACK|78|P|2.5.1\rMSA|AA|1\r" + message(b"HIDDEN")
    assert connect().ask(frame).code == "AA"
    assert count_of(relay) == before + 1


# ---- batches ----

BHS = b"BHS|^~\\&|LABSYS|LAB|RELAY|STATE|20261124||||"


@pytest.mark.parametrize("frame, control_id", [
    (BHS + b"B-11\r" + message(b"M-1") + message(b"M-2") + b"BTS|2\r", b"B-11"),
    (b"FHS|^~\\&|LABSYS|LAB|||||||F-11\r" + BHS + b"B-12\r" + message(b"M-3") + b"BTS|1\rFTS|1\r", b"B-12"),
    (b"FHS|^~\\&|LABSYS|LAB|||||||F-13\r" + BHS + b"\r" + message(b"M-4") + b"BTS|1\rFTS|1\r", b"F-13"),
    (b"FHS|^~\\&|LABSYS|LAB\r" + BHS + b"\r" + message(b"M-5") + b"BTS|1\rFTS|1\r", b"M-5"),
    (message(b"M-6") + message(b"M-7"), b"M-6"),
    (BHS + b"B-14\rBTS|0\r", b"B-14")], ids=["bhs", "bhs-before-fhs", "fhs", "first-msh", "several-msh", "no-msh"])
def test_a_batch_is_one_submission_and_one_answer(relay, connect, frame, control_id):
    before = count_of(relay)
    answer = connect().ask(frame)
    assert (answer.code, answer.control_id) == ("AA", control_id)
    assert count_of(relay) == before + 1
    assert relay.admin_socket("/v1/submissions?limit=1").json()["submissions"][0]["size"] == len(frame)


def test_a_batchs_answer_has_the_processing_id_of_its_first_message(connect):
    answer = connect().ask(BHS + b"B-20\r" + message(b"M-20", processing=b"D") + message(b"M-21", processing=b"P"))
    assert answer.field("MSH", 11) == b"D"
    assert connect().ask(BHS + b"B-21\rBTS|0\r").field("MSH", 11) == b"P"
