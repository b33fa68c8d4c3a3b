"""The forms of the report, from figures made by hand: known ones, missing ones, hostile names."""

import csv
import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.effort import examples

from agent_analytics.insights import Insight
from agent_analytics.insights._rules.contributors import Contributor
from agent_analytics.insights.analytics import (
    Daily,
    Freshness,
    ListingFigures,
    MarketplaceDashboard,
    Month,
    PublisherDashboard,
    Ranked,
    Week,
)
from agent_analytics.insights.report import FORMATS, Format, Report, render

GOLDEN = Path(__file__).with_name("golden")
AS_OF = datetime(2026, 3, 31, 12, tzinfo=UTC)
HOSTILE = "=1+1\"'<script>alert(1)</script>&\x1b[2J\u202e\r\nx"

LISTING = ListingFigures(
    agent_id="finder",
    agent_name="Finder",
    agent_versions=("1.0", "1.1"),
    daily_invocations=(3.0, None, 5.0),
    total_invocations=1_234,
    unique_tenants=37,
    active_installs=21,
    invocations_trend=0.125,
    avg_satisfaction=3.25,
    error_rate=0.0731,
    avg_response_time_ms=1_850.5,
    p95_response_time_ms=12_400.0,
    total_revenue=61.7,
    revenue_trend=-0.031,
    avg_revenue_per_tenant=1.667567568,
    tool_usage_breakdown={"search": 900, "mail": 7},
    tool_failure_rates={"search": 0.011, "mail": 0.142857},
    tool_times_ms={"search": 216.5},
    outcomes={"success": 1_132, "error": 80, "timeout": 9, "cancelled": 13},
    errors={"ValueError": 80, "TimeoutError": 9},
    retention=0.81,
    installs=5,
    uninstalls=2,
    install_churn=0.111111,
    ratings=40,
    satisfaction_distribution={1: 5, 2: 7, 3: 10, 4: 9, 5: 9},
    refunds=0.5,
    fees=6.17,
    model_cost=70.25,
    wasted_cost=4.1,
    margin=-15.22,
    cost_per_success=0.062058304,
    input_tokens=1_500_000,
    output_tokens=260_000,
    unpriced_tokens=0,
    cached_share=0.4,
)
NEW = ListingFigures(agent_id="new", total_invocations=0, daily_invocations=(None, None, None))
DAYS = Daily(
    ends=tuple(AS_OF - timedelta(days=ago) for ago in (2, 1, 0)),
    invocations=(400.0, None, 834.0),
    error_rate=(0.01, None, 0.09),
    revenue=(20.0, 0.0, 41.7),
    model_cost=(None, None, None),
    unique_tenants=(12.0, 13.0, 14.0),
    p95_response_time_ms=(8_000.0, 9_000.0, 12_000.0),
)
FRESH = Freshness(
    as_of=AS_OF,
    history_since=AS_OF - timedelta(days=90),
    scraped_at=AS_OF - timedelta(seconds=5),
    rolled_up_at=AS_OF - timedelta(minutes=2),
    last_span_at=AS_OF - timedelta(minutes=1),
    source="rollups",
)
DASHBOARD = PublisherDashboard(
    **{
        name: getattr(LISTING, name)
        for name in ListingFigures.__dataclass_fields__
        if name not in {"agent_id", "agent_name", "agent_versions", "daily_invocations"}
    },
    publisher_id="acme",
    period_days=3,
    listings=(LISTING, NEW),
    daily=DAYS,
    freshness=FRESH,
    partial=("Active installs are not known.",),
    weeks=(
        Week(first=date(2026, 11, 2), installs=7, came=None, revenue=23.5),
        Week(first=date(2026, 10, 26), installs=3, came=11.7, revenue=19.25),
    ),
    months=(Month(first=date(2026, 10, 1), returned={1: 0.81, 3: 0.64}),),
)
INSIGHT = Insight(
    severity="critical",
    category="reliability",
    title="Error rate above 5 %",
    description="7.31% of the invocations failed.",
    recommendation="Look at the commonest failures.",
    publisher_id="acme",
    agent_id="finder",
    tool="mail",
    name="error-rate",
    since=AS_OF,
)
REPORT = Report(DASHBOARD, [INSIGHT])
MARKET = MarketplaceDashboard(
    period_days=3,
    gmv_trend=0.5,
    total_revenue=61.7,
    refunds=0.5,
    fees=6.17,
    total_invocations=1_234,
    active_publishers=1,
    active_listings=1,
    known_listings=2,
    publishers=(Ranked(publisher_id="acme", invocations=1_234, revenue=61.7),),
    listings=(Ranked(publisher_id="acme", agent_id="finder", invocations=1_234, revenue=61.7),),
    in_trouble=(INSIGHT,),
    daily=DAYS,
    freshness=FRESH,
    weeks=(Week(first=date(2026, 11, 2), installs=70, came=41.2, revenue=235.0),),
    months=(Month(first=date(2026, 10, 1), returned={1: 0.71, 2: 0.55}),),
)
EMPTY = PublisherDashboard(
    publisher_id="acme", period_days=30, listings=(), daily=Daily(), freshness=FRESH
)


def _named(name: str) -> Report:
    row = replace(
        LISTING, agent_id=name, agent_name=name, tool_usage_breakdown={name: 3}, errors={name: 2}
    )
    insight = replace(
        INSIGHT,
        agent_id=name,
        tool=name,
        title=name,
        description=name,
        recommendation=name,
        contributors=(
            Contributor(dimension="tool", name=name, share=0.5, of="failed tool calls", over=name),
        ),
    )
    dashboard = replace(
        DASHBOARD, publisher_id=name, listings=(row,), tool_usage_breakdown={name: 3},
        errors={name: 2}, partial=(name,),
    )  # fmt: skip
    return Report(dashboard, [insight])


class _Page(HTMLParser):
    """Collects what a browser would make of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember an element."""
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        """Remember a text."""
        self.words += data


@pytest.mark.parametrize(
    ("name", "report"), [("publisher", REPORT), ("marketplace", Report(MARKET, [INSIGHT]))]
)
def test_json_keys_and_values_are_stable(name: str, report: Report) -> None:
    """The JSON is the committed one, key by key; a change of it is a change of the interface."""
    assert json.loads(render(report, "json")) == json.loads(
        (GOLDEN / f"{name}.json").read_text("utf-8")
    )


def test_weeks_and_months_are_on_the_page() -> None:
    """A page and a terminal have the months, the weeks, and a dash for what is withheld."""
    forms: tuple[Literal["html", "terminal"], ...] = ("html", "terminal")
    for form in forms:
        shown = re.sub(r"<[^>]+>", " ", render(REPORT, form))
        for words in ("Tenants who came back", "Oct 2026", "64.0 %", "02 Nov", "$23.50"):
            assert words in shown
        assert "Came" in shown
        assert "New" in re.sub(r"<[^>]+>", " ", render(Report(MARKET, []), form))
    assert "who came back" not in render(Report(EMPTY, []), "html")


def test_csv_has_a_row_per_listing_and_nothing_for_what_is_not_known() -> None:
    """Numbers stay numbers; what is not available is empty and not 0."""
    first, second = csv.DictReader(render(REPORT, "csv").splitlines())
    assert (first["publisher_id"], first["agent_id"]) == ("acme", "finder")
    assert first["margin"] == "-15.22"
    assert first["retention"] == "0.81"
    assert second["total_invocations"] == "0"
    assert second["avg_satisfaction"] == second["total_revenue"] == ""


def test_csv_starts_no_formula() -> None:
    """A name that a spreadsheet would compute is made a text."""
    for start in "=+-@\N{MINUS SIGN}\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u207a\u208b":
        for before, shown in (("", ""), ("\t", " "), ("\r\n", "  "), ("\u3000 ", "\u3000 ")):
            row = next(csv.reader(render(_named(f"{before}{start}1"), "csv").split("\r\n")[1:]))
            assert row[1] == f"'{shown}{start}1"
        # Where a semicolon separates cells, one begins behind it.
        row = next(csv.reader(render(_named(f"a; {start}1"), "csv").split("\r\n")[1:]))
        assert row[1] == f"a;' {start}1"


#: What steers terminals (ESC, CSI in one character, BEL, DEL), turns text round, or is unseen.
STEERING = (
    "\x1b]0;x\x07\x9b31m\x7f\x00\x85\u2028\u202e\u2066\u2069\u200f\u061c\u200b\ufeff\U000e0041"
)


@pytest.mark.parametrize("form", ["terminal", "html", "csv", "json"])
def test_nothing_steers_or_turns(form: Format) -> None:
    """Names, reasons and insights of strangers carry no such character into any form."""
    insight = replace(INSIGHT, description=f"as {STEERING} said", title=f"{STEERING}t")
    named = _named(f"a{STEERING}b")
    report = replace(named, insights=[insight])
    written = render(report, form)
    assert not set(STEERING[:1] + STEERING[4:]) & set(written) - set("x;31m]0")
    if form == "json":
        assert json.loads(written)["listings"][0]["agent_id"] == f"a{STEERING}b"
        wide = render(_named("\uff1d1+1 Zürich"), "json")
        assert "\uff1d" not in wide
        assert "Zürich" in wide
        assert json.loads(wide)["listings"][0]["agent_id"] == "\uff1d1+1 Zürich"


@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    """Pages fit, with long names too."""
    for report in (REPORT, _named("a-very-long-name-of-an-agent" * 4), Report(MARKET, [INSIGHT])):
        lines = render(report, "terminal", width=width).splitlines()
        assert max(map(len, lines)) <= width


def test_terminal_tells_what_to_do_first() -> None:
    """Insights with their recommendation stand in front of the figures."""
    text = render(REPORT, "terminal")
    assert text.index("→ Look at the commonest failures.") < text.index("1,234")
    assert "acme · finder · tool mail" in text


def test_hostile_names_do_not_steer_a_terminal() -> None:
    """No control character and nothing that turns text round reaches the terminal."""
    text = render(_named(HOSTILE), "terminal", width=200)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e]", text)
    assert "[bold red]" in render(_named("[bold red]x"), "terminal")


def test_hostile_names_are_text_in_html() -> None:
    """A script in a name is shown, and is none."""
    page = _Page(render(_named(HOSTILE), "html"))
    assert "script" not in page.tags
    assert "<script>alert(1)</script>" in page.words


@given(st.text(max_size=60))
@settings(max_examples=examples(60), deadline=None)
def test_no_name_adds_an_element_or_an_attribute(name: str) -> None:
    """Whatever a name is, the page has the elements and attributes of a page with a plain one."""
    plain, other = (_Page(render(_named(each), "html")) for each in ("plain", name))
    assert other.tags == plain.tags
    assert [key for key, _ in other.attributes] == [key for key, _ in plain.attributes]


def test_html_asks_nobody_for_anything() -> None:
    """No script, no address, no import: the page is whole by itself, and its policy says so."""
    html = render(REPORT, "html")
    page = _Page(html)
    assert {"script", "link", "img", "iframe", "object"}.isdisjoint(page.tags)
    assert {"src", "href", "onload", "onclick"}.isdisjoint({key for key, _ in page.attributes})
    assert "url(" not in html
    assert "@import" not in html
    assert "default-src 'none'" in html


def test_html_charts_have_words() -> None:
    """Every chart has a title and a description, and ids are unique."""
    html = render(REPORT, "html")
    charts = re.findall(r"<svg .*?</svg>", html)
    assert len(charts) >= 5
    assert all("<title" in chart or "aria-label=" in chart for chart in charts)
    ids = re.findall(r' id="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    assert "prefers-color-scheme: dark" in html


@pytest.mark.parametrize("form", ["terminal", "html"])
def test_what_is_not_known_is_not_0(form: Format) -> None:
    """A dashboard of which nothing is known shows no number."""
    text = render(Report(EMPTY, []), form, width=120)
    words = _Page(text).words if form == "html" else text
    assert words.count("not available") == 12
    assert not re.search(r"(?<![\d:–-])0(?![\d:-])", words.split("</style>")[-1].split("}")[-1])
    assert "It is not known whether insights were evaluated" in words


@pytest.mark.parametrize("form", FORMATS)
def test_every_form_of_nothing(form: Format) -> None:
    """Nothing at all is rendered without an error, in every form."""
    assert render(Report(EMPTY, []), form)


@pytest.mark.parametrize("form", ["terminal", "html"])
def test_what_is_at_stake_is_told(form: Format) -> None:
    """An insight says what it is worth a day, and says nothing where that is not known."""
    told = render(Report(DASHBOARD, [replace(INSIGHT, worth_usd_day=12.5)]), form)
    assert "about $12.50 a day" in " ".join(told.split())
    assert "At stake" not in render(Report(DASHBOARD, [INSIGHT]), form)
