"""On-call is paged where rules fail or are late, on both sides of each bound, run by promtool."""

import threading
import urllib.parse
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml
from tests.cli.prometheus import ask, job, running
from tests.patience import wait_for
from tests.ports import free_port

from agent_analytics.insights import write_rules
from agent_analytics.insights._definitions.evaluations import EVALUATIONS
from agent_analytics.processor import Limits

ALERT = "RulesNotEvaluated"
Check = Callable[..., None]
GROUP = '{rule_group="/etc/prometheus/rules/rollups.yml;agent-analytics-levels"}'
OTHER = '{rule_group="/etc/prometheus/rules/node.yml;node"}'
FAILED = f"prometheus_rule_evaluation_failures_total{GROUP}"
MISSED = f"prometheus_rule_group_iterations_missed_total{GROUP}"
LAST = f"prometheus_rule_group_last_evaluation_timestamp_seconds{GROUP}"
LEVEL = "marketplace_agent_invocations_total:level"
INTERVAL = f"prometheus_rule_group_interval_seconds{GROUP}"


@pytest.mark.parametrize(
    ("series", "pages"),
    [
        pytest.param({FAILED: "0x80", MISSED: "0x80"}, 0, id="well"),
        pytest.param({FAILED: "0x40 1x40"}, 1, id="one evaluation failed"),
        pytest.param({FAILED: "0+1x80"}, 1, id="each one fails"),
        pytest.param({FAILED: "3x80"}, 0, id="failed long ago"),
        pytest.param({MISSED: "0x60 2x20"}, 0, id="a busy moment"),
        pytest.param({MISSED: "0x60 5x20"}, 1, id="five were left out"),
        pytest.param({MISSED: "0+2x80"}, 1, id="every other one is left out"),
        pytest.param({INTERVAL: "300x80", LAST: "3400x80"}, 0, id="it ran four minutes ago"),
        pytest.param({INTERVAL: "300x80", LAST: "3200x80"}, 1, id="it has stopped"),
        pytest.param({INTERVAL: "3600x80", LAST: "100x80"}, 0, id="it runs each hour"),
        pytest.param({INTERVAL: "3600x80", LAST: "-62135596800x80"}, 0, id="not yet, the year 1"),
        pytest.param({INTERVAL: "30x80", LAST: "0x80"}, 0, id="not yet, 1970"),
        pytest.param({FAILED: "0+1x80", MISSED: "0+2x80"}, 2, id="both"),
        pytest.param(
            {f"prometheus_rule_evaluation_failures_total{OTHER}": "0+1x80"}, 0, id="another's rules"
        ),
        pytest.param({"up": "1x80"}, 0, id="Prometheus does not scrape itself"),
    ],
)
def test_pages(check_rules: Check, series: dict[str, str], pages: int) -> None:
    """A page a group and cause, and none for a busy moment or for the rules of others."""
    at = ("70m", ALERT)
    check_rules(
        rules="oncall.yml",
        interval="1m",
        series=series,
        expect={} if pages else {at: []},
        count={at: pages} if pages else None,
    )


def test_a_real_prometheus_says_all_that_is_read(tmp_path: Path) -> None:
    """Prometheus has every figure that is read of its groups, and pages nobody as it begins."""
    rules = [str(path) for path in write_rules(tmp_path / "rules", oncall_interval="1s")]
    figures = "|".join(each.partition("{")[0] for each in (FAILED, MISSED, LAST, INTERVAL))
    there = f'count(group by (__name__) ({{__name__=~"{figures}"}}))'

    def number(expr: str) -> float:
        found = ask(url, f"/api/v1/query?{urllib.parse.urlencode({'query': expr})}")
        return float(found["result"][0]["value"][1]) if found and found["result"] else 0

    port = free_port()
    with running(tmp_path, [job("prometheus", f"127.0.0.1:{port}")], rules=rules, port=port) as url:
        wait_for(lambda: number(there) == 4, "groups in what Prometheus says of itself", every=0.1)
        for question in EVALUATIONS.questions:
            assert number(f"count({question.measure})") == 0, question.cause


def test_groups_that_record_are_bounded(tmp_path: Path) -> None:
    """A group without alerts has a limit above ten full expositions, one with alerts has none."""
    files = write_rules(tmp_path)
    groups = [each for file in files for each in yaml.safe_load(file.read_text())["groups"]]
    limits = {
        any("alert" in rule for rule in group["rules"]): group.get("limit") for group in groups
    }
    assert limits == {True: None, False: 10 * Limits().max_samples + 1}
    unbounded = write_rules(tmp_path, most_series=0)
    assert not any("limit:" in file.read_text() for file in unbounded)


class Listings(BaseHTTPRequestHandler):
    """Exposes the invocations of three listings."""

    def do_GET(self) -> None:
        """Send the counters."""
        self.send_response(200)
        self.end_headers()
        for listing in ("a", "b", "c"):
            labels = f'publisher_id="acme",agent_id="{listing}",outcome="success"'
            self.wfile.write(f"marketplace_agent_invocations_total{{{labels}}} 1\n".encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as it is called
        """Say nothing."""


@pytest.mark.parametrize("most", [2, 3])
def test_more_than_there_may_be_fails_and_pages(tmp_path: Path, most: int) -> None:
    """A rule that would record more records nothing, and on-call's question is answered."""
    written = write_rules(tmp_path / "rules", level_interval="1s", most_series=most)
    rollups = [str(path) for path in written if path.name == "rollups.yml"]
    (failed,) = [each.measure for each in EVALUATIONS.questions if each.cause == "failed"]

    def number(expr: str) -> float:
        found = ask(url, f"/api/v1/query?{urllib.parse.urlencode({'query': expr})}")
        return float(found["result"][0]["value"][1]) if found and found["result"] else 0

    def ended() -> bool:
        return number(f"count({failed})") > 0 if most < 3 else number(f"count({LEVEL})") == 3

    port = free_port()
    with ThreadingHTTPServer(("127.0.0.1", 0), Listings) as listings:
        thread = threading.Thread(target=listings.serve_forever)
        thread.start()
        jobs = [
            job("prometheus", f"127.0.0.1:{port}"),
            job("agent-analytics", f"127.0.0.1:{listings.server_port}"),
        ]
        with running(tmp_path, jobs, rules=rollups, port=port) as url:
            wait_for(ended, "levels are recorded, or failed", every=0.1)
            assert number(f"count({LEVEL})") == (0 if most < 3 else 3)
        listings.shutdown()
        thread.join()
