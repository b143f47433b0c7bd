"""The command line against a running daemon: what is printed, and the exit codes that scripts build on."""

import hashlib
import json
import re
import subprocess

import pytest
from relay import BINARY, FHIR, HL7, SLOWNESS, command, fhir, hl7

ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
COMMANDS = ["run", "check", "submit", "status", "list", "show", "verify", "version",
            "retry", "resend", "set-aside", "discard", "redirect", "pause", "resume", "export", "import", "audit"]


def lines_of(result):
    return result.stdout.decode().splitlines()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name):
    result = command(name, "--help")
    assert result.returncode == 0
    assert name in result.stdout.decode() or "Usage" in result.stdout.decode()


def test_usage_is_2():
    assert command().returncode == 2
    assert command("nonsense").returncode == 2
    assert command("list", "--nonsense").returncode == 2
    assert command("show").returncode == 2
    assert command("--help").returncode == 0


def test_version():
    result = command("version")
    assert result.returncode == 0
    assert re.search(r"\d+\.\d+\.\d+", result.stdout.decode())


def test_json_everywhere(directory_relay, tmp_path):
    def said(*arguments, code=0):
        result = directory_relay.command(*arguments, "--json")
        assert result.returncode == code, (arguments, result.stdout, result.stderr)
        return json.loads(result.stdout)
    assert re.search(r"\d+\.\d+\.\d+", said("version")["version"])
    (identifier,) = said("submit", "--test", "--wait", "60")["ids"]
    checked = said("check", "--connect")
    assert (checked["problems"], checked["warnings"]) == ([], []) and "archive" in checked["routes"][0]
    assert [(each["destination"], each["kind"]) for each in checked["findings"]] == [("archive", "good")]
    verified = said("verify")
    assert verified["destinations"]["archive"] == {"accepted": 1, "moved_in": 0, "delivered": 1, "queued": 0, "dead_letter": 0,
                                                   "discarded": 0, "moved_out": 0}
    assert (verified["submissions"], verified["findings"], verified["not_checked"]) == (1, [], [])
    assert verified["as_of"] == said("status")["as_of"]
    token = json.loads(command("token", "new", "--client", "lab.x", "--json").stdout)
    assert token["token_sha256"] == hashlib.sha256(token["token"].encode()).hexdigest() and token["client"] == "lab.x"
    assert said("list")["submissions"][0]["id"] == said("show", identifier)["id"] == identifier
    assert said("pause", "archive")["paused"] and said("reload")["restart_needed"] == []
    assert {each["action"] for each in said("audit")["entries"]} >= {"pause", "reload"}
    bad = tmp_path / "bad.yaml"
    bad.write_text("nonsense: 1\n")
    result = command("check", "--json", "--config", bad)
    assert result.returncode == 78 and any("unknown key nonsense" in each for each in json.loads(result.stdout)["problems"])


def test_submit_prints_one_id_a_line(directory_relay, tmp_path):
    files = {tmp_path / "one.hl7": hl7(), tmp_path / "two.fhir": fhir(), tmp_path / "three.csv": b"a,b\n1,2\n",
             tmp_path / "four.xml": b"<a/>", tmp_path / "big.hl7": hl7(extra=b"b" * 300_000)}
    for path, data in files.items():
        path.write_bytes(data)
    result = directory_relay.command("submit", *files)
    assert result.returncode == 0, result.stderr
    identifiers = lines_of(result)
    assert len(identifiers) == len(files) and all(ID.fullmatch(each) for each in identifiers)
    types = [HL7, FHIR, "text/csv", "application/xml", HL7]
    for identifier, data, content_type in zip(identifiers, files.values(), types):
        submission = directory_relay.await_state(identifier, "delivered")
        assert (submission["client"], submission["intake"]) == ("lab-014.submit", "submit")
        assert submission["content_type"] == content_type
        assert submission["sha256"] == hashlib.sha256(data).hexdigest()


def test_submit_options(directory_relay):
    payload = b"\xff\x00" + hl7()
    result = directory_relay.command("submit", "-", "--content-type", "text/csv", "--client", "desk.one", "--payload-name", "by hand",
                                     "--idempotency-key", "k", stdin=payload)
    assert result.returncode == 0, result.stderr
    (identifier,) = lines_of(result)
    shown = json.loads(directory_relay.command("show", identifier, "--json").stdout)
    assert (shown["client"], shown["content_type"], shown["payload_name"]) == ("desk.one", "text/csv", "by hand")
    again = directory_relay.command("submit", "-", "--content-type", "text/csv", "--client", "desk.one", "--idempotency-key", "k",
                                    stdin=payload)
    assert lines_of(again) == [identifier]


def test_submit_test_makes_a_synthetic_result(directory_relay):
    result = directory_relay.command("submit", "--test", "--wait", "20")
    assert result.returncode == 0, result.stderr
    (identifier,) = lines_of(result)
    payload = directory_relay.command("show", identifier, "--payload").stdout
    assert payload.startswith(b"MSH|^~\\&|")
    assert payload.split(b"\r")[0].split(b"|")[10] == b"T"


def test_submit_wait(make_relay, azurite, storage, directory_relay, tmp_path):
    file = tmp_path / "a.hl7"
    file.write_bytes(hl7())
    assert directory_relay.command("submit", file, "--wait", "20").returncode == 0
    away = make_relay({"destinations": {"away": azurite.storage(create=False).destination()}})
    result = away.command("submit", file, "--wait", "1")
    assert result.returncode == 1
    # It was taken: the id is printed all the same, so that nobody submits it again.
    assert ID.fullmatch(lines_of(result)[0])


def test_submit_refusals(directory_relay, azure_relay, tmp_path):
    unknown = tmp_path / "a.unknown"
    unknown.write_bytes(hl7())
    assert directory_relay.command("submit", unknown).returncode == 2
    assert directory_relay.command("submit", tmp_path / "missing.hl7").returncode == 1
    bad = tmp_path / "bad.hl7"
    bad.write_bytes(b"PID|PLANTED^NAME\r")
    result = azure_relay.command("submit", bad)
    assert result.returncode == 1 and b"PLANTED" not in result.stderr + result.stdout
    assert directory_relay.command("submit", "-", stdin=b"x").returncode == 2


def test_status(directory_relay):
    directory_relay.await_state(directory_relay.submit(hl7()), "delivered")
    result = directory_relay.command("status")
    assert result.returncode == 0
    assert "archive" in result.stdout.decode()
    status = json.loads(directory_relay.command("status", "--json").stdout)
    assert status["status"] == "ok" and status["summary"]
    archive = status["destinations"]["archive"]
    assert (archive["accepted"], archive["delivered"], archive["dead_letter"], archive["discarded"], archive["queued"]) == (1, 1, 0, 0, 0)
    assert {"oldest_queued_seconds", "stuck", "state", "last_success_at", "last_error"} <= set(archive)
    assert isinstance(status["as_of"], int)


def test_a_list_longer_than_an_answer_is_printed_whole(make_relay, tmp_path):
    relay = make_relay({"destinations": {"archive": {"type": "directory", "path": str(tmp_path)}}})
    for _ in range(1005):
        relay.submit(hl7(), client="lab.x")
    listed = json.loads(relay.command("list", "--json", "--limit", "1003").stdout)
    assert len({each["id"] for each in listed["submissions"]}) == 1003 and listed["next_cursor"]
    listed = json.loads(relay.command("list", "--json", "--limit", "2000").stdout)
    assert len({each["id"] for each in listed["submissions"]}) == 1005 and listed["next_cursor"] is None


def test_what_cant_be_printed_is_a_failure(make_relay, tmp_path):
    relay = make_relay({"destinations": {"archive": {"type": "directory", "path": str(tmp_path)}}})
    with open("/dev/full", "wb") as full:
        for arguments in (["version"], ["--help"], ["key", "new"], ["status", "--config", relay.file], ["list", "--json", "--config", relay.file],
                          ["check", "--config", relay.file]):
            result = subprocess.run([str(BINARY), *map(str, arguments)], stdout=full, stderr=subprocess.PIPE, timeout=60 * SLOWNESS, check=False)
            assert result.returncode == 1 and b"standard output" in result.stderr, (arguments, result)
            assert b"stands above" not in result.stderr


def test_list(make_relay, azurite, tmp_path):
    (tmp_path / "a").mkdir()
    relay = make_relay({"destinations": {"a": {"type": "directory", "path": str(tmp_path / "a")},
                                         "away": azurite.storage(create=False).destination()},
                        "routes": [{"match": {"client": "lab.*"}, "to": ["a"]}], "otherwise": ["away"]})
    done = [relay.submit(hl7(), client="lab.x") for _ in range(3)]
    waiting = [relay.submit(hl7(), client="state.x") for _ in range(2)]
    for identifier in done:
        relay.await_state(identifier, "delivered")

    def listed(*arguments):
        result = relay.command("list", "--json", *arguments)
        assert result.returncode == 0, result.stderr
        return [each["id"] for each in json.loads(result.stdout)["submissions"]]

    newest_first = list(reversed(done + waiting))
    assert listed() == newest_first
    assert listed("--state", "delivered") == list(reversed(done))
    assert listed("--state", "queued") == list(reversed(waiting))
    assert listed("--destination", "away") == list(reversed(waiting))
    assert listed("--client", "lab.x") == list(reversed(done))
    assert listed("--limit", "2") == newest_first[:2]
    assert listed("--since", "1h") == newest_first
    assert listed("--since", "2099-01-01T00:00:00Z") == []
    text = relay.command("list")
    assert text.returncode == 0 and all(each in text.stdout.decode() for each in newest_first)
    assert relay.command("list", "--state", "nonsense").returncode in (1, 2)
    assert listed("--limit", "2000") == newest_first
    page = relay.admin("/v1/submissions?limit=2").json()
    assert [each["id"] for each in page["submissions"]] == newest_first[:2]
    assert "receipt" not in page["submissions"][0]["deliveries"][0]
    seen = [each["id"] for each in page["submissions"]]
    while page["next_cursor"]:
        page = relay.admin(f"/v1/submissions?limit=2&cursor={page['next_cursor']}").json()
        seen += [each["id"] for each in page["submissions"]]
    assert seen == newest_first


def test_show(directory_relay):
    payload = hl7(extra=b"\xff\xfe")
    identifier = directory_relay.submit(payload, payloadName="a name")
    directory_relay.await_state(identifier, "delivered")
    shown = json.loads(directory_relay.command("show", identifier, "--json").stdout)
    assert shown["payload_name"] == "a name"
    (attempt,) = shown["deliveries"][0]["history"]
    assert set(attempt) >= {"number", "started_at", "ended_at", "outcome", "counted", "error", "receipt"}
    assert (attempt["number"], attempt["outcome"], attempt["counted"], attempt["error"]) == (1, "accepted", True, None)
    assert directory_relay.command("show", identifier, "--payload").stdout == payload
    text = directory_relay.command("show", identifier)
    assert text.returncode == 0 and identifier in text.stdout.decode() and "delivered" in text.stdout.decode()
    assert directory_relay.command("show", "01900000-0000-7000-8000-000000000000").returncode == 1
    assert directory_relay.command("show", "abc").returncode in (1, 2)


def test_payloads_are_not_served_over_tcp_without_a_token(directory_relay):
    identifier = directory_relay.submit(hl7())
    answer = directory_relay.admin(f"/v1/submissions/{identifier}/payload")
    assert answer.status in (401, 403, 404) and b"MSH" not in answer.body
    assert directory_relay.admin_socket(f"/v1/submissions/{identifier}/payload").body.startswith(b"MSH")


def test_commands_without_a_daemon_say_so(directory_relay):
    assert directory_relay.stop() == 0
    for name in ("status", "list"):
        result = directory_relay.command(name)
        assert result.returncode == 1
        assert str(directory_relay.socket_path) in result.stderr.decode()


def test_commands_need_no_secret_and_no_readable_configuration(directory_relay):
    """Only admin.socket is read: an operator who may not read the secrets can still look."""
    directory_relay.config["destinations"]["archive"]["path"] = "${env:NOT_SET_ANYWHERE}"
    directory_relay.update({})
    assert directory_relay.command("status").returncode == 0


def test_verify_beside_the_daemon_and_without_it(directory_relay):
    for _ in range(5):
        directory_relay.await_state(directory_relay.submit(hl7(extra=b"v" * 100_000)), "delivered")
    last = re.compile(r"5 submissions, 5 deliveries, 5 payloads checked, 0 findings")
    assert last.fullmatch(directory_relay.verify())
    assert directory_relay.stop() == 0
    assert last.fullmatch(directory_relay.verify())


def test_verify_finds_a_changed_byte(directory_relay, tmp_path):
    identifier = directory_relay.submit(hl7("VERIFYME"))
    directory_relay.await_state(identifier, "delivered")
    assert directory_relay.stop() == 0
    data = directory_relay.journal.read_bytes()
    assert b"VERIFYME" in data
    directory_relay.journal.write_bytes(data.replace(b"VERIFYME", b"VERIFYNO"))
    result = directory_relay.command("verify")
    assert result.returncode == 1
    assert any(re.match(rf"FINDING digest {identifier} ", line) for line in lines_of(result)), result.stdout
    assert lines_of(result)[-1].endswith("1 findings")


def test_verify_of_a_missing_journal_is_1(directory_relay):
    assert directory_relay.stop() == 0
    for path in directory_relay.folder.glob("journal*"):
        path.unlink()
    result = directory_relay.command("verify")
    assert result.returncode == 1 and str(directory_relay.journal) in (result.stdout + result.stderr).decode()
    assert not directory_relay.journal.exists()
