"""What a patient could be named by never leaves: planted in payload, file name, payload name, idempotency key, query, discard
reason and a remote error's body, driven through every door and through failures, then looked for in logs, metrics, health,
alarms and open listings."""

import gzip
import http.server
import itertools
import threading

import pytest
from mllp import Closed, MllpConnection, message
from outbox import Outbox
from ports import free_ports
from relay import HL7, await_true, hl7

PLANTED = "PLANTEDZ^JANE"
WORD = b"PLANTEDZ"


class Talkative(http.server.BaseHTTPRequestHandler):
    """A system that quotes what it was sent in every refusal, whatever it refuses for."""

    # A success that isn't one, redirects, and everything that is refused, put off or broken.
    statuses = itertools.cycle([400, 200, 302, 401, 403, 404, 409, 413, 429, 500, 503, 507])
    answered = set()

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = f"<Error><Code>{PLANTED}</Code><Message>{PLANTED} is no value</Message></Error>".encode()
        status = next(self.statuses)
        self.answered.add(status)
        self.send_response(status, PLANTED)
        self.send_header("Content-Type", f"application/xml; name={PLANTED}")
        self.send_header("Location", f"http://127.0.0.1:9/{PLANTED}")
        self.send_header("x-ms-error-code", PLANTED)
        self.send_header("x-ms-request-id", PLANTED)
        self.send_header("Date", PLANTED)
        self.send_header("Retry-After", PLANTED)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_PUT = do_GET = do_DELETE = do_POST

    def log_message(self, *ignored):
        pass


@pytest.fixture
def talkative():
    Talkative.answered.clear()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Talkative)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


def settings(port):
    base = f"http://127.0.0.1:{port}/account"
    return {"log": {"level": "trace"}, "intake": {"validate": "envelope", "max_payload": "100kB"},
            "destinations": {"cloud": {"type": "azure_storage_queue", "queue_endpoint": base, "blob_endpoint": base, "table_endpoint": base,
                                       "account_name": "account", "account_key": "QUJDRA==", "backoff": {"initial": "1s", "max": "1s"}}}}


def http_door(relay):
    """Everything that is taken and everything that is refused, with the name wherever one can stand."""
    payload = hl7(extra=b"|" + PLANTED.encode())
    named = {"Relay_Payload_Name": PLANTED, "Idempotency_Key": PLANTED}
    taken = [relay.submit(payload, **named), relay.submit(payload, **named)]
    assert relay.post(payload + b"NTE|1", **named).status == 422
    assert relay.post(gzip.compress(payload), Content_Encoding="gzip", Relay_Payload_Name=PLANTED).status == 202
    for body, content_type, headers in ((PLANTED.encode(), HL7, {}), (PLANTED.encode() + b"\n", "application/fhir+ndjson", {}),
                                        (b"a,b\n" + PLANTED.encode() + b"\n", "text/csv", {}), (payload, "image/" + PLANTED, {}),
                                        (payload, HL7, {"client": PLANTED}), (payload, HL7, {"Content_Digest": PLANTED}),
                                        (payload, HL7, {"Host": PLANTED}), (payload, HL7, {"Content_Encoding": PLANTED}),
                                        (payload * 1000, HL7, {}), (payload, HL7, {"Origin": "http://" + PLANTED})):
        assert relay.post(body, content_type, **{**named, **headers}).status >= 400
    query = "payloadName=PLANTEDZ&processing=PLANTEDZ"
    report = relay.request("POST", f"/api/waters?client=lab.a&{query}", {"Content-Type": HL7}, payload)
    assert report.status == 201
    assert relay.request("POST", f"/api/waters?client=PLANTEDZ%20&{query}", {"Content-Type": HL7}, payload).status == 400
    assert relay.request("POST", "/api/token", {"Content-Type": "text/plain"}, b"client_assertion=PLANTEDZ&scope=PLANTEDZ").status == 401
    assert relay.request("GET", "/v1/submissions/PLANTEDZ").status == 404
    socket = relay.admin_socket("/v1/submissions", "POST", {"Content-Type": HL7, "Relay-Payload-Name": PLANTED}, payload)
    assert socket.status == 202
    with relay.connect() as connection:
        connection.send(b"POST /v1/submissions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nX: "
                        + PLANTED.encode() + b"\r\n\r\n" + PLANTED.encode())
        assert connection.read().status == 400
    return [*taken, report.json()["id"], socket.json()["id"]]


def mllp_door(port):
    """Taken, a repeat, the same name with other bytes, and everything that is refused or broken."""
    word = PLANTED.encode()
    good = message(control_id=word, extra=b"|" + word)
    strange = [word, b"MSH|" + word, message(control_id=word, trigger=word), message(version=word), message(processing=word),
               message(control_id=word * 100), message(sender=word), message().replace(b"\r", b"\0"), good.decode().encode("utf-16"),
               good * 200, b"BHS|^~\\&|" + word + b"\r", b"FHS|^~\\&|" + word + b"\r" + good, b"\xef\xbb\xbf" + good]
    with MllpConnection(port) as connection:
        for each in (good, good, good + b"NTE|1\r"):
            assert connection.ask(each).code == "AA"
    for each in strange:
        with MllpConnection(port) as connection:
            connection.send_frame(each)
            try:
                connection.read()
            except (Closed, ConnectionError):
                pass
    for raw in (word, b"\x0b" + word, word + b"\x0b" + good + b"\x1c\r", b"\x0b" + good + b"\x0b" + good + b"\x1c\r", b"\x0b\x1c\r" + word):
        with MllpConnection(port) as connection:
            connection.send(raw)


def folder_door(outbox):
    """Taken, and everything that a file can be refused for: by content, name, subfolder, size and emptiness."""
    word = PLANTED.encode()
    for name in (PLANTED, f"{PLANTED}\n{PLANTED}", f"{PLANTED}\xff"):
        outbox.put(f"{name}.hl7", hl7(extra=word), "lab.one")
        outbox.put(f"{name}-bad.hl7", word, "lab.one")
        outbox.put(f"{name}-large.hl7", hl7(extra=word * 20_000), "lab.one")
        outbox.put(f"{name}-root.hl7", hl7())
        outbox.put(f"{name}.hl7", hl7(), f"{name} ")
    outbox.put(f"{PLANTED}-nul.hl7", hl7() + b"\0" + word, "lab.one")
    (outbox.path / "lab.one" / f"{PLANTED}-link.hl7").symlink_to(outbox.path / PLANTED)
    (outbox.path / "lab.one" / PLANTED).mkdir(mode=0)
    await_true(lambda: len(outbox.done()) == 3 and len(list((outbox.path / "failed").glob("*.reason"))) == 12, outbox.look, timeout=60)


def openly_shown(relay, identifiers):
    yield "log", relay.log().encode()
    for target in ("/health", "/health/ready", "/metrics", "/", "/v1/status", "/v1/submissions?limit=500", "/v1/audit", "/openapi.yaml"):
        yield target, relay.admin(target).body
    for identifier in identifiers:
        yield "operator's listener", relay.admin(f"/v1/submissions/{identifier}").body
        yield "intake", relay.request("GET", f"/v1/submissions/{identifier}").body
        yield "history", relay.request("GET", f"/api/waters/report/{identifier}/history").body


def test_no_name_leaves(make_relay, talkative):
    relay = make_relay(settings(talkative))
    identifiers = http_door(relay)
    await_true(lambda: any(each["last_error"] for each in relay.health()["destinations"].values()), "the destination has failed", timeout=60)
    relay.command("set-aside", identifiers[0])
    relay.command("discard", identifiers[0], "--reason", PLANTED)
    relay.command("reload")
    for where, shown in openly_shown(relay, identifiers):
        assert WORD not in shown, (where, shown[max(0, shown.find(WORD) - 300):][:700])
    # So that the search could find something: over the socket it is all there.
    assert WORD in relay.admin_socket(f"/v1/submissions/{identifiers[1]}").body
    relay.kill()
    relay.start()
    assert relay.stop() == 0
    assert WORD not in relay.log().encode()


@pytest.fixture
def all_doors(make_relay, talkative, tmp_path):
    """MLLP and a folder, before two systems that quote what they refuse."""
    [port] = free_ports(1)
    outbox = tmp_path / "outbox"
    outbox.mkdir()
    config = settings(talkative)
    config["intake"]["mllp"] = [{"listen": f"127.0.0.1:{port}", "client": "lab.lis", "test_production_guard": "test"}]
    config["intake"]["folder"] = [{"path": str(outbox), "client": "from_folder", "settle": "200ms"}]
    config["destinations"]["report"] = {"type": "reportstream", "url": f"http://127.0.0.1:{talkative}", "follow_up": True,
                                        "auth": {"type": "function_key", "key": "a-key"}, "backoff": {"initial": "1s", "max": "1s"}}
    config["otherwise"] = ["cloud", "report"]
    relay = make_relay(config)
    relay.mllp_port = port
    return Outbox(relay, outbox)


def test_no_name_leaves_by_mllp_and_the_folder(all_doors, talkative):
    relay = all_doors.relay
    mllp_door(relay.mllp_port)
    folder_door(all_doors)
    # Whatever is answered, every kind of it is met.
    await_true(lambda: len(Talkative.answered) == 12, lambda: f"{Talkative.answered}: {relay.health()}", timeout=90)
    for name in ("cloud", "report"):
        relay.command("resume", name)
    identifiers = [each["id"] for each in relay.admin_socket("/v1/submissions?limit=500").json()["submissions"]]
    assert len(identifiers) > 6
    for where, shown in openly_shown(relay, identifiers):
        assert WORD not in shown, (where, shown[max(0, shown.find(WORD) - 300):][:700])
    for reason in (all_doors.path / "failed").glob("*.reason"):
        assert WORD not in reason.read_bytes(), reason
    assert any(WORD in relay.admin_socket(f"/v1/submissions/{each}").body for each in identifiers)
    relay.kill()
    relay.start()
    assert relay.stop() == 0
    assert WORD not in relay.log().encode()
