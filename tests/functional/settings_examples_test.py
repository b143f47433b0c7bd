"""The examples that are shipped: `edge-relay check` takes each, without a warning, and says what its routes take."""

import base64

import pytest

from relay import ROOT, command
from tls import Identity

EXAMPLES = sorted((ROOT / "config/examples").glob("*.yaml"))


@pytest.fixture
def surroundings(tmp_path):
    """What the examples refer to: credentials, a folder, secrets in the environment."""
    credentials, folder = tmp_path / "credentials", tmp_path / "folder"
    credentials.mkdir()
    folder.mkdir()
    (credentials / "reportstream").write_text("UseDevelopmentStorage=true\n")
    (credentials / "journal-key").write_text(base64.b64encode(bytes(range(32))).decode() + "\n")
    authority = Identity(tmp_path, "ca", "hospital")
    own = Identity(tmp_path, "own", "relay.lab.example", ["relay.lab.example"], authority)
    for name, file in (("relay-certificate", own.certificate), ("relay-key", own.key), ("senders-ca", authority.certificate)):
        (credentials / name).write_bytes(file.read_bytes())
    (credentials / "state-secret").write_text("PLANTED\n")
    (credentials / "proxy").write_text("relay:PLANTED\n")
    for name in ("aims-access-key", "aims-secret-key"):
        (credentials / name).write_text("AKID\n")
    assert command("key", "new", "--output", credentials / "aims-sftp-key").returncode == 0
    assert command("key", "new", "--output", credentials / "reportstream-key").returncode == 0
    return {"CREDENTIALS_DIRECTORY": str(credentials), "EDGE_RELAY_ARCHIVE": str(folder), "REPORTSTREAM_QUEUE_SAS": "sv=1&sp=a&sig=x",
            "REPORTSTREAM_BLOB_SAS": "sv=1&sp=cw&sig=x", "REPORTSTREAM_TABLE_SAS": "sv=1&sp=a&sig=x"}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda each: each.stem)
def test_check_takes_it(example, surroundings, tmp_path):
    # Where a path is written out, this machine has none of that name.
    config = tmp_path / example.name
    config.write_text(example.read_text().replace("/var/spool/edge-relay/outbox", surroundings["EDGE_RELAY_ARCHIVE"]))
    result = command("check", "--config", config, env=surroundings)
    assert (result.returncode, result.stderr) == (0, b""), result.stderr.decode()
    assert result.stdout


def test_there_are_examples():
    assert {"reportstream-queue", "reportstream-api", "directory", "two-destinations", "mllp", "mllp-tls", "folder", "tokens",
            "tls-client-certificates", "encryption", "several-clients"} <= {each.stem for each in EXAMPLES}
