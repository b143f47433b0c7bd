"""The monitoring files that are shipped: rules that fire for what they say, a dashboard whose queries answer, a real
Prometheus that reads a relay by the shipped configuration."""

import json
import re
import signal
import subprocess
import urllib.parse

import pytest

from ports import free_port
from relay import ROOT, await_true, hl7, request

TOOLS = ROOT / ".cache/prometheus/usr/bin"
SHIPPED = ROOT / "config/monitoring"


def promtool(*arguments):
    return subprocess.run([TOOLS / "promtool", *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)


class Prometheus:
    """Debian's, on a port of its own, with the shipped files; only the target's address and the interval are others."""

    def __init__(self, folder, target):
        self.port = free_port()
        folder.mkdir()
        text = (SHIPPED / "prometheus.yml").read_text().replace("127.0.0.1:8871", target).replace("scrape_interval: 15s", "scrape_interval: 1s")
        (folder / "prometheus.yml").write_text(text)
        (folder / "alerts.yml").write_bytes((SHIPPED / "alerts.yml").read_bytes())
        with open(folder / "log", "wb") as log:
            self.process = subprocess.Popen([TOOLS / "prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
                                             f"--web.listen-address=127.0.0.1:{self.port}"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def get(self, target):
        return request(("127.0.0.1", self.port), "GET", target).json()

    def query(self, expression):
        """The samples, as [(labels, value)]; the query must be one that Prometheus understands."""
        answer = self.get("/api/v1/query?" + urllib.parse.urlencode({"query": expression}))
        assert answer["status"] == "success", (expression, answer)
        return [(each["metric"], float(each["value"][1])) for each in answer["data"]["result"]]

    def stop(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def prometheus(tmp_path, shared_relay):
    made = Prometheus(tmp_path / "prometheus", f"127.0.0.1:{shared_relay.admin_port}")

    def scraped():
        assert made.process.poll() is None
        try:
            ready = request(("127.0.0.1", made.port), "GET", "/-/ready").status == 200
            return ready and made.query('up{job="edge-relay"} == 1')
        except OSError:
            return False
    try:
        await_true(scraped, "Prometheus has read the relay", timeout=60)
        yield made
    finally:
        made.stop()


def dashboard():
    return json.loads((SHIPPED / "grafana-dashboard.json").read_text())


def test_the_rules_are_valid_and_each_fires_for_what_it_is_about():
    checked = promtool("check", "rules", SHIPPED / "alerts.yml")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    tested = promtool("test", "rules", ROOT / "tests/functional/monitoring/alerts_test.yml")
    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_every_rule_has_a_test():
    rules = set(re.findall(r"- alert: (\w+)", (SHIPPED / "alerts.yml").read_text()))
    tests = (ROOT / "tests/functional/monitoring/alerts_test.yml").read_text()
    assert rules
    for rule in rules:
        assert tests.count(rule) == 2, f"{rule}: once quiet, once firing"


def test_the_metrics_are_well_formed(shared_relay):
    text = shared_relay.admin("/metrics").body
    checked = subprocess.run([TOOLS / "promtool", "check", "metrics"], input=text, capture_output=True, check=False)
    assert checked.returncode == 0, checked.stdout.decode() + checked.stderr.decode()


def test_rules_and_dashboard_name_only_metrics_that_exist(shared_relay):
    exposed = {re.sub(r"\{.*", "", name) for name in shared_relay.metrics()}
    text = (SHIPPED / "alerts.yml").read_text() + (SHIPPED / "grafana-dashboard.json").read_text()
    named = set(re.findall(r"\bedge_relay_\w+", text))
    assert len(named) > 10
    assert named <= exposed, sorted(named - exposed)


def test_prometheus_reads_the_relay_and_answers_the_dashboard(prometheus, shared_relay):
    before = shared_relay.metrics()['edge_relay_submissions_accepted_total{intake="http"}']
    shared_relay.submit(hl7())
    await_true(lambda: prometheus.query('edge_relay_submissions_accepted_total{intake="http"}')[0][1] > before, "the next reading", timeout=60)
    assert prometheus.query("edge_relay_build_info")[0][0]["job"] == "edge-relay"
    groups = prometheus.get("/api/v1/rules")["data"]["groups"]
    assert [rule["name"] for group in groups for rule in group["rules"] if rule.get("lastError")] == []
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        for target in panel["targets"]:
            expression = target["expr"].replace("$__rate_interval", "1m").replace("$instance", ".*")
            assert "$" not in expression, expression
            samples = prometheus.query(expression)
            # What compares (raised alarms, refusals) has nothing to show while all is well.
            assert samples or re.search(r"> 0$|== 1$|rate\(|increase\(", expression), (panel["title"], expression)
