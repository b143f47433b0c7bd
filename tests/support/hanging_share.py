"""A folder behind a server that can be made to hang, as a network share's can: bindfs over FUSE, stopped and let go on.

Root is needed. While it hangs, whoever touches `folder` is held by the kernel: look into `behind`, which is the same.
"""

import contextlib
import os
import signal
import subprocess

from raw_http import await_true
from small_disk import NoMounts, enter_private_mounts


class HangingShare:
    def __init__(self, parent):
        self.folder = parent / "share"
        self.behind = parent / "share-behind"
        if not os.path.exists("/dev/fuse"):
            raise NoMounts("/dev/fuse isn't there")
        enter_private_mounts()
        for each in (self.folder, self.behind):
            each.mkdir()
        self.server = subprocess.Popen(["bindfs", "-f", self.behind, self.folder], stdin=subprocess.DEVNULL,
                                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        await_true(lambda: self.server.poll() is not None or os.path.ismount(self.folder), "the share is mounted")
        if self.server.poll() is not None:
            raise NoMounts(f"bindfs: {self.server.stdout.read().strip()}")

    def hang(self):
        self.server.send_signal(signal.SIGSTOP)

    def answer(self):
        self.server.send_signal(signal.SIGCONT)

    def end(self):
        """Whoever still waits for it gets an error."""
        with contextlib.suppress(ProcessLookupError):
            self.server.kill()
        self.server.wait()
        subprocess.run(["umount", "-l", self.folder], capture_output=True, check=False)
