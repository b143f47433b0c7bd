"""S3 as far as PutObject, HeadObject and GetObject go, with faults to order. Every request's signature is computed again
with botocore, the library behind Amazon's own command line, and its body's SHA-256 is compared.

`service.answer(method, *answers)` gives the next requests of that method these answers instead of the real ones; what was
written stands in `service.objects`.
"""

import hashlib
import threading
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote_to_bytes, urlsplit

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.utils import percent_encode

XML = "application/xml"


def error(status, code, message="words of the service", **headers):
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return Answer(status, body, headers=headers)


class Answer:
    """`after`: the request is served first, as by a service whose answer gets lost."""

    def __init__(self, status=200, body="", content_type=XML, headers=None, hang=False, close=False, after=False):
        self.status, self.body, self.content_type, self.headers = status, body.encode(), content_type, headers or {}
        self.hang, self.close, self.after = hang, close, after
        self.label = f"{status} {body[body.find('<Code>') + 6:body.find('</Code>')]}" if "<Code>" in body else f"{status}"

    def with_effect(self):
        self.after = True
        return self


class Stored:
    def __init__(self, body, headers):
        self.body, self.headers = body, headers
        self.etag = '"' + hashlib.md5(body, usedforsecurity=False).hexdigest() + '"'
        self.writes = 1

    @property
    def metadata(self):
        return {name[11:]: value for name, value in self.headers.items() if name.startswith("x-amz-meta-")}


class S3Service:
    def __init__(self, access_key="AKIDEXAMPLE", secret_key="wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", token=None,
                 region="eu-test-1", bucket="reports"):
        self.access_key, self.secret_key, self.token, self.region, self.bucket = access_key, secret_key, token, region, bucket
        self.lock = threading.RLock()
        self.objects = {}
        self.requests = []  # (method, path, headers in lower case)
        self.rules = {"PUT": [], "HEAD": [], "GET": []}
        self.knows_conditions = True
        self.may_look = True
        self.findings = []  # what was wrong with a signature
        self.released = threading.Event()
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_PUT(self):
                service._serve(self)

            do_HEAD = do_GET = do_PUT

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.port = self.http.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self):
        self.released.set()
        self.http.shutdown()
        self.http.server_close()

    def destination(self, **keys):
        settings = {"type": "s3", "endpoint": self.url, "region": self.region, "bucket": self.bucket, "path_style": True,
                    "access_key": self.access_key, "secret_key": self.secret_key, "timeout": "2s",
                    "backoff": {"initial": "50ms", "max": "300ms"}}
        settings.update(keys)
        return settings

    def answer(self, method, *answers):
        with self.lock:
            self.rules[method] += answers

    def always(self, method, answer):
        self.answer(method, *[answer] * 10_000)

    def clear(self):
        with self.lock:
            for rules in self.rules.values():
                rules.clear()

    def seen(self, method):
        with self.lock:
            return [each for each in self.requests if each[0] == method]

    # ---- What the service does ----

    def _serve(self, http):
        body = http.rfile.read(int(http.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in http.headers.items()}
        with self.lock:
            self.requests.append((http.command, http.path, headers))
            rules = self.rules[http.command]
            written = rules.pop(0) if rules else None
        if written is None or written.after:
            real = self._real_answer(http.command, http.path, headers, body)
        answer = written or real
        if answer.hang:
            self.released.wait(120)
        if answer.hang or answer.close:
            http.close_connection = True
            http.connection.close()
            return
        self._reply(http, answer)

    @staticmethod
    def _reply(http, answer):
        try:
            http.send_response_only(answer.status)
            for name, value in {"Date": formatdate(usegmt=True), "Content-Type": answer.content_type, **answer.headers}.items():
                http.send_header(name, value)
            http.send_header("Content-Length", str(len(answer.body)))
            http.end_headers()
            if http.command != "HEAD":
                http.wfile.write(answer.body)
        except OSError:
            http.close_connection = True

    def _real_answer(self, method, path, headers, body):
        with self.lock:
            wrong = self.what_is_wrong(method, path, headers, body)
            if wrong:
                self.findings.append(wrong)
                return error(403, wrong)
            if not path.startswith(f"/{self.bucket}/"):
                return error(404, "NoSuchBucket")
            key = unquote_to_bytes(path[len(self.bucket) + 2:]).decode()
            found = self.objects.get(key)
            if method == "PUT":
                return self._put(key, found, headers, body)
            if not self.may_look:
                return error(403, "AccessDenied")
            if found is None:
                return error(404, "NoSuchKey")
            kept = {name: value for name, value in found.headers.items() if name.startswith("x-amz-meta-")}
            return Answer(200, found.body.decode("latin-1"), headers={"ETag": found.etag, **kept})

    def _put(self, key, found, headers, body):
        if "if-none-match" in headers:
            if not self.knows_conditions:
                return error(501, "NotImplemented")
            if found is not None:
                return error(412, "PreconditionFailed")
        self.objects[key] = Stored(body, headers)
        if found is not None:
            self.objects[key].writes = found.writes + 1
        return Answer(200, "", headers={"ETag": self.objects[key].etag, "x-amz-version-id": f"v{len(self.objects)}"})

    def what_is_wrong(self, method, path, headers, body):
        """The error code of a request that isn't signed as Amazon would have it; None where it is."""
        scheme, _, rest = headers.get("authorization", "").partition(" ")
        parts = dict(part.strip().split("=", 1) for part in rest.split(",") if "=" in part)
        if scheme != "AWS4-HMAC-SHA256":
            return "AccessDenied"
        date = headers["x-amz-date"]
        scope = f"{date[:8]}/{self.region}/s3/aws4_request"
        if parts["Credential"] != f"{self.access_key}/{scope}":
            return "InvalidAccessKeyId"
        if headers.get("x-amz-security-token") != self.token:
            return "InvalidToken"
        if headers["x-amz-content-sha256"] != hashlib.sha256(body).hexdigest():
            return "XAmzContentSHA256Mismatch"
        signed = parts["SignedHeaders"].split(";")
        if {"host"} | {name for name in headers if name.startswith("x-amz-")} - set(signed) != {"host"} or "host" not in signed:
            return "AccessDenied"  # every x-amz- header has to be signed
        if "?" in path or percent_encode(unquote_to_bytes(path), safe="/~") != path:
            return "InvalidURI"
        request = AWSRequest(method=method, url=f"http://{headers['host']}{path}",
                             headers={name: headers[name] for name in signed})
        request.context["timestamp"] = date
        signer = S3SigV4Auth(Credentials(self.access_key, self.secret_key, self.token), "s3", self.region)
        text = signer.string_to_sign(request, signer.canonical_request(request))
        if urlsplit(request.url).query or signer.signature(text, request) != parts["Signature"]:
            return "SignatureDoesNotMatch"
        return None
