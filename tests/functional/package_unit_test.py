"""The service file: what systemd says of it, and what a site relies on in it."""

import configparser
import os
import re
import subprocess

import pytest

from relay import BINARY, ROOT

SHIPPED = ROOT / "systemd/edge-relay.service"


class Repeated(dict):
    """A key that stands there twice adds up, as systemd reads it."""

    def __setitem__(self, key, value):
        if isinstance(value, list) and key in self:
            self[key].extend(value)
        else:
            super().__setitem__(key, value)


@pytest.fixture(scope="module")
def unit():
    """{section: {key: [values]}}"""
    parser = configparser.RawConfigParser(strict=False, dict_type=Repeated, comment_prefixes=("#",), delimiters=("=",))
    parser.optionxform = str
    parser.read(SHIPPED)
    return {section: {key: value.split("\n") for key, value in parser.items(section)} for section in parser.sections()}


def test_systemd_finds_nothing_wrong(tmp_path):
    """Under a name and with a program of this machine: the one it names is installed by the package alone."""
    folder = tmp_path / "units"
    folder.mkdir()
    for each in sorted((ROOT / "systemd").glob("edge-relay.s*e*t")) + [SHIPPED]:
        (folder / each.name).write_text(each.read_text().replace("/usr/bin/edge-relay", str(BINARY)))
    for each in sorted(folder.iterdir()):
        result = subprocess.run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", each], stdin=subprocess.DEVNULL,
                                capture_output=True, text=True, check=False, env={**os.environ, "SYSTEMD_UNIT_PATH": f"{folder}:"})
        assert result.returncode == 0 and result.stderr == "", (each.name, result.stderr)


def test_a_wrong_key_would_be_found(tmp_path):
    wrong = tmp_path / "edge-relay.service"
    wrong.write_text(SHIPPED.read_text().replace("/usr/bin/edge-relay", str(BINARY)).replace("NoNewPrivileges=", "NoNewPrivilege="))
    result = subprocess.run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", wrong], stdin=subprocess.DEVNULL,
                            capture_output=True, text=True, check=False)
    assert "NoNewPrivilege" in result.stderr


def test_its_exposure_is_at_most_1_2():
    result = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=12", SHIPPED], stdin=subprocess.DEVNULL,
                            capture_output=True, text=True, check=False)
    level = re.search(r"Overall exposure level for \S+: ([\d.]+)", result.stdout)
    assert level and float(level[1]) <= 1.2 and result.returncode == 0, result.stdout[-400:] + result.stderr


def test_every_directive_that_is_missing_from_the_sandbox_is_explained():
    """What systemd-analyze marks as open, or a hardened unit usually has, stands in the file: set, or with the reason why not."""
    result = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", SHIPPED], stdin=subprocess.DEVNULL,
                            capture_output=True, text=True, check=False)
    text = SHIPPED.read_text()
    missing = {re.sub(r"=.*", "", name) for name in re.findall(r"^✗ (\S+)", result.stdout, re.M)}
    assert missing
    for name in missing | {"PrivateUsers", "DynamicUser", "MemoryMax", "RootDirectory"}:
        assert re.search(rf"^#.*\b{name}\b", text, re.M), name


def test_it_restarts_for_ever_but_for_what_a_restart_would_find_again(unit):
    service = unit["Service"]
    assert unit["Unit"]["StartLimitIntervalSec"] == ["0"]
    assert (service["Restart"], service["RestartSec"]) == (["on-failure"], ["5s"])
    assert "RestartPreventExitStatus=78 65\n" in SHIPPED.read_text()


def test_what_a_site_relies_on(unit):
    service = unit["Service"]
    for key, value in {"Type": "notify", "WatchdogSec": "60s", "ExecStart": "/usr/bin/edge-relay run", "ExecReload": "/usr/bin/edge-relay reload",
                       "User": "edge-relay", "Group": "edge-relay", "StateDirectory": "edge-relay", "RuntimeDirectory": "edge-relay",
                       "RuntimeDirectoryMode": "0755", "ConfigurationDirectory": "edge-relay", "LimitNOFILE": "65536", "LimitCORE": "0",
                       "ReadWritePaths": "-/var/spool/edge-relay"}.items():
        assert service[key] == [value], key
    assert "PrivateUsers" not in service, "it would hide who calls on the socket"
    text = SHIPPED.read_text()
    assert "LoadCredential=" in text and "LoadCredentialEncrypted=" in text


def test_nothing_needs_a_system_call_that_the_sandbox_takes_away():
    """By name, for those that are taken away without standing in a filter; the package's tests live with all of them."""
    # RestrictSUIDSGID=yes: ENOSYS, since its mode can't be looked at.
    uses = [source.name for source in (ROOT / "daemon").rglob("*.[ch]pp") if re.search(r"SYS_openat2|linux/openat2", source.read_text())]
    assert uses == []


def test_the_user_is_a_static_one_without_a_shell():
    lines = [line.split() for line in (ROOT / "systemd/edge-relay.sysusers").read_text().splitlines() if line and not line.startswith("#")]
    assert [line[:2] for line in lines] == [["u", "edge-relay"]]
