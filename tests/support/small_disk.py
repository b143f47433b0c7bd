"""A real file system of a few megabytes, in a mount namespace of the tests' own: what is mounted goes with the process,
however that ends. Needs root, as mounting does."""

import ctypes
import os
import subprocess
from pathlib import Path

CLONE_NEWNS = 0x00020000
_state = {"private": False}


class NoMounts(Exception):
    """This machine doesn't let the tests mount anything; the text says why."""


def enter_private_mounts():
    """Once a process. Only the thread that calls it, and what that starts later, sees the mounts."""
    if _state["private"]:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) != 0:
        raise NoMounts(f"unshare: {os.strerror(ctypes.get_errno())}")
    _run("mount", "--make-rprivate", "/")
    _state["private"] = True


def _run(*arguments):
    result = subprocess.run([str(each) for each in arguments], capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise NoMounts(f"{arguments[0]}: {result.stderr.strip()}")


class SmallDisk:
    """`kind` is tmpfs or ext4 (an image by loop)."""

    def __init__(self, folder, kind, megabytes):
        self.folder = folder / "disk"
        self.filler = self.folder / "filler"
        enter_private_mounts()
        self.folder.mkdir()
        if kind == "tmpfs":
            _run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=700", "tmpfs", self.folder)
            return
        self.image = folder / "disk.image"
        self.image.touch()
        os.truncate(self.image, megabytes << 20)
        _run("mkfs.ext4", "-q", "-F", "-m", "0", self.image)
        _run("mount", "-o", "loop,errors=remount-ro", self.image, self.folder)
        self.folder.chmod(0o700)

    def fill(self):
        """Another process writes until not a byte is left."""
        subprocess.run(["dd", "if=/dev/zero", f"of={self.filler}", "bs=64k", "oflag=append", "conv=notrunc"], capture_output=True,
                       check=False)
        subprocess.run(["dd", "if=/dev/zero", f"of={self.filler}", "bs=512", "oflag=append", "conv=notrunc"], capture_output=True,
                       check=False)

    def freeze(self):
        """Every write waits from now on, as on a disk that doesn't answer."""
        _run("fsfreeze", "--freeze", self.folder)

    def thaw(self):
        subprocess.run(["fsfreeze", "--unfreeze", self.folder], capture_output=True, check=False)

    def empty(self):
        self.filler.unlink()

    def free(self):
        disk = os.statvfs(self.folder)
        return disk.f_bavail * disk.f_frsize

    def remount(self, how):
        _run("mount", "-o", f"remount,{how}", self.folder)

    def turn_read_only(self):
        """As ext4 does by itself when it meets an error, whoever has files open. Only repair() makes it writable again."""
        with open("/proc/mounts", encoding="utf-8") as mounts:
            device = next(line.split()[0] for line in mounts if line.split()[1] == str(self.folder))
        trigger = Path("/sys/fs/ext4") / Path(device).name / "trigger_fs_error"
        try:
            trigger.write_text("1")
        except OSError as error:
            raise NoMounts(f"{trigger}: {error}") from error

    def repair(self):
        """What an administrator does then: away with it, checked, back. Nobody may have a file open."""
        _run("umount", self.folder)
        # 1: errors were found and mended.
        subprocess.run(["e2fsck", "-f", "-y", str(self.image)], capture_output=True, check=False)
        _run("mount", "-o", "loop,errors=remount-ro", self.image, self.folder)

    def end(self):
        subprocess.run(["umount", "--lazy", str(self.folder)], capture_output=True, check=False)
