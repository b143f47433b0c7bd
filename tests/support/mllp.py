"""An MLLP client over a plain or TLS socket that can be as right or as wrong as a test wants, and what an answer says."""

import contextlib
import re
import socket
import time

START, END = b"\x0b", b"\x1c\r"


class Closed(Exception):
    """The other side ended the connection."""


class Answer:
    """An acknowledgement, read with its own separators."""

    def __init__(self, raw):
        self.raw = raw
        assert raw.endswith(b"\r"), raw
        self.segments = raw[:-1].split(b"\r")
        self.separator = raw[3:4]
        assert raw[:3] == b"MSH", raw

    def field(self, segment, number):
        """b"" where it isn't there. MSH-1 is the separator, so MSH counts from there."""
        for line in self.segments:
            if line[:3] == segment.encode():
                parts = line.split(self.separator)
                index = number - 1 if segment == "MSH" else number
                return parts[index] if index < len(parts) else b""
        return b""

    @property
    def code(self):
        return self.field("MSA", 1).decode()

    @property
    def control_id(self):
        return self.field("MSA", 2)

    @property
    def error(self):
        """The number of HL7 table 0357, wherever the version has it; None where there is no ERR."""
        for line in self.segments:
            if line.startswith(b"ERR"):
                return int(re.search(rb"\d{3}", self.field("ERR", 3) or self.field("ERR", 1)).group())
        return None


class MllpConnection:
    def __init__(self, port, host="127.0.0.1", timeout=60, tls=None, source=None):
        self.socket = socket.create_connection((host, port), timeout=timeout, source_address=source and (source, 0))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            try:
                self.socket = tls.wrap_socket(self.socket, server_hostname=host)
            except BaseException:
                self.socket.close()
                raise
        self.unread = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, raw):
        self.socket.sendall(raw)

    def send_frame(self, message):
        self.send(START + message + END)

    def read(self):
        """The next answer; Closed where the connection ends before it."""
        while END not in self.unread:
            piece = self.socket.recv(65536)
            if not piece:
                raise Closed(f"with {self.unread!r} unread")
            self.unread += piece
        frame, self.unread = self.unread.split(END, 1)
        assert frame[:1] == START, frame
        return Answer(frame[1:])

    def ask(self, message):
        self.send_frame(message)
        return self.read()

    def closes(self, timeout=60):
        """Reads to the end of the connection; False where an answer came before it."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            try:
                piece = self.socket.recv(65536)
            except ConnectionError:
                return not self.unread
            if not piece:
                return not self.unread
            self.unread += piece
        return False

    def says_nothing(self, control_message):
        """That nothing came before the answer to `control_message`, which is sent now."""
        answer = self.ask(control_message)
        wanted = control_message.split(b"\r")[0].split(b"|")[9]
        return answer.control_id == wanted


@contextlib.contextmanager
def connections(port_of):
    """A function that opens a connection to `port_of(its arguments)`; all of them are closed at the end."""
    with contextlib.ExitStack() as made:
        yield lambda *which: made.enter_context(MllpConnection(port_of(*which)))


def message(control_id=b"1", version=b"2.5.1", trigger=b"ORU^R01^ORU_R01", processing=b"T", accept=b"", rest=b"",
            sender=b"LABSYS^1.2.3^ISO|TESTLAB^99D0000000^CLIA", extra=b""):
    """A synthetic result with the fields that an answer depends on."""
    return (b"MSH|^~\\&|" + sender + b"|RELAY|STATE|20261124180000+0000||" + trigger + b"|" + control_id + b"|" + processing
            + b"|" + version + b"|||" + accept + b"|NE" + rest + b"\rPID|1||SYNTH-0001^^^TESTLAB||SYNTHETIC^SAMPLE\r"
            b"OBR|1|ORD-1|FIL-1|94500-6^SARS-CoV-2 RNA^LN\rOBX|1|CWE|94500-6^SARS^LN||260415000^Not detected^SCT||||||F"
            + extra + b"\r")
