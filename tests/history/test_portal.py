"""The portal over a real Prometheus with a backfilled past: the page has what is stored."""

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect
from tests.history.conftest import ServedHistory
from tests.patience import patience
from tests.portal.browser import Seen, chromium, seen

from agent_analytics.demo._history.clock import Pace
from agent_analytics.insights import GENERATED
from agent_analytics.portal import make_portal_app
from agent_analytics.portal import served as serving

pytestmark = [pytest.mark.servers, pytest.mark.slow]

PATHS = sorted((GENERATED / "dashboards").glob("*.json"))
CHOSEN = {"publisher": "harbor", "agent": "tone-check", "period": "6d", "runbooks": "/docs"}
#: What a written unit multiplies a number by, as Grafana writes it.
FACTORS = {
    "": 1, "%": 0.01, "K": 1e3, "Mil": 1e6, "Bil": 1e9, "ns": 1e-9, "µs": 1e-6, "ms": 1e-3, "s": 1,
    "min": 60, "mins": 60, "hour": 3600, "hours": 3600, "day": 86_400, "days": 86_400,
    "week": 604_800, "weeks": 604_800,
}  # fmt: skip
WRITTEN = re.compile(r"(-?)\$?(-?[\d,]+(?:\.(\d+))?)\s*([A-Za-zµ%]*)")
Ask = Callable[[str, float], list[tuple[Mapping[str, str], float]]]


@dataclass(frozen=True, slots=True)
class Written:
    """A number as a page has it: what it says, and by how much it may be rounded."""

    value: float
    rounding: float

    def agrees(self, truth: float) -> bool:
        """Whether a number would be written like this."""
        return abs(self.value - truth) <= self.rounding * 0.5001 + 1e-12


def read(text: str) -> Written | None:
    """Return the number that a text says, or None where it says none."""
    found = WRITTEN.fullmatch(text.strip())
    if found is None or found[4] not in FACTORS:
        return None
    factor = FACTORS[found[4]]
    number = float(found[2].replace(",", "")) * (-1 if found[1] else 1)
    return Written(number * factor, factor * 10.0 ** -len(found[3] or ""))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Run one browser for all of these tests."""
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def portal(served: ServedHistory) -> Iterator[str]:
    """Serve the portal over the history."""
    app = make_portal_app(served.prometheus.url, scrape_seconds=Pace().dense)
    with serving(app) as address:
        yield address


@pytest.fixture(scope="module")
def ask(served: ServedHistory) -> Ask:
    """Ask Prometheus itself, with variables put in by other code than the portal's."""

    def asked(expr: str, at: float) -> list[tuple[Mapping[str, str], float]]:
        text = re.sub(r"\$\{(\w+)\}|\$(\w+)", lambda name: CHOSEN[name[1] or name[2]], expr)
        return [(each.labels, each.value) for each in served.prometheus.query(text, at=at)]

    return asked


def _panels(document: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    return [each for each in document["panels"] if each["type"] == kind]


def _of(view: Seen, panel: Mapping[str, Any]) -> Locator:
    return view.page.locator(f'[data-panel="{panel["id"]}"]')


def _agree(text: str, truths: list[float], where: str) -> int:
    """Assert that a text says one of some numbers; return how many numbers it says."""
    written = read(text)
    if written is None:
        return 0
    assert any(written.agrees(truth) for truth in truths), (where, text, truths)
    return 1


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_every_panel_shows_what_is_stored(
    browser: Browser, portal: str, served: ServedHistory, ask: Ask, path: Path
) -> None:
    """No panel fails, and each number in figures, tables and charts is Prometheus' own answer."""
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    end = served.history.clock.end
    query = "&".join(f"var-{name}={value}" for name, value in CHOSEN.items())
    span = f"from={(end - 2 * 86_400) * 1000:.0f}&to={end * 1000:.0f}&refresh="
    with seen(browser, f"{portal}/d/{document['uid']}?{span}&{query}") as view:
        view.settle()
        assert set(view.states().values()) == {"drawn"}
        assert view.page.locator(".wrong, .warning").all_inner_texts() == []
        numbers = sum(
            check(view, panel, ask, end)
            for kind, check in (("stat", _figure), ("table", _table), ("timeseries", _chart))
            for panel in _panels(document, kind)
        )
        assert view.complaints == []
    assert numbers >= (3 if path.stem in {"health", "oncall"} else 30), numbers


def _figure(view: Seen, panel: Mapping[str, Any], ask: Ask, end: float) -> int:
    (target,) = panel["targets"]
    truths = [value for _, value in ask(target["expr"], end)]
    shown = _of(view, panel).locator(".stat-value").all_inner_texts()
    if not [value for value in truths if not math.isnan(value)]:
        assert [read(text) for text in shown] == [None]
        return 0
    assert len(shown) == len(truths)
    return sum(_agree(text, truths, panel["title"]) for text in shown)


def _table(view: Seen, panel: Mapping[str, Any], ask: Ask, end: float) -> int:
    """Check the columns of numbers of rows that are known by their labels."""
    rename: dict[str, str] = panel["transformations"][-1]["options"]["renameByName"]
    labels = {shown: name for name, shown in rename.items() if not name.startswith("Value")}
    mapped = {
        override["matcher"]["options"]
        for override in panel["fieldConfig"]["overrides"]
        if any(each["id"] == "mappings" for each in override["properties"])
    }
    if "Time" in rename or mapped:
        return 0  # weeks by time, and insights, whose words stand for labels
    found = 0
    rows: list[dict[str, str]] = (
        _of(view, panel)
        .locator("tbody tr")
        .evaluate_all(
            "all => all.map(row => Object.fromEntries([...row.cells].map("
            "cell => [cell.dataset.label, cell.innerText])))"
        )
    )
    for target in panel["targets"]:
        value = "Value" if len(panel["targets"]) == 1 else f"Value #{target['refId']}"
        column = rename.get(value, value)
        answers = ask(target["expr"], end)
        for row in rows:
            own = {labels[shown]: text for shown, text in row.items() if shown in labels}
            truths = [
                number
                for of, number in answers
                if all(of.get(name, text) == text for name, text in own.items())
            ]
            found += _agree(row.get(column, ""), truths, f"{panel['title']}: {column} of {own}")
    return found


def _chart(view: Seen, panel: Mapping[str, Any], ask: Ask, end: float) -> int:
    """Check the latest three points of each line, at the times that the page says."""
    del end
    if any("$__" in target["expr"] for target in panel["targets"]):
        return 0  # the interval of a rate depends on the step
    place = _of(view, panel)
    summary = place.locator(".data summary")
    if summary.count() == 0:
        return 0
    summary.click()
    table = place.locator(".data table").first
    expect(table).to_be_visible(timeout=patience() * 1000)
    rows: list[list[str]] = table.locator("tbody tr").evaluate_all(
        "all => all.slice(0, 3).map(row => [...row.cells].map(cell => cell.innerText))"
    )
    found = 0
    for at, *texts in rows:
        time = datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp()
        truths = [value for each in panel["targets"] for _, value in ask(each["expr"], time)]
        found += sum(_agree(text, truths, f"{panel['title']} at {at}") for text in texts if text)
    summary.click()
    return found


def test_the_insights_of_the_page_are_those_of_python(
    browser: Browser, portal: str, served: ServedHistory
) -> None:
    """Whether they were evaluated is said in the words of the Python answers."""
    del served
    with seen(browser, f"{portal}/insights") as view:
        sentence = view.page.locator(".note, .warning").first
        expect(sentence).to_contain_text("nsights", timeout=patience() * 1000)
        assert view.complaints == []
