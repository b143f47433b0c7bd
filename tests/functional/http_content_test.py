"""What is done to a body at the door: gzip is undone, a bomb is stopped, and CSV is counted."""

import base64
import gzip
import hashlib
import zlib

import pytest
from relay import HL7, hl7

pytestmark = pytest.mark.main
CSV = "text/csv"


def digest(data):
    return f"sha-256=:{base64.b64encode(hashlib.sha256(data).digest()).decode()}:"


def rows(count, columns=3):
    return b"".join(b",".join(b"%d" % column for column in range(columns)) + b"\n" for _ in range(count))


def test_gzip_is_undone_at_the_door(shared_relay):
    payload = hl7(extra=b"x" * 200_000)
    coded = gzip.compress(payload)
    answer = shared_relay.post(coded, Content_Encoding="gzip", Content_Digest=digest(coded), Idempotency_Key="as sent")
    assert answer.status == 202, answer.body
    taken = answer.json()
    assert taken["size"] == len(payload) and taken["sha256"] == hashlib.sha256(payload).hexdigest()
    plain = shared_relay.post(payload, Content_Digest=digest(payload), Idempotency_Key="as sent")
    assert plain.status == 202 and plain.json()["id"] == taken["id"] and plain.header("Idempotency-Replayed") == "true"
    assert shared_relay.post(coded, Content_Encoding="gzip", Content_Digest=digest(payload)).problem == "digest_mismatch"
    shared_relay.await_state(taken["id"], "delivered")
    assert (shared_relay.archive / f"{taken['id']}.hl7").read_bytes() == payload


@pytest.mark.parametrize("coding", ["br", "deflate", "gzip, gzip", "compress"])
def test_any_other_coding_is_415(shared_relay, coding):
    refused = shared_relay.post(gzip.compress(hl7()), Content_Encoding=coding)
    assert refused.status == 415 and refused.problem == "content_type_not_taken" and refused.header("Accept-Encoding") == "gzip"


def test_a_bomb_is_stopped_while_it_is_inflated(shared_relay):
    """150 megabytes in a few hundred kilobytes."""
    before = shared_relay.resident_bytes()
    squeezer = zlib.compressobj(9, wbits=31)
    bomb = squeezer.compress(hl7()) + b"".join(squeezer.compress(b"\r" * (1 << 20)) for _ in range(150)) + squeezer.flush()
    assert len(bomb) < 300_000
    refused = shared_relay.post(bomb, Content_Encoding="gzip")
    assert refused.status == 413 and refused.problem == "payload_too_large", refused.body
    assert shared_relay.resident_bytes() < before + (32 << 20)


@pytest.mark.parametrize("body, line", [
    (b"a,b\n1,2,3\n", 2), (b"a,b\n1\n", 2), (rows(10_002), 10_002), (rows(1, 2001), 1), (b'a,b\n"1,2\n', 2)],
    ids=["too-many-columns", "too-few", "rows", "columns", "quote-left-open"])  # a header and 10,000 rows are the most
def test_csv_that_has_no_one_shape_is_refused_by_its_line(shared_relay, body, line):
    refused = shared_relay.post(body, content_type=CSV)
    assert refused.status == 400 and refused.problem == "invalid_payload", refused.body
    assert f"line {line}" in refused.json()["detail"]


@pytest.mark.parametrize("body", [rows(10_001), rows(1, 2000), b'a,b\r\n"1,1","2\n2"\r\n', b"a\n"],
                         ids=["rows", "columns", "quoted", "one"])
def test_csv_of_one_shape_is_taken(shared_relay, body):
    assert shared_relay.post(body, content_type=CSV).status == 202


def test_type_parameters_are_kept_beside_the_media_type(shared_relay):
    answer = shared_relay.post(hl7(), content_type=f"{HL7.upper()}; charset=utf-8")
    assert answer.status == 202 and answer.json()["content_type"] == HL7
