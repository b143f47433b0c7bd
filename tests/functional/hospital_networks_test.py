"""What stands between a laboratory and the world, for each destination over HTTP: a portal's page, a proxy that wants a
sign-in, a redirect to a login page, names that don't resolve, IPv6 that hangs, a proxy that looks into TLS.

Each time twenty submissions are queued while it lasts: none is delivered, none dead, none has an attempt counted, and the
error says what it is. Once it is mended, all twenty arrive once. A new destination is one row of SERVICES.
"""

import base64
import contextlib
import socket
import ssl
import subprocess
from collections import Counter

import pytest
from azurite import ACCOUNT, KEY
from endpoint import Endpoint
from fault_proxy import FaultProxy, Rule, answer, html
from relay import BINARY, await_true, hl7
from reportstream import ReportStream
from s3_service import S3Service
from tls import Identity

QUICK = {"initial": "100ms", "max": "300ms"}
COUNT = 20


# ---- The services: where each is, its configuration at some address, and which submissions have arrived ----

class AzureQueue:
    def __init__(self, storage):
        self.storage = storage
        self.ports = {"queue": storage.azurite.queue_port, "blob": storage.azurite.blob_port}
        self.port = self.ports["blob"]

    def keys(self, url):
        # Both services are reached over one way in, which tells them apart by the path.
        return {key: value for key, value in self.storage.destination(
            connection_string=None, queue_endpoint=f"{url}/{ACCOUNT}", blob_endpoint=f"{url}/{ACCOUNT}",
            account_name=ACCOUNT, account_key=KEY, table="none").items() if value is not None}

    def arrived(self):
        return [each["blobURL"].rsplit("/", 1)[1] for each in self.storage.envelopes()]

    def upstream(self, target):
        return self.ports["queue"] if f"/{self.storage.queue_name}/messages" in target else self.ports["blob"]

    def close(self):
        pass


class Api:
    def __init__(self, _):
        self.server = ReportStream()
        self.server.function_keys.add("PLANTEDkey")
        self.port = self.server.port

    def keys(self, url):
        return {"type": "reportstream", "url": url, "auth": {"type": "function_key", "key": "PLANTEDkey"}, "follow_up": False}

    def arrived(self):
        return [each.name for each in self.server.submissions]

    def upstream(self, _):
        return self.port

    def close(self):
        self.server.close()


class Http:
    def __init__(self, _):
        self.server = Endpoint(authorization="Bearer PLANTEDtoken")
        self.port = self.server.port

    def keys(self, url):
        return {"type": "http", "url": f"{url}/results/{{id}}", "auth": {"type": "bearer", "token": "PLANTEDtoken"}}

    def arrived(self):
        return [each[1] for each in self.server.bodies]

    def upstream(self, _):
        return self.port

    def close(self):
        self.server.close()


class S3:
    def __init__(self, _):
        self.server = S3Service(secret_key="PLANTEDkey", token="PLANTEDtoken")
        self.port = self.server.port

    def keys(self, url):
        return self.server.destination(endpoint=url, session_token=self.server.token)

    def arrived(self):
        return [key for key, stored in self.server.objects.items() for _ in range(stored.writes)]

    def upstream(self, _):
        return self.port

    def close(self):
        self.server.close()
        assert self.server.findings == []


SERVICES = [AzureQueue, Api, Http, S3]


@pytest.fixture(params=SERVICES, ids=lambda each: each.__name__)
def service(request, storage):
    made = request.param(storage)
    yield made
    made.close()


class WayIn(FaultProxy):
    """A fault proxy before all of a service's ports."""

    def __init__(self, service, tls=None):
        super().__init__(service.port, tls=tls)
        self.service = service

    def _choose(self, exchange):
        port = self.service.upstream(exchange.target)
        if exchange.upstream.port != port:
            exchange.upstream.close()
            exchange.upstream.port = port
        return super()._choose(exchange)


@pytest.fixture
def way_in(service):
    proxy = WayIn(service).start()
    yield proxy
    proxy.stop()


def destination(service, url, **keys):
    return {"destinations": {"away": service.keys(url) | {"backoff": QUICK, "timeout": "20s", **keys}}}


def queue_while_it_lasts(relay, kind, probes=3):
    """Twenty that stay where they are; their identifiers."""
    identifiers = [relay.submit(hl7()) for _ in range(COUNT)]
    for identifier in identifiers:
        delivery = relay.await_delivery(identifier, lambda each: each["last_error"], "an error", timeout=60)
        assert (delivery["state"], delivery["attempts"], delivery["last_error"]["kind"]) == ("queued", 0, kind), delivery
    # It goes on for a while: probes come, and change nothing.
    started = relay.metrics()['edge_relay_attempts_total{destination="away",outcome="broken"}']
    await_true(lambda: relay.metrics()['edge_relay_attempts_total{destination="away",outcome="broken"}'] >= started + probes,
               "more probes", timeout=60)
    for identifier in identifiers:
        delivery = relay.get(identifier)["deliveries"][0]
        assert (delivery["state"], delivery["attempts"]) == ("queued", 0), delivery
    return identifiers


def all_arrive_once(relay, service, identifiers, time_is_short=False):
    """With a short time-out an answer may come too late for it; what is sent again then is counted."""
    for identifier in identifiers:
        relay.await_state(identifier, "delivered", timeout=60)
    arrived = service.arrived()
    repeats = relay.metrics()['edge_relay_possible_repeats_total{destination="away"}']
    counted = Counter(next(each for each in identifiers if each in name) for name in arrived)
    assert set(counted) == set(identifiers) and len(arrived) <= COUNT + repeats, counted
    assert repeats == 0 or time_is_short
    relay.check_totals()
    assert "PLANTED" not in relay.log()


def mend_by_reload(relay, **keys):
    relay.update({"destinations": {"away": keys}})
    result = relay.command("reload")
    assert result.returncode == 0, result.stderr


# ---- The networks ----

def test_a_portals_page(make_relay, service, way_in):
    way_in.add(Rule(html()))
    relay = make_relay(destination(service, f"http://127.0.0.1:{way_in.port}"))
    identifiers = queue_while_it_lasts(relay, "unexpected_answer")
    assert service.arrived() == []
    way_in.clear()
    all_arrive_once(relay, service, identifiers)


def test_a_redirect_to_a_login_page_is_never_followed(make_relay, make_proxy, service, way_in):
    login = make_proxy(1)
    login.add(Rule(html()))
    way_in.add(Rule(answer(302, b"", {"Location": f"http://127.0.0.1:{login.port}/login"})))
    relay = make_relay(destination(service, f"http://127.0.0.1:{way_in.port}"))
    identifiers = queue_while_it_lasts(relay, "redirect")
    way_in.clear()
    all_arrive_once(relay, service, identifiers)
    assert login.requests == [], "neither payloads nor credentials go to a redirect's target"


def test_a_proxy_that_wants_a_sign_in(make_relay, make_proxy, service, way_in):
    """The credentials go to the proxy, and to nobody behind it."""
    proxy = make_proxy(1)  # every request names where it wants to go
    proxy.add(Rule(answer(407, b"", {"Proxy-Authenticate": "Basic realm=hospital"})))
    relay = make_relay(destination(service, f"http://127.0.0.1:{way_in.port}", proxy=f"http://127.0.0.1:{proxy.port}",
                                   proxy_credentials="lab:PLANTED pass"))
    identifiers = queue_while_it_lasts(relay, "proxy")
    assert way_in.requests == []
    proxy.clear()
    all_arrive_once(relay, service, identifiers)
    expected = "Basic " + base64.b64encode(b"lab:PLANTED pass").decode()
    assert {each.header("Proxy-Authorization") for each in proxy.requests} == {expected}
    assert {each.header("Proxy-Authorization") for each in way_in.requests} == {None}


def test_a_proxy_that_is_away_until_no_proxy_goes_around_it(make_relay, make_proxy, service, way_in):
    proxy = make_proxy(1)
    proxy.stop()
    relay = make_relay(destination(service, f"http://127.0.0.1:{way_in.port}", proxy=f"http://127.0.0.1:{proxy.port}"))
    identifiers = queue_while_it_lasts(relay, "proxy")
    mend_by_reload(relay, no_proxy=["127.0.0.0/8"])
    all_arrive_once(relay, service, identifiers)


def test_a_proxy_that_looks_into_tls(make_relay, service, tmp_path):
    authority = Identity(tmp_path, "hospital", "Hospital inspection")
    shown = Identity(tmp_path, "shown", "shown", dns=["localhost"], issuer=authority)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(shown.certificate, shown.key)
    inspecting = WayIn(service, tls=context).start()
    try:
        relay = make_relay(destination(service, f"https://127.0.0.1:{inspecting.port}"))
        identifiers = queue_while_it_lasts(relay, "tls")
        assert inspecting.requests == []
        mend_by_reload(relay, ca_file=str(authority.certificate))
        all_arrive_once(relay, service, identifiers)
    finally:
        inspecting.stop()


def test_names_that_do_not_resolve(make_relay, service, way_in, tmp_path):
    """An hour without DNS, made short: the relay has a hosts file of its own, and no name server."""
    hosts, servers = tmp_path / "hosts", tmp_path / "resolv.conf"
    hosts.write_text("127.0.0.1 localhost\n")
    servers.write_text("options timeout:1 attempts:1\n")
    relay = make_relay(destination(service, f"http://service.hospital.test:{way_in.port}"), start=False)
    with open(relay.log_file, "ab") as log:
        relay.process = subprocess.Popen(
            ["unshare", "-m", "/bin/sh", "-c", 'mount --make-rprivate / && mount --bind "$2" /etc/hosts && '
             'mount --bind "$3" /etc/resolv.conf && exec "$0" run --config "$1"', BINARY, relay.file, hosts, servers],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    relay.await_ready()
    identifiers = queue_while_it_lasts(relay, "dns")
    with open(hosts, "a") as names:  # the same file: a new one wouldn't be the one that is mounted
        names.write("127.0.0.1 service.hospital.test\n")
    all_arrive_once(relay, service, identifiers)


@contextlib.contextmanager
def ipv6_that_hangs(port):
    """Nobody answers at [::1]:port, not even with a refusal: its backlog is full."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket(socket.AF_INET6))
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("::1", port))
        listener.listen(0)
        for _ in range(8):
            filler = stack.enter_context(socket.socket(socket.AF_INET6))
            filler.settimeout(0.2)
            with contextlib.suppress(TimeoutError):
                filler.connect(("::1", port))
                continue
            break
        else:
            pytest.skip("this system's backlog can't be filled")
        yield


def test_ipv6_that_hangs(make_relay, service, way_in):
    """The name has both kinds of address. While IPv4 is away, too, nothing gets through; then IPv4 alone will do."""
    way_in.stop()
    with ipv6_that_hangs(way_in.port):
        relay = make_relay(destination(service, f"http://localhost:{way_in.port}", timeout="2s"))
        identifiers = queue_while_it_lasts(relay, "unreachable", probes=1)
        way_in.start()
        all_arrive_once(relay, service, identifiers, time_is_short=True)
