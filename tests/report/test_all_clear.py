"""Never a false all-clear: what is said of insights, against a Prometheus whose rules did not run.

Each of these had "Nothing needs your attention: no insight is firing" at commit c2f417d.
"""

import csv
import json
import logging
import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.patience import patience, wait_for
from tests.report.counted import counted

from agent_analytics.exporters import start_http_server
from agent_analytics.insights import MarketplaceAnalytics, PublisherAnalytics
from agent_analytics.insights._rules.rule_files import render_rules
from agent_analytics.insights.analytics import NoData, PublisherDashboard, UnknownPublisher
from agent_analytics.insights.report import FORMATS, Report, render

pytestmark = [pytest.mark.servers, pytest.mark.slow]

Start = Callable[..., AbstractContextManager[str]]

_CONFIG = """
rule_files: ["{rules}/*.yml"]
scrape_configs:
  - job_name: agent-analytics
    scrape_interval: 1s
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
  - job_name: agent-analytics-sketches
    scrape_interval: 1s
    metrics_path: /metrics/sketches
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""
#: Often enough for a test to see what a marketplace sees in minutes.
_OFTEN: dict[str, Any] = {
    "insight_interval": "1s",
    "level_interval": "1s",
    "hour_interval": "1s",
    "cause_interval": "1s",
}
#: Long enough for no rule to run while a test lasts: the moment of the first is drawn by name.
_SELDOM: dict[str, Any] = dict.fromkeys(_OFTEN, "1000d")


@pytest.fixture
def market(start: Start, tmp_path: Path) -> Callable[..., AbstractContextManager[str]]:
    """Return how to run a marketplace of one listing with some rule files."""

    @contextmanager
    def run(files: dict[str, str], *, invocations: int = 10, failed: int = 2) -> Generator[str]:
        rules = tmp_path / "rules"
        rules.mkdir()
        for name, text in files.items():
            (rules / name).write_text(text, encoding="utf-8")
        server = start_http_server(counted(invocations, failed=failed), port=0)
        config = _CONFIG.format(port=server.port, rules=rules)
        try:
            with start(tmp_path / "data", config) as url:
                yield url
        finally:
            server.close()

    return run


def _report(url: str, until: Callable[[PublisherDashboard], bool] = lambda _: True) -> Report:
    """Return the publisher's report as soon as there are figures, and something else holds."""
    analytics = PublisherAnalytics(url, timeout=patience())
    found: list[PublisherDashboard] = []

    def there() -> bool:
        try:
            dashboard = analytics.dashboard("acme")
        except (NoData, UnknownPublisher):
            return False
        found.append(dashboard)
        return bool(dashboard.total_invocations) and until(dashboard)

    wait_for(there, "Prometheus scrapes", every=0.2)
    return Report(found[-1], analytics.insights("acme"))


def _says(report: Report, *words: str) -> None:
    """Assert that the page, on a terminal and as HTML, has some words, and no all-clear."""
    for form in ("terminal", "html"):
        text = " ".join(render(report, form, width=200).split())
        for word in words:
            assert word in text
        assert "Nothing needs" not in text
        assert 'class="calm"' not in text


def test_no_rules_are_loaded(market: Start, caplog: pytest.LogCaptureFixture) -> None:
    """A fifth of the calls fails, nothing watches, and every form says that nothing does."""
    with market({}) as url, caplog.at_level(logging.WARNING):
        report = _report(url)
        operator = MarketplaceAnalytics(url, timeout=patience()).dashboard()
        insights = MarketplaceAnalytics(url, timeout=patience()).insights()
    _says(
        report,
        "Insights are not evaluated: Prometheus has none of their rules loaded",
        "acme/finder: error rate 20.0 % (bound: 5.0 %).",
    )
    _says(Report(operator, operator.in_trouble), "Insights are not evaluated: ", "error rate")
    assert report.dashboard.evaluation.state == operator.evaluation.state == "not_loaded"
    assert insights == []
    assert not insights.all_clear
    assert "Insights are not evaluated" in caplog.text
    document = json.loads(render(report, "json"))
    assert document["evaluation"]["state"] == "not_loaded"
    assert document["evaluation"]["at"] is None
    assert [each["insight"] for each in document["beyond_bounds"]] == ["error-rate"]
    (row,) = csv.DictReader(render(report, "csv").splitlines())
    assert (row["insights_firing"], row["insights_state"]) == ("", "not_loaded")
    assert row["beyond_bounds"] == "error-rate"


def test_rules_have_not_run_yet(market: Start) -> None:
    """In the first minutes after a start, rules are loaded and have looked at nothing."""
    with market(render_rules(**_SELDOM)) as url:
        report = _report(url)
    _says(report, "Insights are not evaluated yet: ", "acme/finder: error rate 20.0 %")
    assert report.dashboard.evaluation.state == "not_yet"
    assert {json.loads(render(report, "json"))["evaluation"]["state"]} == {"not_yet"}


def test_what_insights_are_read_from_is_not_loaded(market: Start) -> None:
    """Without the roll-ups every insight is evaluated, over nothing."""
    files = render_rules(**_OFTEN)
    with market({"insights.yml": files["insights.yml"]}) as url:
        report = _report(url)
    _says(report, "Insights are not evaluated: Prometheus lacks rules of this version")
    assert report.dashboard.evaluation.state == "not_loaded"


def test_a_rule_that_insights_are_read_from_fails(market: Start) -> None:
    """A failing rule records nothing, so that the insights above it see nothing and keep quiet."""
    files = render_rules(**_OFTEN)
    document = yaml.safe_load(files["rollups.yml"])
    for group in document["groups"]:
        for rule in group["rules"]:
            if rule["record"] == "marketplace_agent_invocations_total:level":
                rule["expr"] = 'up * on () (up or label_replace(up, "a", "b", "", ""))'
    broken = {**files, "rollups.yml": yaml.safe_dump(document)}
    with market(broken) as url:
        report = _report(url, lambda found: " fails: " in found.evaluation.reason)
    _says(
        report, "Rule marketplace_agent_invocations_total:level fails: ", "acme/finder: error rate"
    )
    assert "error-rate" in report.dashboard.evaluation.not_evaluated
    assert not report.page.attention.calm


def test_one_insight_is_not_evaluated(market: Start) -> None:
    """A rule file that leaves an insight out has an all-clear for the others only."""
    files = render_rules(**_OFTEN)
    document = yaml.safe_load(files["insights.yml"])
    for group in document["groups"]:
        group["rules"] = [
            rule
            for rule in group["rules"]
            if rule.get("labels", {}).get("insight") != "satisfaction"
        ]
    with market({**files, "insights.yml": yaml.safe_dump(document)}, failed=0) as url:
        report = _report(url, lambda found: found.evaluation.known)
    _says(report, "none fires. Not evaluated: satisfaction.")
    assert report.dashboard.evaluation.not_evaluated == ("satisfaction",)
    (row,) = csv.DictReader(render(report, "csv").splitlines())
    assert (row["insights_firing"], row["insights_state"]) == ("0", "partly")


def test_too_few_observations_for_an_insight(market: Start) -> None:
    """All was evaluated and none fires, beside an error rate of 20 % of ten calls: no all-clear."""
    with market(render_rules(**_OFTEN)) as url:
        report = _report(url, lambda found: found.evaluation.state == "evaluated")
    _says(
        report,
        "Insights were evaluated at ",
        ", none fires.",
        "Beyond a bound, and no insight fires of it",
        "acme/finder: error rate 20.0 % (bound: 5.0 %).",
    )


def test_all_is_well(market: Start) -> None:
    """What was evaluated, fires nothing and has every figure within its bound is said as that."""
    with market(render_rules(**_OFTEN), failed=0) as url:
        report = _report(url, lambda found: found.evaluation.state == "evaluated")
        insights = PublisherAnalytics(url, timeout=patience()).insights("acme")
    assert insights.all_clear
    at = insights.evaluation.at
    assert at is not None
    assert abs(at.timestamp() - time.time()) < patience()
    for form in FORMATS:
        assert "Beyond a bound" not in render(report, form)
    html = render(report, "html")
    assert f'<p class="calm">{report.page.attention.note}</p>' in html


def test_an_insight_fires(market: Start) -> None:
    """The list stands, with when it was evaluated, and what it is about is not said twice."""
    with market(render_rules(**_OFTEN), invocations=100, failed=20) as url:
        analytics = PublisherAnalytics(url, timeout=patience())

        def fires() -> bool:
            insights = analytics.insights("acme")
            return bool(insights) and insights.evaluation.state == "evaluated"

        wait_for(fires, "the insight fires", every=0.2)
        report = _report(url)
    assert [insight.name for insight in report.insights] == ["error-rate"]
    _says(report, "Insights were evaluated at ", ", 1 fires.")
    assert "Beyond a bound" not in render(report, "terminal")
    (row,) = csv.DictReader(render(report, "csv").splitlines())
    assert (row["insights_firing"], row["beyond_bounds"]) == ("1", "error-rate")
