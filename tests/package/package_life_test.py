"""The package's life on a machine of its own, under a real systemd: one test after the other, each on what the one before
left there. Installed, configured, killed, hung, reloaded, upgraded, removed, purged; nothing acknowledged is lost on the way.
"""

import contextlib
import json
import os
import re
import socket
import struct
import subprocess
import threading

import pytest

from azurite import ACCOUNT, KEY, Azurite
from machine import Machine
from thread_stopper import WALL, StoppedThread

UNIT = "edge-relay.service"
FILE = "/etc/edge-relay/edge-relay.yaml"
STATE = "/var/lib/edge-relay"
NAME = "storage.test"


class NameServer:
    """Answers every question for an IPv4 address with 127.0.0.1 (RFC 1035, 4.1), and has no other records."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))
        self.asked = set()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            question, asker = self.socket.recvfrom(2048)
            end = question.index(b"\0", 12) + 5
            labels, at = [], 12
            while question[at]:
                labels.append(question[at + 1:at + 1 + question[at]].decode())
                at += 1 + question[at]
            self.asked.add(".".join(labels))
            address = struct.unpack(">H", question[end - 4:end - 2])[0] == 1
            answer = question[:2] + struct.pack(">HHHHH", 0x8180, 1, 1 if address else 0, 0, 0) + question[12:end]
            if address:
                answer += b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 5, 4) + socket.inet_aton("127.0.0.1")
            self.socket.sendto(answer, asker)


@pytest.fixture(scope="module")
def machine(package, tmp_path_factory):
    made = Machine(tmp_path_factory.mktemp("machine"))
    try:
        made.fetch_dependencies(package)
        (made.root / "etc/resolv.conf").write_text("nameserver 127.0.0.1\n")
        made.start()
        yield made
    finally:
        made.end()


@pytest.fixture(scope="module")
def names(machine):
    with machine.network():
        return NameServer()


@pytest.fixture(scope="module")
def azurite(machine, tmp_path_factory):
    """In the machine's network, by HTTPS, with a certificate for a name that only the machine's name server knows."""
    folder = tmp_path_factory.mktemp("azurite")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=storage", "-addext", f"subjectAltName=DNS:{NAME},IP:127.0.0.1", "-keyout", folder / "key.pem",
                    "-out", folder / "certificate.pem"], check=True, capture_output=True)
    os.environ["REQUESTS_CA_BUNDLE"] = str(folder / "certificate.pem")
    emulator = Azurite(folder, certificate=folder / "certificate.pem", key=folder / "key.pem")
    emulator.tls_arguments.append("--disableProductStyleUrl")
    emulator.certificate = folder / "certificate.pem"
    with machine.network():
        emulator.start()
    yield emulator
    emulator.stop()
    del os.environ["REQUESTS_CA_BUNDLE"]


@pytest.fixture(scope="module")
def storage(machine, azurite):
    with machine.network():
        return azurite.storage()


# ---- what is asked of the machine ----

def state_of(machine, identifier):
    return json.loads(machine.run("edge-relay", "show", identifier, "--json").stdout)


def submit(machine):
    return machine.run("edge-relay", "submit", "--test", "--client", "lab.default").stdout.strip()


def await_submission(machine, identifier, state):
    seen = {}

    def reached():
        seen.update(state_of(machine, identifier))
        return seen["state"] == state
    machine.await_true(reached, lambda: f"{state}: {json.dumps(seen)}\n{machine.log(UNIT)[-2000:]}")
    return seen


def await_active(machine):
    machine.await_true(lambda: machine.property(UNIT, "ActiveState") == "active" and
                       machine.run("edge-relay", "status", check=False).returncode == 0,
                       lambda: f"active: {machine.run('systemctl', 'status', UNIT, check=False).stdout}{machine.log(UNIT)[-3000:]}")


def main_process(machine):
    return int(machine.property(UNIT, "MainPID"))


def restarts(machine):
    return int(machine.property(UNIT, "NRestarts"))


def write(machine, path, text):
    machine.run("sh", "-c", 'mkdir -p "$(dirname "$1")" && cat >"$1"', "sh", path, stdin=text)


def drop_in(machine, name, text):
    write(machine, f"/etc/systemd/system/{UNIT}.d/{name}.conf", text)
    machine.run("systemctl", "daemon-reload")


def messages(machine, storage):
    """The submission ids that stand in the queue, taken out."""
    with machine.network():
        return [envelope["reportId"] for envelope in storage.envelopes()]


def configuration(azurite, storage, log_level="info", more=""):
    endpoints = {service: f"https://{NAME}:{port}/{ACCOUNT}"
                 for service, port in (("queue", azurite.queue_port), ("blob", azurite.blob_port), ("table", azurite.table_port))}
    return f"""\
site: lab-014
log: {{level: {log_level}}}
journal: {{min_free_disk: 1MB, allow_tmpfs: true}}
destinations:
  reportstream:
    type: azure_storage_queue
    queue_endpoint: {endpoints["queue"]}
    blob_endpoint: {endpoints["blob"]}
    table_endpoint: {endpoints["table"]}
    account_name: {ACCOUNT}
    account_key: ${{credential:account-key}}
    ca_file: /etc/edge-relay/ca.pem
    queue: {storage.queue_name}
    blob_container: {storage.container_name}
    table: {storage.table_name}
    backoff: {{initial: 200ms, max: 1s}}
{more}"""


# ---- its life ----

def test_it_is_installed_neither_enabled_nor_started(machine):
    machine.run("apt-get", "install", "-q", "-y", "--no-install-recommends", "/root/package.deb", timeout=600)
    assert machine.run("systemctl", "is-enabled", UNIT, check=False).stdout.strip() == "disabled"
    assert machine.run("systemctl", "is-active", UNIT, check=False).stdout.strip() == "inactive"
    assert machine.run("stat", "-c", "%a %U:%G", "/etc/edge-relay", FILE).stdout.split("\n")[:2] == ["750 root:edge-relay", "640 root:edge-relay"]
    assert machine.run("getent", "passwd", "edge-relay").stdout.split(":")[6].strip().endswith("nologin")
    assert machine.run("systemd-analyze", "verify", "--man=no", UNIT).stderr == ""


def test_without_a_destination_it_says_so_once_and_does_not_start_again_and_again(machine):
    checked = machine.run("edge-relay", "check", check=False)
    assert checked.returncode == 78 and re.search(rf"^{FILE}:\d+:\d+: error: .*destination", checked.stderr, re.M), checked.stderr
    assert machine.run("systemctl", "start", UNIT, check=False).returncode != 0
    assert machine.property(UNIT, "ActiveState") == "failed"
    assert machine.property(UNIT, "ExecMainStatus") == "78"
    assert restarts(machine) == 0
    assert "destination" in machine.log(UNIT)


def test_configured_in_one_file_it_forwards_under_its_sandbox(machine, azurite, storage, names):
    write(machine, FILE, configuration(azurite, storage))
    write(machine, "/etc/edge-relay/ca.pem", azurite.certificate.read_text())
    # As an administrator keeps it: sealed by this machine, readable by root alone.
    machine.run("sh", "-c", "mkdir -p /etc/credstore.encrypted && systemd-creds encrypt --name=account-key - /etc/credstore.encrypted/account-key",
                stdin=KEY)
    drop_in(machine, "credential", "[Service]\nLoadCredentialEncrypted=account-key:/etc/credstore.encrypted/account-key\n")
    machine.run("systemctl", "enable", "--now", UNIT)
    await_active(machine)
    identifier = machine.run("edge-relay", "submit", "--test", "--client", "lab.default", "--wait", "60", user="edge-relay").stdout.strip()
    assert state_of(machine, identifier)["state"] == "delivered"
    assert messages(machine, storage) == [identifier]
    assert NAME in names.asked, "the name was resolved by DNS, and the certificate is that name's"
    posted = machine.run("curl", "-sS", "-i", "http://127.0.0.1:8870/v1/submissions", "-H", "Content-Type: application/hl7-v2",
                         "-H", "Relay-Client: lab.default", "--data-binary", "MSH|^~\\&|A|B|C|D|20261124||ORU^R01|1|T|2.5.1\r").stdout
    assert posted.startswith("HTTP/1.1 202 "), posted
    await_submission(machine, re.search(r"location: /v1/submissions/(\S+)", posted, re.I)[1], "delivered")
    assert machine.run("stat", "-c", "%a %U", STATE, "/run/edge-relay", "/run/edge-relay/admin.sock").stdout.split("\n")[:3] == [
        "700 edge-relay", "755 edge-relay", "660 edge-relay"]
    status = machine.run("cat", f"/proc/{main_process(machine)}/status").stdout
    assert "NoNewPrivs:\t1" in status and "Seccomp:\t2" in status and re.search(r"CapEff:\t0+\n", status)
    assert machine.property(UNIT, "LimitNOFILE") == "65536"
    assert re.search(r"Max core file size\s+0\s+0", machine.run("cat", f"/proc/{main_process(machine)}/limits").stdout)
    messages(machine, storage)


def test_killed_it_comes_back_and_sends_what_was_acknowledged(machine, azurite, storage):
    azurite.stop()
    waiting = [submit(machine) for _ in range(3)]
    before, count = main_process(machine), restarts(machine)
    machine.run("sh", "-c", f"kill -9 {before}")
    machine.await_true(lambda: main_process(machine) not in (0, before), "a new main process")
    await_active(machine)
    assert restarts(machine) == count + 1
    with machine.network():
        azurite.start()
    for identifier in waiting:
        await_submission(machine, identifier, "delivered")
    assert sorted(messages(machine, storage)) == sorted(waiting)


def test_a_hung_lane_is_caught_by_the_watchdog(machine, azurite, storage):
    drop_in(machine, "watchdog", "[Service]\nWatchdogSec=15s\n")
    machine.run("systemctl", "restart", UNIT)
    await_active(machine)
    azurite.stop()
    waiting = submit(machine)
    before = main_process(machine)
    with StoppedThread(machine.outside(before), "lane:reportstream") as stopped:
        def replaced():
            # Its end is told to whoever stopped it first.
            with contextlib.suppress(ChildProcessError):
                os.waitpid(stopped.thread, WALL | os.WNOHANG)
            return main_process(machine) not in (0, before)
        machine.await_true(replaced, lambda: "a new main process: " + machine.log(UNIT)[-3000:])
    await_active(machine)
    assert "Watchdog timeout" in machine.log(UNIT)
    with machine.network():
        azurite.start()
    await_submission(machine, waiting, "delivered")
    assert messages(machine, storage) == [waiting]
    machine.run("rm", f"/etc/systemd/system/{UNIT}.d/watchdog.conf")
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "restart", UNIT)
    await_active(machine)


def test_with_the_socket_unit_the_first_who_connects_starts_it(machine, azurite, storage):
    machine.run("systemctl", "stop", UNIT)
    machine.run("systemctl", "start", "edge-relay.socket")
    posted = machine.run("curl", "-sS", "-i", "http://127.0.0.1:8870/v1/submissions", "-H", "Content-Type: application/hl7-v2",
                         "-H", "Relay-Client: lab.default", "--data-binary", "MSH|^~\\&|A|B|C|D|20261124||ORU^R01|2|T|2.5.1\r").stdout
    assert posted.startswith("HTTP/1.1 202 "), posted
    await_active(machine)
    await_submission(machine, re.search(r"location: /v1/submissions/(\S+)", posted, re.I)[1], "delivered")
    machine.run("systemctl", "stop", "edge-relay.socket", UNIT)
    machine.run("systemctl", "start", UNIT)
    await_active(machine)
    messages(machine, storage)


def test_a_reload_waits_and_a_bad_file_changes_nothing(machine, azurite, storage):
    process = main_process(machine)
    good = configuration(azurite, storage, log_level="debug")
    write(machine, FILE, good)
    machine.run("systemctl", "reload", UNIT)
    assert main_process(machine) == process
    write(machine, FILE, good.replace("site:", "sight:"))
    assert machine.run("systemctl", "reload", UNIT, check=False).returncode != 0
    assert re.search(rf"{FILE}:1:1: error: .*sight", machine.log(UNIT)), machine.log(UNIT)[-2000:]
    assert machine.run("edge-relay", "reload", check=False).returncode == 78
    assert main_process(machine) == process and machine.property(UNIT, "ActiveState") == "active"
    identifier = machine.run("edge-relay", "submit", "--test", "--client", "lab.default", "--wait", "60").stdout.strip()
    assert messages(machine, storage) == [identifier]
    write(machine, FILE, configuration(azurite, storage))
    machine.run("systemctl", "reload", UNIT)
    await_active(machine)


def test_a_folder_that_the_sandbox_keeps_out_is_named_with_the_drop_in_to_write(machine, azurite, storage):
    machine.run("install", "-d", "-o", "edge-relay", "/srv/results")
    more = "  archive: {type: directory, path: /srv/results, backoff: {initial: 200ms, max: 1s}}\notherwise: [archive]\n"
    write(machine, FILE, configuration(azurite, storage, more=more))
    machine.run("systemctl", "restart", UNIT)
    await_active(machine)
    identifier = submit(machine)
    seen = {}

    def explained():
        seen.update(state_of(machine, identifier)["deliveries"][0])
        return "ReadWritePaths=/srv/results" in ((seen["last_error"] or {}).get("message") or "")
    machine.await_true(explained, lambda: json.dumps(seen))
    assert "systemctl edit edge-relay" in seen["last_error"]["message"]
    drop_in(machine, "folder", "[Service]\nReadWritePaths=/srv/results\n")
    machine.run("systemctl", "restart", UNIT)
    await_active(machine)
    await_submission(machine, identifier, "delivered")
    assert f"{identifier}.hl7" in machine.run("ls", "/srv/results").stdout
    write(machine, FILE, configuration(azurite, storage))
    machine.run("systemctl", "restart", UNIT)
    await_active(machine)


def test_every_door_works_under_the_sandbox(machine, azurite, storage):
    """MLLP, a watched folder and a local socket, with the system calls that the unit leaves; and what keeps a folder out."""
    machine.run("install", "-d", "-o", "edge-relay", "/var/spool/edge-relay/outbox", "/srv/outbox")
    doors = """\
intake:
  http: [{listen: "unix:/run/edge-relay/intake.sock", client: lab.local}]
  mllp: [{listen: 127.0.0.1:2575, client: lab.lis}]
  folder:
    - {path: /var/spool/edge-relay/outbox, client: lab.batch, settle: 200ms}
    - {path: /srv/outbox, client: lab.batch, settle: 200ms}
"""
    write(machine, FILE, configuration(azurite, storage, more=doors))
    machine.run("systemctl", "restart", UNIT)
    await_active(machine)
    for folder in ("/var/spool/edge-relay/outbox", "/srv/outbox"):
        write(machine, f"{folder}/result.hl7", "MSH|^~\\&|A|B|C|D|20261124||ORU^R01|2|T|2.5.1\rPID|1\r")
        machine.run("chown", "edge-relay", f"{folder}/result.hl7")
    answer = machine.run("bash", "-c", r"""exec 3<>/dev/tcp/127.0.0.1/2575
        printf '\x0bMSH|^~\\&|A|B|C|D|20261124||ORU^R01|3|T|2.5.1\rPID|1\r\x1c\r' >&3; read -r -t 60 -d $'\x1c' answer <&3; echo "$answer" """).stdout
    assert "MSA|AA|3" in answer, answer
    posted = machine.run("curl", "-sS", "-i", "--unix-socket", "/run/edge-relay/intake.sock", "http://localhost/v1/submissions", "-H",
                         "Content-Type: application/hl7-v2", "--data-binary", "MSH|^~\\&|A|B|C|D|20261124||ORU^R01|4|T|2.5.1\r").stdout
    assert posted.startswith("HTTP/1.1 202 "), posted
    seen = {}

    def all_delivered():
        seen.update({each["client"]: each["state"] for each in
                     json.loads(machine.run("edge-relay", "list", "--limit", "3", "--json").stdout)["submissions"]})
        return all(seen.get(client) == "delivered" for client in ("lab.local", "lab.lis", "lab.batch"))
    machine.await_true(all_delivered, lambda: f"{seen} {machine.log(UNIT)[-2000:]}")
    machine.await_true(lambda: "result.hl7" in machine.run("find", "/var/spool/edge-relay/outbox/done", "-type", "f", check=False).stdout,
                       lambda: machine.log(UNIT)[-2000:])
    machine.await_true(lambda: "ReadWritePaths=/srv/outbox" in machine.log(UNIT), lambda: machine.log(UNIT)[-2000:])
    assert machine.run("find", "/srv/outbox", "-type", "f").stdout == "/srv/outbox/result.hl7\n", "left alone"
    messages(machine, storage)
    write(machine, FILE, configuration(azurite, storage))
    machine.run("systemctl", "restart", UNIT)
    await_active(machine)


def test_a_socket_of_senders_that_are_no_operators_needs_the_drop_in_that_is_named(machine, azurite, storage):
    machine.run("sh", "-c", "groupadd senders && useradd -G senders sender && useradd stranger")
    door = 'intake: {http: [{listen: "unix:/run/edge-relay/intake.sock", group: senders, client: lab.local}]}\n'
    write(machine, FILE, configuration(azurite, storage, more=door))
    machine.run("systemctl", "restart", UNIT)
    await_active(machine)
    # Until then it lets in operators alone, and says so.
    assert machine.run("stat", "-c", "%a %G", "/run/edge-relay/intake.sock").stdout.strip() == "660 edge-relay"
    assert "SupplementaryGroups=senders and SystemCallFilter=@chown" in machine.log(UNIT), machine.log(UNIT)[-2000:]
    drop_in(machine, "senders", "[Service]\nSupplementaryGroups=senders\nSystemCallFilter=@chown\n")
    machine.run("systemctl", "restart", UNIT)
    await_active(machine)
    assert machine.run("stat", "-c", "%a %G", "/run/edge-relay/intake.sock", "/run/edge-relay/admin.sock").stdout.split("\n")[:2] == [
        "660 senders", "660 edge-relay"]
    ask = ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "http://localhost/v1/submissions/none", "--unix-socket"]
    assert machine.run(*ask, "/run/edge-relay/intake.sock", user="sender").stdout == "404"
    assert machine.run(*ask, "/run/edge-relay/admin.sock", user="sender", check=False).stdout == "000", "senders are no operators"
    assert machine.run(*ask, "/run/edge-relay/intake.sock", user="stranger", check=False).stdout == "000"
    machine.run("rm", f"/etc/systemd/system/{UNIT}.d/senders.conf")
    machine.run("systemctl", "daemon-reload")
    write(machine, FILE, configuration(azurite, storage))
    machine.run("systemctl", "restart", UNIT)
    await_active(machine)


def test_an_upgrade_restarts_it_where_it_ran_with_a_live_journal(machine, azurite, storage, package, tmp_path):
    azurite.stop()
    waiting = [submit(machine) for _ in range(2)]
    process = main_process(machine)
    newer = repacked(package, tmp_path, "0.1.1")
    copy_in(machine, newer)
    machine.run("apt-get", "install", "-q", "-y", f"/root/{newer.name}", timeout=600)
    await_active(machine)
    assert main_process(machine) != process
    assert machine.run("systemctl", "is-enabled", UNIT).stdout.strip() == "enabled"
    assert machine.run("stat", "-c", "%a %U:%G", FILE).stdout.strip() == "640 root:edge-relay"
    with machine.network():
        azurite.start()
    for identifier in waiting:
        await_submission(machine, identifier, "delivered")
    assert sorted(messages(machine, storage)) == sorted(waiting)

    machine.run("systemctl", "stop", UNIT)
    newest = repacked(package, tmp_path, "0.1.2")
    copy_in(machine, newest)
    machine.run("apt-get", "install", "-q", "-y", f"/root/{newest.name}", timeout=600)
    assert machine.run("systemctl", "is-active", UNIT, check=False).stdout.strip() == "inactive", "where it didn't run it isn't started"


def test_a_journal_of_a_newer_version_is_left_alone(machine):
    """The service is stopped. Byte 60 of the file is PRAGMA user_version."""
    journal = f"{STATE}/journal.db"
    swap = ("import sys; f = open(sys.argv[1], 'r+b'); f.seek(60); old = f.read(4).hex(); f.seek(60); "
            "f.write(bytes.fromhex(sys.argv[2])); print(old)")
    version = machine.run("python3", "-c", swap, journal, "000003e7").stdout.strip()
    digest = machine.run("sha256sum", journal).stdout
    assert machine.run("systemctl", "start", UNIT, check=False).returncode != 0
    assert machine.property(UNIT, "ExecMainStatus") == "65" and machine.property(UNIT, "ActiveState") == "failed"
    assert machine.run("sha256sum", journal).stdout == digest
    machine.run("python3", "-c", swap, journal, version)
    machine.run("systemctl", "start", UNIT)
    await_active(machine)


def test_removed_and_even_purged_it_keeps_what_is_not_delivered(machine, azurite, storage):
    azurite.stop()
    waiting = [submit(machine) for _ in range(2)]
    removed = machine.run("apt-get", "remove", "-q", "-y", "edge-relay", timeout=300)
    assert machine.run("cat", f"{STATE}/open-deliveries", check=False).stdout.strip() == "2", removed.stdout + removed.stderr
    assert machine.run("test", "-e", "/usr/bin/edge-relay", check=False).returncode != 0
    purged = machine.run("dpkg", "--purge", "edge-relay")
    assert f"{STATE} is kept: 2 deliveries are open" in purged.stdout + purged.stderr
    assert machine.run("test", "-e", f"{STATE}/journal.db", check=False).returncode == 0

    machine.run("apt-get", "install", "-q", "-y", "--no-install-recommends", "/root/package.deb", timeout=600)
    write(machine, FILE, configuration(azurite, storage))
    write(machine, "/etc/edge-relay/ca.pem", azurite.certificate.read_text())
    with machine.network():
        azurite.start()
    machine.run("systemctl", "start", UNIT)
    await_active(machine)
    for identifier in waiting:
        await_submission(machine, identifier, "delivered")
    assert sorted(messages(machine, storage)) == sorted(waiting)


def test_purged_uncounted_it_keeps_the_journal_and_counted_and_empty_it_goes(machine):
    removed = machine.run("apt-get", "remove", "-q", "-y", "edge-relay", timeout=300)
    assert machine.run("cat", f"{STATE}/open-deliveries", check=False).stdout.strip() == "0", removed.stdout + removed.stderr
    machine.run("rm", f"{STATE}/open-deliveries")
    purged = machine.run("dpkg", "--purge", "edge-relay")
    assert "nobody could count" in purged.stdout + purged.stderr
    assert machine.run("test", "-e", f"{STATE}/journal.db", check=False).returncode == 0

    machine.run("apt-get", "install", "-q", "-y", "--no-install-recommends", "/root/package.deb", timeout=600)
    write(machine, f"{STATE}/note-of-the-administrator", "keep me\n")
    purged = machine.run("dpkg", "--purge", "edge-relay")
    assert "files in it that aren't the package's" in purged.stdout + purged.stderr
    assert machine.run("ls", STATE).stdout.split() == ["note-of-the-administrator"]

    machine.run("apt-get", "install", "-q", "-y", "--no-install-recommends", "/root/package.deb", timeout=600)
    machine.run("rm", f"{STATE}/note-of-the-administrator")
    machine.run("dpkg", "--purge", "edge-relay")
    assert machine.run("test", "-e", STATE, check=False).returncode != 0
    assert machine.run("test", "-e", FILE, check=False).returncode != 0


# ---- packages of other versions ----

def repacked(package, folder, version):
    """The same package under another version: what dpkg and systemd do at an upgrade is the same."""
    tree = folder / f"tree-{version}"
    subprocess.run(["dpkg-deb", "-R", package, tree], check=True, capture_output=True)
    control = tree / "DEBIAN/control"
    control.write_text(re.sub(r"^Version: .*$", f"Version: {version}", control.read_text(), flags=re.M))
    made = folder / f"edge-relay_{version}.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tree, made], check=True, capture_output=True)
    return made


def copy_in(machine, package):
    (machine.root / "root" / package.name).write_bytes(package.read_bytes())
