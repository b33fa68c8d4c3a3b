"""The report on a phone: nothing scrolls sideways at 375 px, in a real Chromium."""

import html
import json
import re
import runpy
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.patience import patience

from agent_analytics.insights.analytics import Contributor, Ended, Evaluation, Insights
from agent_analytics.insights.report import Report, render

MADE: dict[str, Any] = runpy.run_path(str(Path(__file__).with_name("test_render.py")))
#: What is wider than the room that it has, the page itself included.
_LOOK = """
const frame = document.getElementById("frame");
frame.onload = () => {
  const page = frame.contentDocument;
  page.querySelectorAll("details").forEach(each => { each.open = true; });
  const wide = [page.documentElement, ...page.querySelectorAll("main, section, .table, figure")]
    .filter(each => each.scrollWidth > each.clientWidth + 1)
    .map(each => `${each.tagName} ${each.className} ${each.scrollWidth}`);
  document.getElementById("found").textContent = JSON.stringify(
    {wide, width: page.documentElement.clientWidth});
};
frame.srcdoc = PAGE;
"""


def _wide(report: Report, folder: Path, width: int) -> list[str]:
    """Return what of a report's page scrolls sideways in a frame of some width."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("chromium is not installed (Debian: chromium)")
    # The page's own policy lets nobody look into it.
    page = re.sub("<meta http-equiv=[^>]*>", "", render(report, "html"))
    source = json.dumps(page).replace("</", "<\\/")
    harness = folder / "harness.html"
    harness.write_text(
        f'<!doctype html><iframe id="frame" width="{width}" height="800" style="border:0"></iframe>'
        f'<pre id="found"></pre><script>{_LOOK.replace("PAGE", source)}</script>',
        encoding="utf-8",
    )
    done = subprocess.run(
        [program, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
         f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=10000", "--dump-dom",
         harness.as_uri()],
        capture_output=True,
        text=True,
        timeout=patience(120),
        check=False,
    )  # fmt: skip
    found = re.search('<pre id="found">([^<]+)</pre>', done.stdout)
    assert found, done.stderr
    told = json.loads(html.unescape(found[1]))
    assert told["width"] == width
    wide: list[str] = told["wide"]
    return wide


def _reports() -> dict[str, Report]:
    long = "a-rather-long-name-of-a-listing-of-somebody"
    listing = replace(MADE["LISTING"], agent_id=long, tool_usage_breakdown={long: 3, "mail": 1})
    insight = replace(
        MADE["INSIGHT"],
        agent_id=long,
        title=f"{long}{long}",
        worth_usd_day=1e6,
        contributors=(
            Contributor(dimension="tool", name=f"{long}{long}", share=1, of=long, over="7 days"),
        ),
        trace_id="f" * 32,
    )
    name = f"{long}{long}".replace("-", "")
    ended = Ended(name="error-rate", title=name, publisher_id=name, agent_id=name)
    of_publisher = replace(
        MADE["DASHBOARD"], listings=(listing,) * 3, tool_usage_breakdown={long: 3}
    )
    ranked = replace(MADE["MARKET"].listings[0], agent_id=long, error_rate=0.2, refunds=12_345.5)
    market = replace(
        MADE["MARKET"],
        listings=(ranked,) * 20,
        publishers=(replace(ranked, agent_id="", unique_tenants=12_345),) * 20,
        in_trouble=(insight,) * 9,
        ended=(ended,) * 9,
    )
    return {
        "publisher": Report(
            of_publisher, Insights([insight], Evaluation(), [ended]), queries="https://p.example"
        ),
        "marketplace": Report(market, market.in_trouble),
        "early": Report(MADE["EMPTY"], []),
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", ["publisher", "marketplace", "early"])
def test_nothing_scrolls_sideways_at_375_px(name: str, tmp_path: Path) -> None:
    """Neither the page nor a table in it is wider than a phone; the page was 554 px wide."""
    assert _wide(_reports()[name], tmp_path, 375) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["publisher", "marketplace"])
def test_a_wider_table_scrolls_in_its_box(name: str, tmp_path: Path) -> None:
    """On a small tablet a table may scroll; what is hidden in it does not widen the page."""
    wide = _wide(_reports()[name], tmp_path, 600)
    assert [each for each in wide if not each.startswith("DIV table")] == []


@pytest.mark.slow
def test_the_first_minutes_fit_on_a_desk(tmp_path: Path) -> None:
    """With the longest text for a short time, every column is in sight at 1,100 px."""
    listing = replace(MADE["LISTING"], p95_response_time_ms=95.0)
    report = Report(replace(MADE["DASHBOARD"], listings=(listing,)), [])
    assert "under 100 ms" in render(report, "html")
    assert _wide(report, tmp_path, 1_100) == []


def test_the_marketplace_opens_with_figures_and_what_is_most_at_stake() -> None:
    """Figures first, then the five insights with most at stake; the rest folds."""
    insights = [
        replace(MADE["INSIGHT"], severity=severity, agent_id=f"agent-{worth}", worth_usd_day=worth)
        for severity, worth in (
            ("critical", None), ("critical", 1.0), ("warning", 50.0), ("warning", 3.0),
            ("info", 40.0), ("info", 30.0), ("info", 2.0),
        )
    ]  # fmt: skip
    market = replace(MADE["MARKET"], in_trouble=tuple(insights))
    page = render(Report(market, insights), "html")
    order = [page.index(f"agent-{worth} ") for worth in (50.0, 40.0, 30.0, 3.0, 2.0)]
    fold = page.index("<details><summary>2 more with less at stake")
    assert page.index(">GMV<") < order[0]
    assert order == sorted(order)
    assert order[-1] < fold < page.index("agent-1.0 ") < page.rindex("</details>")
    terminal = render(Report(market, insights), "terminal")
    assert terminal.index("GMV") < terminal.index("agent-50.0")
    assert "2 more with less at stake (2 critical)" in terminal
    assert terminal.count("agent-1.0") == 1  # its line; what it says is in the other forms


def test_a_table_names_its_window() -> None:
    """Each table says of which time its numbers are."""
    page = render(_reports()["publisher"], "html")
    tables = re.findall("<caption>.*?</caption>", page)
    assert len(tables) >= 4
    windows = [re.search('<span class="window">in the (.*?)</span>', each) for each in tables]
    assert all(windows)
    found = [window[1] for window in windows if window]
    assert set(found) == {"last 3 days", "last months", "last weeks"}
    assert found.count("last 3 days") >= 3
