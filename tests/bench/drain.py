"""How fast a backlog goes out: into a server that takes everything at once and into Azurite in memory, beside a bare
client of the same library with the same requests and concurrency, with and without intake beside; and how long an idle relay
takes to wake up."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import namedtuple
from pathlib import Path

from load import Load
from machine import cell, median_of, print_table, rounds_of
from servers import await_true, bare_server, check_gate, free_port, relay_running, relay_settings

from azurite import Azurite
from relay import BINARY
from sftp_server import USER, SftpServer

CONCURRENCY = 16
IDENTIFIER = "0193615c-7c00-7000-8000-{n}"


# ---- the far ends: each gives its configuration and the command of a bare client, or None where there is none ----

def post(url, size, headers=()):
    return {"method": "POST", "url": url, "headers": ["Content-Type: application/hl7-v2", "Expect:", *headers], "body": "x" * size}


@contextlib.contextmanager
def null_reportstream(options, folder):
    with bare_server(options.programs) as server:
        url = f"http://127.0.0.1:{server.port}"
        yield ({"type": "reportstream", "url": url, "auth": {"type": "function_key", "key": "bench"}, "follow_up": False},
               bare_curl(options, folder, [post(f"{url}/api/waters", options.bytes, ["x-functions-key: bench", "client: lab.default"])]))


def bare_curl(options, folder, steps):
    """The command of a client that sends these requests for each submission."""
    Path(folder, "steps.json").write_text(json.dumps(steps))
    return [options.programs / "curl_client", Path(folder, "steps.json")]


def azure_steps(blob, table, queue, size):
    """What one submission is for Azure: its blob, its row, its message. Each argument is (URL, query)."""
    version = "x-ms-version: 2021-12-02"
    row = {"PartitionKey": "Received", "RowKey": IDENTIFIER, "body_url": "http://a/" + "x" * 120, "detail": "x" * 300}
    return [{"method": "PUT", "url": f"{blob[0]}/reports/receive/lab.default/{IDENTIFIER}.hl7?{blob[1]}",
             "headers": [version, "x-ms-blob-type: BlockBlob", "Content-Type: application/hl7-v2", "Expect:"], "body": "x" * size},
            {"method": "POST", "url": f"{table[0]}/submission?{table[1]}",
             "headers": [version, "Content-Type: application/json", "Accept: application/json;odata=nometadata", "Prefer: return-no-content"],
             "body": json.dumps(row)},
            {"method": "POST", "url": f"{queue[0]}/results/messages?{queue[1]}", "headers": [version, "Content-Type: application/xml"],
             "body": f"<QueueMessage><MessageText>{'x' * 1100}</MessageText></QueueMessage>"}]


@contextlib.contextmanager
def null_azure(options, folder):
    with bare_server(options.programs) as server:
        url = f"http://127.0.0.1:{server.port}/azure"
        signature = Azurite.account_sas()
        yield ({"type": "azure_storage_queue", "queue_endpoint": url, "blob_endpoint": url, "table_endpoint": url, "account_sas": signature,
                "queue": "results", "table": "submission"},
               bare_curl(options, folder, azure_steps((url, signature), (url, signature), (url, signature), options.bytes)))


@contextlib.contextmanager
def azurite_in_memory(options, folder):
    azurite = Azurite(Path(folder, "azurite")).start(in_memory=True)
    try:
        storage = azurite.storage(queue="results", container="reports", table="submission")
        ends = azurite.endpoints()
        signature = Azurite.account_sas()
        yield ({"type": "azure_storage_queue", **{f"{name}_endpoint": url for name, url in ends.items()}, "account_sas": signature,
                "queue": storage.queue_name, "table": storage.table_name},
               bare_curl(options, folder, azure_steps((ends["blob"], signature), (ends["table"], signature), (ends["queue"], signature),
                                                      options.bytes)))
    finally:
        azurite.stop()


@contextlib.contextmanager
def null_http(options, folder):
    with bare_server(options.programs) as server:
        url = f"http://127.0.0.1:{server.port}/sink"
        yield {"type": "http", "url": url}, bare_curl(options, folder, [post(url, options.bytes)])


@contextlib.contextmanager
def null_s3(options, folder):
    with bare_server(options.programs) as server:
        url = f"http://127.0.0.1:{server.port}"
        signed = ["Content-Type: application/hl7-v2", "Expect:", "If-None-Match: *", f"x-amz-meta-edge-relay-id: {IDENTIFIER}",
                  "x-amz-date: 20261124T180000Z", f"x-amz-content-sha256: {'0' * 64}", f"Authorization: AWS4-HMAC-SHA256 {'x' * 260}"]
        yield ({"type": "s3", "endpoint": url, "region": "us-east-1", "bucket": "s3-objects", "access_key": "bench", "secret_key": "bench"},
               bare_curl(options, folder, [{"method": "PUT", "url": f"{url}/s3-objects/lab.default/{IDENTIFIER}.hl7", "headers": signed,
                                            "body": "x" * options.bytes}]))


@contextlib.contextmanager
def sftp(options, folder):
    """Debian's sshd, which saves each file on its disk."""
    with contextlib.closing(SftpServer(faults=False)) as server:
        bare = server.inbox / "bare"
        bare.mkdir()
        bare.chmod(0o777)
        yield server.destination(), [options.programs / "sftp_client", str(server.port), USER, server.folder / "key", bare, "--bytes",
                                     str(options.bytes)]


@contextlib.contextmanager
def directory(options, folder):
    Path(folder, "archive").mkdir()
    yield {"type": "directory", "path": str(Path(folder, "archive"))}, None


# A destination is one line here. `share`: of the usual backlog, for what is slower by nature.
FarEnd = namedtuple("FarEnd", "name start share")
FAR_ENDS = [
    FarEnd("reportstream → null server", null_reportstream, 1),
    FarEnd("http → null server", null_http, 1),
    FarEnd("s3 → null server", null_s3, 1),
    # Its server needs mounts of its own.
    *([FarEnd("sftp → OpenSSH", sftp, 0.1)] if os.geteuid() == 0 else []),
    FarEnd("azure_storage_queue → null server", null_azure, 0.5),
    FarEnd("azure_storage_queue → Azurite in memory", azurite_in_memory, 0.03),
    FarEnd("directory", directory, 0.1),
]


def is_built(destination):
    """Whether this version has that type: another row of the table waits for its destination."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        json.dump({"destinations": {"there": destination}}, file)
        file.flush()
        result = subprocess.run([BINARY, "check", "--config", file.name], capture_output=True, text=True, check=False)
        return "isn't supported by this version" not in result.stderr


def bare_once(options, far_end, count):
    """What the bare client sends a second to a far end of its own: Azurite becomes slower with what it holds, so whoever comes
    second would be measured against a fuller one. None where there is no such client."""
    with tempfile.TemporaryDirectory(prefix="edge-relay-bench-", dir=options.folder) as folder:
        with far_end.start(options, folder) as (_, client):
            if not client:
                return None
            return json.loads(subprocess.run([*client, "--count", str(count), "--concurrency", str(CONCURRENCY)],
                                             capture_output=True, text=True, check=True).stdout)["per_second"]


def drain_once(options, far_end, count, intake):
    """Fills a journal, starts a relay on it, and takes the time from its start until all is delivered."""
    bare = bare_once(options, far_end, count)
    with tempfile.TemporaryDirectory(prefix="edge-relay-bench-", dir=options.folder) as folder:
        with far_end.start(options, folder) as (destination, _):
            if not is_built(destination):
                return None
            Path(folder, "relay").mkdir()
            subprocess.run([options.programs / "fill_journal", Path(folder, "relay/journal.db"), "--queued", str(count), "--bytes",
                            str(options.bytes), "--destination", "there"], check=True)
            settings = relay_settings({"there": {**destination, "concurrency": CONCURRENCY}})
            with relay_running(folder, settings) as relay:
                began = time.monotonic()
                beside = Load(options.programs, "http", relay.port, 16, size=options.bytes, seconds=options.seconds) if intake else None
                last = {}

                def delivered():
                    last.update(relay.status()["destinations"]["there"])
                    return last["delivered"] >= count
                await_true(delivered, lambda: f"all delivered: {last}", timeout=600)
                took = time.monotonic() - began
                delivered_by_then = last["delivered"]
                accepts = None
                if beside:
                    result = beside.result()
                    accepts = result["per_second"]
                    check_gate(relay, count + result["answered"])
                else:
                    check_gate(relay, count)
            return {"drain": delivered_by_then / took, "bare": bare, "accepts": accepts}


def accepts_alone(options):
    """Intake with nothing going out, for the ratio."""
    from accepts import SUBJECTS, measure
    return measure(options, SUBJECTS[0], 16)["per_second"]


def drain(options):
    backlog = 2_000 if options.quick else 60_000
    chosen = [each for each in FAR_ENDS if not options.subjects or any(word in each.name.lower() for word in options.subjects)]
    kinds = [(far_end, intake) for far_end in chosen for intake in (False, True)]

    def measure(kind):
        far_end, intake = kind
        return drain_once(options, far_end, max(50, int(backlog * far_end.share)), intake)
    results = rounds_of(options.rounds, kinds, measure)
    alone = accepts_alone(options) if chosen else None
    rows = []
    for far_end in chosen:
        if results[(far_end, False)][0] is None:
            print(f"{far_end.name}: this version has no such destination")
            continue
        without, beside = (median_of(results[(far_end, intake)]) for intake in (False, True))
        ratio = f"{without['drain'] / without['bare']:.2f} ×" if without["bare"] else None
        rows.append([far_end.name, without["drain"], without["bare"], ratio, beside["drain"], beside["accepts"], f"{beside['accepts'] / alone:.2f} ×"])
    if rows:
        print_table("Drain", ["", "drain/s", "bare client/s", "of it", "drain/s with intake", "accepts/s beside it", "of accepts alone"], rows,
                    [f"{options.bytes} bytes each, concurrency {CONCURRENCY}, {backlog:,} queued (Azurite, sftp and directory fewer). The relay's time runs from "
                     f"its being ready; 16 connections submit beside it. Median of {options.rounds} rounds."])
    wake_up(options)


def wake_up(options):
    def measure(_):
        port = free_port()
        destination = {"type": "reportstream", "url": f"http://127.0.0.1:{port}", "auth": {"type": "function_key", "key": "bench"}, "follow_up": False}
        with tempfile.TemporaryDirectory(prefix="edge-relay-bench-", dir=options.folder) as folder:
            with relay_running(folder, relay_settings({"there": destination})) as relay:
                result = subprocess.run([options.programs / "wake_up", str(relay.port), str(port), "--count", "20" if options.quick else "100"],
                                        capture_output=True, text=True, check=False)
                if result.returncode:
                    sys.exit(result.stderr)
                # The far end is gone now, maybe before its last answer was out: that one may be queued still.
                return json.loads(result.stdout)
    result = median_of(rounds_of(options.rounds, ["wake-up"], measure)["wake-up"])
    print_table("Wake-up from idle", ["", "p50 ms", "p99 ms"],
                [["202 at the sender → request at the destination", cell(result["p50_ms"], 2), cell(result["p99_ms"], 2)],
                 ["POST → request at the destination", cell(result["from_post_p50_ms"], 2), None]])
