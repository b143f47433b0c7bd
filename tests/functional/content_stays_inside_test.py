"""What a patient could be named by never leaves: planted in payload, payload name, idempotency key, query, discard reason and a
remote error's body, driven through every HTTP door and through failures, then looked for in logs, metrics, health, alarms and
open listings."""

import gzip
import http.server
import threading

import pytest
from relay import HL7, await_true, hl7

PLANTED = "PLANTEDZ^JANE"
WORD = b"PLANTEDZ"


class TalkativeFolder(http.server.BaseHTTPRequestHandler):
    """A storage account that quotes what it was sent in every refusal."""

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = f"<Error><Code>InvalidInput</Code><Message>{PLANTED} is no value</Message></Error>".encode()
        self.send_response(400)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_PUT = do_POST

    def log_message(self, *ignored):
        pass


@pytest.fixture
def talkative():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), TalkativeFolder)
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


def every_door(relay):
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


def openly_shown(relay, identifiers):
    yield "log", relay.log().encode()
    for target in ("/health", "/health/ready", "/metrics", "/", "/v1/status", "/v1/submissions", "/openapi.yaml"):
        yield target, relay.admin(target).body
    for identifier in identifiers:
        yield "operator's listener", relay.admin(f"/v1/submissions/{identifier}").body
        yield "intake", relay.request("GET", f"/v1/submissions/{identifier}").body
        yield "history", relay.request("GET", f"/api/waters/report/{identifier}/history").body


def test_no_name_leaves(make_relay, talkative):
    relay = make_relay(settings(talkative))
    identifiers = every_door(relay)
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
