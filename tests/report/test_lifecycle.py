"""Since when insights are open, and what became of others: read from Prometheus and shown."""

import csv
import io
import json
import runpy
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agent_analytics.insights import Insight
from agent_analytics.insights._prometheus.client import PrometheusClient
from agent_analytics.insights._promql import recorded
from agent_analytics.insights._promql.scopes import Scope
from agent_analytics.insights._report.answers.lifecycle import Lifecycles
from agent_analytics.insights._report.known.evaluation import Evaluation, Insights
from agent_analytics.insights._report.mail.digest import digest
from agent_analytics.insights.analytics import Ended
from agent_analytics.insights.report import Format, Report, render

MADE: dict[str, Any] = runpy.run_path(str(Path(__file__).with_name("test_render.py")))
INSIGHT: Insight = MADE["INSIGHT"]


def moment(day: int) -> datetime:
    """Return six in the morning of a day of May."""
    return datetime(2025, 5, day, 6, 0, tzinfo=UTC)


FIXED = Ended(
    name="error-rate",
    title="Error rate above 5 %",
    publisher_id="acme",
    agent_id="finder",
    state="fixed",
    opened=moment(12),
    last_raised=moment(15),
    fixed=moment(16),
    worth_before_usd_day=12.0,
    worth_after_usd_day=0.0,
)
SILENT = Ended(
    name="token-growth",
    title="More tokens, and no better for it",
    publisher_id="acme",
    agent_id="writer",
    last_raised=moment(14),
    why="Too little was observed since to tell.",
)
SENTENCES = (
    "Earlier insights: 1 fixed, 1 not known",
    (
        "Fixed: Error rate above 5 %, acme/finder: open since 2025-05-12 06:00 UTC, raised last"
        " 2025-05-15 06:00 UTC; proven 2025-05-16 06:00 UTC. At stake at its worst: about $12.00 a"
        " day, now $0.00."
    ),
    (
        "Not known: More tokens, and no better for it, acme/writer: raised last"
        " 2025-05-14 06:00 UTC. Too little was observed since to tell."
    ),
)
REPORT = Report(MADE["DASHBOARD"], Insights([INSIGHT], Evaluation(), [FIXED, SILENT]))


@pytest.mark.parametrize("form", ["terminal", "html"])
def test_pages_say_what_became_of_insights(form: Format) -> None:
    """A page says which earlier insights are fixed, before and after in dollars, and which not."""
    shown = " ".join(render(REPORT, form).split())
    assert all(sentence in shown for sentence in SENTENCES)
    assert "Earlier insights" not in render(Report(MADE["DASHBOARD"], [INSIGHT]), form)


def test_the_mail_says_it() -> None:
    """Both parts of the mail say what became of earlier insights."""
    mail = digest(REPORT.page, sender="reports@market.example", to=["a@b.example"], file="a.html")
    for kind in ("plain", "html"):
        part = mail.get_body((kind,))
        assert part is not None
        assert all(sentence in part.get_content() for sentence in SENTENCES)


def test_json_has_all_of_them() -> None:
    """JSON has what became of each earlier insight, also where runbooks are linked."""
    for report in (REPORT, replace(REPORT, runbooks="https://docs.example")):
        found = json.loads(render(report, "json"))["ended"]
        assert [each["state"] for each in found] == ["fixed", "not_known"]
        assert found[0]["worth_after_usd_day"] == 0
        assert found[0]["opened"] == "2025-05-12T06:00:00Z"
    market = replace(MADE["MARKET"], ended=(FIXED,))
    found = json.loads(render(Report(market, market.in_trouble), "json"))["ended"]
    assert [each["state"] for each in found] == ["fixed"]


@pytest.mark.parametrize("form", ["terminal", "html"])
@pytest.mark.parametrize("reopened", [False, True])
def test_an_insight_says_since_when_it_is_open(form: Format, *, reopened: bool) -> None:
    """An insight that fires says since when it is open, and whether it was open before."""
    insight = replace(INSIGHT, since=moment(12), reopened=reopened)
    shown = " ".join(render(Report(MADE["DASHBOARD"], [insight]), form).split())
    again = " for the second time or more" if reopened else ""
    assert f"Open since 2025-05-12 06:00 UTC{again}." in shown
    unknown = replace(INSIGHT, since=None)
    assert "Open since" not in render(Report(MADE["DASHBOARD"], [unknown]), form)


def test_csv_has_the_first_opening() -> None:
    """CSV has since when the oldest open insight of a listing is open."""
    insights = [replace(INSIGHT, since=moment(day)) for day in (14, 12, 13)]
    row = next(csv.DictReader(io.StringIO(render(Report(MADE["DASHBOARD"], insights), "csv"))))
    assert row["insights_open_since"] == "2025-05-12T06:00:00Z"


@pytest.mark.servers
def test_it_is_read_from_prometheus(
    stored: Callable[[str], Path], start: Callable[..., Any]
) -> None:
    """What is recorded of a listing's or tool's insight is that insight's, whatever fires."""
    now = int(time.time())
    lines: dict[str, list[str]] = {}

    def plant(name: str, value: float, insight: str, *, tool: str = "", state: str = "") -> None:
        own = f'publisher_id="acme",agent_id="finder",insight="{insight}"'
        own += f',tool="{tool}"' if tool else ""
        own += f',state="{state}"' if state else ""
        lines.setdefault(name, []).extend(
            f"{name}{{{own}}} {value} {when}\n" for when in range(now - 600, now + 1_200, 60)
        )

    plant(recorded.STATE, 1, "error-rate", state="reopened")
    plant(recorded.SINCE, 1_000, "error-rate")
    plant(recorded.STATE, 1, "tool-failures", tool="search", state="open")
    plant(recorded.SINCE, 2_000, "tool-failures", tool="search")
    plant(recorded.STATE, 1, "negative-margin", state="fixed")
    plant(recorded.SINCE, 3_000, "negative-margin")
    plant(recorded.LAST_RAISED, 4_000, "negative-margin")
    plant(recorded.FIXED, 5_000, "negative-margin")
    plant(recorded.OPENINGS, 2, "negative-margin")
    plant(recorded.WORTH_BEFORE, 12.345, "negative-margin")
    plant(recorded.WORTH_AFTER, 0.5, "negative-margin")
    plant(recorded.STATE, 1, "token-growth", state="not_known")
    plant(recorded.STATE, 1, "from-a-later-release", state="not_known")
    text = "".join(f"# TYPE {name} gauge\n{''.join(samples)}" for name, samples in lines.items())
    plain = replace(INSIGHT, tool="", since=None)
    asked = [plain, replace(plain, name="tool-failures", tool="search"), replace(plain, name="x")]
    with start(stored(f"{text}# EOF\n")) as url:
        courses = Lifecycles(PrometheusClient(url), Scope(()))
    again, tool, unknown = courses.opened(asked)
    assert (again.reopened, again.since) == (True, datetime.fromtimestamp(1_000, UTC))
    assert (tool.reopened, tool.since) == (False, datetime.fromtimestamp(2_000, UTC))
    assert (unknown.reopened, unknown.since) == (False, None)
    fixed, later, grown = courses.ended()
    assert fixed == Ended(
        name="negative-margin",
        title="Costs more than it earns",
        publisher_id="acme",
        agent_id="finder",
        state="fixed",
        opened=datetime.fromtimestamp(3_000, UTC),
        last_raised=datetime.fromtimestamp(4_000, UTC),
        fixed=datetime.fromtimestamp(5_000, UTC),
        openings=2,
        worth_before_usd_day=12.35,
        worth_after_usd_day=0.5,
    )
    assert (later.title, later.why) == (
        "from-a-later-release",
        "Too little was observed since to tell.",
    )
    assert grown.why.startswith("It compares with its own past")
