"""The token exchange of `reportstream` against an OpenID provider that others wrote, which checks assertions for real:
signature, audience, times, and that each is used once."""

import json
import subprocess
from pathlib import Path

import pytest
from relay import command, hl7
from reportstream import ReportStream

pytestmark = pytest.mark.main

SUPPORT = Path(__file__).resolve().parents[1] / "support"
SCOPE = "lab.*.report"


class Provider:
    def __init__(self, jwk):
        jwks = json.dumps({"keys": [jwk]})
        self.process = subprocess.Popen(["node", str(SUPPORT / "oidc_server.mjs"), jwks, SCOPE, jwk["alg"]],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        port = next(line.split()[1] for line in self.process.stdout if line.startswith("port "))
        self.url = f"http://127.0.0.1:{port}"

    def stop(self):
        self.process.terminate()
        self.process.wait(20)
        self.process.stdout.close()


@pytest.fixture
def service():
    server = ReportStream()
    server.signed_in = lambda http: "lab" if http.headers.get("Authorization", "").startswith("Bearer ") else None
    yield server
    server.close()


@pytest.fixture(params=["RS256", "ES256", "RS384", "ES384"])
def provider(request, tmp_path):
    made = command("key", "new", "--algorithm", request.param, "--output", tmp_path / "key.pem")
    started = Provider(json.loads(made.stdout))
    started.auth = {"type": "private_key_jwt", "key": f"${{file:{tmp_path / 'key.pem'}}}", "issuer": "lab",
                    "token_url": f"{started.url}/token", "audience": started.url, "algorithm": request.param}
    yield started
    started.stop()


def test_the_exchange_holds(make_relay, service, provider):
    relay = make_relay({"destinations": {"rs": {"type": "reportstream", "url": service.url, "auth": provider.auth,
                                                "follow_up": False, "timeout": "20s"}}})
    identifiers = [relay.submit(hl7())]
    relay.await_state(identifiers[0], "delivered", timeout=60)
    assert len(service.of(identifiers[0])) == 1
    refused = make_relay({"destinations": {"rs": {"type": "reportstream", "url": service.url, "follow_up": False,
                                                  "timeout": "20s", "auth": provider.auth | {"audience": "another"}}}})
    delivery = refused.await_delivery(refused.submit(hl7()), lambda each: each["last_error"] is not None, "the circuit")
    assert delivery["last_error"]["kind"] == "sign_in"
    assert "invalid_client" in delivery["last_error"]["message"]
    # It grants what it knows and leaves out the rest, with 200.
    other = make_relay({"destinations": {"rs": {"type": "reportstream", "url": service.url, "follow_up": False, "timeout": "20s",
                                                "auth": provider.auth | {"scope": "lab.*.user"}}}})
    delivery = other.await_delivery(other.submit(hl7()), lambda each: each["last_error"] is not None, "the circuit")
    assert delivery["last_error"]["kind"] == "sign_in"
