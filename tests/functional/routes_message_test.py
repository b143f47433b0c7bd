"""Routes by what an HL7 message says of itself (MSH-3, MSH-4, MSH-9), over HTTP and MLLP, and `edge-relay route`."""

import pytest
from mllp import MllpConnection
from ports import free_ports
from relay import HL7, hl7

ROUTES = [{"match": {"msh3": "EPIC", "msh4": "HOSP*"}, "to": ["a"]},
          {"match": {"msh9": "ADT^A0*"}, "to": ["b"]},
          {"match": {"msh3": "SMALL"}, "to": ["small"]}]


def message(application=b"LIS", facility=b"LAB", kind=b"ORU^R01^ORU_R01", rest=b""):
    return b"MSH|^~\\&|" + application + b"|" + facility + b"|R|S|20261124180000||" + kind + b"|M-1|T|2.5.1\r" + rest


@pytest.fixture
def routed(make_relay, azurite, storage, tmp_path):
    """Directories a and b, and a queue that takes little; and an MLLP listener at `relay.mllp`."""
    (port,) = free_ports(1)
    for name in "ab":
        (tmp_path / name).mkdir()
    relay = make_relay({
        "intake": {"mllp": [{"listen": f"127.0.0.1:{port}", "client": "lab.lis"}]},
        "destinations": {"small": storage.destination(envelope="raw"),
                         **{name: {"type": "directory", "path": str(tmp_path / name)} for name in "ab"}},
        "routes": ROUTES})
    relay.mllp = port
    return relay


def destinations_of(relay, payload, **options):
    answer = relay.post(payload, **options)
    assert answer.status == 202, answer.body
    return [each["destination"] for each in answer.json()["deliveries"]]


def problem_of(relay, payload, *arguments):
    answer = relay.post(payload, *arguments)
    return answer.status, answer.problem


def test_over_http(routed):
    assert destinations_of(routed, message(b"EPIC", b"HOSP-7")) == ["a"]
    assert destinations_of(routed, message(b"EPIC^1.2.3^ISO", b"HOSP^2.3^ISO")) == ["a"]
    assert destinations_of(routed, message(kind=b"ADT^A04^ADT_A01")) == ["b"]
    assert destinations_of(routed, b"\xef\xbb\xbf" + message(kind=b"ADT^A08")) == ["b"]
    # In a batch the first message says it; its segments may end as they like.
    batch = b"FHS|^~\\&|X\rBHS|^~\\&|X\r" + message(b"EPIC", b"HOSP") + b"BTS|1\rFTS|1\r"
    assert destinations_of(routed, batch.replace(b"\r", b"\r\n")) == ["a"]
    assert problem_of(routed, message(b"EPIC", b"LAB")) == (422, "no_route")
    assert problem_of(routed, message(kind=b"ORU^R01")) == (422, "no_route")
    assert problem_of(routed, b'{"resourceType":"Bundle"}\n', "application/fhir+ndjson") == (422, "no_route")
    # Large enough to be journalled in chunks.
    assert destinations_of(routed, message(b"EPIC", b"HOSP", rest=b"OBX|1|" + b"x" * 700_000)) == ["a"]


def test_what_the_routes_destination_cannot_take_is_refused_though_another_route_would(routed):
    big = b"OBX|1|" + b"x" * 70_000
    assert problem_of(routed, message(b"SMALL", rest=big)) == (413, "payload_too_large")
    assert destinations_of(routed, message(b"EPIC", b"HOSP", rest=big)) == ["a"]
    assert destinations_of(routed, message(b"SMALL")) == ["small"]


def test_over_mllp(routed):
    connection = MllpConnection(routed.mllp)
    assert connection.ask(message(b"EPIC", b"HOSP")).code == "AA"
    assert connection.ask(message(kind=b"ADT^A01")).code == "AA"
    # No route; and too large for what its route reaches.
    assert connection.ask(message()).code == "AR"
    assert connection.ask(message(b"SMALL", rest=b"OBX|1|" + b"x" * 70_000)).code == "AE"
    connection.close()
    found = routed.admin_socket("/v1/submissions?limit=100").json()["submissions"]
    assert [[each["destination"] for each in one["deliveries"]] for one in reversed(found)] == [["a"], ["b"]]


def test_the_command_says_where_it_would_go_and_why(routed, tmp_path):
    def route(payload, *options, type_=HL7):
        file = tmp_path / "payload"
        file.write_bytes(payload)
        return routed.command("route", file, "--client", "lab.x", "--content-type", type_, *options)
    result = route(message(b"EPIC", b"HOSP"))
    assert (result.returncode, result.stderr) == (0, b"")
    assert result.stdout.splitlines()[0] == b"route 1: MSH-3 EPIC, MSH-4 HOSP* -> a"
    assert b"in no order" in result.stdout
    assert b"from its client" in route(message(kind=b"ADT^A01"), "--intake", "mllp").stdout
    result = route(hl7())
    assert result.returncode == 1 and b"no_route" in result.stderr and result.stdout == b""
    result = route(message(b"SMALL", rest=b"OBX|1|" + b"x" * 70_000))
    assert result.returncode == 1 and b"payload_too_large" in result.stderr
    assert result.stdout.startswith(b"route 3:")
    with open(tmp_path / "huge", "wb") as file:
        file.truncate(1 << 32)
    result = routed.command("route", tmp_path / "huge", "--client", "lab.x", "--content-type", HL7)
    assert result.returncode == 1 and result.stderr.startswith(b"refused (413 payload_too_large): ")
    assert route(b"a,b\n", type_="text/rtf").returncode == 1
    assert routed.command("route", tmp_path / "absent", "--client", "lab.x").returncode == 1
    assert routed.command("route").returncode == 2
    assert {each["accepted"] for each in routed.status()["destinations"].values()} == {0}, "it sends nothing"
