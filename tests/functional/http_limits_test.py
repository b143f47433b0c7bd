"""What the door bounds: time, memory, connections; and who may speak to it at all."""

import socket
import threading

import pytest
from relay import HL7, RawConnection, await_true, head, hl7, request


@pytest.fixture
def impatient(make_relay, tmp_path):
    """A relay with small limits."""
    def make(**intake):
        (tmp_path / "archive").mkdir(exist_ok=True)
        relay = make_relay({"destinations": {"archive": {"type": "directory", "path": str(tmp_path / "archive")}},
                            "intake": {"request_timeout": "1s", **intake}}, start=False)
        return relay
    return make


def test_headers_that_never_end_are_408(impatient):
    relay = impatient().start()
    with relay.connect() as connection:
        connection.send(b"POST /v1/submissions HTTP/1.1\r\nHost: localhost\r\n")
        answer = connection.read()
        assert (answer.status, answer.problem) == (408, "request_timeout")
        assert connection.closed_within(5)


def test_a_body_that_stops_is_408(impatient):
    relay = impatient().start()
    with relay.connect() as connection:
        connection.send(head("POST", "/v1/submissions", {"Content-Type": HL7, "Content-Length": "1000"}) + b"MSH|^~\\&|")
        answer = connection.read()
        assert (answer.status, answer.problem) == (408, "request_timeout")
        assert connection.closed_within(5)


def test_a_body_that_drips_is_408(impatient):
    """A byte now and then keeps no connection alive: under 16 KiB/s on average is too slow."""
    relay = impatient().start()
    with relay.connect() as connection:
        connection.send(head("POST", "/v1/submissions", {"Content-Type": HL7, "Content-Length": "100000"}) + b"MSH|^~\\&|")
        done = threading.Event()

        def drip():
            while not done.wait(0.1):
                try:
                    connection.send(b"x")
                except OSError:
                    return
        dripping = threading.Thread(target=drip)
        dripping.start()
        try:
            answer = connection.read()
            assert (answer.status, answer.problem) == (408, "request_timeout")
        finally:
            done.set()
            dripping.join()


def test_slow_clients_keep_nobody_waiting(impatient):
    relay = impatient(request_timeout="5s").start()
    slow = [relay.connect() for _ in range(200)]
    try:
        for connection in slow:
            connection.send(b"POST /v1/submissions HTTP/1.1\r\nHost: localhost\r\n")
        for _ in range(20):
            relay.submit(hl7())
    finally:
        for connection in slow:
            connection.close()


def test_an_idle_kept_connection_is_not_answered_with_408(impatient):
    relay = impatient().start()
    with relay.connect() as connection:
        connection.send(head("GET", "/v1/nothing"))
        assert connection.read().status == 404
        connection.send(head("GET", "/v1/nothing"))
        assert connection.read().status == 404
        assert connection.silent_for(1.5) or connection.buffer == b""


def test_memory_for_bodies_is_bounded(impatient):
    """Bodies under way beyond `intake.memory` are refused with 503 and a Retry-After; what was taken goes through."""
    relay = impatient(memory="1MB", request_timeout="30s", max_payload="10MB").start()
    body = hl7("MEMORY", extra=b"m" * 60_000)
    waiting = []
    try:
        for _ in range(60):
            connection = relay.connect()
            waiting.append(connection)
            connection.send(head("POST", "/v1/submissions", {"Content-Type": HL7, "Content-Length": len(body)}) + body[:-1])
        # Those that were refused have their answer by now or soon; the others wait for their last byte.
        answers = []
        for connection in waiting:
            if not connection.silent_for(0.3):
                answers.append(connection.read())
        assert answers, "60 bodies of 60 kB were all held within 1 MB"
        for refused in answers:
            assert (refused.status, refused.problem) == (503, "memory_full")
            assert int(refused.header("Retry-After")) >= 1
        assert relay.metrics()['edge_relay_submissions_refused_total{intake="http",reason="memory_full"}'] == len(answers)
    finally:
        for connection in waiting:
            connection.close()
    # Given back once they are gone.
    await_true(lambda: relay.post(body).status == 202, "memory is free again")


def test_a_large_payload_needs_no_memory_of_its_size(impatient):
    relay = impatient(memory="1MB", request_timeout="30s", max_payload="50MB").start()
    payload = hl7("LARGE", extra=b"L" * 20_000_000)
    before = relay.resident_bytes()
    identifier = relay.submit(payload)
    relay.await_state(identifier, "delivered")
    assert relay.resident_bytes() - before < 20_000_000 * 3 or "Sanitizer" in relay.log()


def test_connections_beyond_the_limit_wait(impatient):
    relay = impatient(request_timeout="30s")
    relay.config["intake"]["http"][0]["max_connections"] = 4
    relay.update({})
    relay.start()
    held = [relay.connect() for _ in range(4)]
    try:
        for connection in held:
            connection.send(head("GET", "/v1/nothing"))
            assert connection.read().status == 404
        late = relay.connect()
        held.append(late)
        late.send(head("GET", "/v1/nothing"))
        assert late.silent_for(0.5)
        held.pop(0).close()
        late.socket.settimeout(10)
        assert late.read().status == 404
    finally:
        for connection in held:
            connection.close()


@pytest.mark.parametrize("host, taken", [
    ("localhost", True), ("127.0.0.1", True), ("127.0.0.1:{port}", True), ("localhost:{port}", True), ("[::1]", True),
    ("LOCALHOST", True), ("relay.lab.example", True), ("relay.lab.example:{port}", True),
    ("evil.example", False), ("localhost.evil.example", False), ("127.0.0.1.evil.example:{port}", False), ("localhost:1", False),
    ("", False)])
def test_only_its_own_names_are_answered(impatient, host, taken):
    relay = impatient()
    relay.config["intake"]["http"][0]["allowed_hosts"] = ["relay.lab.example"]
    relay.update({})
    relay.start()
    answer = relay.request("POST", "/v1/submissions", {"Host": host.format(port=relay.port), "Content-Type": HL7}, hl7())
    if taken:
        assert answer.status == 202, answer.body
    else:
        assert answer.status in (400, 403)
        if host:
            assert answer.problem == "foreign_host"


@pytest.mark.parametrize("headers, taken", [
    ({"Origin": "http://evil.example"}, False), ({"Origin": "null"}, False), ({"Sec-Fetch-Site": "cross-site"}, False),
    ({"Origin": "http://localhost:{port}"}, True), ({"Sec-Fetch-Site": "same-origin"}, True), ({"Sec-Fetch-Site": "none"}, True)])
def test_a_web_page_from_elsewhere_gets_nowhere(shared_relay, headers, taken):
    for port, target in ((shared_relay.port, "/v1/nothing"), (shared_relay.admin_port, "/health/live")):
        own = {name: value.format(port=port) for name, value in headers.items()}
        answer = request(("127.0.0.1", port), "GET", target, own)
        if taken:
            assert answer.status in (200, 404)
        else:
            assert (answer.status, answer.problem) == (403, "foreign_origin")


def test_the_operator_endpoint_has_the_same_gate(shared_relay):
    answer = shared_relay.admin("/health", headers={"Host": "evil.example"})
    assert (answer.status, answer.problem) == (403, "foreign_host")


def test_a_unix_socket_takes_any_host(make_relay, tmp_path):
    (tmp_path / "archive").mkdir()
    relay = make_relay({"destinations": {"archive": {"type": "directory", "path": str(tmp_path / "archive")}}}, start=False)
    path = relay.short / "intake.sock"
    relay.update({"intake": {"http": [{"listen": f"unix:{path}", "client": "lab.unix", "group": "root"}]}})
    # A file left by one that was killed is replaced.
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    relay.start()
    payload = hl7()
    with RawConnection(path) as connection:
        connection.send(head("POST", "/v1/submissions", {"Content-Type": HL7, "Content-Length": len(payload)}, host="any.thing") + payload)
        answer = connection.read()
        assert answer.status == 202 and answer.json()["client"] == "lab.unix"
    assert path.stat().st_mode & 0o777 == 0o660


def test_a_full_journal_is_503_at_the_door(make_relay, azurite):
    """What is in the journal is kept, nothing more is taken, and it says when to come again."""
    storage = azurite.storage(create=False)
    relay = make_relay({"destinations": {"reportstream": storage.destination(backoff={"initial": "200ms", "max": "500ms"})},
                        "journal": {"max_size": "2MB"}})
    taken, answer = [], None
    for _ in range(200):
        answer = relay.post(hl7(extra=b"f" * 50_000))
        if answer.status != 202:
            break
        taken.append(answer.json()["id"])
    assert (answer.status, answer.problem) == (503, "journal_full")
    assert int(answer.header("Retry-After")) >= 1
    assert taken
    assert relay.admin("/health/ready").status == 503
    assert relay.admin("/health").status == 503
    assert relay.health()["status"] == "failing"
    storage.create()
    for identifier in taken:
        relay.await_state(identifier, "delivered")
    assert {each["reportId"] for each in storage.envelopes()} == set(taken)


def test_a_full_disk_is_503_at_the_door(impatient):
    relay = impatient()
    relay.update({"journal": {"min_free_disk": "900TB"}})
    relay.start(ready=False)
    await_true(lambda: _answers(relay), "the door answers")
    answer = relay.post(hl7())
    assert (answer.status, answer.problem) == (503, "disk_low")
    assert int(answer.header("Retry-After")) >= 1
    assert relay.admin("/health/ready").status == 503


def _answers(relay):
    try:
        return relay.admin("/health/live").status == 200
    except OSError:
        return False
