"""A network share whose server hangs, for real: whoever touches it is held by the kernel. Nobody else waits for it."""

import pytest
from hanging_share import HangingShare
from outbox import Outbox
from relay import SLOWNESS, await_true, hl7
from small_disk import NoMounts


@pytest.fixture
def share(tmp_path):
    try:
        made = HangingShare(tmp_path)
    except NoMounts as error:
        pytest.skip(f"can't mount here: {error}")
    yield made
    made.end()


@pytest.fixture
def relay(make_relay, tmp_path, share):
    """Not started yet. It takes from the share and from a folder beside it; it writes to the share and to a folder beside it."""
    names = ("archive", "local", "share/outbox", "share/archive")
    for name in names:
        (tmp_path / name).mkdir()
    made = make_relay({
        "intake": {"folder": [{"path": str(tmp_path / name), "client": client, "settle": "200ms"}
                              for name, client in (("share/outbox", "lab.share"), ("local", "lab.local"))]},
        "destinations": {name: {"type": "directory", "path": str(tmp_path / path), "timeout": "2s",
                                "backoff": {"initial": "200ms", "max": "1s"}}
                         for name, path in (("archive", "archive"), ("far", "share/archive"))},
        "otherwise": ["archive", "far"], "shutdown_grace": "1s"}, start=False)
    yield made
    share.answer()


def delivery(relay, identifier, destination):
    return next(each for each in relay.get(identifier)["deliveries"] if each["destination"] == destination)


def test_it_starts_works_and_stops_beside_a_share_that_hangs(relay, share, tmp_path):
    outbox, local = Outbox(relay, share.behind / "outbox"), Outbox(relay, tmp_path / "local")
    far = share.behind / "archive"
    waiting, beside = hl7(), hl7()
    outbox.put("waiting.hl7", waiting)
    share.hang()
    relay.start()
    assert relay.log().count("doesn't answer; see whether its share does") == 2, relay.log()
    identifier = relay.submit(hl7())
    local.put("beside.hl7", beside)
    local.await_done("beside.hl7")
    await_true(lambda: delivery(relay, identifier, "archive")["state"] == "delivered", relay.log)
    assert delivery(relay, identifier, "far")["state"] == "queued"
    assert outbox.waiting() == ["waiting.hl7"] and not list(far.iterdir())
    # A reload asks the folders again, and waits for none of them.
    relay.update({"log": {"level": "debug"}})
    assert relay.command("reload", timeout=120).returncode == 0
    # Whoever looks after it is told what hangs.
    await_true(lambda: "has not answered for" in relay.health()["summary"], lambda: str(relay.health()), timeout=60 * SLOWNESS)
    assert relay.health()["status"] == "degraded"
    assert relay.stop() == 0, "it waits for the share"
    relay.verify()

    share.answer()
    relay.start()
    outbox.await_done("waiting.hl7")
    relay.await_state(identifier, "delivered", timeout=60)
    assert sorted(outbox.payloads()) == sorted([waiting, beside]), "each file once"
    await_true(lambda: relay.status()["destinations"]["far"]["queued"] == 0, "all there", timeout=60)
    assert len(list(far.glob("*.hl7"))) == 3
    relay.check_totals()
