"""A Debian 12 under its own systemd, in a container: where a package is installed as a site would install it.

The root is made once by debootstrap and kept as a tarball under ~/.cache/edge-relay. It has loopback alone; what listens in
its network from outside (Azurite, say) is started within `network()`. Root is needed.
"""

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "edge-relay"
TARBALL = CACHE / "debian-12-root.tar"
CLONE_NEWNET = 0x40000000
INCLUDED = "systemd,systemd-sysv,dbus,udev,ca-certificates,curl,python3-minimal"


class MachineFailed(Exception):
    pass


def _call(*arguments, timeout=600, **options):
    result = subprocess.run([str(each) for each in arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            text=True, errors="replace", timeout=timeout, check=False, **options)
    if result.returncode:
        raise MachineFailed(f"{' '.join(map(str, arguments))} ended with {result.returncode}:\n{result.stdout[-4000:]}")
    return result.stdout


def _enter_network(descriptor):
    if ctypes.CDLL(None, use_errno=True).setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def _mirror():
    """Where this machine's own packages come from."""
    uris = _call("apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Codename: bookworm", "Component: main").split()
    return uris[0] if uris else "http://deb.debian.org/debian"


def _make_tarball():
    CACHE.mkdir(parents=True, exist_ok=True)
    folder = CACHE / f"debian-12-root.{os.getpid()}"
    try:
        _call("debootstrap", "--variant=minbase", f"--include={INCLUDED}", "bookworm", folder, _mirror(), timeout=1800)
        _call("tar", "-C", folder, "--numeric-owner", "-cf", f"{folder}.tar", ".")
        os.rename(f"{folder}.tar", TARBALL)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Machine:
    """Unpacked into `folder`, started by start(), gone with end()."""

    def __init__(self, folder):
        self.root = Path(folder) / "root"
        self.process = None
        self.init = None
        if not TARBALL.exists():
            _make_tarball()
        self.root.mkdir(parents=True)
        _call("tar", "-C", self.root, "--numeric-owner", "-xf", TARBALL)

    def fetch_dependencies(self, package):
        """Downloads what that .deb needs, while there still is a network."""
        shutil.copy(package, self.root / "root/package.deb")
        resolver = self.root / "etc/resolv.conf"
        with contextlib.suppress(FileNotFoundError):
            resolver.unlink()
        shutil.copy("/etc/resolv.conf", resolver)
        for arguments in (["update", "-q"], ["install", "-q", "-y", "--download-only", "--no-install-recommends", "/root/package.deb"]):
            _call("chroot", self.root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", *arguments)

    def start(self):
        # Of its own session, so that the end of it is the end of all of it.
        self.process = subprocess.Popen(
            ["unshare", "-m", "bash", "-c", "mount -t tmpfs tmpfs /run && exec systemd-nspawn -q -D \"$1\" --register=no --keep-unit "
             "--private-network --console=pipe --timezone=off --resolv-conf=off -b", "machine", str(self.root)],
            stdin=subprocess.DEVNULL, stdout=open(self.root.parent / "console", "wb"), stderr=subprocess.STDOUT, start_new_session=True)
        self.await_true(self._booted, "booted")
        return self

    def _booted(self):
        if self.process.poll() is not None:
            raise MachineFailed("it ended: " + (self.root.parent / "console").read_text(errors="replace")[-3000:])
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        if not children:
            return False
        self.init = int(children[0])
        state = self.run("systemctl", "is-system-running", check=False).stdout.strip()
        return state in ("running", "degraded")

    def end(self):
        if self.process is not None and self.process.poll() is None:
            # SIGRTMIN+4: systemd powers off.
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.init or self.process.pid, signal.SIGRTMIN + 4)
            try:
                self.process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        shutil.rmtree(self.root, ignore_errors=True)

    @contextlib.contextmanager
    def network(self):
        """Within it this thread's sockets, and the programs that it starts, are in the container's network."""
        own = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        its = os.open(f"/proc/{self.init}/ns/net", os.O_RDONLY)
        try:
            _enter_network(its)
            try:
                yield
            finally:
                _enter_network(own)
        finally:
            os.close(own)
            os.close(its)

    def run(self, *arguments, check=True, stdin=None, timeout=120, user=None):
        """Runs a command in it. stdout and stderr are in the result; with `check` it must succeed."""
        before = ["runuser", "-u", user, "--"] if user else []
        result = subprocess.run(["nsenter", "-t", str(self.init), "-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w", "env", "-i",
                                 "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive", *before,
                                 *map(str, arguments)],
                                input=stdin, capture_output=True, text=True, errors="replace", timeout=timeout, check=False)
        if check and result.returncode:
            raise MachineFailed(f"{' '.join(map(str, arguments))} ended with {result.returncode}:\n{result.stdout[-3000:]}{result.stderr[-3000:]}")
        return result

    def outside(self, pid):
        """This machine's number of the process that has that one in there."""
        inside = os.readlink(f"/proc/{self.init}/ns/pid")
        for each in Path("/proc").iterdir():
            with contextlib.suppress(OSError, IndexError):
                if each.name.isdigit() and os.readlink(each / "ns/pid") == inside:
                    numbers = next(line for line in (each / "status").read_text().splitlines() if line.startswith("NSpid:")).split()
                    if int(numbers[-1]) == pid:
                        return int(each.name)
        raise MachineFailed(f"there is no process {pid} in it")

    def property(self, unit, name):
        return self.run("systemctl", "show", "--value", "-p", name, unit).stdout.strip()

    def log(self, unit):
        return self.run("journalctl", "--no-pager", "-o", "cat", "-u", unit, check=False).stdout

    @staticmethod
    def await_true(condition, what, timeout=120):
        deadline = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > deadline:
                raise MachineFailed(f"not within {timeout} s: {what() if callable(what) else what}")
            time.sleep(0.1)
