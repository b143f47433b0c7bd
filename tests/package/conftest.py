"""What the package's tests share: the package itself, built once from what is committed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))


@pytest.fixture(scope="session")
def packages():
    """The folder with the .deb, its -dbgsym and the .changes. EDGE_RELAY_PACKAGES names one that is built already."""
    if named := os.environ.get("EDGE_RELAY_PACKAGES"):
        return Path(named)
    built = subprocess.run([ROOT / "packaging/build-package"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout[-2000:] + built.stderr[-6000:]
    return ROOT / "build/debian"


@pytest.fixture(scope="session")
def package(packages):
    found = sorted(packages.glob("edge-relay_*.deb"))
    assert len(found) == 1, found
    return found[0]
