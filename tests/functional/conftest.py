"""What every functional test gets: the emulator (one a session), and relays and fault proxies that end with the test."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from azurite import Azurite  # noqa: E402
from fault_proxy import FaultProxy  # noqa: E402
from outbox import Outbox  # noqa: E402
from ports import free_ports  # noqa: E402
from preloaded import preloaded  # noqa: E402
from relay import BINARY, Relay  # noqa: E402
from small_disk import NoMounts, SmallDisk  # noqa: E402
from tls import Identity  # noqa: E402


def pytest_configure(config):
    if not BINARY.exists():
        pytest.exit(f"{BINARY} isn't there: build it, or name another in EDGE_RELAY", returncode=1)


@pytest.fixture(scope="session")
def azurite(tmp_path_factory):
    emulator = Azurite(tmp_path_factory.mktemp("azurite")).start()
    yield emulator
    emulator.stop()


@pytest.fixture
def storage(azurite):
    """A queue, a container and a table of this test's own."""
    return azurite.storage()


@pytest.fixture
def make_relay(tmp_path):
    """make_relay(config, start=True): a relay that ends with the test; one still running is stopped in good order."""
    made = []

    def make(config, start=True, **options):
        relay = Relay(tmp_path, config, name=f"relay-{len(made)}", **options)
        made.append(relay)
        return relay.start() if start else relay

    yield make
    try:
        for relay in made:
            if relay.running():
                assert relay.stop() == 0, relay.log()[-3000:]
    finally:
        for relay in made:
            relay.end()


@pytest.fixture(scope="module")
def shared_relay(tmp_path_factory):
    """One relay a file, with a directory destination: for tests of the door that leave nothing behind for the next."""
    folder = tmp_path_factory.mktemp("shared")
    (folder / "archive").mkdir()
    relay = Relay(folder, {"destinations": {"archive": {"type": "directory", "path": str(folder / "archive")}},
                           "clients": ["lab.*", "state.*"],
                           "intake": {"max_payload": "1MB", "validate": "envelope"}})
    relay.archive = folder / "archive"
    relay.start()
    try:
        yield relay
        assert relay.stop() == 0, relay.log()[-3000:]
    finally:
        relay.end()


@pytest.fixture
def azure_relay(make_relay, storage):
    """A relay with one destination, `reportstream`, that writes into `storage`."""
    return make_relay({"destinations": {"reportstream": storage.destination()}})


@pytest.fixture
def directory_relay(make_relay, tmp_path):
    """A relay with one destination, `archive`, that writes into the folder `archive`. For what isn't about Azure."""
    folder = tmp_path / "archive"
    folder.mkdir()
    relay = make_relay({"destinations": {"archive": {"type": "directory", "path": str(folder)}}})
    relay.archive = folder
    return relay


@pytest.fixture
def make_proxy():
    """make_proxy(port): a fault proxy before that port."""
    made = []

    def make(port):
        made.append(FaultProxy(port).start())
        return made[-1]

    yield make
    for proxy in made:
        proxy.stop()


@pytest.fixture
def make_outbox(make_relay, tmp_path):
    """make_outbox(**keys of intake.folder): a watched folder; files settle within 200 ms unless it says otherwise."""

    def make(start=True, config=None, **keys):
        archive = tmp_path / "archive"
        archive.mkdir()
        folder = {"path": str(tmp_path / "outbox"), "client": "lab.batch", **keys}
        if folder.get("complete_when", "settled") == "settled":
            folder.setdefault("settle", "200ms")
        relay = make_relay({"intake": {"folder": [folder], "validate": "envelope"},
                            "destinations": {"archive": {"type": "directory", "path": str(archive)}}}, start=False)
        relay.update(config or {})
        outbox = Outbox(relay, Path(folder["path"]))
        outbox.path.mkdir(exist_ok=True)
        if start:
            outbox.relay.start()
        return outbox

    return make


@pytest.fixture
def make_disk(tmp_path):
    """make_disk(kind, megabytes): a real file system that ends with the test; skips where nothing can be mounted."""
    made = []

    def make(kind, megabytes):
        try:
            made.append(SmallDisk(tmp_path, kind, megabytes))
        except NoMounts as error:
            pytest.skip(f"can't mount here: {error}")
        return made[-1]

    yield make
    for disk in made:
        disk.end()


@pytest.fixture(scope="session")
def step_faults(tmp_path_factory):
    """step_faults(thread=…, kill=…): the environment of a relay in which tests/support/step_fault.c stands in a thread's way."""
    folder = tmp_path_factory.mktemp("step-fault")

    def environment(**what):
        return preloaded(folder, "step_fault", **{f"STEP_{name.upper()}": str(value) for name, value in what.items()})
    return environment


@pytest.fixture
def make_mllp_relay(make_relay, tmp_path):
    """make_mllp_relay(keys of a listener, …, **keys of intake): relay.mllp are the listeners' ports, and two spare ones."""
    (tmp_path / "archive").mkdir()

    def make(*listeners, **intake):
        ports = free_ports(len(listeners) + 2)
        relay = make_relay({"destinations": {"archive": {"type": "directory", "path": str(tmp_path / "archive")}},
                            "intake": {**intake, "mllp": [{"listen": f"127.0.0.1:{port}", **listener}
                                                          for port, listener in zip(ports, listeners)]}})
        relay.mllp = ports
        relay.archive = tmp_path / "archive"
        return relay

    return make


@pytest.fixture(scope="session")
def identities(tmp_path_factory):
    """Certificates: of the relay (`server`, and `next`), of an authority, of those it signed, and of a stranger."""
    folder = tmp_path_factory.mktemp("certificates")
    authority = Identity(folder, "authority", "Senders of the lab")
    return {"server": Identity(folder, "server", "relay.lab.example", ["relay.lab.example"]),
            "next": Identity(folder, "next", "relay.lab.example", ["relay.lab.example"]),
            "authority": authority,
            "lab_a": Identity(folder, "lab_a", "Lab A", issuer=authority),
            "lab_b": Identity(folder, "lab_b", "anything", ["lis.lab-b.example"], issuer=authority),
            "unknown": Identity(folder, "unknown", "Unknown", issuer=authority),
            "stranger": Identity(folder, "stranger", "Lab A")}
