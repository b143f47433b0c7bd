"""A small C file of tests/support, compiled and loaded into the relay under test (LD_PRELOAD)."""

import os
import subprocess
from pathlib import Path


def preloaded(folder, name, **variables):
    """The environment of a relay that starts with tests/support/<name>.c, which reads `variables`. Built in `folder` once."""
    library = Path(folder, f"{name}.so")
    if not library.exists():
        subprocess.run(["gcc", "-Wall", "-Werror", "-shared", "-fPIC", "-O1", "-o", library,
                        Path(__file__).with_name(f"{name}.c"), "-ldl"], check=True)
    # Under ASan it comes before the runtime, which says no otherwise.
    return {"LD_PRELOAD": str(library), "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0", **variables}


__all__ = ["preloaded"]
