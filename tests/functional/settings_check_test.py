"""The configuration: every problem at once with its place, secrets, `check` and `check --connect`, exit codes."""

import re

import pytest
from relay import command, hl7

PLACE = re.compile(r"^(?P<file>.+):(?P<line>\d+):(?P<column>\d+): (error|warning): (?P<text>.+)$")


def check(tmp_path, text, *arguments, env=None):
    file = tmp_path / "edge-relay.yaml"
    file.write_text(text)
    result = command("check", "--config", file, *arguments, env=env)
    problems = [PLACE.match(line) for line in result.stderr.decode().splitlines()]
    return result, {(int(each["line"]), int(each["column"])): each["text"] for each in problems if each}


def minimal(tmp_path, extra=""):
    (tmp_path / "archive").mkdir(exist_ok=True)
    return (f"journal: {{path: {tmp_path}/journal.db}}\n"
            f"destinations:\n  archive:\n    type: directory\n    path: {tmp_path}/archive\n{extra}")


def test_a_minimal_file_is_enough(tmp_path):
    result, problems = check(tmp_path, minimal(tmp_path))
    assert result.returncode == 0, result.stderr
    assert not problems
    assert "archive" in result.stdout.decode()
    assert not (tmp_path / "journal.db").exists(), "check makes nothing"


def test_every_problem_is_told_at_once_with_its_place(tmp_path):
    result, problems = check(tmp_path, minimal(tmp_path, """\
intake:
  max_paylod: 5MB
  memory: lots
  http:
    - listen: 0.0.0.0:8870
log: {level: loud}
shutdown_grace: 20
nonsense: 1
"""))
    assert result.returncode == 78
    assert len(problems) == 6, result.stderr.decode()
    assert "max_payload" in problems[(7, 3)], "the nearest known key"
    assert (8, 11) in problems and "memory" in problems[(8, 11)] or (8, 3) in problems
    assert any(line == 10 for line, _ in problems) and any(line == 11 for line, _ in problems)
    assert any(line == 12 for line, _ in problems) and (13, 1) in problems
    assert [line for line, _ in problems] == sorted(line for line, _ in problems)


@pytest.mark.parametrize("extra, key", [
    ("intake: {azure_storage_queue: [{queue: results}]}\n", "azure_storage_queue"),
    ("heartbeat: {url: 'http://127.0.0.1/', every: 1m}\n", "heartbeat"), ("alarms: {}\n", "alarms")])
def test_a_key_of_a_part_not_built_yet_is_an_error(tmp_path, extra, key):
    result, problems = check(tmp_path, minimal(tmp_path, extra))
    assert result.returncode == 78
    assert any(f"{key} isn't supported by this version" in text for text in problems.values()), result.stderr.decode()


@pytest.mark.parametrize("extra, words", [
    ("routes: [{match: {client: 'lab.*'}, to: [nowhere]}]\n", "nowhere"), ("otherwise: [archve]\n", "archive"),
    ("clients: ['bad name']\n", "bad name"), ("site: \"two\\nlines\"\n", "site")])
def test_contradictions_are_found_here(tmp_path, extra, words):
    result, problems = check(tmp_path, minimal(tmp_path, extra))
    assert result.returncode == 78
    assert any(words in text for text in problems.values()), result.stderr.decode()


def test_two_destinations_need_routes(tmp_path):
    result, problems = check(tmp_path, minimal(tmp_path, f"  second:\n    type: directory\n    path: {tmp_path}/archive\n"))
    assert result.returncode == 78 and any("routes" in text for text in problems.values())


def test_no_destinations_and_no_yaml(tmp_path):
    assert check(tmp_path, "site: a\n")[0].returncode == 78
    assert check(tmp_path, "site: [a\n")[0].returncode == 78
    assert check(tmp_path, "- a\n")[0].returncode == 78
    assert command("check", "--config", tmp_path / "missing.yaml").returncode == 78
    assert command("run", "--config", tmp_path / "missing.yaml").returncode == 78


@pytest.mark.parametrize("reference", ["${env:EDGE_RELAY_NOT_SET}", "${file:/nonexistent/secret}", "${credential:missing}"])
@pytest.mark.parametrize("name", ["check", "run"])
def test_an_unreadable_secret_is_78_with_the_line_of_the_reference(tmp_path, reference, name):
    file = tmp_path / "edge-relay.yaml"
    file.write_text(f"journal: {{path: {tmp_path}/journal.db}}\ndestinations:\n  cloud:\n    type: azure_storage_queue\n"
                    f"    queue: results\n    connection_string: {reference}\n")
    result = command(name, "--config", file)
    assert result.returncode == 78
    assert f"{file}:6:" in result.stderr.decode(), result.stderr.decode()
    assert not list(tmp_path.glob("journal*")), "nothing was changed"


def test_secrets_come_from_environment_files_and_credentials_and_are_never_printed(tmp_path, azurite, storage):
    text = azurite.connection_string()
    key = text.split("AccountKey=")[1].split(";")[0]
    (tmp_path / "secret").write_text(text + "\n")
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials" / "azure").write_text(text)
    env = {"EDGE_RELAY_TEST_SECRET": text, "CREDENTIALS_DIRECTORY": str(tmp_path / "credentials")}
    for reference in ("${env:EDGE_RELAY_TEST_SECRET}", "${file:" + str(tmp_path / "secret") + "}", "${credential:azure}"):
        result, _ = check(tmp_path, f"destinations:\n  cloud:\n    type: azure_storage_queue\n    queue: {storage.queue_name}\n"
                                    f"    blob_container: {storage.container_name}\n    table: {storage.table_name}\n"
                                    f"    connection_string: {reference}\n", "--connect", env=env)
        assert result.returncode == 0, result.stderr.decode() + result.stdout.decode()
        assert key not in (result.stdout + result.stderr).decode()


def test_a_broken_connection_string_is_told_without_its_secret(tmp_path):
    result, problems = check(tmp_path, "destinations:\n  cloud:\n    type: azure_storage_queue\n    queue: results\n"
                                       "    connection_string: DefaultEndpointsProtocol=https;AccountKey=UExBTlRFRFNFQ1JFVA==\n")
    assert result.returncode == 78
    assert any(line == 5 for line, _ in problems)
    assert "UExBTlRFRFNFQ1JFVA" not in (result.stdout + result.stderr).decode()


def test_check_says_what_each_route_takes(tmp_path, azurite, storage):
    result, _ = check(tmp_path, minimal(tmp_path, f"""\
  reportstream:
    type: azure_storage_queue
    queue: {storage.queue_name}
    connection_string: "{azurite.connection_string()}"
routes:
  - match: {{client: "lab.*"}}
    to: [reportstream]
otherwise: [archive]
"""))
    assert result.returncode == 0, result.stderr.decode()
    text = result.stdout.decode()
    assert "lab.*" in text and "application/hl7-v2" in text and "text/csv" in text


def test_a_route_that_sends_csv_into_reportstreams_envelope_is_an_error(tmp_path, azurite):
    result, problems = check(tmp_path, f"""\
destinations:
  reportstream: {{type: azure_storage_queue, connection_string: "{azurite.connection_string()}"}}
routes:
  - match: {{content_type: text/csv}}
    to: [reportstream]
""")
    assert result.returncode == 78
    assert any("text/csv" in text for text in problems.values()), result.stderr.decode()


@pytest.mark.parametrize("missing", ["queue", "container", "table"])
def test_connect_finds_what_is_missing_and_sends_nothing(make_relay, azurite, missing):
    storage = azurite.storage(create=False)
    create = {"queue": storage.queue.create_queue, "container": storage.container.create_container,
              "table": storage.table.create_table}
    relay = make_relay({"destinations": {"reportstream": storage.destination()}}, start=False)
    for name, make in create.items():
        if name != missing:
            make()
    result = relay.command("check", "--connect")
    assert result.returncode == 1, result.stdout
    assert "reportstream" in (result.stdout + result.stderr).decode()
    create[missing]()
    result = relay.command("check", "--connect")
    assert result.returncode == 0, (result.stdout + result.stderr).decode()
    assert storage.peek() == [] and storage.blob_names() == [] and storage.rows() == []


def test_connect_with_a_wrong_key_or_nobody_there_is_1(make_relay, make_proxy, azurite, storage):
    relay = make_relay({"destinations": {"reportstream": storage.destination(
        connection_string=azurite.connection_string(key="QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo="))}}, start=False)
    assert relay.command("check", "--connect").returncode == 1
    proxy = make_proxy(azurite.queue_port)
    proxy.stop()
    relay.update({"destinations": {"reportstream": {"connection_string": azurite.connection_string(queue=proxy.port)}}})
    assert relay.command("check", "--connect").returncode == 1


def test_connect_says_what_an_add_only_sas_leaves_unchecked(make_relay, azurite, storage):
    endpoint = azurite.endpoints()
    relay = make_relay({"destinations": {"reportstream": storage.destination(
        connection_string=None, queue_endpoint=endpoint["queue"], blob_endpoint=endpoint["blob"],
        table_endpoint=endpoint["table"], queue_sas=azurite.sas("queue", "a"), blob_sas=azurite.sas("blob", "cw"),
        table_sas=azurite.sas("table", "a"))}}, start=False)
    result = relay.command("check", "--connect")
    assert result.returncode == 0, (result.stdout + result.stderr).decode()
    assert "not checked: " in result.stdout.decode()


def test_connect_of_a_missing_folder_is_1(make_relay, tmp_path):
    relay = make_relay({"destinations": {"archive": {"type": "directory", "path": str(tmp_path / "missing")}}}, start=False)
    # It may be a share that is away just now: a warning, and no reason not to start.
    result = relay.command("check")
    assert result.returncode == 0 and "warning" in result.stderr.decode()
    assert relay.command("check", "--connect").returncode == 1
    (tmp_path / "missing").mkdir()
    assert relay.command("check", "--connect").returncode == 0
    assert not list((tmp_path / "missing").iterdir())


def test_beyond_loopback_is_an_error_unless_it_is_called_insecure(make_relay, tmp_path):
    (tmp_path / "archive").mkdir()
    relay = make_relay({"destinations": {"archive": {"type": "directory", "path": str(tmp_path / "archive")}}}, start=False)
    relay.config["intake"]["http"][0]["listen"] = f"0.0.0.0:{relay.port}"
    relay.update({})
    assert relay.command("check").returncode == 78
    relay.config["intake"]["http"][0].update({"insecure": True, "allowed_hosts": ["relay.lab.example"]})
    relay.update({})
    result = relay.command("check")
    assert result.returncode == 0 and "insecure" in (result.stdout + result.stderr).decode()
    relay.start()
    assert "insecure" in relay.admin("/health").body.decode()
    assert relay.post(hl7(), Host="relay.lab.example").status == 202
