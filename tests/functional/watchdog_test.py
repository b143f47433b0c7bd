"""A thread that is stuck turns health to `failing` and ends what the service manager hears, whichever thread it is.

Each is stopped from outside, as a debugger does it; the program has no hook for that.
"""

import contextlib
import os
import time

import pytest
from relay import SLOWNESS, await_true, hl7
from service_manager import ServiceManager
from small_disk import NoMounts, SmallDisk
from thread_stopper import StoppedThread, threads_of

WATCHDOG_SECONDS = 6


def health_of(relay):
    """`failing`, ok, degraded; None where nobody answers within a few seconds."""
    import socket
    try:
        from relay import request
        return request(("127.0.0.1", relay.admin_port), "GET", "/health", timeout=5).json()
    except (OSError, socket.timeout):
        return None


@pytest.fixture
def watched(make_relay, tmp_path):
    """watched(): a relay with a service manager that watches it."""
    managers = []

    def make(**config):
        folder, outbox = tmp_path / f"archive-{len(managers)}", tmp_path / f"outbox-{len(managers)}"
        folder.mkdir()
        outbox.mkdir()
        manager = ServiceManager(WATCHDOG_SECONDS)
        managers.append(manager)
        relay = make_relay({"destinations": {"archive": {"type": "directory", "path": str(folder)}},
                            "intake": {"folder": [{"path": str(outbox), "client": "lab.batch"}]}, **config}, start=False)
        relay.start(env=manager.environment())
        manager.await_message("READY=1")
        return relay, manager
    yield make
    for manager in managers:
        manager.stop()


def test_an_idle_relay_feeds_the_watchdog(watched):
    relay, manager = watched()
    manager.await_message("WATCHDOG=1", count=4)
    assert manager.since_alive() < WATCHDOG_SECONDS
    assert any(text.startswith("STATUS=Accepting submissions") for text in manager.messages())
    assert {"intake-0", "folder-0", "writer", "lane:archive", "operations"} <= set(threads_of(relay.process.pid))
    assert relay.stop() == 0
    manager.await_message("STOPPING=1")


def test_every_thread_that_stalls_is_a_failure(watched):
    # All at once, since each takes its half minute.
    names = ["writer", "lane:archive", "intake-0", "folder-0", "operations"]
    relays = {name: watched() for name in names}
    for relay, _ in relays.values():
        relay.await_state(relay.submit(hl7()), "delivered")
    with contextlib.ExitStack() as stopped:
        for name, (relay, _) in relays.items():
            stopped.enter_context(StoppedThread(relay.process.pid, name))
        began = time.monotonic()
        waiting = set(names)

        def seen_failing():
            for name in sorted(waiting):
                health = health_of(relays[name][0])
                if health is None or health["status"] == "failing":
                    waiting.discard(name)
                    # What it says is the stuck thread; where it is the one that answers, nobody does.
                    assert (health is None) == (name == "operations"), (name, health)
                    assert health is None or name in health["summary"], health
            return not waiting
        await_true(seen_failing, lambda: f"failing within 30 s: {waiting}", timeout=30 * SLOWNESS, interval=0.5)
        assert time.monotonic() - began < 30 * SLOWNESS
        for name, (_, manager) in relays.items():
            await_true(lambda: manager.since_alive() > WATCHDOG_SECONDS, f"the watchdog hears nothing of {name}", timeout=40)
    # Let go, all is well again: nothing was lost by it.
    for name, (relay, manager) in relays.items():
        await_true(lambda: (health_of(relay) or {}).get("status") == "ok", lambda: f"{name} well again: {relay.log()[-1000:]}", timeout=60)
        await_true(lambda: manager.since_alive() < WATCHDOG_SECONDS, f"the watchdog is fed again after {name}", timeout=60)
        relay.await_state(relay.submit(hl7()), "delivered")
        relay.check_totals()
        assert "makes no progress" in relay.log() or name == "operations"


@pytest.mark.skipif(not os.environ.get("EDGE_RELAY_LONG"), reason="takes a minute: tests/run --long")
def test_a_disk_that_does_not_answer_is_no_reason_to_begin_anew(watched, tmp_path):
    try:
        disk = SmallDisk(tmp_path, "ext4", 256)
    except NoMounts as why:
        pytest.skip(str(why))
    relay, manager = watched(journal={"path": str(disk.folder / "journal.db"), "min_free_disk": "0"})
    relay.submit(hl7())
    disk.freeze()
    try:
        with relay.connect() as connection:
            payload = hl7()
            connection.send(b"POST /v1/submissions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/hl7-v2\r\n"
                            + f"Content-Length: {len(payload)}\r\n\r\n".encode() + payload)
            await_true(lambda: (health_of(relay) or {}).get("status") == "failing", "failing", timeout=60)
            before = len([text for text in manager.messages() if text == "WATCHDOG=1"])
            manager.await_message("WATCHDOG=1", count=before + 6)
            disk.thaw()
            assert connection.read().status == 202
    finally:
        disk.thaw()
    await_true(lambda: relay.health()["status"] == "ok", "well again")
