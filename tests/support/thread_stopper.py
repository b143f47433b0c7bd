"""Stops one thread of a running program from outside, as a debugger does, and lets it go again. The others go on.

ptrace(2) with PTRACE_SEIZE: the thread isn't told by a signal, so the program can't notice that it was looked at.
"""

import contextlib
import ctypes
import os
from pathlib import Path

PTRACE_DETACH = 17
PTRACE_SEIZE = 0x4206
PTRACE_INTERRUPT = 0x4207
WALL = 0x40000000  # waitpid(2), __WALL: threads, too

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


def threads_of(pid):
    """{name: thread id}; Linux keeps 15 bytes of a name."""
    names = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        names[(task / "comm").read_text().rstrip("\n")] = int(task.name)
    return names


def _ptrace(request, thread):
    if _libc.ptrace(request, thread, None, None) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"ptrace {request:#x}: {os.strerror(error)}")


class StoppedThread:
    """with StoppedThread(pid, "writer"): … — use it from one thread of the test alone, as ptrace asks."""

    def __init__(self, pid, name):
        self.thread = threads_of(pid)[name[:15]]

    def __enter__(self):
        _ptrace(PTRACE_SEIZE, self.thread)
        _ptrace(PTRACE_INTERRUPT, self.thread)
        os.waitpid(self.thread, WALL)
        return self

    def __exit__(self, *_):
        # The program may have been ended meanwhile.
        with contextlib.suppress(ProcessLookupError):
            _ptrace(PTRACE_DETACH, self.thread)
