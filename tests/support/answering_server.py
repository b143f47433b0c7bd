"""An HTTP server whose answers a test writes: `server.answer(path_part, *answers)` gives the next requests whose path holds
that text these answers instead of the real ones, which a subclass makes in `_real_answer`.
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Answer:
    """One answer of a test's own. `after`: the submission is taken first, as by a gateway that gives up waiting."""

    def __init__(self, status=200, body="", content_type="application/json", headers=None, hang=False, close=False, after=False):
        self.status, self.content_type, self.headers = status, content_type, headers or {}
        self.body = body if isinstance(body, (str, bytes)) else json.dumps(body)
        self.hang, self.close, self.after = hang, close, after


class AnsweringServer:
    def __init__(self, port=0, tls=None):
        """`tls`: an ssl.SSLContext of a server."""
        self.lock = threading.RLock()
        self.requests = []  # (method, path with query, headers)
        self.rules = []  # (path part, [answers])
        self.released = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                server._serve(self)

            do_POST = do_PUT = do_PATCH = do_HEAD = do_GET

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256  # a full backlog would look like a slow service

        self.http = Server(("127.0.0.1", port), Handler)
        if tls is not None:
            self.http.socket = tls.wrap_socket(self.http.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.http.server_address[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self):
        self.released.set()
        self.http.shutdown()
        self.http.server_close()

    # ---- What a test says ----

    def answer(self, path_part, *answers):
        with self.lock:
            self.rules.append((path_part, list(answers)))

    def always(self, path_part, answer):
        self.answer(path_part, *[answer] * 10_000)

    def clear(self):
        with self.lock:
            self.rules = []

    def seen(self, path_part, method=None):
        with self.lock:
            return [each for each in self.requests if path_part in each[1] and method in (None, each[0])]

    # ---- What the service does ----

    def _serve(self, http):
        length = http.headers.get("Content-Length")
        body = http.rfile.read(int(length)) if length else b""
        with self.lock:
            self.requests.append((http.command, http.path, dict(http.headers.items())))
            written = next((answers for part, answers in self.rules if part in http.path and answers), None)
            written = written.pop(0) if written else None
        if written is not None:
            if written.after:
                self._real_answer(http, body)
            if written.hang:
                self.released.wait(120)
                http.close_connection = True
                return
            if written.close:
                http.close_connection = True
                http.connection.close()
                return
            self._reply(http, written)
            return
        self._reply(http, self._real_answer(http, body))

    def _reply(self, http, answer):
        content = answer.body.encode() if isinstance(answer.body, str) else answer.body
        try:
            http.send_response_only(answer.status)
            if "Date" not in answer.headers:
                http.send_header("Date", http.date_time_string())
            http.send_header("Content-Type", answer.content_type)
            http.send_header("Content-Length", str(len(content)))
            for name, value in answer.headers.items():
                http.send_header(name, value)
            http.end_headers()
            if http.command != "HEAD":
                http.wfile.write(content)
        except OSError:
            http.close_connection = True

    def _real_answer(self, http, body):
        raise NotImplementedError
