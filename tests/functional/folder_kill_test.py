"""The drop folder, killed just before and just after each single operation on files: exactly one submission a file, and a
file put there again is a new one."""

import os
import signal

import pytest
from relay import RelayFailed, await_true, hl7

# An upper bound for what one file takes, should the test never come to an end.
MOST_STEPS = 120


def start_until_killed(relay, step_faults, thread, step, is_over):
    """True where it was killed at that step; False where all that was to be done took fewer steps."""
    relay.start(env=step_faults(thread=thread, kill=step), ready=False)
    await_true(lambda: not relay.running() or is_over(), lambda: f"killed at step {step}, or done: {relay.log()[-2000:]}")
    # What is done may not be all that is to be done.
    code = relay.stop()
    if code not in (0, -signal.SIGKILL):
        raise RelayFailed(f"ended with {code}: {relay.log()[-2000:]}")
    return code == -signal.SIGKILL


@pytest.mark.parametrize("thread, keys", [
    ("folder-0", {}),
    ("folder-0", {"after": "delete", "complete_when": "marker:*.ok"}),
    ("writer", {}),
])
def test_a_file_is_taken_once_whatever_it_is_killed_at(make_outbox, step_faults, thread, keys):
    outbox = make_outbox(start=False, **{"complete_when": "renamed", **keys})
    relay = outbox.relay
    relay.update({"destinations": {"archive": {"backoff": {"max": "1s"}}}})
    relay.start()
    assert relay.stop() == 0
    kept = keys.get("after") != "delete"
    sent = {}
    # The writer's own steps at a start aren't about a file.
    for step in range(0 if thread != "writer" else 8, MOST_STEPS, 1 if thread != "writer" else 3):
        name, payload = f"result-{step}.hl7", hl7(f"step-{step}")
        (outbox.path / name).write_bytes(payload)
        if not kept:
            (outbox.path / f"result-{step}.ok").touch()
        sent[name] = payload

        def is_over(name=name):
            return name in outbox.done() if kept else outbox.waiting() == []
        killed = start_until_killed(relay, step_faults, thread, step, is_over)
        relay.start()
        await_true(lambda: outbox.waiting() == [], outbox.look)
        assert sorted(outbox.payloads()) == sorted(sent.values()), f"killed at step {step}"
        if kept:
            assert outbox.done() == sent
        assert relay.stop() == 0
        if not killed:
            break
    assert not killed, "more steps than this test goes through"
    assert step > (10 if thread != "writer" else 8), "hardly any step was met: does the library still stand in their way?"
    # The same names again: new files.
    again = {name: hl7() for name in sent}
    for name, payload in again.items():
        (outbox.path / name).write_bytes(payload)
        if not kept:
            (outbox.path / name).with_suffix(".ok").touch()
    relay.start()
    await_true(lambda: outbox.waiting() == [], outbox.look)
    assert sorted(outbox.payloads()) == sorted([*sent.values(), *again.values()])
    assert relay.stop() == 0
    relay.verify()


def test_a_file_put_there_again_while_a_note_is_pending_is_a_new_one(make_outbox, step_faults):
    """Killed where the file is erased and its note isn't yet: what lies there at the next start is another file, also
    with the same name, bytes and date, and in the same place on the disk."""
    outbox = make_outbox(start=False, after="delete", complete_when="renamed")
    relay = outbox.relay
    payload, path = hl7(), outbox.path / "result.hl7"
    sent = 0
    for step in range(MOST_STEPS):
        if not path.exists():
            path.write_bytes(payload)
            os.utime(path, (1_700_000_000, 1_700_000_000))
            sent += 1
        killed = start_until_killed(relay, step_faults, "folder-0", step, lambda: outbox.waiting() == [])
        if not killed:
            break
    assert not killed and sent > 1
    relay.start()
    await_true(lambda: outbox.waiting() == [] and len(outbox.submissions()) >= sent, outbox.look)
    assert outbox.payloads() == [payload] * sent
