"""A watched folder as its sender and its operator see it, and the relay behind it."""

import re

from relay import await_true

DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


class Outbox:
    """A watched folder and the relay that watches it."""

    def __init__(self, relay, path):
        self.relay, self.path = relay, path

    def put(self, name, payload, folder="."):
        """As a careful sender does: written under a name that isn't taken, then renamed."""
        target = self.path / folder / name
        target.parent.mkdir(exist_ok=True, parents=True)
        hidden = target.with_name(f".{target.name}.part"[-255:])
        hidden.write_bytes(payload)
        hidden.rename(target)
        return target

    def done(self):
        """{name: bytes} of what lies in done/, whatever its day."""
        found = {}
        for path in (self.path / "done").glob("*/*"):
            assert DATE.fullmatch(path.parent.name), path
            assert path.name not in found
            found[path.name] = path.read_bytes()
        return found

    def failed(self):
        """{name: reason} of what lies in failed/, while nothing is on its way there."""
        folder = self.path / "failed"
        names = {path.name for path in folder.iterdir()} if folder.exists() else set()
        reasons = {name for name in names if name.endswith(".reason")}
        assert {name + ".reason" for name in names - reasons} == reasons, names
        return {name: (folder / f"{name}.reason").read_text() for name in names - reasons}

    def waiting(self):
        """What lies in the folder itself, hidden files too."""
        return sorted(path.name for path in self.path.iterdir() if path.is_file())

    def submissions(self):
        """Every submission that came through this door, the oldest first, as the operator sees it."""
        found, cursor = [], None
        while True:
            page = self.relay.admin_socket("/v1/submissions?limit=100" + (f"&cursor={cursor}" if cursor else "")).json()
            found += [each for each in page["submissions"] if each["intake"] == "folder"]
            cursor = page["next_cursor"]
            if not cursor:
                return found[::-1]

    def payloads(self):
        return [self.relay.admin_socket(f"/v1/submissions/{each['id']}/payload").body for each in self.submissions()]

    def await_done(self, *names):
        await_true(lambda: set(self.done()) >= set(names), lambda: f"{names} in done: {self.look()}")
        return self.done()

    def await_failed(self, name, timeout=60):
        """Its reason. Others may be on their way there meanwhile."""
        await_true((self.path / "failed" / name).exists, lambda: f"{name} in failed: {self.look()}", timeout=timeout)
        return (self.path / "failed" / f"{name}.reason").read_text()

    def look(self):
        names = sorted(str(path.relative_to(self.path)) for path in self.path.rglob("*") if path.is_file())
        return f"{names}; log: {self.relay.log()[-2000:]}"
