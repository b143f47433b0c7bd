"""What arrives at Azure, read back with Microsoft's SDK: the exact message, blob and table row that ReportStream reads.

The example to copy when you write the next functional test:
 - a file is named <area>_<what>_test.py; a test is named for what it protects;
 - `azure_relay` (conftest.py) is the real program with one destination in the emulator; `make_relay` takes any
   configuration, merged over a small default with free ports and a journal in the test's own folder;
 - nothing sleeps: await_state() and await_true() poll for a condition and say what they saw when it doesn't come;
 - at the end every relay is stopped with SIGTERM and has to exit with 0.
"""

import hashlib
import json
import re
from base64 import b64decode

import pytest
from azurite import ACCOUNT, KEY
from relay import FHIR, HL7, fhir, hl7, reportstream_digest

pytestmark = pytest.mark.main

UUID_V7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def payload_with_digest_bytes():
    """An HL7 payload whose SHA-256 has a byte below 0x10 and one of 0x80 or more, where the quirk shows."""
    for number in range(1000):
        payload = hl7(f"DIGEST{number}")
        digest = hashlib.sha256(payload).digest()
        if min(digest) < 0x10 and max(digest) >= 0x80:
            return payload
    raise AssertionError("no such payload")


def test_the_digest_quirk_of_the_tests_is_reportstreams_own():
    """Two values taken from ReportStream's own code: the other tests here lean on this function."""
    assert reportstream_digest(b"abc") == (
        "ffffffba7816ffffffbfffffff8f1ffffffcfffffffea414140ffffffde5dffffffae2223ffffffb0361ffffffa3ffffff96177affff"
        "ff9cffffffb410ffffffff61fffffff2015ffffffad")
    assert reportstream_digest(b"MSH|^~\\&|LAB\r") == (
        "ffffffafffffffeeffffffd6ffffff973bffffffefffffff98ffffff89fffffff4ffffffd67bffffffa65bffffffabfffffffa62ffff"
        "ffe7fffffffb2ffffff8c6effffffc4ffffffa5ffffffb1ffffffa075ffffffb8ffffff9f3a691effffffbf")


@pytest.mark.parametrize("content_type, extension", [(HL7, "hl7"), (FHIR, "fhir")])
def test_message_blob_and_row_are_what_reportstream_reads(azure_relay, storage, azurite, content_type, extension):
    payload = payload_with_digest_bytes() if content_type == HL7 else fhir(2)
    identifier = azure_relay.submit(payload, content_type, client="State-X.Lab_One", payloadName="Sample One.dat")
    assert UUID_V7.fullmatch(identifier)
    submission = azure_relay.await_state(identifier, "delivered")

    url = (f"http://127.0.0.1:{azurite.blob_port}/{ACCOUNT}/{storage.container_name}"
           f"/receive/state-x.lab_one/{identifier}.{extension}")
    texts = storage.texts()
    assert len(texts) == 1
    # 64 KiB is Azure's limit, and the reader wants base64 without line breaks.
    assert b64decode(texts[0], validate=True) and len(texts[0]) <= 65536
    assert json.loads(b64decode(texts[0])) == {
        "type": "receive",
        "reportId": identifier,
        "blobURL": url,
        "digest": reportstream_digest(payload),
        "blobSubFolderName": "state-x.lab_one",
        "headers": ["java.util.LinkedHashMap", {
            "client_id": "State-X.Lab_One", "content-type": content_type, "payloadname": "Sample One.dat",
            "content-length": str(len(payload))}],
        "messageQueueName": storage.queue_name,
    }
    assert storage.blob_names() == [f"receive/state-x.lab_one/{identifier}.{extension}"]
    assert storage.blob(url) == payload
    (row,) = storage.rows()
    assert (row["PartitionKey"], row["RowKey"], row["body_url"]) == (identifier, "Received", url)

    (delivery,) = submission["deliveries"]
    assert delivery["receipt"]["blob_url"] == url
    assert delivery["receipt"]["message_id"]
    assert (delivery["attempts"], delivery["confirmation"]) == (1, "none")
    assert delivery["delivered_at"] and delivery["last_error"] is None


def test_a_payload_without_a_name_has_no_payloadname(azure_relay, storage):
    azure_relay.await_state(azure_relay.submit(hl7()), "delivered")
    (envelope,) = storage.envelopes()
    assert set(envelope["headers"][1]) == {"client_id", "content-type", "content-length"}
    assert envelope["headers"][1]["client_id"] == "lab.default"


def test_content_type_parameters_stay_out_of_the_message(azure_relay, storage):
    azure_relay.await_state(azure_relay.submit(hl7(), "Application/HL7-V2; charset=ISO-8859-1"), "delivered")
    (envelope,) = storage.envelopes()
    assert envelope["headers"][1]["content-type"] == HL7


def test_300_kb_go_by_claim_check(azure_relay, storage):
    payload = hl7("BIG", extra=b"".join(b"\rNTE|%d||SYNTHETIC NOTE %s" % (n, b"x" * 80) for n in range(3000)))
    assert len(payload) > 300_000
    submission = azure_relay.await_state(azure_relay.submit(payload), "delivered")
    (text,) = storage.peek()
    assert len(text) < 2000
    assert submission["size"] == len(payload)
    assert submission["sha256"] == hashlib.sha256(payload).hexdigest()
    assert storage.blob(storage.envelopes()[0]["blobURL"]) == payload


@pytest.mark.parametrize("name, payload", [
    ("CR line ends and Latin-1", hl7("LATIN", extra=b"\rNTE|1||J\xf6rg \xe9\xff\x80")),
    ("CRLF line ends", hl7("CRLF").replace(b"\r", b"\r\n")),
    ("LF line ends", hl7("LF").replace(b"\r", b"\n")),
    ("every byte value", hl7("BYTES", extra=bytes(range(256)))),
    ("a byte order mark", b"\xef\xbb\xbf" + hl7("BOM")),
    ("no line end at the end", hl7("NOEND").rstrip(b"\r")),
])
def test_bytes_delivered_are_the_bytes_received(azure_relay, storage, name, payload):
    azure_relay.await_state(azure_relay.submit(payload), "delivered")
    (envelope,) = storage.envelopes()
    assert storage.blob(envelope["blobURL"]) == payload
    assert envelope["digest"] == reportstream_digest(payload)
    assert envelope["headers"][1]["content-length"] == str(len(payload))


@pytest.mark.parametrize("size", [65535, 65536, 65537, 262144, 262145, 3_000_000])
def test_sizes_around_the_journals_own_bounds(azure_relay, storage, size):
    payload = hl7("SIZE", extra=b"\rNTE|1||")
    payload += b"z" * (size - len(payload))
    azure_relay.await_state(azure_relay.submit(payload), "delivered")
    assert storage.blob(storage.envelopes()[0]["blobURL"]) == payload


@pytest.mark.parametrize("encoding", ["base64", "text"])
def test_raw_envelope_is_the_payload_itself(make_relay, storage, encoding):
    relay = make_relay({"destinations": {"queue": storage.destination(envelope="raw", encoding=encoding)}})
    payload = hl7("RAW", extra=b"\rNTE|1||<&>\"'\xc3\xa9") if encoding == "text" else hl7("RAW", extra=b"\xff\x00\x01")
    relay.await_state(relay.submit(payload), "delivered")
    (text,) = storage.texts()
    assert (b64decode(text, validate=True) if encoding == "base64" else text.encode()) == payload
    assert storage.blob_names() == [] and storage.rows() == []


def test_a_raw_payload_that_does_not_fit_is_413_at_the_door(make_relay, storage):
    relay = make_relay({"destinations": {"queue": storage.destination(envelope="raw")}})
    largest = hl7("FITS")
    largest += b"z" * (49152 - len(largest))
    relay.await_state(relay.submit(largest), "delivered")
    answer = relay.post(largest + b"z")
    assert (answer.status, answer.problem) == (413, "payload_too_large")


def test_message_ttl_is_never_by_default(azure_relay, storage):
    azure_relay.await_state(azure_relay.submit(hl7()), "delivered")
    (message,) = storage.queue.peek_messages()
    assert message.expires_on.year == 9999


def test_table_none_writes_no_row(make_relay, storage):
    relay = make_relay({"destinations": {"reportstream": storage.destination(table="none")}})
    relay.await_state(relay.submit(hl7()), "delivered")
    assert len(storage.texts()) == 1
    assert storage.rows() == []


def test_create_true_makes_what_is_missing(make_relay, azurite):
    storage = azurite.storage(create=False)
    relay = make_relay({"destinations": {"reportstream": storage.destination(create=True)}})
    relay.await_state(relay.submit(hl7()), "delivered")
    (envelope,) = storage.envelopes()
    assert storage.blob(envelope["blobURL"]).startswith(b"MSH|")
    assert len(storage.rows()) == 1


def test_separate_endpoints_and_sas_of_each_service(make_relay, azurite, storage):
    endpoint = azurite.endpoints()
    relay = make_relay({"destinations": {"reportstream": storage.destination(
        connection_string=None, queue_endpoint=endpoint["queue"], blob_endpoint=endpoint["blob"],
        table_endpoint=endpoint["table"], queue_sas=azurite.sas("queue", "a"), blob_sas=azurite.sas("blob", "cw"),
        table_sas=azurite.sas("table", "a"))}})
    relay.await_state(relay.submit(hl7()), "delivered")
    (envelope,) = storage.envelopes()
    assert "sig=" not in envelope["blobURL"]
    assert storage.blob(envelope["blobURL"]).startswith(b"MSH|")


def test_account_name_and_key(make_relay, azurite, storage):
    endpoint = azurite.endpoints()
    relay = make_relay({"destinations": {"reportstream": storage.destination(
        connection_string=None, queue_endpoint=endpoint["queue"], blob_endpoint=endpoint["blob"],
        table_endpoint=endpoint["table"], account_name=ACCOUNT, account_key=KEY)}})
    relay.await_state(relay.submit(hl7()), "delivered")
    assert len(storage.envelopes()) == 1
