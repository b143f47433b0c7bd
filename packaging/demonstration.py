"""What packaging/quickstart shows once everything is built. Everything it starts ends with it."""

import base64
import contextlib
import ctypes
import grp
import hashlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/support"))

from azurite import Azurite  # noqa: E402
from ports import free_port  # noqa: E402

FOLDER = ROOT / ".quickstart"
BINARY = ROOT / "build/quickstart/edge-relay"
HL7, FHIR = "application/hl7-v2", "application/fhir+ndjson"
QUEUE = "elr-fhir-convert-submission"
PR_SET_PDEATHSIG = 1

CONFIGURATION = """\
# The demonstration's configuration: one destination, the queue that ReportStream reads.
site: quickstart
journal:
  path: {folder}/journal.db
  min_free_disk: 100MB
  allow_tmpfs: true            # for a clone in memory only; a real journal belongs on a disk
intake:
  http:
    - listen: 127.0.0.1:{intake_port}
      client: lab.default
admin:
  listen: 127.0.0.1:{admin_port}
  socket: {socket}
  socket_group: {group}
destinations:
  reportstream:
    type: azure_storage_queue
    connection_string: "{connection_string}"
    queue: {queue}
    create: true               # makes queue, container and table in the emulator
"""


class DemonstrationFailed(Exception):
    pass


def say(text=""):
    print(text, flush=True)


def port_or_free(wanted):
    """The usual port, or a free one where somebody else has it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
            return wanted
        except OSError:
            port = free_port()
            say(f"Port {wanted} is taken here; using {port} instead.")
            return port


def end_with_this_process():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class RunningRelay:
    def __init__(self, connection_string):
        self.intake_port, self.admin_port = port_or_free(8870), port_or_free(8871)
        # A socket's path may have 107 bytes, which a deep clone exceeds.
        self.short = Path(tempfile.mkdtemp(prefix="edge-relay-"))
        self.file = FOLDER / "edge-relay.yaml"
        self.file.write_text(CONFIGURATION.format(
            folder=FOLDER, intake_port=self.intake_port, admin_port=self.admin_port, socket=self.short / "admin.sock",
            group=grp.getgrgid(os.getgid()).gr_name, connection_string=connection_string, queue=QUEUE))
        self.file.chmod(0o600)
        with open(FOLDER / "edge-relay.log", "ab") as log:
            self.process = subprocess.Popen([BINARY, "run", "--config", self.file], stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, start_new_session=True, preexec_fn=end_with_this_process)

    def request(self, port, method, target, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        with contextlib.closing(connection):
            connection.request(method, target, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read(), answer.headers

    def await_ready(self):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                log = (FOLDER / "edge-relay.log").read_text(errors="replace")
                raise DemonstrationFailed(f"the relay ended with {self.process.returncode}:\n{log[-2000:]}")
            with contextlib.suppress(OSError):
                if self.request(self.admin_port, "GET", "/health/ready")[0] == 200:
                    return
            time.sleep(0.05)
        raise DemonstrationFailed(f"the relay wasn't ready within a minute: see {FOLDER}/edge-relay.log")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=60)
        shutil.rmtree(self.short, ignore_errors=True)


def samples():
    """(title, file, content type) of the three submissions."""
    result = ROOT / "packaging/samples/result.hl7"
    large = FOLDER / "large.hl7"
    note = b"NTE|%d||Synthetic note, there to make this result large enough for a claim check by blob.\r"
    large.write_bytes(result.read_bytes().replace(b"SAMPLE-0001", b"SAMPLE-0002")
                      + b"".join(note % number for number in range(1, 3270)))
    return [("an HL7 v2 result", result, HL7),
            ("a FHIR bundle (NDJSON)", ROOT / "packaging/samples/bundle.fhir", FHIR),
            (f"an HL7 v2 result of {large.stat().st_size // 1000} kB", large, HL7)]


def shown(path):
    return os.path.relpath(path, ROOT)


def submit(relay, path, content_type):
    """Posts a file; returns (id, the state it was answered with)."""
    url = f"http://127.0.0.1:{relay.intake_port}/v1/submissions"
    say(f"  curl --data-binary @{shown(path)} -H 'Content-Type: {content_type}' {url}")
    status, body, headers = relay.request(relay.intake_port, "POST", "/v1/submissions", path.read_bytes(),
                                          {"Content-Type": content_type, "Relay-Payload-Name": path.name})
    if status != 202:
        raise DemonstrationFailed(f"the relay answered {status}: {body.decode(errors='replace')}")
    submission = json.loads(body)
    say(f"  202 Accepted, Location: {headers['Location']}, in the journal and on the disk")
    return submission["id"], submission["state"]


def await_delivered(relay, identifier, state):
    """Shows the states that the submission goes through, up to `delivered`."""
    say(f"  status: {state}")
    deadline = time.monotonic() + 60
    while state != "delivered":
        if time.monotonic() > deadline:
            raise DemonstrationFailed(f"{identifier} is still {state}: see {FOLDER}/edge-relay.log")
        time.sleep(0.05)
        _, body, _ = relay.request(relay.intake_port, "GET", f"/v1/submissions/{identifier}")
        if (now := json.loads(body)["state"]) != state:
            state = now
            say(f"  status: {state}")


def show_message(storage, identifier, payload):
    """The message as it stands in the queue, looked at with Microsoft's own SDK, and the blob that it names."""
    for text in storage.peek():
        envelope = json.loads(base64.b64decode(text, validate=True))
        if envelope["reportId"] == identifier:
            break
    else:
        raise DemonstrationFailed(f"no message of {identifier} stands in the queue")
    say(f"  in queue {storage.queue_name} ({len(text)} bytes of base64), decoded:")
    say("    " + json.dumps(envelope, indent=2).replace("\n", "\n    "))
    blob = storage.blob(envelope["blobURL"])
    if blob != payload:
        raise DemonstrationFailed(f"the blob of {identifier} isn't what was sent")
    say(f"  its blob holds the {len(blob)} bytes that were sent, SHA-256 {hashlib.sha256(blob).hexdigest()}")


def demonstrate(relay, storage):
    for number, (title, path, content_type) in enumerate(samples(), 1):
        say(f"\n{number}. {title}")
        identifier, state = submit(relay, path, content_type)
        await_delivered(relay, identifier, state)
        show_message(storage, identifier, path.read_bytes())
    say(f"\nAll three stand in the queue. {json.loads(relay.request(relay.admin_port, 'GET', '/health')[1])['summary']}")


def say_what_to_try(relay):
    intake, admin = f"http://127.0.0.1:{relay.intake_port}", f"http://127.0.0.1:{relay.admin_port}"
    say(f"""
The relay stays up; Ctrl-C ends it and the emulator. From this folder ({ROOT}), in another terminal:

  curl --data-binary @packaging/samples/result.hl7 -H 'Content-Type: {HL7}' {intake}/v1/submissions
  curl {intake}/v1/submissions/ID
  curl {admin}/health
  curl {admin}/metrics
  {shown(BINARY)} status --config {shown(relay.file)}
  {shown(BINARY)} list --config {shown(relay.file)}

Configuration {shown(relay.file)}, journal {shown(FOLDER)}/journal.db, log {shown(FOLDER)}/edge-relay.log.""")


def wait_for_the_end(relay):
    while relay.process.poll() is None:
        time.sleep(0.2)
    raise DemonstrationFailed(f"the relay ended with {relay.process.returncode}: see {FOLDER}/edge-relay.log")


def main():
    # Also where it was started in the background with SIGINT ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for each in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, lambda number, frame: sys.exit(0))
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(mode=0o700)
    relay = None
    azurite = Azurite(FOLDER / "azurite", ports=[port_or_free(port) for port in (10000, 10001, 10002)])
    try:
        say("Starting Azurite and the relay")
        azurite.start(preexec_fn=end_with_this_process)
        relay = RunningRelay(azurite.connection_string())
        relay.await_ready()
        demonstrate(relay, azurite.storage(queue=QUEUE, container="reports", table="submission", create=False))
        if "--once" not in sys.argv[1:]:
            say_what_to_try(relay)
            wait_for_the_end(relay)
    except KeyboardInterrupt:
        say("\nStopping.")
    except DemonstrationFailed as problem:
        print(f"\nThe demonstration failed: {problem}", file=sys.stderr)
        return 1
    finally:
        # A second Ctrl-C must not leave a process behind.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if relay:
            relay.stop()
        azurite.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
