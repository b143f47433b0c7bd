"""The service manager's end of sd_notify(3): reads what a program tells it, with the time of each message."""

import os
import socket
import threading
import time
import uuid

from raw_http import await_true


class ServiceManager:
    def __init__(self, watchdog_seconds=None):
        self.path = f"/tmp/edge-relay-notify-{uuid.uuid4().hex[:10]}"
        self.watchdog_seconds = watchdog_seconds
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.path)
        self._socket.settimeout(0.2)
        self._messages = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def environment(self):
        given = {"NOTIFY_SOCKET": self.path}
        if self.watchdog_seconds is not None:
            given["WATCHDOG_USEC"] = str(int(self.watchdog_seconds * 1_000_000))
        return given

    def _read(self):
        while not self._ended.is_set():
            try:
                text = self._socket.recv(65536).decode()
            except TimeoutError:
                continue
            self._messages.append((time.monotonic(), text))

    def messages(self):
        return [text for _, text in list(self._messages)]

    def await_message(self, wanted, count=1, timeout=60):
        """Waits until `count` messages have a line that begins so."""
        def lines():
            return [line for text in self.messages() for line in text.splitlines() if line.startswith(wanted)]
        await_true(lambda: len(lines()) >= count, lambda: f"{wanted} {count} times: {self.messages()}", timeout=timeout)
        return lines()

    def since_alive(self):
        """Seconds since the last WATCHDOG=1."""
        times = [at for at, text in list(self._messages) if "WATCHDOG=1" in text.splitlines()]
        return time.monotonic() - times[-1] if times else None

    def stop(self):
        self._ended.set()
        self._thread.join()
        self._socket.close()
        os.unlink(self.path)
