"""What insights mostly come from: read from Prometheus, shown in every form, withheld where few."""

import csv
import io
import json
import runpy
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent_analytics.insights import Insight
from agent_analytics.insights._prometheus.client import PrometheusClient
from agent_analytics.insights._promql.scopes import LISTING, Scope
from agent_analytics.insights._report.answers.causes import enough_tenants, with_causes
from agent_analytics.insights._report.mail.digest import digest
from agent_analytics.insights.analytics import Contributor
from agent_analytics.insights.report import Format, Report, render

MADE: dict[str, Any] = runpy.run_path(str(Path(__file__).with_name("test_render.py")))
ERROR = Contributor(
    dimension="error type", name="ToolError", share=0.71, of="failures", over="7 days"
)
TOOL = Contributor(
    dimension="tool", name="search_flights", share=0.8, of="failed tool calls", over="7 days"
)
INSIGHT: Insight = replace(MADE["INSIGHT"], contributors=(ERROR, TOOL))
SENTENCE = (
    "Top contributor: error type ToolError, 71.0 % of the failures in 7 days;"
    " tool search_flights, 80.0 % of the failed tool calls in 7 days."
)


@pytest.mark.parametrize("form", ["terminal", "html"])
def test_pages_name_the_top_contributor(form: Format) -> None:
    """An insight says what it mostly comes from, and nothing where that is not known."""
    shown = render(Report(MADE["DASHBOARD"], [INSIGHT]), form)
    assert SENTENCE in " ".join(shown.split())
    assert "Top contributor" not in render(Report(MADE["DASHBOARD"], [MADE["INSIGHT"]]), form)


def test_the_mail_names_the_top_contributor() -> None:
    """Both parts of the mail say what an insight mostly comes from."""
    report = Report(MADE["DASHBOARD"], [INSIGHT])
    mail = digest(report.page, sender="reports@market.example", to=["a@b.example"], file="a.html")
    for kind in ("plain", "html"):
        part = mail.get_body((kind,))
        assert part is not None
        assert SENTENCE in part.get_content()


def test_json_has_every_contributor() -> None:
    """JSON has the contributors with their shares, in order."""
    document = json.loads(render(Report(MADE["DASHBOARD"], [INSIGHT]), "json"))
    found = document["insights"][0]["contributors"]
    assert [(each["dimension"], each["name"], each["share"]) for each in found] == [
        ("error type", "ToolError", 0.71),
        ("tool", "search_flights", 0.8),
    ]


def test_csv_names_the_first_of_each_insight() -> None:
    """CSV has, for each listing, the first contributor of each of its insights."""
    other = replace(INSIGHT, name="wasted-spend", contributors=(TOOL, ERROR))
    strange = replace(INSIGHT, agent_id="writer")
    text = render(Report(MADE["DASHBOARD"], [INSIGHT, other, strange]), "csv")
    row = next(row for row in csv.DictReader(io.StringIO(text)) if row["agent_id"] == "finder")
    assert row["top_contributors"] == (
        "error-rate: error type ToolError 0.71; wasted-spend: tool search_flights 0.8"
    )


@pytest.mark.parametrize("form", ["terminal", "html", "json", "csv"])
def test_few_tenants_are_not_told_apart(form: Format) -> None:
    """Where figures of a listing are withheld for too few tenants, so are its contributors."""
    dashboard = MADE["DASHBOARD"]
    few = replace(dashboard, listings=(replace(dashboard.listings[0], withheld=True),))
    for withheld in (few, replace(dashboard, withheld=True)):
        assert "search_flights" not in render(Report(withheld, [INSIGHT]), form)
    other = replace(INSIGHT, agent_id="writer")
    shown = " ".join(render(Report(few, [other]), form).split())
    assert "ToolError" in shown or form == "csv"


@pytest.mark.servers
def test_contributors_are_those_of_the_insight(
    stored: Callable[[str], Path], start: Callable[..., Any]
) -> None:
    """An insight gets what is recorded of its listing, tool and window, the first one first."""
    now = int(time.time())

    def series(share: float, **labels: str) -> str:
        own = {"publisher_id": "acme", "agent_id": "finder", "insight": "error-rate", **labels}
        text = ",".join(f'{key}="{value}"' for key, value in own.items())
        name = "marketplace_insight_contributor"
        return "".join(
            f"{name}{{{text}}} {share} {when}\n" for when in range(now - 600, now + 1_200, 60)
        )

    def of(contributor: Contributor, place: str) -> Mapping[str, str]:
        return {
            "dimension": contributor.dimension,
            "contributor": contributor.name,
            "of": contributor.of,
            "over": contributor.over,
            "place": place,
        }

    text = (
        "# TYPE marketplace_insight_contributor gauge\n"
        + series(0.8, traffic="week", **of(TOOL, "2"))
        + series(0.71, traffic="week", **of(ERROR, "1"))
        + series(0.5, traffic="day", **of(ERROR, "1"))
        + series(0.4, traffic="week", tool="mail", **of(ERROR, "1"))
        + series(0.3, traffic="week", **{**of(ERROR, "1"), "agent_id": "writer"})
        + "# TYPE listing_unique_tenants:30d gauge\n"
        + f'listing_unique_tenants:30d{{publisher_id="acme",agent_id="finder"}} 5 {now - 60}\n'
        + f'listing_unique_tenants:30d{{publisher_id="acme",agent_id="writer"}} 4 {now - 60}\n'
        + "# EOF\n"
    )
    plain: Insight = replace(MADE["INSIGHT"], tool="", traffic="week")
    asked = [plain, replace(plain, name="wasted-spend"), replace(plain, tool="mail")]
    with start(stored(text)) as url:
        client = PrometheusClient(url)
        first, second, third = with_causes(client, Scope(()), asked)
        enough = enough_tenants(client, LISTING, 5)
    assert first.contributors == (ERROR, TOOL)
    assert second.contributors == ()
    assert [each.share for each in third.contributors] == [0.4]
    assert enough == {"finder"}
