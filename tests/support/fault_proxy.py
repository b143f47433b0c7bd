"""A proxy of our own that stands between the relay and a service and spoils what the rules say.

Each request is held against the rules in order; the first that matches decides, and where none does it is passed on.
Rules change while it runs. What it saw is kept in `requests`.

    proxy = FaultProxy(azurite.blob_port).start()
    proxy.add(Rule(answer(503, headers={"Retry-After": "1"}), method="PUT", path="/receive/", times=2))
"""

import contextlib
import http.client
import socket
import struct
import threading
import time
from dataclasses import dataclass, field

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "expect", "proxy-connection", "proxy-authorization", "upgrade"}


@dataclass
class Seen:
    """One request as it came."""
    method: str
    target: str
    headers: list
    body: bytes
    at: float

    def header(self, name):
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


class Reset(Exception):
    """The connection is to end with a RST."""


# ---- What a rule may do. Each is called with the exchange and answers the client, or raises Reset. ----

def pass_on():
    return lambda exchange: exchange.reply(*exchange.forward())


def answer(status, body=b"", headers=None):
    """Answers by itself; the service never hears of it."""
    def act(exchange):
        exchange.read_body()
        exchange.reply(status, list((headers or {}).items()), body if isinstance(body, bytes) else body.encode())
    return act


def html(status=200):
    """A captive portal, or a gateway's own page."""
    return answer(status, b"<!DOCTYPE html><html><body><h1>Please sign in</h1></body></html>", {"Content-Type": "text/html"})


def storage_error(status, code, headers=None):
    """An error as Azure Storage words it (blob and queue services)."""
    text = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>{code} by the fault proxy.</Message></Error>'
    return answer(status, text, {"Content-Type": "application/xml", "x-ms-error-code": code, **(headers or {})})


def delay(seconds, then=None):
    """Waits, then acts. Ends early when the proxy stops."""
    def act(exchange):
        exchange.proxy.stopping.wait(seconds)
        (then or pass_on())(exchange)
    return act


def reset_before_body():
    def act(exchange):
        raise Reset
    return act


def reset_after_body():
    """Reads the whole request, hands nothing on, and resets."""
    def act(exchange):
        exchange.read_body()
        raise Reset
    return act


def reset_after_forward():
    """The service takes it over, but its answer is lost."""
    def act(exchange):
        exchange.forward()
        raise Reset
    return act


def cut_answer():
    """Half of the service's answer, then the end."""
    def act(exchange):
        status, headers, body = exchange.forward()
        data = exchange.response_bytes(status, headers, body)
        exchange.client.sendall(data[:len(data) // 2])
        raise Reset
    return act


def drip(seconds_a_byte):
    """The service's answer, a byte at a time."""
    def act(exchange):
        for byte in exchange.response_bytes(*exchange.forward()):
            exchange.client.sendall(bytes([byte]))
            if exchange.proxy.stopping.wait(seconds_a_byte):
                raise Reset
    return act


def black_hole():
    """Reads the request and never answers, until the proxy stops or the client gives up."""
    def act(exchange):
        exchange.read_body()
        exchange.client.settimeout(0.1)
        while not exchange.proxy.stopping.is_set():
            with contextlib.suppress(TimeoutError):
                if not exchange.client.recv(1):
                    break
        raise Reset
    return act


@dataclass
class Rule:
    """`path` is part of the target, `body` of the request's body; `times` counts down to 0, after which it matches no more."""
    act: object
    method: str | None = None
    path: str | None = None
    body: bytes | None = None
    times: int | None = None
    hits: int = 0

    def matches(self, exchange):
        if self.times is not None and self.hits >= self.times:
            return False
        if self.method is not None and self.method != exchange.method:
            return False
        if self.path is not None and self.path not in exchange.target:
            return False
        return self.body is None or self.body in exchange.read_body()


@dataclass
class FaultProxy:
    upstream_port: int
    upstream_host: str = "127.0.0.1"
    tls: object = None  # an ssl.SSLContext of a server: clients speak TLS, the service doesn't
    requests: list = field(default_factory=list)

    def __post_init__(self):
        self.rules = []
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self.clients = set()
        self.threads = []
        self.listener = None
        self.port = None

    # ---- the service comes and goes ----

    def start(self):
        """Listens; again on the same port after stop()."""
        self.stopping = threading.Event()
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", self.port or 0))
        self.port = self.listener.getsockname()[1]
        self.listener.listen(256)
        self._begin(self._accept, self.listener, self.stopping)
        return self

    def stop(self):
        """Down: connections are reset, new ones refused."""
        self.stopping.set()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        with self.lock:
            clients = list(self.clients)
        for client in clients:
            _end_with_reset(client)
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join(timeout=10)
        self.threads = []

    # ---- the rules ----

    def add(self, *rules):
        with self.lock:
            self.rules += rules
        return rules[0]

    def clear(self):
        with self.lock:
            self.rules = []

    def only(self, *rules):
        with self.lock:
            self.rules = list(rules)
        return rules[0]

    def seen(self, method=None, path=None):
        with self.lock:
            return [each for each in self.requests
                    if (method is None or each.method == method) and (path is None or path in each.target)]

    # ---- inside ----

    def _begin(self, target, *arguments):
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self.threads = [each for each in self.threads if each.is_alive()] + [thread]
        thread.start()

    def _accept(self, listener, stopping):
        while not stopping.is_set():
            try:
                client, _ = listener.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                self.clients.add(client)
            self._begin(self._serve, client)

    def _serve(self, client):
        if self.tls is not None:
            try:
                client = self._under_tls(client)
            except (OSError, ValueError):  # a client that doesn't trust the certificate is gone
                return
        upstream = http.client.HTTPConnection(self.upstream_host, self.upstream_port, timeout=120)
        reader = client.makefile("rb")
        try:
            while exchange := Exchange.read(self, client, reader, upstream):
                self._choose(exchange)(exchange)
                exchange.read_body()
        except Reset:
            _end_with_reset(client)
        except (OSError, ValueError, http.client.HTTPException):
            # The client went away, or the proxy is being stopped: nobody is left to tell.
            pass
        finally:
            with self.lock:
                self.clients.discard(client)
            with contextlib.suppress(OSError, ValueError):
                reader.close()
                client.close()
            upstream.close()

    def _under_tls(self, client):
        wrapped = self.tls.wrap_socket(client, server_side=True)
        with self.lock:
            self.clients.discard(client)
            self.clients.add(wrapped)
        return wrapped

    def _choose(self, exchange):
        with self.lock:
            rules = list(self.rules)
        for rule in rules:
            if rule.matches(exchange):
                with self.lock:
                    rule.hits += 1
                exchange.remember()
                return rule.act
        exchange.remember()
        return pass_on()


class Exchange:
    """One request and its answer."""

    def __init__(self, proxy, client, reader, upstream, method, target, headers):
        self.proxy, self.client, self.reader, self.upstream = proxy, client, reader, upstream
        self.method, self.target, self.headers = method, target, headers
        self.body = None
        self.seen = None

    @classmethod
    def read(cls, proxy, client, reader, upstream):
        line = reader.readline()
        if not line.strip():
            return None
        method, target, _ = line.decode("latin-1").split(" ", 2)
        headers = []
        while (line := reader.readline()).strip():
            name, value = line.decode("latin-1").split(":", 1)
            headers.append((name.strip(), value.strip()))
        return cls(proxy, client, reader, upstream, method, target, headers)

    def header(self, name):
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def remember(self):
        self.seen = Seen(self.method, self.target, self.headers, self.body or b"", time.time())
        with self.proxy.lock:
            self.proxy.requests.append(self.seen)

    def read_body(self):
        if self.body is None:
            if (self.header("Expect") or "").lower() == "100-continue":
                self.client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            if (self.header("Transfer-Encoding") or "").lower() == "chunked":
                self.body = self._read_chunks()
            else:
                self.body = self.reader.read(int(self.header("Content-Length") or 0))
            if self.seen is not None:
                self.seen.body = self.body
        return self.body

    def _read_chunks(self):
        body = b""
        while size := int(self.reader.readline().split(b";")[0], 16):
            body += self.reader.read(size)
            self.reader.readline()
        while self.reader.readline().strip():
            pass
        return body

    def forward(self):
        """Hands the request on and returns (status, headers, body) of the answer."""
        body = self.read_body()
        for last_try in (False, True):
            try:
                return self._forward_once(body)
            except (http.client.RemoteDisconnected, ConnectionError):
                # The service closed an idle connection; once more on a fresh one.
                self.upstream.close()
                if last_try:
                    raise

    def _forward_once(self, body):
        target = self.target
        if target.startswith("http://"):
            # A client that uses this as its HTTP proxy says the whole address (RFC 9112, section 3.2.2).
            authority, _, path = target.removeprefix("http://").partition("/")
            host, _, port = authority.partition(":")
            if (self.upstream.host, self.upstream.port) != (host, int(port or 80)):
                self.upstream.close()
                self.upstream.host, self.upstream.port = host, int(port or 80)
            target = "/" + path
        self.upstream.putrequest(self.method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers:
            if name.lower() not in HOP_BY_HOP and name.lower() != "content-length":
                self.upstream.putheader(name, value)
        self.upstream.putheader("Content-Length", str(len(body)))
        self.upstream.endheaders(body)
        response = self.upstream.getresponse()
        headers = [(name, value) for name, value in response.getheaders()
                   if name.lower() not in HOP_BY_HOP and name.lower() != "content-length"]
        return response.status, headers, response.read()

    def response_bytes(self, status, headers, body):
        lines = [f"HTTP/1.1 {status} {http.client.responses.get(status, 'Unknown')}"]
        lines += [f"{name}: {value}" for name, value in headers]
        lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (b"" if self.method == "HEAD" else body)

    def reply(self, status, headers, body):
        self.client.sendall(self.response_bytes(status, headers, body))


def _end_with_reset(client):
    """The close() to come sends a RST rather than a FIN."""
    with contextlib.suppress(OSError):
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
