"""The portal's pages in a real browser, over answers that are made up."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from tests.patience import patience
from tests.portal.browser import Seen, chromium, seen
from tests.portal.conftest import Recorder

from agent_analytics.portal import make_portal_app, served
from agent_analytics.portal._committed import dashboards

pytestmark = pytest.mark.slow

AXE = Path(__file__).parents[2] / "portal" / "node_modules" / "axe-core" / "axe.min.js"
MARKUP = "<img src=x onerror=window.hit=1><b>x</b>"
LABELS = (
    "publisher_id", "agent_id", "tool", "title", "what", "recommendation", "cause", "model",
    "outcome", "error_type", "alertname", "severity", "insight", "version", "agent_name",
    "agent_version", "instance", "group", "traffic", "kind", "le",
)  # fmt: skip
WAIT = 1000.0
INSIGHTS = {
    "sentence": MARKUP,
    "known": True,
    "all_clear": False,
    "insights": [
        {
            "severity": severity,
            "category": "cost",
            "title": MARKUP,
            "description": MARKUP,
            "recommendation": MARKUP,
            "publisher_id": MARKUP,
            "agent_id": MARKUP,
            "tool": MARKUP,
            "since": "2026-11-29T23:04:00Z",
            "worth_usd_day": worth,
            "traffic": "week",
            "reopened": True,
            "runbook_url": "javascript:window.hit=1",
            "contributors": [
                {"dimension": "tool", "name": MARKUP, "share": 0.5, "of": "calls", "over": "a day"}
            ],
        }
        for severity, worth in (("info", 9), ("critical", None), ("warning", 1), ("warning", 5))
    ],
    "ended": [
        {
            "title": MARKUP,
            "publisher_id": MARKUP,
            "agent_id": MARKUP,
            "tool": "",
            "state": "not_known",
            "last_raised": None,
            "fixed": None,
            "worth_before_usd_day": 3.5,
            "why": MARKUP,
        }
    ],
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Run one browser for all of these tests."""
    with chromium() as found:
        yield found


@pytest.fixture
def portal(prometheus: Recorder) -> Iterator[str]:
    """Serve a portal whose Prometheus answers everything with markup."""
    labels = dict.fromkeys(LABELS, MARKUP) | {"le": "5.0"}
    start, step = 1_795_500_000, 60
    prometheus.answer = {
        "status": "success",
        "data": {"resultType": "vector", "result": [{"metric": labels, "value": [start, "7"]}]},
    }
    points = [[start + step * number, str(number)] for number in range(300)]
    prometheus.answers = {
        "query_range": {
            "status": "success",
            "data": {"resultType": "matrix", "result": [{"metric": labels, "values": points}]},
        },
        "label/": {"status": "success", "data": [MARKUP, "other"]},
        "query_exemplars": {
            "status": "success",
            "data": [
                {
                    "seriesLabels": labels,
                    "exemplars": [
                        {"labels": {"trace_id": MARKUP}, "value": "2.5", "timestamp": start + 600}
                    ],
                }
            ],
        },
    }
    with served(make_portal_app(prometheus.url)) as address:
        yield f"{address}/"


def _at(uid: str) -> str:
    return f"d/{uid}?from=1795500000000&to=1795518000000&refresh="


@pytest.mark.parametrize("uid", dashboards())
def test_markup_in_names_is_text(browser: Browser, portal: str, uid: str) -> None:
    """Names full of markup are shown as they are in every panel, and nothing of them runs."""
    with seen(browser, f"{portal}{_at(uid)}") as view:
        view.settle()
        assert set(view.states().values()) == {"drawn"}
        for summary in view.page.locator(".data summary").all():
            summary.click()
        assert view.page.locator("main img").count() == 0
        assert view.page.locator("main td b, main th b").count() == 0
        assert view.page.evaluate("() => window.hit") is None
        assert MARKUP in (view.page.locator("main").text_content() or "")
        for link in view.page.locator("main a").all():
            assert (link.get_attribute("href") or "").startswith(("d/", "http"))
        assert view.complaints == []


def _open(view: Seen, address: str) -> None:
    """Open a page, of which the insights are made up, and wait until there is something."""
    view.page.route("**/api/insights*", lambda route: route.fulfill(json=INSIGHTS))
    view.page.goto(address)
    view.page.locator(".stat, .insight").first.wait_for(timeout=patience() * WAIT)


def test_markup_in_insights_is_text(browser: Browser, portal: str) -> None:
    """So is what insights say, the worst first; a runbook that is no page of the web is no link."""
    with seen(browser) as view:
        _open(view, f"{portal}insights?publisher=acme")
        shown = view.page.locator(".insight .severity").all_inner_texts()
        assert [each.lower() for each in shown] == ["critical", "warning", "warning", "info"]
        assert "$5.00" in view.page.locator(".insight").nth(1).inner_text()
        assert "not known" in view.page.locator(".insight").first.inner_text()
        assert view.page.locator("main img").count() == 0
        assert view.page.evaluate("() => window.hit") is None
        assert view.page.locator(".insight").first.inner_text().count(MARKUP) >= 5
        assert view.page.locator("a[href^=javascript]").count() == 0


@pytest.mark.parametrize("mode", ["dark", "light"])
def test_axe_finds_nothing(browser: Browser, portal: str, mode: str) -> None:
    """Of what axe knows to be a barrier, there is nothing on any page."""
    if not AXE.is_file():
        pytest.skip("axe-core is not installed (scripts/setup-portal)")
    pages = [*(_at(uid) for uid in dashboards()), "insights?publisher=acme"]
    found: dict[str, list[str]] = {}
    for path in pages:
        address = f"{portal}{path}{'&' if '?' in path else '?'}theme={mode}"
        with seen(browser, bypass_csp=True) as view:
            _open(view, address)
            view.page.add_script_tag(path=AXE)
            results: list[dict[str, Any]] = view.page.evaluate(
                "async () => (await axe.run()).violations"
            )
            for result in results:
                nodes = [node["html"][:160] for node in result["nodes"][:3]]
                found.setdefault(f"{result['id']}: {result['help']}", []).extend([path, *nodes])
    assert found == {}, json.dumps(found, indent=1)


@pytest.mark.parametrize("width", [375, 700])
def test_no_page_scrolls_sideways(browser: Browser, portal: str, width: int) -> None:
    """On a phone, and at twice the size on a desk, every page is as wide as the window."""
    for path in [*(_at(uid) for uid in dashboards()), "insights"]:
        with seen(browser, width=width) as view:
            _open(view, f"{portal}{path}")
            assert view.overflow() == 0, path


def test_a_question_is_asked_once(browser: Browser, portal: str) -> None:
    """No two questions of one look at a dashboard ask the same of Prometheus."""
    board = dashboards()["agent-analytics-publisher"]
    with seen(browser, f"{portal}{_at('agent-analytics-publisher')}") as view:
        view.settle()
        asked = [json.loads(body) for body in view.asked]
        exprs = Counter(
            (target.expr, target.instant, target.last, question.get("points"))
            for question in asked
            if "target" in question
            for target in [board.target(question["panel"], question["target"])]
        )
        assert len(exprs) > 30
        assert [key for key, times in exprs.items() if times > 1] == []


def test_down_and_back(browser: Browser, portal: str, prometheus: Recorder) -> None:
    """While Prometheus refuses, what was drawn stays below the error; then the error goes."""
    well, others = prometheus.answer, dict(prometheus.answers)
    with seen(browser, f"{portal}{_at('agent-analytics-agent')}") as view:
        view.settle()
        prometheus.answers = {"label/": others["label/"]}
        prometheus.answer = {"status": "error", "error": "storage is on fire"}
        view.page.get_by_role("button", name="Refresh now").click()
        panel = view.page.locator("[data-panel]").first
        expect(panel).to_have_attribute("data-state", "error", timeout=patience() * WAIT)
        expect(panel).to_contain_text("storage is on fire")
        assert panel.locator(".stat-value").inner_text() == "7"
        prometheus.answer, prometheus.answers = well, others
        view.page.get_by_role("button", name="Refresh now").click()
        expect(panel).to_have_attribute("data-state", "drawn", timeout=patience() * WAIT)
        expect(view.page.locator(".wrong")).to_have_count(0, timeout=patience() * WAIT)


def test_no_data_is_said(browser: Browser, portal: str, prometheus: Recorder) -> None:
    """An empty answer is neither an error nor a 0."""
    prometheus.answers = {"label/": prometheus.answers["label/"]}
    prometheus.answer = {"status": "success", "data": {"resultType": "vector", "result": []}}
    with seen(browser, f"{portal}{_at('agent-analytics-agent')}") as view:
        view.settle()
        assert set(view.states().values()) == {"drawn"}
        for panel in view.page.locator("[data-panel]").all():
            text = panel.inner_text()
            assert any(told in text for told in ("not available", "No data", "–")), text


def test_what_is_outside_of_the_subset_is_said(browser: Browser, portal: str) -> None:
    """A panel of a type that is not drawn says so in its place, and the others are drawn."""
    document = json.loads(json.dumps(dashboards()["agent-analytics-agent"].document))
    document["panels"][0]["type"] = "gauge"
    with seen(browser) as view:
        view.page.route(
            "**/api/dashboards/agent-analytics-agent", lambda route: route.fulfill(json=document)
        )
        view.page.goto(f"{portal}{_at('agent-analytics-agent')}")
        view.settle()
        states = Counter(view.states().values())
        assert states == {"unsupported": 1, "drawn": len(document["panels"]) - 1}
        told = view.page.locator("[data-state=unsupported]").inner_text()
        assert 'panels of type "gauge" are not drawn' in told


def test_a_keyboard_is_enough(browser: Browser, portal: str) -> None:
    """A period is chosen, an agent is followed, and an address keeps what was chosen."""
    with seen(browser, f"{portal}{_at('agent-analytics-publisher')}&var-publisher=other") as view:
        view.settle()
        view.page.get_by_label("Period").focus()
        view.page.keyboard.press("ArrowUp")
        view.page.wait_for_url("**var-period=6d**", timeout=patience() * WAIT)
        view.settle()
        last = json.loads(view.asked[-1])["variables"]
        assert (last["period"], last["publisher"]) == (["6d"], ["other"])
        link = view.page.get_by_role("link", name=MARKUP).first
        link.focus()
        view.page.keyboard.press("Enter")
        view.page.wait_for_url("**/d/agent-analytics-agent**", timeout=patience() * WAIT)
        assert "var-period=6d" in view.page.url
        view.settle()
        assert json.loads(view.asked[-1])["variables"]["agent"] == [MARKUP]
