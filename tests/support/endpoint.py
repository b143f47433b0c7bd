"""An HTTP endpoint that takes submissions, as a state's own service may be: it signs senders in, knows a repeat by its
Idempotency-Key, and gives out tokens at /token. `taken` is {key: [body of every request that was taken]}."""

import base64
import json
import uuid
from urllib.parse import parse_qs

from answering_server import Answer, AnsweringServer


class Endpoint(AnsweringServer):
    def __init__(self, port=0, tls=None, authorization=None):
        """`authorization`: what a request has to carry; None: nothing."""
        self.authorization = authorization
        self.client = ("relay", "PLANTEDsecret")  # of /token
        self.granted_scope = None  # where it isn't as asked for
        self.token_seconds = 300
        self.forms = []  # of tokens that were asked for
        self.taken = {}
        self.bodies = []  # (method, path, headers, body) of what was taken
        super().__init__(port, tls)

    def of(self, identifier):
        with self.lock:
            return self.taken.get(identifier, [])

    def _real_answer(self, http, body):
        with self.lock:
            if http.path == "/token":
                return self._token(http, body)
            if self.authorization is not None and http.headers.get("Authorization") != self.authorization:
                return Answer(401, {"error": "unauthorized"})
            if http.command not in ("POST", "PUT", "PATCH"):
                return Answer(405, {"error": "method"})
            self.taken.setdefault(http.headers["Idempotency-Key"], []).append(body)
            self.bodies.append((http.command, http.path, http.headers, body))
        return Answer(201, {"received": True})

    def _token(self, http, body):
        form = {name: values[0] for name, values in parse_qs(body.decode(), strict_parsing=True).items()}
        self.forms.append(form)
        expected = "Basic " + base64.b64encode(":".join(self.client).encode()).decode()
        if http.headers.get("Authorization") != expected:
            return Answer(401, {"error": "invalid_client"})
        if form.get("grant_type") != "client_credentials":
            return Answer(400, {"error": "unsupported_grant_type"})
        token = uuid.uuid4().hex
        self.authorization = "Bearer " + token
        scope = form.get("scope") if self.granted_scope is None else self.granted_scope
        return Answer(200, json.dumps({"access_token": token, "token_type": "Bearer", "expires_in": self.token_seconds}
                                      | ({"scope": scope} if scope else {})))
