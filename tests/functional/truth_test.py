"""Health, metrics, status and verify under load and faults: each satisfies promise 7 by itself, two of one commit are
equal, and when the load stops all of them say the same."""

import re
import threading
import time

import pytest
from relay import await_true, hl7

VERIFY_LINE = re.compile(r"as of (\d+): (\S+): accepted (\d+) \+ moved in (\d+) = delivered (\d+) \+ queued (\d+) \+ dead letters (\d+)"
                         r" \+ discarded (\d+) \+ moved out (\d+)")


def of_metrics(relay):
    samples = relay.metrics()
    names = {re.search(r'"(.*)"', key).group(1) for key in samples if key.startswith("edge_relay_deliveries_accepted_total")}

    def state(name, which):
        return int(samples[f'edge_relay_deliveries{{destination="{name}",state="{which}"}}'])
    return int(samples["edge_relay_as_of"]), {
        name: {"accepted": int(samples[f'edge_relay_deliveries_accepted_total{{destination="{name}"}}']),
               "delivered": state(name, "delivered"), "queued": state(name, "queued"), "dead_letter": state(name, "dead_letter"),
               "discarded": state(name, "discarded")} for name in names}


def of_status(relay):
    status = relay.status()
    assert status["journal"]["queued"] == sum(each["queued"] for each in status["destinations"].values())
    assert status["journal"]["dead_letter"] == sum(each["dead_letter"] for each in status["destinations"].values())
    return status["as_of"], {name: {key: each[key] for key in ("accepted", "delivered", "queued", "dead_letter", "discarded")}
                             for name, each in status["destinations"].items()}


def of_health(relay):
    health = relay.health()
    return health["as_of"], {name: {"queued": each["queued"]} for name, each in health["destinations"].items()}, health["journal"]


def of_verify(relay, may_give_way=False):
    """Its commit and numbers; nothing where it gave way to what came in meanwhile, which it says."""
    result = relay.command("verify", timeout=300)
    if may_give_way and result.returncode == 1 and b"try again when less comes in" in result.stdout + result.stderr:
        return None
    assert result.returncode == 0, result.stdout.decode() + result.stderr.decode()
    found = VERIFY_LINE.findall(result.stdout.decode())
    commits = {int(each[0]) for each in found}
    assert len(commits) == 1, result.stdout
    return commits.pop(), {name: dict(zip(("accepted", "delivered", "queued", "dead_letter", "discarded"), map(int, (
        accepted, delivered, queued, dead, discarded)))) for _, name, accepted, moved_in, delivered, queued, dead, discarded, moved_out
        in found if moved_in == moved_out == "0"}


def holds(totals):
    for name, each in totals.items():
        assert each["accepted"] == each["delivered"] + each["queued"] + each["dead_letter"] + each["discarded"], (name, each)


@pytest.mark.main
def test_every_answer_tells_the_same_truth(make_relay, tmp_path):
    steady, shaky = tmp_path / "steady", tmp_path / "shaky"
    for each in (steady, shaky):
        each.mkdir()
    quick = {"backoff": {"initial": "20ms", "max": "100ms"}}
    relay = make_relay({"destinations": {"steady": {"type": "directory", "path": str(steady), **quick},
                                         "shaky": {"type": "directory", "path": str(shaky), **quick}},
                        "otherwise": ["steady", "shaky"]})
    ended, failures, by_commit, looks = threading.Event(), [], {}, {"status": 0, "metrics": 0, "health": 0, "verify": 0}
    lock = threading.Lock()

    def until_the_end(work):
        def run():
            try:
                while not ended.is_set():
                    work()
            except Exception as error:  # told by the test's own thread
                failures.append(error)
        return threading.Thread(target=run)

    def saw(who, as_of, totals):
        holds(totals)
        with lock:
            looks[who] += 1
            earlier = by_commit.setdefault(as_of, totals)
        assert earlier == totals, (who, as_of, earlier, totals)

    def look_at_health():
        as_of, queued, journal = of_health(relay)
        with lock:
            looks["health"] += 1
            earlier = by_commit.get(as_of)
        assert journal["queued"] == sum(each["queued"] for each in queued.values())
        if earlier is not None:
            assert {name: {"queued": each["queued"]} for name, each in earlier.items()} == queued

    def look_with_verify():
        if seen := of_verify(relay, may_give_way=True):
            saw("verify", *seen)

    def break_and_mend():
        shaky.rename(tmp_path / "away")
        await_true(lambda: relay.health()["destinations"]["shaky"]["state"] == "down" or ended.is_set(), "down", timeout=60)
        (tmp_path / "away").rename(shaky)
        await_true(lambda: relay.health()["destinations"]["shaky"]["state"] == "up" or ended.is_set(), "up", timeout=60)

    workers = [until_the_end(lambda: relay.submit(hl7())) for _ in range(3)]
    workers += [until_the_end(lambda: saw("status", *of_status(relay))), until_the_end(lambda: saw("metrics", *of_metrics(relay))),
                until_the_end(look_at_health), until_the_end(look_with_verify), until_the_end(break_and_mend)]
    for each in workers:
        each.start()
    began = time.monotonic()
    try:
        await_true(lambda: failures or (min(looks.values()) >= 5 and time.monotonic() - began > 8), lambda: f"enough looks: {looks}", timeout=120)
    finally:
        ended.set()
        for each in workers:
            each.join()
    assert not failures, failures
    assert len(by_commit) > 20
    # When the load has stopped, all of them are equal: the same commit and the same numbers.
    await_true(lambda: relay.health()["journal"]["queued"] == 0, "all delivered", timeout=60)

    def all_alike():
        status, metrics, verified, health = of_status(relay), of_metrics(relay), of_verify(relay), of_health(relay)
        return status == metrics == verified and health[0] == status[0]
    await_true(all_alike, lambda: f"{of_status(relay)} {of_metrics(relay)} {of_verify(relay)}", timeout=60)
    totals = of_status(relay)[1]
    assert totals["steady"] == totals["shaky"]
    assert totals["steady"]["accepted"] == len(list(steady.glob("*.hl7"))) == len(list(shaky.glob("*.hl7")))


@pytest.mark.main
def test_counters_never_fall_and_what_is_sent_again_is_one_delivery(directory_relay):
    relay = directory_relay
    delivered = 'edge_relay_deliveries_delivered_total{destination="archive"}'
    accepted = 'edge_relay_deliveries_accepted_total{destination="archive"}'
    identifiers = [relay.submit(hl7()) for _ in range(3)]
    for identifier in identifiers:
        relay.await_state(identifier, "delivered")
    folder = relay.archive
    folder.rename(folder.with_name("away"))
    earlier = relay.metrics()
    assert earlier[delivered] == 3
    assert relay.command("resend", *identifiers[:2], "--reason", "asked for").returncode == 0
    for again in (False, True):
        if again:
            relay.kill()
            relay.start()
        now = relay.metrics()
        assert (now[delivered], now[accepted]) == (3, 3)
        assert of_metrics(relay)[1]["archive"] == {"accepted": 3, "delivered": 1, "queued": 2, "dead_letter": 0, "discarded": 0}
        assert all(now[key] >= value for key, value in earlier.items() if key.split("{")[0].endswith("_total")), (earlier, now)
        assert of_status(relay)[1]["archive"] == of_verify(relay)[1]["archive"] == of_metrics(relay)[1]["archive"]
    folder.with_name("away").rename(folder)
    for identifier in identifiers:
        relay.await_state(identifier, "delivered", timeout=60)
    now = relay.metrics()
    assert (now[delivered], now[accepted]) == (3, 3), "two were sent twice, and are three deliveries all the same"
    assert now['edge_relay_attempts_total{destination="archive",outcome="accepted"}'] == 5


@pytest.mark.main
def test_what_is_refused_belongs_to_a_commit(directory_relay):
    """Two answers with the same as_of are equal, refusals included, while refusals come in."""
    relay = directory_relay
    ended, looks = threading.Event(), {}

    def refuse():
        while not ended.is_set():
            relay.post(b"", idempotency_key="k")
    workers = [threading.Thread(target=refuse) for _ in range(2)]
    for each in workers:
        each.start()
    try:
        def look():
            metrics = relay.metrics()
            counted = {key: value for key, value in metrics.items() if key.startswith("edge_relay_submissions")}
            earlier = looks.setdefault(metrics["edge_relay_as_of"], counted)
            assert earlier == counted, (metrics["edge_relay_as_of"], earlier, counted)
            return len(looks) > 30
        await_true(look, lambda: f"{len(looks)} commits seen", timeout=60)
    finally:
        ended.set()
        for each in workers:
            each.join()
    # At rest, what was refused just now is in the very next answer.
    key = 'edge_relay_submissions_refused_total{intake="http",reason="empty_payload"}'
    before = relay.metrics()[key]
    relay.post(b"")
    assert relay.metrics()[key] == before + 1


@pytest.mark.main
def test_what_is_counted_survives_a_restart(directory_relay):
    relay = directory_relay
    for _ in range(3):
        relay.await_state(relay.submit(hl7()), "delivered")
    relay.post(b"", idempotency_key="k")
    relay.request("GET", "/v1/submissions")
    relay.request("GET", "/nothing")
    counted = {key: value for key, value in relay.metrics().items() if "_total" in key}
    assert counted['edge_relay_submissions_refused_total{intake="http",reason="method_not_allowed"}'] == 1
    assert counted['edge_relay_submissions_refused_total{intake="http",reason="not_found"}'] == 1
    success = relay.health()["destinations"]["archive"]["last_success_at"]
    assert success is not None
    assert relay.stop() == 0
    relay.start()
    assert relay.health()["destinations"]["archive"]["last_success_at"] == success
    assert {key: value for key, value in relay.metrics().items() if "_total" in key} == counted
