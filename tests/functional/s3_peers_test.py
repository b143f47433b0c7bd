"""Destination `s3` against an implementation of S3 that others wrote (npm's s3rver): buckets in the path and in the host's
name, names that need percent-encoding, metadata, and what `check --connect` says. It knows keys and no secrets: signatures are
computed again in s3_test.py."""

import subprocess
from pathlib import Path

import botocore.session
import pytest
from ports import free_port
from raw_http import await_true, request
from relay import FHIR, command, fhir, hl7

pytestmark = pytest.mark.main

PROGRAM = Path(__file__).resolve().parents[1] / "support/peers/node_modules/s3rver/bin/s3rver.js"
KEY, SECRET = "S3RVER", "S3RVER"  # the only ones that it knows


class S3rver:
    def __init__(self, folder):
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        self.log = folder / "s3rver.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                ["node", PROGRAM, "--directory", folder / "buckets", "--address", "127.0.0.1", "--port", str(self.port),
                 "--service-endpoint", "localhost", "--configure-bucket", "reports"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        await_true(self._answers, "s3rver answers", timeout=60)

    def _answers(self):
        try:
            return request(("127.0.0.1", self.port), "GET", "/").status > 0
        except OSError:
            return False

    def stop(self):
        self.process.terminate()
        self.process.wait(20)

    def destination(self, **keys):
        return {"type": "s3", "endpoint": self.url, "region": "us-east-1", "bucket": "reports", "access_key": KEY, "secret_key": SECRET,
                "timeout": "20s", **keys}

    def object(self, key):
        """As Amazon's own library reads it back."""
        client = botocore.session.get_session().create_client("s3", "us-east-1", endpoint_url=self.url, aws_access_key_id=KEY,
                                                              aws_secret_access_key=SECRET)
        found = client.get_object(Bucket="reports", Key=key)
        return found | {"bytes": found["Body"].read()}


@pytest.fixture
def peer(tmp_path):
    started = S3rver(tmp_path)
    yield started
    started.stop()


def test_a_bucket_in_the_path(make_relay, peer):
    relay = make_relay({"destinations": {"lake": peer.destination()}})
    payload = fhir(3)
    identifier = relay.submit(payload, FHIR, client="lab.Files")
    receipt = relay.await_state(identifier, "delivered")["deliveries"][0]["receipt"]
    found = peer.object(f"lab.Files/{identifier}.fhir")
    assert (found["bytes"], found["ContentType"], found["Metadata"]) == (payload, FHIR, {"edge-relay-id": identifier})
    assert receipt == {"bucket": "reports", "key": f"lab.Files/{identifier}.fhir", "etag": found["ETag"]}
    relay.check_totals()


def test_a_bucket_in_the_hosts_name_and_a_key_to_be_encoded(make_relay, peer):
    relay = make_relay({"destinations": {"lake": peer.destination(
        endpoint=peer.url.replace("localhost", "s3.localhost"), key="~lab 014/Sénd+To/{client}~{payload_name}~STOP~{id}.{extension}",
        content_type="text/plain", metadata={"AIMSPlatformFilename": "{id}.{extension}", "AIMSPlatformSender": "LAB 014"})}})
    payload = hl7()
    identifier = relay.submit(payload, relay_payload_name="a b.txt")
    relay.await_state(identifier, "delivered")
    found = peer.object(f"~lab 014/Sénd+To/lab.default~a%20b.txt~STOP~{identifier}.hl7")
    assert (found["bytes"], found["ContentType"]) == (payload, "text/plain")
    assert found["Metadata"] == {"edge-relay-id": identifier, "aimsplatformfilename": f"{identifier}.hl7", "aimsplatformsender": "LAB 014"}


@pytest.mark.parametrize("keys, code, word", [
    ({}, 0, "it is there, and the sign-in holds"), ({"bucket": "others"}, 1, "NoSuchBucket"),
    ({"access_key": "x"}, 1, "InvalidAccessKeyId")], ids=["right", "bucket", "access key"])
def test_check_tells_what_is_wrong(make_relay, peer, keys, code, word):
    relay = make_relay({"destinations": {"lake": peer.destination(**keys)}}, start=False)
    result = command("check", "--connect", "--config", relay.file)
    assert result.returncode == code and word in (result.stdout + result.stderr).decode(), result


def test_keys_that_are_wrong_lose_nothing(make_relay, peer, tmp_path):
    (tmp_path / "key").write_text("wrong\n")
    relay = make_relay({"destinations": {"lake": peer.destination(access_key=f"${{file:{tmp_path}/key}}",
                                                                  backoff={"initial": "50ms", "max": "300ms"})}})
    identifier = relay.submit(hl7())
    delivery = relay.await_delivery(identifier, lambda each: each["last_error"] is not None, "an error")
    assert (delivery["state"], delivery["attempts"], delivery["last_error"]["kind"]) == ("queued", 0, "sign_in")
    (tmp_path / "key").write_text(KEY + "\n")
    relay.await_state(identifier, "delivered")
    assert peer.object(f"lab.default/{identifier}.hl7")["Metadata"] == {"edge-relay-id": identifier}
