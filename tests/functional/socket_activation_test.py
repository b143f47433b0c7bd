"""A listening socket that the service manager passes on (edge-relay.socket) takes the place of the `http` entry with that
address: whoever connects while the relay is restarted waits and is answered."""

import os
import socket
import subprocess

import pytest

from relay import BINARY, ROOT, RawConnection, hl7


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as made:
        made.set_inheritable(True)
        yield made


def start(relay, listener):
    """Starts it as systemd does: the socket is descriptor 3, and $LISTEN_PID the process."""
    with open(relay.log_file, "ab") as log:
        relay.process = subprocess.Popen(
            ["bash", "-c", f'exec 3<&{listener.fileno()} && LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"', "bash", str(BINARY), "run", "--config", str(relay.file)],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=[listener.fileno()])
    relay.await_ready()


@pytest.fixture
def relay(make_relay, listener, tmp_path):
    (tmp_path / "archive").mkdir()
    port = listener.getsockname()[1]
    made = make_relay({"destinations": {"archive": {"type": "directory", "path": str(tmp_path / "archive")}},
                       "intake": {"http": [{"listen": f"127.0.0.1:{port}", "client": "lab.default"}]}}, start=False)
    made.port = port
    return made


def test_nobody_is_refused_over_a_restart(relay, listener):
    start(relay, listener)
    relay.submit(hl7())
    assert relay.stop() == 0
    payload = hl7()
    with RawConnection(relay.address, 60) as waiting:
        waiting.send(b"POST /v1/submissions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/hl7-v2\r\n"
                     b"Content-Length: %d\r\n\r\n" % len(payload) + payload)
        start(relay, listener)
        assert waiting.read().status == 202
    assert relay.stop() == 0


def test_a_socket_that_no_listener_is_named_for_keeps_it_from_starting(relay, listener):
    relay.update({"intake": {"http": []}})
    result = subprocess.run(
        ["bash", "-c", f'exec 3<&{listener.fileno()} && LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"', "bash", str(BINARY), "run", "--config", str(relay.file)],
        stdin=subprocess.DEVNULL, capture_output=True, pass_fds=[listener.fileno()], timeout=60, check=False)
    assert result.returncode == 1
    assert f"127.0.0.1:{relay.port}" in result.stderr.decode() and "intake.http" in result.stderr.decode()
    assert not relay.journal.exists()


def test_what_another_process_was_passed_is_left_alone(relay, listener):
    listener.close()
    relay.start(env={"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())})
    relay.submit(hl7())


def test_the_shipped_socket_is_the_default_listener():
    unit = (ROOT / "systemd/edge-relay.socket").read_text()
    assert "ListenStream=127.0.0.1:8870\n" in unit
    assert "- listen: 127.0.0.1:8870\n" in (ROOT / "config/edge-relay.yaml").read_text()
