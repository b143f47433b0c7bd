"""ReportStream's API, made from what is known of the real one: /api/token, /api/waters, /api/reports, the list of an
org's submissions, a report's history. Assertions are checked with PyJWT, and each `jti` is taken once.

A test writes what happens: `server.answer(path_part, *answers)` gives the next requests whose path holds that text these
answers instead of the real ones; what is taken stands in `server.submissions`.
"""

import time
import uuid
from urllib.parse import parse_qs, unquote, urlsplit

import jwt

from answering_server import Answer, AnsweringServer

SCOPE = "{org}.*.report"


class Taken:
    def __init__(self, identifier, number, client, content_type, name, body, at):
        self.id, self.number, self.client, self.content_type, self.name = identifier, number, client, content_type, name
        self.body, self.at = body, at
        self.http_status = 201
        self.overall_status = "Received"


class ReportStream(AnsweringServer):
    def __init__(self, port=0):
        self.keys = {}  # kid -> (public key, algorithms)
        self.function_keys = set()
        self.audience = "127.0.0.1"
        self.content_types = {"application/hl7-v2", "application/fhir+ndjson", "text/csv"}
        self.may_list = True
        self.token_seconds = 300
        self.signed_in = self._signed_in
        self.tokens = {}  # token -> (org, until)
        self.jtis = set()
        self.assertions = []  # (header, claims) of those that were taken
        self.submissions = []
        super().__init__(port)

    # ---- What a test says ----

    def trust(self, jwk):
        """The public key that the sender handed over, as `edge-relay key new` prints it."""
        self.keys[jwk["kid"]] = (jwt.PyJWK(jwk).key, [jwk["alg"]])

    def of(self, identifier):
        """What was taken under that submission id of the relay's."""
        with self.lock:
            return [each for each in self.submissions if each.name.endswith(identifier)]

    # ---- What the service does ----

    def _real_answer(self, http, body):
        path = urlsplit(http.path).path
        with self.lock:
            if path == "/api/token" and http.command == "POST":
                return self._token(http, body)
            org = self.signed_in(http)
            if org is None:
                return Answer(401, {"error": "Authentication Failed"})
            if path in ("/api/waters", "/api/reports") and http.command == "POST":
                return self._take(http, body, org)
            if path.startswith("/api/waters/org/"):
                return self._list(http, org)
            if path.startswith("/api/waters/report/") and path.endswith("/history"):
                return self._history(path)
        return Answer(404, "no such thing", "text/plain")

    def _token(self, http, body):
        if http.headers.get("Content-Type") != "application/x-www-form-urlencoded":
            return Answer(400, {"error": "invalid_request"})
        form = {name: values[0] for name, values in parse_qs(body.decode(), strict_parsing=True).items()}

        def no(code):
            return Answer(401, {"error": code, "error_description": code})

        if form.get("grant_type") != "client_credentials" or form.get("client_assertion_type") != \
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer":
            return no("invalid_request")
        if "scope" not in form:
            return no("missing_scope")
        assertion = form.get("client_assertion", "")
        try:
            header = jwt.get_unverified_header(assertion)
            if header.get("kid") not in self.keys:
                return no("no_valid_keys")
            key, algorithms = self.keys[header["kid"]]
            claims = jwt.decode(assertion, key, algorithms=algorithms, audience=self.audience,
                                options={"require": ["iss", "sub", "aud", "jti", "exp"]}, leeway=60)
        except jwt.ExpiredSignatureError:
            return no("expired_token")
        except jwt.PyJWTError:
            return no("malformed_jwt")
        if not isinstance(claims["aud"], str) or claims["exp"] > time.time() + 600 + 60:
            return no("malformed_jwt")
        if claims["jti"] in self.jtis:
            return no("malformed_jwt")
        self.jtis.add(claims["jti"])
        org = claims["iss"].split(".")[0]
        if form["scope"] != SCOPE.format(org=org):
            return no("invalid_scope")
        self.assertions.append((header, claims))
        token = uuid.uuid4().hex
        self.tokens[token] = (org, time.monotonic() + self.token_seconds)
        return Answer(200, {"sub": claims["sub"], "access_token": token, "token_type": "bearer",
                            "expires_in": self.token_seconds, "scope": form["scope"]})

    def _signed_in(self, http):
        """The org that may send, "*" for any; None where nobody is signed in."""
        if http.headers.get("x-functions-key") in self.function_keys:
            return "*" if urlsplit(http.path).path != "/api/waters" else None
        kind, _, token = http.headers.get("Authorization", "").partition(" ")
        org, until = self.tokens.get(token, (None, 0))
        return org if kind == "Bearer" and time.monotonic() < until else None

    def _take(self, http, body, org):
        query = {name: values[0] for name, values in parse_qs(urlsplit(http.path).query).items()}
        client = http.headers.get("client") or query.get("client")
        name = http.headers.get("payloadName") or query.get("payloadName")
        if not client or (org != "*" and client.split(".")[0] != org):
            return Answer(400, {"id": None, "errors": [{"message": "Expected a 'client' query parameter"}]})
        if http.headers.get("Content-Length") is None:
            return Answer(400, "Content-Length is missing", "text/plain")
        if http.headers.get("Content-Type") not in self.content_types:
            return Answer(400, {"id": None, "errors": [{"errorCode": "INVALID_CONTENT_TYPE", "field": "content-type"}]})
        if len(body) > 50_000_000:
            return Answer(413, "too large", "text/plain")
        taken = Taken(str(uuid.uuid4()), len(self.submissions) + 1, client, http.headers["Content-Type"], name, body, time.time())
        self.submissions.append(taken)
        return Answer(201, {"id": taken.id, "submissionId": taken.number, "overallStatus": "Received",
                            "timestamp": _time(taken.at), "plannedCompletionAt": None, "actualCompletionAt": None,
                            "sender": client, "reportItemCount": 1, "errorCount": 0, "warningCount": 0, "httpStatus": 201,
                            "destinations": [], "actionName": "receive", "externalName": name, "reportId": taken.id,
                            "topic": "full-elr", "errors": [], "warnings": [], "destinationCount": 0, "fileName": "x"},
                      headers={"Location": f"{self.url}/api/waters/report/{taken.id}/history"})

    def _list(self, http, org):
        parts = urlsplit(http.path)
        client = unquote(parts.path.removeprefix("/api/waters/org/").removesuffix("/submissions"))
        if not self.may_list or (org != "*" and client.split(".")[0] != org):
            return Answer(403, {"error": "Authorization Failed"})
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        rows = [each for each in reversed(self.submissions)
                if each.client == client and (query.get("showfailed") == "true" or each.http_status < 300)]
        if "since" in query:
            rows = [each for each in rows if _time(each.at) >= query["since"]]
        if "cursor" in query:
            rows = [each for each in rows if _time(each.at) < query["cursor"]]
        return Answer(200, [{"submissionId": each.number, "timestamp": _time(each.at), "sender": each.client,
                             "httpStatus": each.http_status, "id": each.id if each.http_status < 300 else None,
                             "topic": "full-elr", "reportItemCount": 1, "fileName": "x", "fileType": "HL7",
                             "externalName": each.name} for each in rows[:int(query.get("pageSize", "50"))]])

    def _history(self, path):
        identifier = unquote(path.removeprefix("/api/waters/report/").removesuffix("/history"))
        found = [each for each in self.submissions if each.id == identifier]
        if not found:
            return Answer(404, {"error": "not found"})
        return Answer(200, {"id": identifier, "overallStatus": found[0].overall_status})


def _time(at):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + f".{int(at * 1000) % 1000:03d}Z"
