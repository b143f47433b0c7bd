"""Azurite, Microsoft's storage emulator, and Microsoft's SDK to look into it.

Azurite answers before it has saved, so it is always stopped with SIGTERM: a SIGKILL would lose what it acknowledged,
and a test would blame the relay for it.
"""

import contextlib
import hashlib
import hmac
import json
import signal
import socket
import subprocess
import uuid
from base64 import b64decode, b64encode
from datetime import datetime, timedelta, timezone
from pathlib import Path
from urllib.parse import urlencode

from azure.core.exceptions import HttpResponseError
from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from ports import free_ports
from raw_http import await_true

ACCOUNT = "devstoreaccount1"
# The emulator's key is public and the same everywhere.
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
PROGRAM = Path(__file__).parent / "peers/node_modules/azurite/dist/src/azurite.js"


class Azurite:
    """One emulator with its three services on ports of its own, keeping what it holds in `folder`."""

    def __init__(self, folder, ports=None, certificate=None, key=None):
        """With certificate and key (PEM files) it speaks HTTPS."""
        self.folder = Path(folder)
        self.scheme = "https" if certificate else "http"
        self.tls_arguments = ["--cert", str(certificate), "--key", str(key)] if certificate else []
        self.blob_port, self.queue_port, self.table_port = ports or free_ports(3)
        self.process = None

    def start(self, in_memory=False, **popen):
        self.folder.mkdir(parents=True, exist_ok=True)
        with open(self.folder / "azurite.log", "ab") as log:
            self.process = subprocess.Popen(
                ["node", str(PROGRAM), "--silent", "--skipApiVersionCheck", "--disableTelemetry", "--disableProductStyleUrl",
                 *(["--inMemoryPersistence"] if in_memory else ["--location", str(self.folder / "data")]),
                 "--blobPort", str(self.blob_port), "--queuePort", str(self.queue_port),
                 "--tablePort", str(self.table_port), *self.tls_arguments],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, **popen)
        await_true(self._answers, lambda: f"Azurite answers; its log: {self.folder / 'azurite.log'}", timeout=60)
        return self

    def _answers(self):
        if self.process.poll() is not None:
            text = (self.folder / "azurite.log").read_text(errors="replace")
            raise RuntimeError(f"Azurite ended with {self.process.returncode}: {text[-2000:]}")
        for port in (self.blob_port, self.queue_port, self.table_port):
            with socket.socket() as probe:
                probe.settimeout(2)
                if probe.connect_ex(("127.0.0.1", port)) != 0:
                    return False
        return True

    def stop(self):
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=30)

    def endpoints(self, queue=None, blob=None, table=None):
        """The three endpoints, each over another port (a fault proxy's) where one is given."""
        return {"queue": f"{self.scheme}://127.0.0.1:{queue or self.queue_port}/{ACCOUNT}",
                "blob": f"{self.scheme}://127.0.0.1:{blob or self.blob_port}/{ACCOUNT}",
                "table": f"{self.scheme}://127.0.0.1:{table or self.table_port}/{ACCOUNT}"}

    def connection_string(self, key=KEY, **ports):
        endpoint = self.endpoints(**ports)
        return (f"DefaultEndpointsProtocol={self.scheme};AccountName={ACCOUNT};AccountKey={key};"
                f"BlobEndpoint={endpoint['blob']};QueueEndpoint={endpoint['queue']};TableEndpoint={endpoint['table']};")

    def sas(self, service, permissions, expires_in=timedelta(hours=1)):
        """An account SAS of one service ("queue", "blob" or "table") as a query string."""
        start = datetime.now(timezone.utc) - timedelta(hours=2)
        expiry = datetime.now(timezone.utc) + expires_in
        if service == "queue":
            from azure.storage.queue import AccountSasPermissions, ResourceTypes, generate_account_sas
            return generate_account_sas(ACCOUNT, KEY, ResourceTypes.from_string("sco"),
                                        AccountSasPermissions.from_string(permissions), expiry, start=start)
        if service == "blob":
            from azure.storage.blob import AccountSasPermissions, ResourceTypes, generate_account_sas
            return generate_account_sas(ACCOUNT, KEY, ResourceTypes.from_string("sco"),
                                        AccountSasPermissions.from_string(permissions), expiry, start=start)
        from azure.core.credentials import AzureNamedKeyCredential
        from azure.data.tables import AccountSasPermissions, ResourceTypes, generate_account_sas
        return generate_account_sas(AzureNamedKeyCredential(ACCOUNT, KEY), ResourceTypes.from_string("sco"),
                                    AccountSasPermissions.from_string(permissions), expiry, start=start)

    @staticmethod
    def account_sas(permissions="rwdlac", services="bqt"):
        """One account SAS for several services, signed here: the SDK's functions make them for one service each."""
        expiry = (datetime.now(timezone.utc) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        fields = {"sp": permissions, "ss": services, "srt": "sco", "st": "", "se": expiry, "sip": "", "spr": "https,http",
                  "sv": "2020-02-10"}
        # "Create an account SAS", string to sign for versions before 2020-12-06.
        text = "\n".join([ACCOUNT, *fields.values()]) + "\n"
        fields["sig"] = b64encode(hmac.new(b64decode(KEY), text.encode(), hashlib.sha256).digest()).decode()
        return urlencode({name: value for name, value in fields.items() if value})

    def storage(self, **names):
        return Storage(self, **names)


class Storage:
    """A queue, container and table of one test, read with Microsoft's SDK."""

    def __init__(self, azurite, queue=None, container=None, table=None, create=True):
        unique = uuid.uuid4().hex[:12]
        self.azurite = azurite
        self.queue_name = queue or f"results-{unique}"
        self.container_name = container or f"reports-{unique}"
        self.table_name = table or f"submission{unique}"
        text = azurite.connection_string()
        self.queue = QueueServiceClient.from_connection_string(text).get_queue_client(self.queue_name)
        self.container = BlobServiceClient.from_connection_string(text).get_container_client(self.container_name)
        self.table = TableServiceClient.from_connection_string(text).get_table_client(self.table_name)
        if create:
            self.create()

    def create(self):
        for each in (self.queue.create_queue, self.container.create_container, self.table.create_table):
            with contextlib.suppress(HttpResponseError):
                each()

    def destination(self, **overrides):
        """Configuration of a destination that writes here."""
        settings = {"type": "azure_storage_queue", "connection_string": self.azurite.connection_string(),
                    "queue": self.queue_name, "blob_container": self.container_name, "table": self.table_name}
        settings.update(overrides)
        return {key: value for key, value in settings.items() if value is not None}

    def texts(self):
        """Every message's text as it stands in the queue, oldest first. Takes them out: peeking sees at most 32."""
        found = []
        for page in self.queue.receive_messages(messages_per_page=32, visibility_timeout=3600).by_page():
            found += [message.content for message in page]
        return found

    def peek(self):
        """At most the 32 oldest texts, left where they are."""
        return [message.content for message in self.queue.peek_messages(max_messages=32)]

    def envelopes(self):
        """As texts(), decoded as ReportStream's reader does it: base64, then JSON."""
        return [json.loads(b64decode(text, validate=True)) for text in self.texts()]

    def blob(self, url):
        """The bytes behind a blobURL, which must be one of this container."""
        prefix = f"/{ACCOUNT}/{self.container_name}/"
        assert prefix in url, url
        return self.container.download_blob(url.split(prefix, 1)[1]).readall()

    def blob_names(self):
        return [blob.name for blob in self.container.list_blobs()]

    def rows(self):
        return [dict(entity) for entity in self.table.list_entities()]
