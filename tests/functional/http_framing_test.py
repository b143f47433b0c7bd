"""HTTP/1.1 itself: kept connections, pipelining, chunks, Expect, and what could be read in two ways."""

import pytest
from relay import HL7, ConnectionEnded, head, hl7

pytestmark = pytest.mark.main


def post_bytes(payload, *extra):
    return head("POST", "/v1/submissions", [("Content-Type", HL7), ("Content-Length", str(len(payload))), *extra]) + payload


def chunked(payload, size=7, trailer=b""):
    parts = [payload[at:at + size] for at in range(0, len(payload), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n" + trailer + b"\r\n"


def test_a_connection_is_kept(shared_relay):
    with shared_relay.connect() as connection:
        for number in range(20):
            connection.send(post_bytes(hl7(f"KEEP{number}")))
            answer = connection.read()
            assert answer.status == 202
            assert (answer.header("Connection") or "keep-alive").lower() != "close"


def test_connection_close_is_heeded(shared_relay):
    with shared_relay.connect() as connection:
        connection.send(post_bytes(hl7(), ("Connection", "close")))
        answer = connection.read()
        assert answer.status == 202 and answer.header("Connection") == "close"
        assert connection.closed_within(5)


def test_http_1_0_closes_by_itself(shared_relay):
    payload = hl7()
    with shared_relay.connect() as connection:
        connection.send(post_bytes(payload).replace(b"HTTP/1.1", b"HTTP/1.0"))
        assert connection.read().status == 202
        assert connection.closed_within(5)


def test_pipelined_requests_are_answered_in_order(shared_relay):
    with shared_relay.connect() as connection:
        sizes = [len(hl7("P", extra=b"x" * number)) for number in range(30)]
        connection.send(b"".join(post_bytes(hl7("P", extra=b"x" * number)) for number in range(30))
                        + head("GET", "/v1/nothing"))
        assert [connection.read().json()["size"] for _ in range(30)] == sizes
        assert connection.read("GET").status == 404


def test_a_chunked_body(shared_relay):
    payload = hl7("CHUNKED")
    with shared_relay.connect() as connection:
        for trailer in (b"", b"X-Trailer: yes\r\n"):
            connection.send(head("POST", "/v1/submissions", {"Content-Type": HL7, "Transfer-Encoding": "chunked"})
                            + chunked(payload, trailer=trailer))
            answer = connection.read()
            assert answer.status == 202 and answer.json()["size"] == len(payload)


def test_a_large_chunked_body(shared_relay):
    payload = hl7("CHUNKED", extra=b"y" * 700_000)
    with shared_relay.connect() as connection:
        connection.send(head("POST", "/v1/submissions", {"Content-Type": HL7, "Transfer-Encoding": "chunked"})
                        + chunked(payload, size=9000))
        answer = connection.read()
        assert answer.status == 202 and answer.json()["size"] == len(payload)
        identifier = answer.json()["id"]
    shared_relay.await_state(identifier, "delivered")
    assert (shared_relay.archive / f"{identifier}.hl7").read_bytes() == payload


def test_expect_100_continue_is_answered_before_the_body(shared_relay):
    payload = hl7()
    with shared_relay.connect() as connection:
        connection.send(head("POST", "/v1/submissions", {"Content-Type": HL7, "Content-Length": len(payload), "Expect": "100-continue"}))
        assert connection.read().status == 100
        connection.send(payload)
        assert connection.read().status == 202


@pytest.mark.parametrize("headers, status", [
    ({"Content-Type": HL7, "Content-Length": "5000000"}, 413), ({"Content-Type": "image/png", "Content-Length": "10"}, 415),
    ({"Content-Type": HL7, "Content-Length": "10", "client": "../x"}, 400)])
def test_expect_100_continue_is_refused_without_the_body(shared_relay, headers, status):
    with shared_relay.connect() as connection:
        connection.send(head("POST", "/v1/submissions", {**headers, "Expect": "100-continue"}))
        answer = connection.read()
        assert answer.status == status
        assert connection.closed_within(5)


def test_the_limit_is_told_before_the_body_is_sent(shared_relay):
    with shared_relay.connect() as connection:
        connection.send(head("POST", "/v1/submissions", {"Content-Type": HL7, "Content-Length": "1000001"}))
        assert connection.read().problem == "payload_too_large"
        assert connection.closed_within(5)


def test_a_chunked_body_over_the_limit_is_cut_off(shared_relay):
    with shared_relay.connect() as connection:
        connection.send(head("POST", "/v1/submissions", {"Content-Type": HL7, "Transfer-Encoding": "chunked"}))
        chunk = b"10000\r\n" + b"z" * 65536 + b"\r\n"
        first = b"10000\r\n" + (b"MSH|^~\\&|" + b"z" * 65536)[:65536] + b"\r\n"
        try:
            connection.send(first)
            for _ in range(16):
                connection.send(chunk)
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert connection.read().problem == "payload_too_large"


MALFORMED = [
    ("both lengths", b"POST /v1/submissions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/hl7-v2\r\n"
                     b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("two different lengths", b"POST /v1/submissions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/hl7-v2\r\n"
                              b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nMSH|^~"),
    ("length that is no number", b"POST /v1/submissions HTTP/1.1\r\nHost: localhost\r\nContent-Length: five\r\n\r\n"),
    ("negative length", b"POST /v1/submissions HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n"),
    ("length with a sign", b"POST /v1/submissions HTTP/1.1\r\nHost: localhost\r\nContent-Length: +5\r\n\r\n"),
    ("huge length", b"POST /v1/submissions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999999\r\n\r\n"),
    ("unknown transfer coding", b"POST /v1/submissions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, identity\r\n\r\n"),
    ("chunked not last", b"POST /v1/submissions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n"),
    ("no host", b"GET /v1/nothing HTTP/1.1\r\n\r\n"),
    ("two hosts", b"GET /v1/nothing HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n"),
    ("no HTTP", b"hello there\r\n\r\n"),
    ("space before colon", b"GET /v1/nothing HTTP/1.1\r\nHost : localhost\r\n\r\n"),
    ("folded header", b"GET /v1/nothing HTTP/1.1\r\nHost: localhost\r\nX-A: one\r\n two\r\n\r\n"),
    ("NUL in a header", b"GET /v1/nothing HTTP/1.1\r\nHost: localhost\r\nX-A: o\x00ne\r\n\r\n"),
    ("TLS client hello", bytes.fromhex("16030100a5010000a10303") + b"x" * 40 + b"\r\n\r\n"),
    ("HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
]


@pytest.mark.parametrize("data", [each[1] for each in MALFORMED], ids=[each[0].replace(" ", "-") for each in MALFORMED])
def test_what_can_be_read_in_two_ways_is_refused_and_closed(shared_relay, data):
    with shared_relay.connect() as connection:
        connection.send(data)
        answer = connection.read()
        assert (answer.status, answer.problem) == (400, "malformed_request"), answer.body
        assert connection.closed_within(5)


@pytest.mark.parametrize("body", [b"zz\r\nMSH\r\n0\r\n\r\n", b"5\r\nMSH|^~\\&|A\r\n0\r\n\r\n", b"fffffffffffffffff\r\nMSH"],
                         ids=["no-number", "longer-than-said", "overflow"])
def test_broken_chunks_are_refused_and_nothing_is_kept(shared_relay, body):
    before = shared_relay.status()["destinations"]["archive"]["accepted"]
    with shared_relay.connect() as connection:
        connection.send(head("POST", "/v1/submissions", {"Content-Type": HL7, "Transfer-Encoding": "chunked"}) + body)
        answer = connection.read()
        assert (answer.status, answer.problem) == (400, "malformed_request"), answer.body
        assert connection.closed_within(5)
    assert shared_relay.status()["destinations"]["archive"]["accepted"] == before


@pytest.mark.parametrize("body", [b"MSH|^~\\&|half", b"MSH|^~\\&|" + b"h" * 300_000], ids=["small", "in-chunks"])
def test_a_body_that_ends_early_is_no_submission(shared_relay, body):
    before = shared_relay.status()["destinations"]["archive"]["accepted"]
    with shared_relay.connect() as connection:
        connection.send(head("POST", "/v1/submissions", {"Content-Type": HL7, "Content-Length": len(body) + 100}) + body)
        connection.end_sending()
        try:
            assert connection.read().status == 400
        except ConnectionEnded:
            pass  # nobody is owed an answer who has hung up
    assert shared_relay.submit(hl7())
    assert shared_relay.status()["destinations"]["archive"]["accepted"] == before + 1


def test_a_header_section_over_16_kib_is_431(shared_relay):
    with shared_relay.connect() as connection:
        connection.send(head("GET", "/v1/nothing", {"X-Long": "x" * 17_000}))
        answer = connection.read()
        assert (answer.status, answer.problem) == (431, "headers_too_large")
        assert connection.closed_within(5)
    with shared_relay.connect() as connection:
        connection.send(head("GET", "/v1/nothing", {"X-Long": "x" * 15_000}))
        assert connection.read().status == 404


def test_a_request_line_without_end_is_431(shared_relay):
    with shared_relay.connect() as connection:
        connection.send(b"GET /" + b"x" * 17_000)
        assert connection.read().status == 431


def test_a_request_split_into_single_bytes(shared_relay):
    with shared_relay.connect() as connection:
        for byte in post_bytes(hl7("BYTEWISE")):
            connection.send(bytes([byte]))
        assert connection.read().status == 202


def test_absolute_form_and_query_are_understood(shared_relay):
    payload = hl7()
    with shared_relay.connect() as connection:
        connection.send(post_bytes(payload).replace(b"POST /v1/submissions ", b"POST /v1/submissions?x=1 "))
        assert connection.read().status == 202
