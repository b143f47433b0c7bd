"""Request smuggling and header injection, byte by byte over raw sockets: whatever two servers could read in two ways is read
in one way here, or refused, and then the connection is closed, so that nothing behind it becomes a request.

Behind every case stands a second request. Where the first one is refused, nobody may answer that one; where it is taken,
exactly that many answers must come, and nothing else may have got into the journal.
"""

import socket

import pytest
from relay import HL7, ConnectionEnded, RawConnection, head, hl7

pytestmark = pytest.mark.main

BODY = hl7("SMUGGLED")
SECOND = head("POST", "/v1/submissions", {"Content-Type": HL7, "Content-Length": str(len(BODY))}) + BODY


def post(*lines, body=b"", version=b"HTTP/1.1", target=b"/v1/submissions"):
    """A POST with these header lines, as they are."""
    return (b"POST " + target + b" " + version + b"\r\nHost: localhost\r\nContent-Type: " + HL7.encode() + b"\r\n"
            + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body)


def chunks(body):
    return b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


LENGTH = b"Content-Length: %d" % len(BODY)
CHUNKED = b"Transfer-Encoding: chunked"

# Every one must be answered with 400 malformed_request (or what is named) and the end of the connection.
REFUSED = {
    # Content-Length and Transfer-Encoding
    "length-then-chunked": post(LENGTH, CHUNKED, body=chunks(BODY)),
    "chunked-then-length": post(CHUNKED, LENGTH, body=chunks(BODY)),
    "zero-length-and-chunked": post(b"Content-Length: 0", CHUNKED, body=chunks(BODY)),
    # Spellings of Transfer-Encoding that one server takes and another doesn't see
    "coding-with-a-suffix": post(b"Transfer-Encoding: xchunked", body=chunks(BODY)),
    "coding-with-a-comma": post(b"Transfer-Encoding: ,chunked", b"Content-Length: 0", body=chunks(BODY)),
    "coding-in-quotes": post(b'Transfer-Encoding: "chunked"', body=chunks(BODY)),
    "coding-with-a-parameter": post(b"Transfer-Encoding: chunked;q=1", body=chunks(BODY)),
    "coding-behind-a-vertical-tab": post(b"Transfer-Encoding: \x0bchunked", body=chunks(BODY)),
    "coding-behind-a-form-feed": post(b"Transfer-Encoding: \x0cchunked", body=chunks(BODY)),
    "identity": post(b"Transfer-Encoding: identity", LENGTH, body=BODY),
    "identity-alone": post(b"Transfer-Encoding: identity", body=BODY),
    "empty-coding": post(b"Transfer-Encoding:", LENGTH, body=BODY),
    "chunked-twice": post(b"Transfer-Encoding: chunked, chunked", body=chunks(BODY)),
    "two-transfer-encodings": post(CHUNKED, b"Transfer-Encoding: identity", body=chunks(BODY)),
    "two-chunked-fields": post(CHUNKED, CHUNKED, body=chunks(BODY)),
    "gzip-and-chunked": post(b"Transfer-Encoding: gzip, chunked", body=chunks(BODY)),
    "space-in-the-name": post(b"Transfer Encoding: chunked", LENGTH, body=BODY),
    "space-before-the-colon": post(b"Transfer-Encoding : chunked", LENGTH, body=BODY),
    "tab-before-the-colon": post(b"Transfer-Encoding\t: chunked", LENGTH, body=BODY),
    "space-before-the-name": post(b" Transfer-Encoding: chunked", LENGTH, body=BODY),
    "nul-behind-the-name": post(b"Transfer-Encoding\0: chunked", LENGTH, body=BODY),
    "high-byte-in-the-name": post(b"Transfer-Encoding\xa0: chunked", LENGTH, body=BODY),
    "folded-coding": post(b"Transfer-Encoding:\r\n chunked", LENGTH, body=BODY),
    "folded-with-a-tab": post(b"X: 1\r\n\tTransfer-Encoding: chunked", LENGTH, body=BODY),
    "chunked-in-1.0": post(CHUNKED, body=chunks(BODY), version=b"HTTP/1.0"),
    "chunked-and-length-in-1.0": post(CHUNKED, LENGTH, body=chunks(BODY), version=b"HTTP/1.0"),
    # Content-Length
    "two-lengths": post(LENGTH, b"Content-Length: 0", body=BODY),
    "a-list-of-lengths": post(b"Content-Length: 5, 6", body=BODY),
    "hexadecimal-length": post(b"Content-Length: 0x10", body=BODY),
    "length-with-a-plus": post(b"Content-Length: +%d" % len(BODY), body=BODY),
    "negative-length": post(b"Content-Length: -1", body=BODY),
    "fraction": post(b"Content-Length: 1.0", body=BODY),
    "exponent": post(b"Content-Length: 1e2", body=BODY),
    "inner-space": post(b"Content-Length: 1 0", body=BODY),
    "empty-length": post(b"Content-Length:", body=BODY),
    "length-over-64-bits": post(b"Content-Length: 18446744073709551617", body=BODY),
    "length-that-wraps": post(b"Content-Length: 4294967296000000000000", body=BODY),
    # Lines
    "bare-lf-ends": b"POST /v1/submissions HTTP/1.1\nHost: localhost\nContent-Length: 0\n\n",
    "one-bare-lf": post(b"X: 1\nTransfer-Encoding: chunked", LENGTH, body=BODY),
    "bare-cr": post(b"X: 1\rTransfer-Encoding: chunked", LENGTH, body=BODY),
    "bare-cr-in-the-target": b"GET /v1/a\rb HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "nul-in-a-value": post(b"X: 1\0", LENGTH, body=BODY),
    "delete-in-a-value": post(b"X: 1\x7f", LENGTH, body=BODY),
    "no-colon": post(b"X", LENGTH, body=BODY),
    "empty-name": post(b": 1", LENGTH, body=BODY),
    # Request line and Host
    "two-spaces": b"GET  /v1/nothing HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "tab-for-a-space": b"GET\t/v1/nothing HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "space-in-the-target": b"GET /v1/no thing HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "no-version": b"GET /v1/nothing\r\nHost: localhost\r\n\r\n",
    "version-2": b"GET /v1/nothing HTTP/2.0\r\nHost: localhost\r\n\r\n",
    "version-1.2": b"GET /v1/nothing HTTP/1.2\r\nHost: localhost\r\n\r\n",
    "version-0.9": b"GET /v1/nothing HTTP/0.9\r\nHost: localhost\r\n\r\n",
    "lower-case-version": b"GET /v1/nothing http/1.1\r\nHost: localhost\r\n\r\n",
    "two-hosts": b"GET /v1/nothing HTTP/1.1\r\nHost: localhost\r\nHost: 127.0.0.1\r\n\r\n",
    # Chunks
    "chunk-size-overflows": post(CHUNKED, body=b"fffffffffffffffff0\r\nMSH"),
    "chunk-size-wraps-to-small": post(CHUNKED, body=b"10000000000000003\r\nMSH\r\n0\r\n\r\n"),
    "negative-chunk-size": post(CHUNKED, body=b"-3\r\nMSH\r\n0\r\n\r\n"),
    "chunk-size-with-0x": post(CHUNKED, body=b"0x3\r\nMSH\r\n0\r\n\r\n"),
    "chunk-size-with-a-space": post(CHUNKED, body=b" 3\r\nMSH\r\n0\r\n\r\n"),
    "no-chunk-size": post(CHUNKED, body=b"\r\nMSH\r\n0\r\n\r\n"),
    "chunk-size-ended-by-lf": post(CHUNKED, body=b"3\nMSH\n0\n\n"),
    "chunk-without-its-end": post(CHUNKED, body=b"3\r\nMSHxx0\r\n\r\n"),
    "chunk-longer-than-said": post(CHUNKED, body=b"3\r\nMSH|\r\n0\r\n\r\n"),
    "bare-lf-in-a-chunk-extension": post(CHUNKED, body=b"3;a\nb\r\nMSH\r\n0\r\n\r\n"),
    "bare-cr-in-a-chunk-extension": post(CHUNKED, body=b"3;a\rb\r\nMSH\r\n0\r\n\r\n"),
    "nul-in-a-chunk-extension": post(CHUNKED, body=b"3;a\0\r\nMSH\r\n0\r\n\r\n"),
    "framing-trailer": post(CHUNKED, body=b"%x\r\n%s\r\n0\r\nContent-Length: 5\r\n\r\n" % (len(BODY), BODY)),
    "malformed-trailer": post(CHUNKED, body=b"%x\r\n%s\r\n0\r\nno colon\r\n\r\n" % (len(BODY), BODY)),
}

# The head is good.
BROKEN_BODIES = [name for name in REFUSED if "chunk-" in name or name.endswith("-trailer")]


def answers_to(connection):
    """All of them, to the end of the connection."""
    found = []
    try:
        while True:
            found.append(connection.read())
    except (ConnectionEnded, TimeoutError):
        return found


def accepted(relay):
    return relay.status()["destinations"]["archive"]["accepted"]


@pytest.mark.parametrize("listener", ["intake", "operator"])
@pytest.mark.parametrize("name", REFUSED)
def test_what_could_be_read_in_two_ways_is_refused_with_all_that_follows(shared_relay, name, listener):
    relay = shared_relay
    before = accepted(relay)
    address = relay.address if listener == "intake" else ("127.0.0.1", relay.admin_port)
    with RawConnection(address) as connection:
        connection.send(REFUSED[name] + SECOND)
        answers = answers_to(connection)
    [answer] = answers
    if listener == "operator" and name in BROKEN_BODIES:
        assert answer.status == 401, "told before the body is read"
    else:
        assert (answer.status, answer.problem) == (400, "malformed_request"), answer.body
    assert accepted(relay) == before, "something got in"


TAKEN = {
    "chunked-in-another-case": (post(b"transfer-encoding: CHUNKED", body=chunks(BODY)), BODY),
    "spaces-around-the-coding": (post(b"Transfer-Encoding: \t chunked \t ", body=chunks(BODY)), BODY),
    "chunk-extensions": (post(CHUNKED, body=b'%x;name=value;other="quoted"\r\n%s\r\n0;last\r\n\r\n' % (len(BODY), BODY)), BODY),
    "leading-zeros-in-a-chunk-size": (post(CHUNKED, body=b"0000%x\r\n%s\r\n000\r\n\r\n" % (len(BODY), BODY)), BODY),
    "trailers-are-no-headers": (post(CHUNKED, body=b"%x\r\n%s\r\n0\r\nRelay-Client: lab.other\r\nX: 1\r\n\r\n"
                                     % (len(BODY), BODY)), BODY),
    "the-same-length-in-zeros": (post(b"Content-Length: 000%d" % len(BODY), body=BODY), BODY),
    "absolute-form": (post(LENGTH, body=BODY, target=b"http://localhost/v1/submissions"), BODY),
    "many-fields": (post(*[b"X-%d: y" % number for number in range(500)], LENGTH, body=BODY), BODY),
}


@pytest.mark.parametrize("name", TAKEN)
def test_what_can_be_read_in_one_way_is_read_so_and_what_follows_is_the_next_request(shared_relay, name):
    relay = shared_relay
    before = accepted(relay)
    request, payload = TAKEN[name]
    with relay.connect() as connection:
        connection.send(request)
        first = connection.read()
        assert first.status == 202, first.body
        connection.send(SECOND)
        second = connection.read()
    assert first.json()["size"] == len(payload) and first.json()["client"] == "lab.default"
    assert second.status == 202 and accepted(relay) == before + 2


def test_an_absolute_target_with_another_host_is_foreign(shared_relay):
    with shared_relay.connect() as connection:
        connection.send(post(LENGTH, body=BODY, target=b"http://elsewhere.example/v1/submissions"))
        assert connection.read().status in (400, 403)


def test_data_behind_a_body_is_the_next_request_or_none(shared_relay):
    before = accepted(shared_relay)
    with shared_relay.connect() as connection:
        connection.send(post(LENGTH, body=BODY) + b"garbage\r\n" + SECOND)
        assert [each.status for each in answers_to(connection)] == [202, 400]
    with shared_relay.connect() as connection:
        connection.send(post(LENGTH, body=BODY) + b"GARBAGE" + SECOND)
        assert [connection.read().status for _ in range(2)] == [202, 405], "a method that isn't known"
    assert accepted(shared_relay) == before + 2


def test_a_refusal_before_the_body_doesnt_take_the_body_for_a_request(shared_relay):
    before = accepted(shared_relay)
    for lines in ((b"Content-Length: %d" % len(SECOND), b"client: ../x"), (b"Content-Length: %d" % len(SECOND), b"Origin: http://evil.example"),
                  (b"Content-Length: 99999999", )):
        with shared_relay.connect() as connection:
            connection.send(post(*lines, body=SECOND))
            assert len(answers_to(connection)) == 1
    with shared_relay.connect() as connection:  # a body where none belongs
        connection.send(head("GET", "/v1/nothing", {"Content-Length": str(len(SECOND))}) + SECOND)
        assert all(each.status >= 400 for each in answers_to(connection))
    assert accepted(shared_relay) == before


@pytest.mark.parametrize("count", [8000, 200_000])
def test_too_many_fields_are_431_and_dont_cost_memory(shared_relay, count):
    before = shared_relay.resident_bytes()
    with shared_relay.connect() as connection:
        try:
            connection.send(post(*[b"A:"] * count))
        except (BrokenPipeError, ConnectionResetError):
            pass
        try:
            answer = connection.read()
            assert (answer.status, answer.problem) == (431, "headers_too_large")
        except ConnectionEnded:
            assert count > 100_000, "an answer may be lost only where the sender still writes"
    assert shared_relay.resident_bytes() < before + (32 << 20)


INJECTIONS = ["a\r\nX-Injected: yes", "a%0d%0aX-Injected: yes", "a\nX-Injected: yes", "a\rX-Injected: yes",
              "\u560d\u560aX-Injected: yes".encode().decode("latin-1")]


@pytest.mark.parametrize("value", INJECTIONS, ids=["crlf", "percent", "lf", "cr", "utf-8-that-narrows-to-crlf"])
@pytest.mark.parametrize("field", ["Idempotency-Key", "Relay-Client", "Relay-Payload-Name", "Prefer", "Content-Digest", "Content-Type", "Host",
                                   "Origin", "Authorization"])
def test_no_value_becomes_a_field_of_the_answer(shared_relay, field, value):
    with shared_relay.connect() as connection:
        connection.send(f"POST /v1/submissions HTTP/1.1\r\nHost: localhost\r\nContent-Type: {HL7}\r\n".encode()
                        + f"{field}: {value}\r\nContent-Length: {len(BODY)}\r\n\r\n".encode("latin-1") + BODY)
        answers = answers_to_first(connection)
    for answer in answers:
        assert answer.header("X-Injected") is None


def answers_to_first(connection):
    connection.socket.settimeout(10)
    try:
        return [connection.read()]
    except ConnectionEnded:
        return []


def test_no_target_becomes_a_field_of_the_answer(shared_relay):
    for target in ("/v1/submissions/%0d%0aX-Injected:%20yes", "/api/waters/report/%0d%0aX-Injected:%20yes/history",
                   "/v1/submissions?a=%0d%0aX-Injected:%20yes", "/%0d%0aX-Injected:%20yes"):
        for address in (shared_relay.address, ("127.0.0.1", shared_relay.admin_port)):
            with RawConnection(address) as connection:
                connection.send(head("GET", target))
                answer = connection.read("GET")
                assert answer.status in (400, 404, 405) and answer.header("X-Injected") is None, (target, answer.body)


def test_a_connection_that_is_reset_in_its_body_is_no_submission(shared_relay):
    before = accepted(shared_relay)
    for data in (post(b"Content-Length: %d" % (len(BODY) + 1), body=BODY), post(CHUNKED, body=b"%x\r\n%s\r\n" % (len(BODY), BODY)),
                 post(CHUNKED, body=b"%x\r\n%s\r\n0\r\n" % (len(BODY), BODY))):
        with shared_relay.connect() as connection:
            connection.send(data)
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    shared_relay.submit(BODY)
    assert accepted(shared_relay) == before + 1
