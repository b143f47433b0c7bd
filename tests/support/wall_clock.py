"""A relay's wall clock, set from outside while it runs; its monotonic clock goes on as it was (wall_clock.c).

libfaketime won't do: it and jemalloc each ask the other before either is ready."""

import datetime
import mmap
import struct

from preloaded import preloaded


class WallClock:
    """`env` is for the relay's start."""

    def __init__(self, folder):
        offset = folder / "wall-clock-offset"
        offset.write_bytes(bytes(8))
        with open(offset, "r+b") as file:
            self._shared = mmap.mmap(file.fileno(), 8)
        self.env = preloaded(folder, "wall_clock", WALL_CLOCK_OFFSET=str(offset))

    def set(self, **ahead_by):
        """By that much off, as datetime.timedelta says it: set(minutes=-20)."""
        self._shared[:] = struct.pack("q", int(datetime.timedelta(**ahead_by).total_seconds()))

    def set_right(self):
        self.set()


__all__ = ["WallClock"]
