"""An HL7 receiver over a plain or TLS socket that answers as a test says: `receiver.answer(code, ...)` for the next
messages, else AA. `messages` is what came, in order; `connections` counts."""

import contextlib
import socket
import threading

START, END = b"\x0b", b"\x1c\r"


def control_id_of(message):
    return message.split(b"\r", 1)[0].split(b"|")[9]


def acknowledgement(code, control_id, error=b""):
    return (b"MSH|^~\\&|STATE||LAB||20261124180000||ACK|A1|P|2.5.1\rMSA|" + code.encode() + b"|" + control_id + b"\r"
            + (error + b"\r" if error else b""))


class Hl7Receiver:
    def __init__(self, port=0, tls=None):
        """`tls`: an ssl.SSLContext of a server."""
        self.tls, self.port = tls, port
        self.lock = threading.Lock()
        self.written = []
        self.messages = []
        self.connections = 0
        self.open = set()
        self.start()

    def start(self):
        self.listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def close(self):
        """Away: nobody listens, and connections end."""
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        with self.lock:
            clients = list(self.open)
        for client in clients:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)

    def answer(self, *answers):
        """Each: (code, ERR segment), bytes as they are to be written, or None for none at all."""
        with self.lock:
            self.written += answers

    def control_ids(self):
        with self.lock:
            return [control_id_of(each) for each in self.messages]

    def _accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with contextlib.suppress(OSError), client:
            if self.tls is not None:
                client = self.tls.wrap_socket(client, server_side=True)
            with self.lock:
                self.connections += 1
                self.open.add(client)
            unread = b""
            while piece := client.recv(65536):
                unread += piece
                while END in unread:
                    frame, unread = unread.split(END, 1)
                    self._take(client, frame.removeprefix(START))
        with self.lock:
            self.open.discard(client)

    def _take(self, client, message):
        with self.lock:
            self.messages.append(message)
            written = self.written.pop(0) if self.written else ("AA", b"")
        if isinstance(written, tuple):
            written = START + acknowledgement(written[0], control_id_of(message), written[1]) + END
        if written is not None:
            client.sendall(written)
