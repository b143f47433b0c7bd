"""Debian's sshd on a loopback port, with a user of its own who may sign in by password or key, in a mount namespace where
/etc/passwd and /etc/shadow know that user; nothing of the machine changes. Needs root, as mounting does.

`server.fault(name)` makes the next sessions misbehave (see sftp_faults.py): the real sftp-server works behind it. Without
`faults` it works alone.
"""

import base64
import contextlib
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

from ports import free_port
from raw_http import await_true

SFTP_PROGRAM = "/usr/lib/openssh/sftp-server"
FAULTS = Path(__file__).with_name("sftp_faults.py")
USER, UID, PASSWORD = "edge-sender", 54321, "pass word+/="


class SftpServer:
    def __init__(self, disk_megabytes=None, faults=True, host_keys=("ed25519",)):
        # pytest's folders are root's alone.
        self.folder = Path(tempfile.mkdtemp(prefix="edge-relay-sftp-"))
        self.folder.chmod(0o755)
        self.inbox = self.folder / "inbox"
        self.inbox.mkdir()
        self.faults = self.folder / "faults"
        self.faults.mkdir()
        for folder in (self.inbox, self.faults):
            os.chown(folder, UID, UID)
        self.disk_megabytes = disk_megabytes
        self.host_keys = host_keys
        self.program = f"/usr/bin/python3 -BI {FAULTS} {self.faults}/next" if faults else SFTP_PROGRAM
        self.port = free_port()
        self.url = f"sftp://127.0.0.1:{self.port}"
        self.process = None
        self._files()
        self.start()

    def _files(self):
        for name, kind in (*((f"host-{kind}", kind) for kind in self.host_keys), ("key", "ed25519"), ("other", "ed25519")):
            subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", self.folder / name], check=True)
        hashed = subprocess.run(["openssl", "passwd", "-6", "-stdin"], input=PASSWORD, capture_output=True, text=True, check=True)
        for name, line in (("passwd", f"{USER}:x:{UID}:{UID}::{self.folder}:/bin/sh"), ("shadow", f"{USER}:{hashed.stdout.strip()}:19000::::::")):
            (self.folder / name).write_text(Path("/etc", name).read_text() + line + "\n")
        shutil.copy(self.folder / "key.pub", self.folder / "authorized")
        (self.folder / "sshd_config").write_text("\n".join([
            f"Port {self.port}", "ListenAddress 127.0.0.1", *(f"HostKey {self.folder}/host-{kind}" for kind in self.host_keys), "PidFile none", "UsePAM no", "StrictModes no",
            f"AuthorizedKeysFile {self.folder}/authorized", f"Subsystem sftp {self.program}", "LogLevel ERROR",
            "PasswordAuthentication yes", ""]))

    def start(self):
        disk = f"mount -t tmpfs -o size={self.disk_megabytes}m,uid={UID} tmpfs {self.inbox} && " if self.disk_megabytes else ""
        script = (f"mount --bind {self.folder}/passwd /etc/passwd && mount --bind {self.folder}/shadow /etc/shadow && {disk}"
                  f"mkdir -p /run/sshd && exec /usr/sbin/sshd -D -f {self.folder}/sshd_config")
        self.process = subprocess.Popen(["unshare", "-m", "sh", "-c", script], stdin=subprocess.DEVNULL, start_new_session=True)
        await_true(self._answers, "sshd answers", timeout=60)

    def _answers(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self):
        """sshd and every session of it, at once."""
        for process in [*self._sessions(), self.process.pid]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self.process.wait()

    def end_programs(self):
        """The SFTP program of each session alone: sshd lives, and so does the connection."""
        for process in self._sessions():
            if f"{self.faults}/next" in self._command_of(process):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)

    @staticmethod
    def _command_of(process):
        try:
            return Path(f"/proc/{process}/cmdline").read_text(errors="replace")
        except OSError:  # it has ended
            return ""

    def _sessions(self):
        """All that sshd has started, while it lives."""
        lines = subprocess.run(["ps", "-eo", "pid,ppid"], capture_output=True, text=True, check=True).stdout.splitlines()[1:]
        pairs = [tuple(map(int, line.split())) for line in lines]
        found, parents = [], [self.process.pid]
        while parents:
            parent = parents.pop()
            children = [pid for pid, of in pairs if of == parent]
            found += children
            parents += children
        return found

    def close(self):
        if self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder)

    def fault(self, name):
        (self.faults / "next").write_text(name)

    def fault_came(self):
        return (self.faults / "next.done").exists()

    @property
    def there(self):
        """The inbox as the server sees it."""
        return Path(f"/proc/{self.process.pid}/root{self.inbox}") if self.disk_megabytes else self.inbox

    @property
    def fingerprint(self):
        """Of the last of its host keys."""
        blob = base64.b64decode((self.folder / f"host-{self.host_keys[-1]}.pub").read_text().split()[1])
        return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")

    def destination(self, **keys):
        settings = {"type": "sftp", "url": f"{self.url}{self.inbox}", "user": USER, "host_key_sha256": self.fingerprint, "timeout": "10s",
                    "backoff": {"initial": "50ms", "max": "300ms"}}
        if not {"key", "password"} & set(keys):
            settings["key"] = str(self.folder / "key")
        settings.update(keys)
        return settings

    def names(self):
        return sorted(path.name for path in self.there.iterdir())


