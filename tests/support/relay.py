"""The real program under test: writes its configuration, starts it, talks to it, stops or kills it.

EDGE_RELAY names the binary (default build/release/edge-relay). With a sanitizer build every stop also looks through the
log for what the sanitizer said.
"""

import hashlib
import json
import os
import signal
import subprocess
import uuid
from pathlib import Path

from ports import free_ports
from raw_http import ConnectionEnded, RawConnection, await_true, head, request

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("EDGE_RELAY", ROOT / "build/release/edge-relay")).resolve()
# How much slower than a release build the one under test may be; time limits are multiplied by it.
SLOWNESS = float(os.environ.get("EDGE_RELAY_SLOWNESS", "1"))

HL7 = "application/hl7-v2"
FHIR = "application/fhir+ndjson"
SANITIZER_WORDS = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "WARNING: ThreadSanitizer", "runtime error:")


class RelayFailed(Exception):
    """The program ended, or never became ready; the text holds the end of its log."""


def command(*arguments, stdin=None, env=None, timeout=60, cwd=None):
    """Runs the program with these arguments to its end."""
    return subprocess.run([str(BINARY), *map(str, arguments)], input=stdin, capture_output=True, timeout=timeout * SLOWNESS,
                          env={**os.environ, **(env or {})}, cwd=cwd, check=False)


def hl7(control_id=None, extra=b"", trigger=b"ORU^R01"):
    """A synthetic HL7 v2 result. Segments end with CR, as the standard says."""
    control_id = (control_id or uuid.uuid4().hex[:20]).encode()
    return b"\r".join([
        b"MSH|^~\\&|LABSYS|TESTLAB^99D0000000^CLIA|RELAY|STATE|20261124180000||" + trigger + b"|" + control_id + b"|T|2.5.1",
        b"PID|1||SYNTH-0001^^^TESTLAB||SYNTHETIC^SAMPLE||19000101|U",
        b"OBR|1|ORD-1|FIL-1|94500-6^SARS-CoV-2 RNA^LN|||20261124170000",
        b"OBX|1|CWE|94500-6^SARS-CoV-2 RNA^LN||260415000^Not detected^SCT||||||F" + extra, b""])


def fhir(bundles=1):
    """Synthetic FHIR bundles, one a line."""
    line = json.dumps({"resourceType": "Bundle", "type": "message", "id": uuid.uuid4().hex,
                       "entry": [{"resource": {"resourceType": "Observation", "status": "final"}}]})
    return ("\n".join([line] * bundles) + "\n").encode()


class Relay:
    """One instance in a folder of its own. `config` is merged over a small default; a None takes a key away."""

    def __init__(self, folder, config, name="relay"):
        self.folder = Path(folder) / name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port, self.admin_port = free_ports(2)
        # A Unix socket's path is short: 107 bytes, which pytest's folders exceed.
        self.short = Path(f"/tmp/edge-relay-{uuid.uuid4().hex[:10]}")
        self.short.mkdir(mode=0o700)
        self.socket_path = self.short / "admin.sock"
        self.journal = self.folder / "journal.db"
        self.file = self.folder / "edge-relay.yaml"
        self.log_file = self.folder / "log"
        self.process = None
        self.config = {
            "site": "lab-014",
            # /tmp may be a tmpfs; the tests that are about that set it themselves.
            "journal": {"path": str(self.journal), "allow_tmpfs": True, "min_free_disk": "1MB"},
            "intake": {"http": [{"listen": f"127.0.0.1:{self.port}", "client": "lab.default"}]},
            "admin": {"listen": f"127.0.0.1:{self.admin_port}", "socket": str(self.socket_path), "socket_group": "root"},
        }
        self.update(config)

    def update(self, changes):
        """Merges into the configuration and writes the file."""
        _merge(self.config, changes)
        # JSON is YAML: every string comes quoted, so that no value is taken for another type.
        self.file.write_text(json.dumps(self.config, indent=1))

    # ---- the process ----

    def start(self, env=None, ready=True):
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen([str(BINARY), "run", "--config", str(self.file)], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, env={**os.environ, **(env or {})})
        if ready:
            self.await_ready()
        return self

    def await_ready(self, timeout=60):
        await_true(self._ready, lambda: f"ready; its log ends: {self.log()[-2000:]}", timeout=timeout * SLOWNESS)

    def _ready(self):
        if self.process.poll() is not None:
            raise RelayFailed(f"ended with {self.process.returncode}: {self.log()[-3000:]}")
        try:
            return self.admin("/health/ready").status == 200
        except OSError:
            return False

    def running(self):
        return self.process is not None and self.process.poll() is None

    def stop(self, how=signal.SIGTERM, timeout=40):
        """Stops it in good order and returns its exit code, which is 0 unless something is wrong."""
        if not self.running():
            return self.process.returncode if self.process else None
        self.process.send_signal(how)
        code = self.process.wait(timeout=timeout * SLOWNESS)
        self.look_for_sanitizer_words()
        return code

    def kill(self):
        """kill -9."""
        self.process.kill()
        self.process.wait()
        self.look_for_sanitizer_words()

    def end(self):
        """For the end of a test, whatever happened in it."""
        if self.running():
            self.process.kill()
            self.process.wait()
        # 144 MiB each, and pytest keeps every test's folder to the end: together they would fill a disk.
        self.journal.with_name("journal.reserve").unlink(missing_ok=True)
        for path in sorted(self.short.glob("*")):
            path.unlink()
        self.short.rmdir()

    def log(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def look_for_sanitizer_words(self):
        text = self.log()
        for word in SANITIZER_WORDS:
            assert word not in text, text[text.index(word) - 200:][:6000]

    def resident_bytes(self):
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise RelayFailed("no VmRSS")

    # ---- the intake ----

    @property
    def address(self):
        return ("127.0.0.1", self.port)

    def connect(self, timeout=30):
        return RawConnection(self.address, timeout * SLOWNESS)

    def request(self, method, target, headers=(), body=None, timeout=30):
        return request(self.address, method, target, headers, body, timeout * SLOWNESS)

    def post(self, payload, content_type=HL7, client=None, timeout=30, **headers):
        """POST /v1/submissions. Keyword headers are written with _ for -: idempotency_key="a"."""
        pairs = [("Content-Type", content_type)] if content_type is not None else []
        if client is not None:
            pairs.append(("Relay-Client", client))
        pairs += [(name.replace("_", "-"), value) for name, value in headers.items()]
        return self.request("POST", "/v1/submissions", pairs, payload, timeout)

    def submit(self, payload, content_type=HL7, client=None, **headers):
        """post() that must be taken; returns the submission's id."""
        answer = self.post(payload, content_type, client, **headers)
        assert answer.status == 202, (answer.status, answer.body[:500])
        assert answer.header("Location") == "/v1/submissions/" + answer.json()["id"]
        return answer.json()["id"]

    def get(self, identifier):
        answer = self.request("GET", f"/v1/submissions/{identifier}")
        assert answer.status == 200, (identifier, answer.status, answer.body[:500])
        return answer.json()

    def await_state(self, identifier, state, timeout=30):
        """Waits for the submission's state and returns its JSON."""
        seen = {}

        def reached():
            seen.update(self.get(identifier))
            return seen["state"] == state
        await_true(reached, lambda: f"{state}: {json.dumps(seen)}", timeout=timeout * SLOWNESS)
        return seen

    def await_delivery(self, identifier, condition, what, timeout=30):
        """Waits until `condition(delivery)` holds for the first delivery and returns that delivery."""
        seen = {}

        def reached():
            seen.update(self.get(identifier)["deliveries"][0])
            return condition(seen)
        await_true(reached, lambda: f"{what}: {json.dumps(seen)}", timeout=timeout * SLOWNESS)
        return seen

    # ---- the operator's side ----

    def admin(self, target, method="GET", headers=(), body=None):
        return request(("127.0.0.1", self.admin_port), method, target, headers, body, 30 * SLOWNESS)

    def admin_socket(self, target, method="GET", headers=(), body=None):
        return request(self.socket_path, method, target, headers, body, 30 * SLOWNESS)

    def health(self):
        return self.admin("/health").json()

    def metrics(self):
        """{name{labels}: value} of every sample."""
        samples = {}
        for line in self.admin("/metrics").body.decode().splitlines():
            if line and not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                samples[name] = float(value)
        return samples

    def status(self):
        answer = self.admin_socket("/v1/status")
        assert answer.status == 200, answer.body
        return answer.json()

    def command(self, *arguments, **options):
        return command(arguments[0], "--config", self.file, *arguments[1:], **options)

    def verify(self):
        """`edge-relay verify` must be clean; returns its last line."""
        result = self.command("verify", timeout=300)
        assert result.returncode == 0, result.stdout.decode() + result.stderr.decode()
        last = result.stdout.decode().splitlines()[-1]
        assert last.endswith(", 0 findings"), last
        return last

    def check_totals(self):
        """Promise 7, out of one answer: accepted = delivered + queued + dead_letter + discarded."""
        for name, each in self.status()["destinations"].items():
            ended = each["delivered"] + each["queued"] + each["dead_letter"] + each["discarded"]
            assert each["accepted"] == ended, (name, each)


def _merge(into, changes):
    for key, value in changes.items():
        if value is None:
            into.pop(key, None)
        elif isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value


def reportstream_digest(payload):
    """SHA-256 as ReportStream prints it: Java's Integer.toHexString of each signed byte."""
    return "".join(f"ffffff{byte:x}" if byte >= 0x80 else f"{byte:x}" for byte in hashlib.sha256(payload).digest())


__all__ = ["BINARY", "ConnectionEnded", "FHIR", "HL7", "ROOT", "RawConnection", "Relay", "RelayFailed", "SLOWNESS", "await_true", "command",
           "fhir", "head", "hl7", "reportstream_digest", "request"]
