"""The drop folder: each complete file becomes exactly one submission, and then gets out of the way."""

import os
import signal
import threading
import time

from relay import HL7, await_true, hl7


def test_a_file_becomes_a_submission_and_moves_to_done(make_outbox):
    outbox = make_outbox()
    payload = hl7()
    outbox.put("result.hl7", payload)
    assert outbox.await_done("result.hl7") == {"result.hl7": payload}
    [submission] = outbox.submissions()
    assert submission["client"] == "lab.batch"
    assert submission["content_type"] == HL7
    assert submission["payload_name"] == "result.hl7"
    assert submission["size"] == len(payload)
    outbox.relay.await_state(submission["id"], "delivered")
    assert outbox.payloads() == [payload]
    assert outbox.waiting() == []
    [folder] = (outbox.path / "done").iterdir()
    assert folder.name == time.strftime("%Y-%m-%d", time.gmtime())
    assert outbox.relay.metrics()['edge_relay_submissions_accepted_total{intake="folder"}'] == 1


def test_a_file_put_there_again_is_a_new_submission_and_nothing_is_overwritten(make_outbox):
    outbox = make_outbox()
    first, second = hl7("first"), hl7("second")
    outbox.put("result.hl7", first)
    outbox.await_done("result.hl7")
    outbox.put("result.hl7", second)
    outbox.await_done("result~2.hl7")
    outbox.put("result.hl7", first)
    assert outbox.await_done("result~3.hl7") == {"result.hl7": first, "result~2.hl7": second, "result~3.hl7": first}
    assert outbox.payloads() == [first, second, first]
    # Moved back by hand: the same file, and still a new submission.
    [done] = (outbox.path / "done").glob("*/result~2.hl7")
    done.rename(outbox.path / "again.hl7")
    outbox.await_done("again.hl7")
    assert outbox.payloads() == [first, second, first, second]


def test_with_delete_a_file_is_erased_once_it_is_in_the_journal(make_outbox):
    outbox = make_outbox(after="delete")
    payload = hl7()
    for n in range(1, 4):
        outbox.put("result.hl7", payload)
        await_true(lambda n=n: len(outbox.submissions()) == n and outbox.waiting() == [], outbox.look)
    assert outbox.payloads() == [payload] * 3
    assert list(outbox.path.iterdir()) == []


def test_patterns_take_any_case_and_leave_the_rest_alone(make_outbox):
    outbox = make_outbox(patterns=["*.hl7", "lab-?.dat"])
    taken = ["a.hl7", "B.HL7", "c.Hl7", "LAB-1.Dat"]
    left = [".hidden.hl7", "half.hl7.tmp", "half.TMP", "notes.doc", "lab-12.dat", "hl7"]
    for name in taken + left:
        (outbox.path / name).write_bytes(hl7(name[-20:]))
    outbox.await_done(*taken)
    # One that comes later is taken, so every other one was looked at.
    outbox.put("last.hl7", hl7())
    outbox.await_done("last.hl7")
    assert set(outbox.done()) == {*taken, "last.hl7"}
    assert outbox.waiting() == sorted(left)
    assert len(outbox.submissions()) == len(taken) + 1


def test_files_that_were_there_at_start_are_taken_in_the_order_of_their_dates(make_outbox):
    outbox = make_outbox(start=False)
    names = [f"{n * 7 % 20:02}.hl7" for n in range(20)]
    for age, name in enumerate(names):
        (outbox.path / name).write_bytes(hl7(name))
        os.utime(outbox.path / name, (1_700_000_000 + age, 1_700_000_000 + age))
    outbox.relay.start()
    outbox.await_done(*names)
    assert [each["payload_name"] for each in outbox.submissions()] == names


def test_a_growing_file_is_taken_once_and_whole(make_outbox):
    outbox = make_outbox(settle="2s")
    whole = hl7(extra=b"x" * 5000)
    target = outbox.path / "growing.hl7"
    step = len(whole) // 6
    for at in range(0, len(whole), step):
        with open(target, "ab") as file:
            file.write(whole[at:at + step])
        time.sleep(0.5)  # the sender's pauses are what this is about
    assert outbox.await_done("growing.hl7") == {"growing.hl7": whole}
    assert outbox.payloads() == [whole]


def test_a_file_with_room_made_in_advance_is_complete_once_no_nul_is_left(make_outbox):
    outbox = make_outbox(complete_when="renamed")
    whole = hl7(extra=b"x" * 70_000)
    target = outbox.path / "preallocated.hl7"
    with open(target, "wb") as file:
        file.truncate(len(whole))
    for at in range(0, len(whole), 10_000):
        with open(target, "r+b") as file:
            file.seek(at)
            file.write(whole[at:at + 10_000])
        # Whatever is looked at meanwhile, nothing of it is taken.
        outbox.put(f"beside-{at}.hl7", hl7())
        outbox.await_done(f"beside-{at}.hl7")
        assert ("preallocated.hl7" in outbox.waiting()) or at + 10_000 >= len(whole)
    assert outbox.await_done("preallocated.hl7")["preallocated.hl7"] == whole
    assert outbox.payloads().count(whole) == 1
    assert all(b"\0" not in payload for payload in outbox.payloads())


def test_nuls_are_no_sign_in_other_content_types(make_outbox):
    outbox = make_outbox(content_type="application/xml", patterns=["*.xml"])
    payload = b"<a>\0</a>"
    outbox.put("a.xml", payload)
    outbox.await_done("a.xml")
    assert outbox.payloads() == [payload]


def test_renamed_takes_a_file_as_soon_as_its_name_matches(make_outbox):
    outbox = make_outbox(complete_when="renamed")
    payload = hl7()
    (outbox.path / "result.hl7.writing").write_bytes(payload[:20])
    outbox.put("another.hl7", hl7())
    outbox.await_done("another.hl7")
    assert outbox.waiting() == ["result.hl7.writing"]
    (outbox.path / "result.hl7.writing").write_bytes(payload)
    (outbox.path / "result.hl7.writing").rename(outbox.path / "result.hl7")
    assert outbox.await_done("result.hl7")["result.hl7"] == payload


def test_a_marker_says_that_a_file_is_complete_and_goes_with_it(make_outbox):
    outbox = make_outbox(complete_when="marker:*.ok", patterns=["*.hl7", "*.txt", "*"])
    files = {name: hl7(name) for name in ["full.hl7", "stem.hl7", "Upper.hl7", "without.hl7", "shared.hl7", "shared.txt"]}
    for name, payload in files.items():
        (outbox.path / name).write_bytes(payload)
    for marker in ["full.hl7.ok", "stem.ok", "UPPER.OK", "shared.ok", "nobody.ok"]:
        (outbox.path / marker).touch()
    outbox.await_done("full.hl7", "stem.hl7", "Upper.hl7", "shared.hl7", "shared.txt")
    await_true(lambda: outbox.waiting() == ["nobody.ok", "without.hl7"], outbox.look)
    (outbox.path / "without.ok").touch()
    outbox.await_done("without.hl7")
    assert outbox.done() == files
    assert sorted(outbox.payloads()) == sorted(files.values())
    assert outbox.waiting() == ["nobody.ok"]


def test_with_from_folder_the_subfolder_names_the_client(make_outbox):
    outbox = make_outbox(client="from_folder")
    one, two, deep = hl7("one"), hl7("two"), hl7("deep")
    outbox.put("result.hl7", one, "lab.one")
    outbox.await_done("result.hl7")
    outbox.put("result.hl7", two, "lab.two")
    outbox.put("deep.hl7", deep, "lab.one/today")
    outbox.await_done("result~2.hl7", "deep.hl7")
    outbox.put("root.hl7", hl7())
    outbox.put("strange.hl7", hl7(), "no client")
    outbox.await_failed("root.hl7")
    outbox.await_failed("strange.hl7")
    assert outbox.failed()["root.hl7"].startswith("no_client: ")
    assert outbox.failed()["strange.hl7"].startswith("bad_client: ")
    clients = {each["payload_name"] + each["client"] for each in outbox.submissions()}
    assert clients == {"result.hl7lab.one", "result.hl7lab.two", "deep.hl7lab.one"}
    assert outbox.done() == {"result.hl7": one, "result~2.hl7": two, "deep.hl7": deep}


def test_done_and_failed_are_reserved(make_outbox):
    outbox = make_outbox(client="from_folder", keep_done="100y")
    for folder in ["done/2020-01-01", "failed", "Done"]:
        outbox.put("old.hl7", hl7(), folder)
    outbox.put("new.hl7", hl7(), "lab.one")
    outbox.await_done("new.hl7")
    assert [each["payload_name"] for each in outbox.submissions()] == ["new.hl7"]


def test_the_route_may_name_the_door(make_outbox):
    outbox = make_outbox(config={"routes": [{"match": {"intake": "folder"}, "to": ["archive"]}]})
    outbox.put("result.hl7", hl7())
    outbox.await_done("result.hl7")
    assert outbox.relay.post(hl7()).status == 422


def test_a_large_file_goes_in_whole(make_outbox):
    outbox = make_outbox()
    payload = hl7(extra=os.urandom(1_500_000).hex().encode())
    outbox.put("large.hl7", payload)
    outbox.await_done("large.hl7")
    assert outbox.payloads() == [payload]


def test_done_files_are_kept_as_long_as_it_says(make_outbox):
    outbox = make_outbox(keep_done="3s", start=False)
    planted = outbox.path / "done" / "2020-02-03" / "old.hl7"
    planted.parent.mkdir(parents=True)
    planted.write_bytes(b"old")
    other = outbox.path / "done" / "kept by hand" / "old.hl7"
    other.parent.mkdir()
    other.write_bytes(b"old")
    outbox.relay.start()
    outbox.put("result.hl7", hl7())
    await_true(lambda: outbox.submissions() and not list((outbox.path / "done").glob("2*/*")), outbox.look)
    assert not planted.parent.exists()
    assert other.exists()


def test_many_files_each_once_through_stops_and_kills(make_outbox):
    outbox = make_outbox(complete_when="renamed")
    files = {f"{n:04}.hl7": hl7(f"{n:04}") for n in range(240)}

    def put_all():
        for name, payload in files.items():
            outbox.put(name, payload)
            time.sleep(0.005)
    sender = threading.Thread(target=put_all)
    sender.start()
    for how in [signal.SIGKILL, signal.SIGTERM, signal.SIGKILL, signal.SIGKILL]:
        before = len(outbox.done())
        await_true(lambda before=before: len(outbox.done()) >= min(before + 30, len(files)), outbox.look)
        if how == signal.SIGKILL:
            outbox.relay.kill()
        else:
            assert outbox.relay.stop() == 0
        outbox.relay.start()
    sender.join()
    outbox.await_done(*files)
    assert outbox.done() == files
    assert sorted(outbox.payloads()) == sorted(files.values())
    assert outbox.waiting() == []
    outbox.relay.check_totals()
    assert outbox.relay.stop() == 0
    outbox.relay.verify()


def test_names_and_content_stay_out_of_what_everybody_may_see(make_outbox):
    outbox = make_outbox(client="from_folder")
    name = "DOE_JOHN_19500101"
    outbox.put(f"{name}.hl7", hl7(extra=name.encode()), "lab.one")
    outbox.put(f"{name}.hl7", hl7(extra=name.encode()), "lab.one")
    outbox.put(f"{name}-bad.hl7", name.encode(), "lab.one")
    outbox.put(f"{name}-root.hl7", hl7())
    outbox.put(f"{name}.hl7", hl7(), name)
    (outbox.path / "lab.one" / f"{name}.txt").touch()
    outbox.await_failed(f"{name}-bad.hl7")
    outbox.await_failed(f"{name}-root.hl7")
    await_true(lambda: len(outbox.done()) >= 2, outbox.look)
    relay = outbox.relay
    shown = [relay.log(), relay.admin("/health").body.decode(), relay.admin("/metrics").body.decode()]
    shown += [relay.admin(f"/v1/submissions/{each['id']}").body.decode() for each in outbox.submissions()
              if each["client"] != name]
    for text in shown:
        assert name not in text, text
    assert outbox.submissions()[0]["payload_name"] == f"{name}.hl7"


def test_a_reload_begins_and_ends_watching(make_outbox):
    outbox = make_outbox(start=False)
    relay = outbox.relay
    folders = relay.config["intake"]["folder"]
    relay.update({"intake": {"folder": None}})
    relay.start()
    payload = hl7()
    outbox.put("result.hl7", payload)
    relay.update({"intake": {"folder": folders}})
    assert relay.command("reload").returncode == 0
    assert outbox.await_done("result.hl7") == {"result.hl7": payload}
    relay.update({"intake": {"folder": [{**folders[0], "after": "delete", "complete_when": "renamed"}]}})
    assert relay.command("reload").returncode == 0
    outbox.put("erased.hl7", hl7())
    await_true(lambda: outbox.waiting() == [] and len(outbox.submissions()) == 2, outbox.look)
    relay.update({"intake": {"folder": None}})
    assert relay.command("reload").returncode == 0
    outbox.put("late.hl7", hl7())
    relay.submit(hl7())
    assert outbox.waiting() == ["late.hl7"] and len(outbox.submissions()) == 2
