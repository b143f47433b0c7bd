"""Man pages and completion: made from the program itself, so that they say what it does."""

import re
import subprocess

import pytest

from relay import BINARY, ROOT, command

MANUAL = BINARY.parent / "manual"
COMPLETION = ROOT / "packaging/completion/edge-relay"


def listed(title, *arguments):
    """What `--help` lists under that title."""
    text = command(*arguments, "--help").stdout.decode()
    block = text.split(f"\n{title}\n", 1)[1].split("\n\n")[0]
    return [name for line in block.splitlines() if re.match(r"  \S", line) for name in line.split()[0].split(",")]


COMMANDS = listed("Subcommands:") if BINARY.exists() else []


def plain(page):
    """A page as a reader sees it, unformatted and unbroken; groff must have no complaint."""
    result = subprocess.run(["man", "--warnings=w", "-l", "-E", "UTF-8", str(MANUAL / page)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                            check=True, env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "MANWIDTH": "1000", "MAN_KEEP_FORMATTING": "",
                                             "MANOPT": "--nh --nj"})
    assert result.stderr == ""
    return result.stdout


@pytest.fixture(scope="module")
def commands_page():
    return plain("edge-relay.1")


@pytest.fixture(scope="module")
def settings_page():
    return plain("edge-relay.yaml.5")


def test_every_command_with_every_option_is_in_the_manual(commands_page):
    assert {"run", "check", "submit", "status", "list", "show", "verify", "version"} <= set(COMMANDS)
    for name in COMMANDS:
        assert re.search(rf"^   edge-relay {name}\b", commands_page, re.M), name
        for option in listed("Options:", name):
            assert option in ("-h", "--help") or option in commands_page, (name, option)
    for code in ("0", "1", "2", "65", "78"):
        assert re.search(rf"^       {code}\s", commands_page, re.M), f"exit status {code}"


def test_every_key_that_is_read_is_in_the_manual_with_its_default(settings_page):
    described = subprocess.run([BINARY.parent / "packaging/manual/settings_manual"], capture_output=True, text=True, check=True).stdout
    keys = re.findall(r"^\.TP\n\.B (\S+)$", described, re.M)
    assert {"site", "max_payload", "listen", "connection_string", "shutdown_grace"} <= set(keys)
    for key in keys:
        assert re.search(rf"^       {re.escape(key)}(\s|$)", settings_page, re.M), key
    assert "Default: 50MB." in settings_page


def test_a_key_that_is_not_in_the_manual_is_not_read(settings_page, tmp_path):
    """The page and `check` come from one table: what the page leaves out is an error there."""
    assert not re.search(r"^       heartbeat\s", settings_page, re.M) or b"heartbeat" not in command("check", "--config", _file(tmp_path, "heartbeat: {}\n")).stderr


def _file(folder, text):
    path = folder / "edge-relay.yaml"
    path.write_text(text)
    return path


def complete(line, path):
    """What bash offers at the end of that line."""
    script = f"""
source {COMPLETION}
COMP_LINE={line!r}
COMP_POINT=${{#COMP_LINE}}
COMP_WORDS=({line} {"''" if line.endswith(" ") else ""})
COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
compopt() {{ :; }}
_edge_relay
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    result = subprocess.run(["bash", "--norc", "-c", script], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True,
                            env={"PATH": f"{path}:/usr/bin:/bin"})
    assert result.stderr == ""
    return result.stdout.split()


@pytest.fixture
def path(tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/edge-relay").symlink_to(BINARY)
    return tmp_path / "bin"


def test_commands_and_options_are_completed(path):
    assert set(complete("edge-relay ", path)) >= set(COMMANDS)
    assert complete("edge-relay verif", path) == ["verify"]
    assert "--wait" in complete("edge-relay submit --", path)
    assert "--wait" not in complete("edge-relay list --", path)
    assert complete("edge-relay list --state dead", path) == ["dead_letter"]


def test_destinations_are_completed_from_the_running_daemon(path, shared_relay):
    assert complete(f"edge-relay list --config {shared_relay.file} --destination ", path) == ["archive"]
    assert complete("edge-relay list --config /nowhere --destination ", path) == []


def test_the_completion_of_a_command_line_is_short_enough_for_every_file_name(path):
    assert complete("edge-relay submit ", path) == [], "bash's own file names"
