"""50,000,000 bytes in through chunks and out by claim check, byte for byte, while small ones go on; killed at every chunk."""

import hashlib
import random
import sqlite3
import threading
from contextlib import closing, contextmanager

import pytest
from fault_proxy import FaultProxy, Rule, delay
from relay import FHIR, SLOWNESS, await_true, hl7

LARGEST = 50_000_000  # intake.max_payload's default, ReportStream's own limit
CHUNK = 256 * 1024    # journal/FORMAT.md, payload_chunk
MEBIBYTE = 1024 * 1024


def payload_of(size, seed=1):
    """A readable FHIR line of that many bytes that no compression makes smaller."""
    head, tail = b'{"resourceType":"Bundle","id":"', b'"}\n'
    return head + random.Random(seed).randbytes(size // 2).hex().encode()[:size - len(head) - len(tail)].ljust(
        size - len(head) - len(tail), b"0") + tail


def chunks_in(relay):
    """How many chunks the journal holds, those of submissions that aren't complete included."""
    with closing(sqlite3.connect(f"file:{relay.journal}?mode=ro", uri=True, timeout=30)) as journal:
        return journal.execute("SELECT count(*) FROM payload_chunk").fetchone()[0]


def post_head(size, content_type=FHIR):
    return (f"POST /v1/submissions HTTP/1.1\r\nHost: localhost\r\nContent-Type: {content_type}\r\nRelay-Client: lab.default\r\n"
            f"Content-Length: {size}\r\n\r\n").encode()


@contextmanager
def small_posts(relay):
    """A client that posts small ones all the time; yields the ids it was given. An answer other than 202 fails the test."""
    taken, failures, done = [], [], threading.Event()

    def post():
        try:
            while not done.wait(0.02):
                taken.append(relay.submit(hl7(extra=b"x" * 1_700)))
        except Exception as error:  # told in the test's own thread
            failures.append(error)
    sender = threading.Thread(target=post)
    sender.start()
    try:
        yield taken
    finally:
        done.set()
        sender.join()
    assert not failures, failures


@contextmanager
def largest_memory(relay):
    """Yields a list of one number: the most memory that the relay had while the block ran."""
    most, done = [0], threading.Event()

    def watch():
        while not done.wait(0.02):
            most[0] = max(most[0], relay.resident_bytes())
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield most
    finally:
        done.set()
        watcher.join()


@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "encrypted"])
def test_the_largest_goes_through_while_small_ones_go_on(make_relay, storage, encrypted):
    journal = {"encryption_key": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="} if encrypted else {}
    relay = make_relay({"destinations": {"reportstream": storage.destination()}, "journal": journal,
                        "intake": {"memory": "16MiB"}, "forward": {"memory": "16MiB"}})
    payload = payload_of(LARGEST)
    with largest_memory(relay) as most, small_posts(relay) as small:
        await_true(lambda: small, "a small one before")
        with relay.connect() as connection:
            connection.send(post_head(len(payload)))
            # The second half waits for small ones that were taken between the halves of the large one.
            connection.send(payload[:LARGEST // 2])
            before = len(small)
            await_true(lambda: len(small) > before + 3, "small ones while the large one is on its way")
            connection.send(payload[LARGEST // 2:])
            answer = connection.read()
        assert answer.status == 202, answer.body[:500]
        large = relay.await_state(answer.json()["id"], "delivered", timeout=60)
    assert (large["size"], large["sha256"]) == (LARGEST, hashlib.sha256(payload).hexdigest())
    assert storage.blob(large["deliveries"][0]["receipt"]["blob_url"]) == payload
    if SLOWNESS == 1:  # a sanitizer's own memory isn't the relay's
        assert most[0] < (16 + 16 + 64) * MEBIBYTE, f"{most[0] / MEBIBYTE:.0f} MiB"
    for identifier in small:
        relay.await_state(identifier, "delivered")
    relay.check_totals()
    assert relay.stop() == 0
    relay.verify()


def test_the_largest_comes_back_from_the_operator_socket_within_the_memory(directory_relay, tmp_path):
    payload = payload_of(LARGEST, seed=2)
    answer = directory_relay.post(payload, FHIR)
    identifier = answer.json()["id"]
    directory_relay.await_state(identifier, "delivered", timeout=60)
    assert (tmp_path / "archive" / f"{identifier}.fhir").read_bytes() == payload
    with largest_memory(directory_relay) as most:
        shown = directory_relay.command("show", identifier, "--payload")
    assert shown.returncode == 0
    assert shown.stdout == payload
    if SLOWNESS == 1:
        assert most[0] < (64 + 64 + 64) * MEBIBYTE, f"{most[0] / MEBIBYTE:.0f} MiB"


def test_killed_at_each_chunk_of_an_upload_nothing_is_left_of_it(directory_relay, tmp_path):
    relay = directory_relay
    whole = 6
    payload = payload_of(whole * CHUNK + 1000)
    for number in range(1, whole + 1):
        for beyond in (0, 1):
            with relay.connect() as connection:
                connection.send(post_head(len(payload)) + payload[:number * CHUNK + beyond])
                await_true(lambda: chunks_in(relay) == number, lambda: f"{number} chunks, are {chunks_in(relay)}")
                relay.kill()
            relay.start()
            await_true(lambda: chunks_in(relay) == 0, lambda: f"{chunks_in(relay)} chunks swept")
            assert relay.admin_socket("/v1/submissions").json()["submissions"] == []
    answer = relay.post(payload, FHIR)
    relay.await_state(answer.json()["id"], "delivered")
    assert (tmp_path / "archive" / f"{answer.json()['id']}.fhir").read_bytes() == payload
    relay.check_totals()
    assert relay.stop() == 0
    assert relay.verify().startswith("1 submissions, 1 deliveries, 1 payloads checked")


def test_a_sender_that_goes_away_in_the_middle_leaves_nothing(directory_relay):
    relay = directory_relay
    payload = payload_of(4 * CHUNK)
    with relay.connect() as connection:
        connection.send(post_head(len(payload)) + payload[:3 * CHUNK])
        await_true(lambda: chunks_in(relay) == 3, "three chunks")
    await_true(lambda: chunks_in(relay) == 0, "taken away without a restart")
    assert relay.admin_socket("/v1/submissions").json()["submissions"] == []


def test_killed_while_it_goes_out_it_goes_out_whole(make_relay, azurite, storage):
    proxy = FaultProxy(azurite.blob_port).start()
    try:
        relay = make_relay({"destinations": {"reportstream": storage.destination(connection_string=azurite.connection_string(blob=proxy.port))}})
        payload = payload_of(20 * CHUNK + 77, seed=3)
        proxy.add(Rule(delay(120), method="PUT"))
        identifier = relay.submit(payload, FHIR)
        await_true(lambda: any(seen.method == "PUT" for seen in proxy.requests), "the upload has begun")
        relay.kill()
        proxy.clear()
        relay.start()
        delivered = relay.await_state(identifier, "delivered", timeout=60)
        assert storage.blob(delivered["deliveries"][0]["receipt"]["blob_url"]) == payload
        relay.check_totals()
    finally:
        proxy.stop()


def test_fifty_at_once_are_refused_or_taken_but_never_held(make_relay, tmp_path):
    """Together they are far over intake.memory: each is taken whole, or told 503 with Retry-After."""
    (tmp_path / "archive").mkdir()
    relay = make_relay({"destinations": {"archive": {"type": "directory", "path": str(tmp_path / "archive")}},
                        "intake": {"memory": "16MiB"}})
    payload = payload_of(4_000_000, seed=4)
    answers = []

    def post():
        answers.append(relay.post(payload, FHIR, timeout=120))
    with largest_memory(relay) as most:
        senders = [threading.Thread(target=post) for _ in range(50)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
    assert len(answers) == 50
    taken = [answer.json()["id"] for answer in answers if answer.status == 202]
    refused = [answer for answer in answers if answer.status != 202]
    assert taken and all(answer.status == 503 and answer.problem == "memory_full" and int(answer.header("Retry-After")) > 0
                         for answer in refused), [(answer.status, answer.body[:200]) for answer in refused]
    if SLOWNESS == 1:
        assert most[0] < (16 + 64 + 64) * MEBIBYTE, f"{most[0] / MEBIBYTE:.0f} MiB"
    for identifier in taken:
        relay.await_state(identifier, "delivered", timeout=60)
        assert (tmp_path / "archive" / f"{identifier}.fhir").read_bytes() == payload
    relay.check_totals()
