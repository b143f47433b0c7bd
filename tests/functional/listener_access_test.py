"""Who may submit through a listener, as whom and how fast: tokens, addresses, rates; and what others see of it."""

import hashlib

import pytest
from relay import HL7, await_true, command, head, hl7


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def make_listener(make_relay, tmp_path):
    (tmp_path / "archive").mkdir()

    def make(**listener):
        relay = make_relay({"destinations": {"archive": {"type": "directory", "path": str(tmp_path / "archive")}}}, start=False)
        relay.config["intake"]["http"] = [{"listen": f"127.0.0.1:{relay.port}", **listener}]
        relay.update({})
        return relay.start()
    return make


def post(relay, token=None, **headers):
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    return relay.post(hl7(), **headers)


def test_tokens_say_who_is_sending(make_listener):
    relay = make_listener(client="lab.default", tokens=[
        {"token_sha256": sha256("old-a"), "client": "lab.a"}, {"token_sha256": sha256("new-a"), "client": "lab.a"},
        {"token_sha256": sha256("b"), "client": "lab.b"}, {"token_sha256": sha256("anybody")}])
    for token in (None, "other", "", sha256("old-a")):
        refused = post(relay, token)
        assert refused.status == 401 and refused.problem == "unauthenticated", token
        assert refused.header("WWW-Authenticate") == "Bearer"
    assert post(relay, "old-a").json()["client"] == post(relay, "new-a").json()["client"] == "lab.a"
    assert post(relay, "b", client="lab.b").json()["client"] == "lab.b"
    contradiction = post(relay, "b", Relay_Client="lab.a")
    assert contradiction.status == 403 and contradiction.problem == "client_not_allowed"
    assert post(relay, "anybody", client="lab.c").json()["client"] == "lab.c"
    assert post(relay, "anybody").json()["client"] == "lab.default"
    # Credentials come before path and method.
    assert relay.request("GET", "/nothing").status == 401
    assert relay.request("GET", "/nothing", {"Authorization": "Bearer b"}).status == 404
    assert relay.request("DELETE", "/v1/submissions", {"Authorization": "Bearer b"}).status == 405
    for token in ("old-a", "new-a", "anybody"):
        assert token not in relay.log()


def test_anothers_submission_is_not_there(make_listener):
    relay = make_listener(tokens=[{"token_sha256": sha256("a"), "client": "lab.a"}, {"token_sha256": sha256("b"), "client": "lab.b"}])
    location = post(relay, "a", Relay_Payload_Name="results.hl7").header("Location")

    def get(token, path=location):
        return relay.request("GET", path, {"Authorization": f"Bearer {token}"})
    shown = get("a")
    assert shown.status == 200 and shown.json()["payload_name"] == "results.hl7"
    foreign, missing = get("b"), get("b", "/v1/submissions/01890000-0000-7000-8000-000000000000")
    assert foreign.status == missing.status == 404
    assert foreign.body == missing.body, "nobody learns that it exists"
    history = location.replace("/v1/submissions/", "/api/waters/report/") + "/history"
    assert get("a", history).status == 200 and get("b", history).status == 404
    assert relay.request("GET", location).status == 401


def test_where_nobody_is_asked_names_are_not_shown(make_listener):
    relay = make_listener(client="lab.default")
    location = post(relay, Relay_Payload_Name="results.hl7").header("Location")
    shown = relay.request("GET", location)
    assert shown.status == 200 and shown.json()["payload_name"] is None
    assert all("remote_text" not in (each["last_error"] or {}) for each in shown.json()["deliveries"])


def test_only_named_addresses_may_connect(make_listener):
    relay = make_listener(client="lab.default", allow_from=["10.1.2.0/24"])
    refused = post(relay)
    assert refused.status == 403 and refused.problem == "client_not_allowed"
    relay.config["intake"]["http"][0]["allow_from"] = ["10.1.2.0/24", "127.0.0.0/8"]
    relay.update({})
    assert relay.command("reload").returncode == 0
    assert post(relay).status == 202


def test_a_client_over_its_rate_waits(make_listener):
    relay = make_listener(client="lab.default", rate="1/h")
    assert post(relay).status == 202
    refused = post(relay)
    assert refused.status == 429 and refused.problem == "rate_limited"
    assert 1 <= int(refused.header("Retry-After")) <= 3600
    assert post(relay, client="lab.other").status == 202
    # What is wrong with the request itself is said first, and costs nothing.
    assert relay.post(hl7(), content_type="image/png", client="lab.third").status == 415
    assert post(relay, client="lab.third").status == 202
    assert relay.metrics()['edge_relay_submissions_refused_total{intake="http",reason="rate_limited"}'] == 1


def test_tokens_are_replaced_at_a_reload(make_listener):
    relay = make_listener(tokens=[{"token_sha256": sha256("old"), "client": "lab.a"}])
    assert post(relay, "old").status == 202
    with relay.connect() as kept:
        relay.config["intake"]["http"][0]["tokens"] = [{"token_sha256": sha256("new"), "client": "lab.a"}]
        relay.update({})
        assert relay.command("reload").returncode == 0
        payload = hl7()
        kept.send(head("POST", "/v1/submissions", {"Content-Type": HL7, "Authorization": "Bearer old",
                                                   "Content-Length": str(len(payload))}) + payload)
        assert kept.read().status == 401, "also on a connection from before"
    await_true(lambda: post(relay, "new").status == 202, "the new token is taken")


def test_a_new_token_is_made_and_works(make_listener):
    made = command("token", "new", "--client", "lab.a")
    assert made.returncode == 0
    lines = dict(line.split(": ", 1) for line in made.stdout.decode().splitlines())
    assert sha256(lines["token"]) == lines["token_sha256"]
    relay = make_listener(tokens=[{"token_sha256": lines["token_sha256"], "client": "lab.a"}])
    assert post(relay, lines["token"]).json()["client"] == "lab.a"
    assert command("token", "new", "--admin", "on-call").returncode == 0
    for wrong in (["token"], ["token", "new"], ["token", "new", "--client", "a b"], ["token", "new", "--client", "a", "--admin", "b"]):
        assert command(*wrong).returncode == 2, wrong


def test_bad_access_keys_are_told(make_relay, tmp_path):
    relay = make_relay({"destinations": {"archive": {"type": "directory", "path": str(tmp_path)}}}, start=False)
    for keys, wanted in (({"tokens": [{"token_sha256": sha256("x").upper(), "client": "lab.a"}]}, b"lower-case hex"),
                         ({"tokens": [{"client": "lab.a"}]}, b"needs token_sha256"), ({"rate": "fast"}, b"isn't a rate"),
                         ({"rate": "0/s"}, b"isn't a rate"), ({"allow_from": ["10.1.2.3/24"]}, b"isn't a network"),
                         ({"reportstream_status": 204}, b"isn't 201 or 202"), ({"public_keys": [{"client": "lab.a"}]}, b"needs `key`")):
        relay.config["intake"]["http"] = [{"listen": f"127.0.0.1:{relay.port}", **keys}]
        relay.update({})
        result = relay.command("check")
        assert result.returncode == 78 and wanted in result.stderr, (keys, result.stderr)


CSV = "text/csv"


def test_csv_is_checked_at_the_door(make_relay, tmp_path):
    relay = make_relay({"destinations": {"archive": {"type": "directory", "path": str(tmp_path)}}, "intake": {"validate": "envelope"}})
    assert relay.post(b"a,b\r\n\"x, y\",\"1\n2\"\r\n", CSV).status == 202
    for payload, line in ((b"a,b\n1,2\nSMITH^JANE\n", "line 3"), (b"a,b\n" + b"1,2\n" * 10_001, "line 10002"),
                          (b"," * 2_000, "line 1"), (b"a,b\n\"SMITH^JANE\n", "line 2")):
        refused = relay.post(payload, CSV)
        assert refused.status == 400 and refused.problem == "invalid_payload"
        assert line in refused.json()["detail"] and b"SMITH" not in refused.body
    assert relay.post(b"a,b\n" + b"1,2\n" * 10_000, CSV).status == 202
