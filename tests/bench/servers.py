"""What is measured: the relay with everything on, the same HTTP server without its journal, and the peers. Each is a
context manager that starts it in a folder of its own and ends it; `port` takes a load, `pid` is the process."""

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
from base64 import b64encode
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))

from ports import free_port, free_ports  # noqa: E402
from raw_http import RawConnection, await_true  # noqa: E402
from relay import Relay  # noqa: E402


def listens(port):
    try:
        RawConnection(("127.0.0.1", port)).close()
        return True
    except OSError:
        return False


def end(process, how=signal.SIGTERM):
    if process.poll() is None:
        process.send_signal(how)
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def await_listening(process, port, what):
    def there():
        if process.poll() is not None:
            sys.exit(f"{what} ended with {process.returncode}")
        return listens(port)
    await_true(there, f"{what} listens", timeout=60)


@contextlib.contextmanager
def started(arguments, port, what, how=signal.SIGTERM, log=subprocess.DEVNULL, **options):
    process = subprocess.Popen([str(each) for each in arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log, **options)
    try:
        await_listening(process, port, what)
        yield process
    finally:
        end(process, how)


class Measured:
    """A server under load. `confirm(answered)` holds it to what it has answered, where it can be asked."""

    def __init__(self, port, pid, confirm=lambda answered: None):
        self.port, self.pid, self.confirm = port, pid, confirm


# ---- the relay ----

def unreachable_destination():
    """Nobody listens there: what is accepted stays queued."""
    return {"type": "reportstream", "url": f"http://127.0.0.1:{free_port()}", "auth": {"type": "function_key", "key": "bench"},
            "follow_up": False, "backoff": {"initial": "1m", "max": "5m"}}


def relay_settings(destinations, encrypted=False, **changes):
    """Everything is on as it is by default: hashing, validation, log at info, metrics, limits."""
    settings = {"destinations": destinations, "log": {"level": "info"}, **changes}
    if encrypted:
        settings["journal"] = {**settings.get("journal", {}), "encryption_key": b64encode(secrets.token_bytes(32)).decode()}
    return settings


def check_gate(relay, accepted=None):
    """accepted = delivered + queued + dead letters + discarded, out of one answer; and no fewer than were answered."""
    relay.check_totals()
    if accepted is not None:
        for name, each in relay.status()["destinations"].items():
            assert each["accepted"] == accepted, (name, each["accepted"], accepted)


@contextlib.contextmanager
def relay_running(folder, settings, verify=True):
    """A relay in `folder`; at the end its totals must hold, it must stop in good order, and its journal must be clean."""
    relay = Relay(folder, settings)
    try:
        relay.start()
        yield relay
        check_gate(relay)
        assert relay.stop() == 0
        if verify:
            relay.verify()
    finally:
        relay.end()
        shutil.rmtree(relay.folder, ignore_errors=True)


@contextlib.contextmanager
def relay_accepting(folder, encrypted=False):
    with relay_running(folder, relay_settings({"nowhere": unreachable_destination()}, encrypted)) as relay:
        yield Measured(relay.port, relay.process.pid, lambda answered: check_gate(relay, answered))


# ---- the same server without a journal, and its limit ----

@contextlib.contextmanager
def bare_server(programs, folder=None):
    port = free_port()
    log = [Path(folder, "bare.log")] if folder else []
    with started([programs / "bare_server", port, *log], port, "bare_server") as process:
        yield Measured(port, process.pid)
    for each in log:
        each.unlink()


# ---- the peers ----

@contextlib.contextmanager
def own_folder(folder, name, owner=None):
    """A folder below `folder` that belongs to that user where we are root: PostgreSQL refuses to run as root."""
    path = Path(folder, name)
    path.mkdir()
    identity = {}
    if owner and os.geteuid() == 0:
        account = pwd.getpwnam(owner)
        os.chown(path, account.pw_uid, account.pw_gid)
        Path(folder).chmod(0o755)
        identity = {"user": account.pw_uid, "group": account.pw_gid}
    try:
        yield path, identity
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def redis(folder):
    port = free_port()
    with own_folder(folder, "redis") as (path, _):
        with started(["redis-server", "--port", port, "--bind", "127.0.0.1", "--dir", path, "--save", "", "--appendonly", "yes",
                      "--appendfsync", "always", "--daemonize", "no"], port, "redis-server") as process:
            def confirm(answered):
                with RawConnection(("127.0.0.1", port)) as connection:
                    connection.send("XLEN results\r\n")
                    kept = connection.socket.recv(100)
                assert kept == f":{answered}\r\n".encode(), (kept, answered)
            yield Measured(port, process.pid, confirm)


@contextlib.contextmanager
def postgresql(folder):
    port = free_port()
    programs = Path("/usr/lib/postgresql/15/bin")
    with own_folder(folder, "postgresql", "postgres") as (path, identity):
        subprocess.run([programs / "initdb", "--auth=trust", "--username=bench", "--pgdata", path / "data"], check=True, cwd=path,
                       capture_output=True, **identity)
        with started([programs / "postgres", "-D", path / "data", "-p", port, "-k", path, "-c", "listen_addresses=127.0.0.1",
                      "-c", "max_connections=300"], port, "postgres", signal.SIGINT, cwd=path, **identity) as process:
            def ask(*statement):
                return subprocess.run(["psql", "-h", "127.0.0.1", "-p", str(port), "-U", "bench", "-Atqc", *statement],
                                      capture_output=True, text=True, cwd=path)
            await_true(lambda: ask("SELECT 1", "postgres").returncode == 0, "postgres answers")
            for statement, database in (("CREATE DATABASE bench", "postgres"),
                                        ("CREATE TABLE results (id bigserial PRIMARY KEY, payload bytea NOT NULL)", "bench")):
                made = ask(statement, database)
                if made.returncode:
                    sys.exit(f"PostgreSQL: {made.stderr}")

            def confirm(answered):
                kept = ask("SELECT count(*) FROM results", "bench").stdout.strip()
                assert kept == str(answered), (kept, answered)
            yield Measured(port, process.pid, confirm)


@contextlib.contextmanager
def rabbitmq(folder):
    port, distribution, names = free_ports(3)
    with own_folder(folder, "rabbitmq", "rabbitmq") as (path, identity):
        environment = {"PATH": os.environ["PATH"], "HOME": str(path), "LANG": "C.UTF-8",
                       "RABBITMQ_NODENAME": f"bench{port}@localhost", "RABBITMQ_NODE_PORT": str(port),
                       "RABBITMQ_DIST_PORT": str(distribution), "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
                       "RABBITMQ_MNESIA_BASE": str(path / "mnesia"), "RABBITMQ_LOG_BASE": str(path / "log"),
                       "RABBITMQ_PID_FILE": str(path / "pid"), "RABBITMQ_ENABLED_PLUGINS_FILE": str(path / "plugins"),
                       "RABBITMQ_CONFIG_FILE": str(path / "none"), "ERL_EPMD_PORT": str(names)}
        # Erlang's name server, which would stay as a daemon if it were left to start it.
        with started(["epmd", "-port", names], names, "epmd", cwd=path, env=environment, **identity):
            with started(["/usr/lib/rabbitmq/bin/rabbitmq-server"], port, "rabbitmq-server", cwd=path, env=environment,
                         **identity) as process:
                yield Measured(port, process.pid)
