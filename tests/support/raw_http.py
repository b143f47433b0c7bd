"""HTTP/1.1 over a plain socket: what a test says goes out byte by byte, and answers are read one after the other.

The functional tests use it where a library would tidy the request, and everywhere else too, so that there is one way.
"""

import contextlib
import json
import socket
import time
from dataclasses import dataclass, field


class ConnectionEnded(Exception):
    """The other side closed, with no answer or in the middle of one."""


@dataclass
class Answer:
    status: int
    headers: list = field(default_factory=list)
    body: bytes = b""

    def header(self, name):
        """The first value of that name, or None."""
        for key, value in self.headers:
            if key.lower() == name.lower():
                return value
        return None

    def json(self):
        return json.loads(self.body)

    @property
    def problem(self):
        """The name at the end of an application/problem+json `type`, or None."""
        if (self.header("Content-Type") or "").split(";")[0] != "application/problem+json":
            return None
        return self.json()["type"].removeprefix("urn:edge-relay:problem:")


class RawConnection:
    """One connection. `address` is (host, port) or the path of a Unix socket."""

    def __init__(self, address, timeout=30):
        if isinstance(address, (str, bytes)) or hasattr(address, "__fspath__"):
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.socket.settimeout(timeout)
            self.socket.connect(str(address))
        else:
            self.socket = socket.create_connection(address, timeout=timeout)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.close()

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.close()

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode("latin-1"))

    def end_sending(self):
        self.socket.shutdown(socket.SHUT_WR)

    def _more(self):
        try:
            data = self.socket.recv(65536)
        except (ConnectionResetError, BrokenPipeError) as error:
            raise ConnectionEnded(str(error)) from error
        if not data:
            raise ConnectionEnded(f"closed with {len(self.buffer)} bytes of an answer read")
        self.buffer += data

    def _line(self):
        while b"\r\n" not in self.buffer:
            self._more()
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    def _take(self, count):
        while len(self.buffer) < count:
            self._more()
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def read(self, method="POST"):
        """The next answer; 1xx counts as one of its own."""
        status = int(self._line().split(b" ", 2)[1])
        headers = []
        while line := self._line():
            name, value = line.decode("latin-1").split(":", 1)
            headers.append((name.strip(), value.strip()))
        answer = Answer(status, headers)
        if status < 200 or status in (204, 304) or method == "HEAD":
            return answer
        if (answer.header("Transfer-Encoding") or "").lower() == "chunked":
            while size := int(self._line().split(b";")[0], 16):
                answer.body += self._take(size)
                self._line()
            while self._line():
                pass
        elif answer.header("Content-Length") is not None:
            answer.body = self._take(int(answer.header("Content-Length")))
        else:
            with contextlib.suppress(ConnectionEnded):
                while True:
                    self._more()
            answer.body, self.buffer = self.buffer, b""
        return answer

    def closed_within(self, seconds):
        """True when the other side closes within that time without sending anything more."""
        self.socket.settimeout(seconds)
        try:
            return not self.buffer and self.socket.recv(1) == b""
        except (ConnectionResetError, BrokenPipeError):
            return True
        except TimeoutError:
            return False

    def silent_for(self, seconds):
        """True when nothing comes and the connection stays open for that long."""
        self.socket.settimeout(seconds)
        try:
            data = self.socket.recv(65536)
        except TimeoutError:
            return not self.buffer
        except (ConnectionResetError, BrokenPipeError):
            return False
        self.buffer += data
        return False


def head(method, target, headers=(), host="localhost"):
    """The bytes of a request head. `headers` is a dict or a list of pairs; Host is added unless it is None."""
    pairs = list(headers.items()) if isinstance(headers, dict) else list(headers)
    lines = [f"{method} {target} HTTP/1.1"]
    if host is not None and not any(name.lower() == "host" for name, _ in pairs):
        lines.append(f"Host: {host}")
    lines += [f"{name}: {value}" for name, value in pairs if value is not None]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def request(address, method, target, headers=(), body=None, timeout=30):
    """One request on a connection of its own."""
    pairs = list(headers.items()) if isinstance(headers, dict) else list(headers)
    if body is not None:
        pairs.append(("Content-Length", str(len(body))))
    with RawConnection(address, timeout) as connection:
        connection.send(head(method, target, pairs))
        if body:
            # A refusal told from the head may come, and the connection close, before all of the body is out.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.send(body)
        return connection.read(method)


def await_true(condition, what, timeout=30, interval=0.02):
    """The first true value of `condition()`; fails with `what` when there is none in time."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s: {what() if callable(what) else what}")
        time.sleep(interval)
