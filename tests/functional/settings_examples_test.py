"""The examples that are shipped: `edge-relay check` takes each, without a warning, and says what its routes take."""

import pytest

from relay import ROOT, command

EXAMPLES = sorted((ROOT / "config/examples").glob("*.yaml"))


@pytest.fixture
def surroundings(tmp_path):
    """What the examples refer to: credentials, a folder, secrets in the environment."""
    credentials, folder = tmp_path / "credentials", tmp_path / "folder"
    credentials.mkdir()
    folder.mkdir()
    (credentials / "reportstream").write_text("UseDevelopmentStorage=true\n")
    for name in ("aims-access-key", "aims-secret-key"):
        (credentials / name).write_text("AKID\n")
    assert command("key", "new", "--output", credentials / "aims-sftp-key").returncode == 0
    assert command("key", "new", "--output", credentials / "reportstream-key").returncode == 0
    return {"CREDENTIALS_DIRECTORY": str(credentials), "EDGE_RELAY_ARCHIVE": str(folder), "REPORTSTREAM_QUEUE_SAS": "sv=1&sp=a&sig=x",
            "REPORTSTREAM_BLOB_SAS": "sv=1&sp=cw&sig=x", "REPORTSTREAM_TABLE_SAS": "sv=1&sp=a&sig=x"}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda each: each.stem)
def test_check_takes_it(example, surroundings):
    result = command("check", "--config", example, env=surroundings)
    assert (result.returncode, result.stderr) == (0, b""), result.stderr.decode()
    assert result.stdout


def test_there_are_examples():
    assert {"reportstream-queue", "directory", "two-destinations"} <= {each.stem for each in EXAMPLES}
