"""MLLP framing over real sockets: pieces, pipelines, junk, missing ends, slow and vanished peers; bytes kept as they came."""

import socket
import struct
import time

import pytest
from mllp import END, START, Closed, MllpConnection, connections, message
from ports import free_port
from raw_http import await_true
from relay import SLOWNESS, Relay

pytestmark = pytest.mark.main


@pytest.fixture(scope="module")
def relay(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mllp-framing")
    (folder / "archive").mkdir()
    port = free_port()
    relay = Relay(folder, {"destinations": {"archive": {"type": "directory", "path": str(folder / "archive")}},
                           "intake": {"max_payload": "1MB", "request_timeout": "3s",
                                      "mllp": [{"listen": f"127.0.0.1:{port}", "client": "lab.lis"}]}})
    relay.mllp = port
    relay.archive = folder / "archive"
    relay.start()
    try:
        yield relay
        assert relay.stop() == 0, relay.log()[-3000:]
    finally:
        relay.end()


@pytest.fixture
def connect(relay):
    with connections(lambda: relay.mllp) as make:
        yield make


def newest(relay, count=1):
    return relay.admin_socket(f"/v1/submissions?limit={count}").json()["submissions"]


def payload_of(relay, identifier):
    answer = relay.admin_socket(f"/v1/submissions/{identifier}/payload")
    assert answer.status == 200
    return answer.body


# ---- bytes ----

@pytest.mark.parametrize("raw", [
    message(b"CR"), message(b"CRLF").replace(b"\r", b"\r\n"), message(b"LF").replace(b"\r", b"\n"),
    b"\xef\xbb\xbf" + message(b"BOM"), message(b"Z", extra=b"\rZLR|1|anything ^~\\& goes|"),
    message(b"LATIN1", extra=b"\rNTE|1||M\xfcller \xdf \x80\x9f\xff"),
    message(b"UTF8", extra="\rNTE|1||Müller 検査 😀".encode()),
    message(b"TAIL") + b"\r\r\n", message(b"NO-LAST-CR").rstrip(b"\r"),
    message(b"OTHER").replace(b"|", b"!").replace(b"^", b":"), message(b"NUL", extra=b"\x00\x01\x7f"),
    message(b"VT-INSIDE", extra=b"a\x0bb\x0bM\x0bMS\x0b\x0bMSx"), message(b"FS-INSIDE", extra=b"a\x1cb\x1c\x1cc"),
    message(b"BIG", extra=b"0123456789abcdef" * 40_000)], ids=lambda raw: raw.split(b"|")[9][:12].decode() if raw.count(b"|") > 9 else "other")
def test_bytes_are_kept_as_they_came(relay, connect, raw):
    answer = connect().ask(raw)
    assert answer.code == "AA", answer.raw
    submission = newest(relay)[0]
    assert (submission["size"], submission["intake"], submission["content_type"]) == (len(raw), "mllp", "application/hl7-v2")
    assert payload_of(relay, submission["id"]) == raw


def test_any_pieces_make_the_same_message(relay, connect):
    raw = message(b"PIECES")
    connection = connect()
    for byte in START + raw + END:
        connection.send(bytes([byte]))
    assert connection.read().code == "AA"
    assert payload_of(relay, newest(relay)[0]["id"]) == raw


def test_what_is_sent_ahead_is_answered_in_order(connect):
    connection = connect()
    connection.send(b"".join(START + message(b"AHEAD-%d" % number) + END for number in range(200)))
    assert [connection.read().control_id for _ in range(200)] == [b"AHEAD-%d" % number for number in range(200)]


def test_many_connections_at_once(relay, connect):
    connections = [connect() for _ in range(100)]
    for number, connection in enumerate(connections):
        connection.send_frame(message(b"MANY-%d" % number))
    assert [connection.read().control_id for connection in connections] == [b"MANY-%d" % number for number in range(100)]


# ---- frames that are less than right ----

@pytest.mark.parametrize("junk", [b"\r\n", b"hello", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x1c\r", b"\x00" * 5000],
                         ids=["line-ends", "word", "http", "end", "zeros"])
def test_bytes_before_a_frame_belong_to_nothing(relay, connect, junk):
    connection = connect()
    connection.send(junk)
    assert connection.ask(message(b"AFTER-JUNK")).control_id == b"AFTER-JUNK"
    connection.send(junk + START + message(b"AGAIN-JUNK") + END + junk)
    assert connection.read().control_id == b"AGAIN-JUNK"
    assert b"hello" not in relay.log_file.read_bytes()


def test_a_frame_without_its_last_cr_is_taken_after_a_second(connect):
    connection = connect()
    connection.send(START + message(b"NO-CR") + b"\x1c")
    assert connection.read().control_id == b"NO-CR"
    connection.send(b"\r")  # came late: it belongs to nothing
    assert connection.ask(message(b"NO-CR-2")).control_id == b"NO-CR-2"


def test_the_next_frame_may_follow_the_end_at_once(connect):
    connection = connect()
    connection.send(START + message(b"TIGHT-1") + b"\x1c" + START + message(b"TIGHT-2") + b"\x1c\n" + START + message(b"TIGHT-3") + END)
    assert [connection.read().control_id for _ in range(3)] == [b"TIGHT-1", b"TIGHT-2", b"TIGHT-3"]


def test_a_frame_that_was_never_finished_makes_no_submission(relay, connect):
    before = relay.metrics()['edge_relay_submissions_accepted_total{intake="mllp"}']
    connection = connect()
    connection.send(START + message(b"HALF")[:200] + START + message(b"WHOLE") + END)
    assert connection.read().control_id == b"WHOLE"
    connection.send(START + message(b"CUT")[:200])
    connection.close()
    connection = connect()
    assert connection.ask(message(b"NEXT")).control_id == b"NEXT"
    assert relay.metrics()['edge_relay_submissions_accepted_total{intake="mllp"}'] == before + 2
    await_true(lambda: "never finished: the connection ended" in relay.log(), "the log says so", timeout=60)
    assert "never finished: the next one began" in relay.log()


def test_a_peer_that_ended_its_side_gets_its_answers(connect):
    connection = connect()
    connection.send(START + message(b"HALF-OPEN-1") + END + START + message(b"HALF-OPEN-2") + b"\x1c")
    connection.socket.shutdown(socket.SHUT_WR)
    assert [connection.read().control_id for _ in range(2)] == [b"HALF-OPEN-1", b"HALF-OPEN-2"]
    with pytest.raises(Closed):
        connection.read()


def test_a_peer_that_stops_in_the_middle_is_closed(relay, connect):
    connection = connect()
    connection.send(START + message(b"STALLED")[:100])
    began = time.monotonic()
    assert connection.closes()
    assert time.monotonic() - began >= 2.5, "request_timeout is 3 s"
    assert "didn't arrive within request_timeout" in relay.log()


def test_an_idle_connection_is_left_alone(relay, connect):
    idle = connect()
    assert idle.ask(message(b"IDLE-1")).code == "AA"
    stalled = connect()
    stalled.send(START)
    assert stalled.closes(), "one that stalls in a frame is closed ..."
    assert idle.ask(message(b"IDLE-2")).code == "AA", "... one between frames isn't"


def test_a_peer_that_never_reads_its_answers_is_closed_in_the_end(relay):
    connection = MllpConnection(relay.mllp)
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.socket.settimeout(0.5)
    sent = 0
    frames = b"".join(START + b"MSH|^~\\&|LABSYS|LAB|||||ORU^R01|" + b"I" * 4000 + b"\r" + END for _ in range(50))

    def closed():
        nonlocal sent
        try:
            sent += connection.socket.send(frames[sent % len(frames):])
        except TimeoutError:
            return False
        except ConnectionError:
            return True
        return False
    await_true(closed, "the connection is reset", timeout=120)
    connection.close()
    assert "didn't take its answer" in relay.log()


def test_a_reset_in_the_middle_harms_nobody(relay, connect):
    for _ in range(20):
        connection = connect()
        connection.send(START + message(b"RESET")[:150])
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
    assert connect().ask(message(b"AFTER-RESET")).code == "AA"


def test_the_log_holds_nothing_of_what_was_sent(relay):
    log = relay.log()
    for word in ("SYNTHETIC", "SAMPLE", "SYNTH-0001", "LABSYS", "HALF-OPEN", "TESTLAB", "SARS"):
        assert word not in log


# ---- many and idle ----

def test_ten_thousand_idle_connections_cost_little(make_relay, tmp_path):
    (tmp_path / "archive").mkdir()
    port = free_port()
    relay = make_relay({"destinations": {"archive": {"type": "directory", "path": str(tmp_path / "archive")}},
                        "intake": {"mllp": [{"listen": f"127.0.0.1:{port}", "client": "lab.lis", "max_connections": 10_100}]}})
    before = relay.resident_bytes()
    idle = [MllpConnection(port, source=f"127.0.0.{2 + number % 8}") for number in range(10_000)]
    for number, connection in enumerate(idle):
        if number % 100 == 0:
            assert connection.ask(message(b"IDLE-%d" % number)).code == "AA"
    with MllpConnection(port) as one_more:
        assert one_more.ask(message(b"ONE-MORE")).code == "AA"
    grown = relay.resident_bytes() - before
    print(f"10,000 idle connections: {grown / 1e6:.1f} MB, {grown / 10_000:.0f} bytes each")
    assert grown < 64 * 1024 * 1024 or SLOWNESS != 1  # a sanitizer's own memory isn't the relay's
    for connection in idle:
        connection.close()
