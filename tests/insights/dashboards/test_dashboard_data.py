"""Every query of every committed dashboard is answered with data by a real Prometheus."""

import math
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import promql_parser
import pytest
from tests.insights.market import END, Market, write_market
from tests.insights.panels import Query, other_queries, panel_queries, substitute
from tests.insights.promql.test_expressions import nodes

from agent_analytics.insights import GENERATED
from agent_analytics.insights._definitions import OF_PUBLISHERS
from agent_analytics.insights._promql import quantities
from agent_analytics.insights._promql.recorded import INFO, KNOWN_BY
from agent_analytics.insights._promql.scopes import Scope
from agent_analytics.insights._promql.windows import Chosen, Past, Period

PATHS = sorted((GENERATED / "dashboards").glob("*.json"))
#: Dashboards that a publisher sees, through a guard that pins the publisher.
BOARDS = ("agent", "publisher", "revenue")
PINNED, CHOSEN = 'publisher_id="publisher-000"', 'publisher_id=~"publisher-000"'


class Server(Protocol):
    """The part of the fixture that is used here."""

    def query(self, expr: str) -> list[tuple[dict[str, str], float]]:
        """Return labels and values."""
        ...

    def query_range(self, expr: str, *, span: int = ..., step: int = ...) -> list[list[float]]:
        """Return the values of each series."""
        ...


def name_of(query: object) -> str:
    """Return the name of a test's query."""
    return query.name if isinstance(query, Query) else ""


QUERIES = [query for path in PATHS for query in panel_queries(path)]
MORE = [query for path in PATHS for query in other_queries(path)]


@pytest.fixture(scope="module")
def marketplace(
    prometheus_over: Callable[[Path, int], AbstractContextManager[Server]],
    promtool: Callable[..., subprocess.CompletedProcess[str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    """Run Prometheus over two months of a small marketplace."""
    folder = tmp_path_factory.mktemp("market")
    text, data = folder / "market.txt", folder / "data"
    size = Market(listings=4, publishers=2, full=2, registers=32)
    write_market(size, text)
    blocks = "--max-block-duration=1488h"
    made = promtool("tsdb", "create-blocks-from", blocks, "openmetrics", text, data)
    assert made.returncode == 0, made.stderr
    text.unlink()
    with prometheus_over(data, END) as server:
        yield server
    shutil.rmtree(data)


def answer(server: Server, query: Query) -> list[float]:
    """Return every number that a query is answered with."""
    if not query.span:
        return [value for _, value in server.query(query.expr)]
    points = server.query_range(query.expr, span=query.span, step=query.step)
    return [value for series in points for value in series]


@pytest.mark.servers
@pytest.mark.parametrize("query", QUERIES, ids=name_of)
def test_panel_has_data(marketplace: Server, query: Query) -> None:
    """A real Prometheus answers the query of a panel with numbers."""
    assert [value for value in answer(marketplace, query) if not math.isnan(value)] != []


@pytest.mark.servers
@pytest.mark.parametrize("query", MORE, ids=name_of)
def test_variables_and_annotations_have_data(marketplace: Server, query: Query) -> None:
    """A real Prometheus answers the query of a variable or an annotation."""
    assert answer(marketplace, query) != []


@pytest.mark.servers
@pytest.mark.parametrize(
    "query",
    [query for query in QUERIES if query.name.split("-")[0] in BOARDS],
    ids=name_of,
)
def test_publishers_see_themselves_through_a_guard(marketplace: Server, query: Query) -> None:
    """With a matcher for the publisher in every selector, a panel answers what it does without.

    Words of insights and when they are known are of no publisher, and a guard lets them pass.
    """
    selectors = [
        node
        for node in nodes(promql_parser.parse(query.expr))
        if isinstance(node, promql_parser.VectorSelector) and node.name not in {INFO, KNOWN_BY}
    ]
    assert all(PINNED in str(node) or CHOSEN in str(node) for node in selectors)
    pinned = query.expr.replace(CHOSEN, f"{PINNED}, {CHOSEN}")
    guarded = Query(query.name, pinned, query.span, query.step)
    assert answer(marketplace, guarded) == pytest.approx(answer(marketplace, query), nan_ok=True)


@pytest.mark.servers
@pytest.mark.parametrize("length", [1, 7, 30])
@pytest.mark.parametrize(
    "quantity",
    [
        quantities.invocations,
        quantities.revenue_trend,
        quantities.unique_tenants,
        quantities.active_installs,
        quantities.mean_rating,
    ],
)
def test_chosen_period_is_the_period(
    marketplace: Server, length: int, quantity: Callable[[Past, Scope], str]
) -> None:
    """What a dashboard's variable chooses is answered as the period of that length is."""
    scope = Scope((), ('publisher_id="publisher-000"',))
    expr = substitute(quantity(Chosen(), scope), {"period": f"{length - 1}d"})
    ((_, chosen),) = marketplace.query(expr)
    ((_, expected),) = marketplace.query(quantity(Period(length), scope))
    assert chosen == pytest.approx(expected, rel=1e-6, abs=1e-9)


@pytest.mark.servers
def test_a_graph_reads_levels_and_marks_of_days_alike(marketplace: Server) -> None:
    """Where a series is found among levels on one day and among marks on another, it is the same.

    Levels are there around the end of a period and of those before it.
    """
    scope = Scope((), ('publisher_id="publisher-000"',))
    expr = quantities.invocations(Period(1), scope)
    ((_, day),) = marketplace.query(expr)
    (days,) = marketplace.query_range(expr, span=31 * 86_400, step=6 * 3_600)
    # Where levels end and marks begin, a mark is of some hours before.
    assert sum(value == pytest.approx(day) for value in days) > 0.7 * len(days)


@pytest.mark.servers
def test_insights_table_tells_what_was_measured(marketplace: Server) -> None:
    """Each firing insight is a row with its number, its severity, its title and what to do."""
    (query,) = (q for q in QUERIES if q.name == "publisher-What to do next-A")
    rows = {
        labels["insight"]: (labels["rank"], labels["title"], labels["recommendation"], value)
        for labels, value in marketplace.query(query.expr)
    }
    ranks = {"critical": "1", "warning": "2", "info": "3"}
    assert {slug: row[0] for slug, row in rows.items()} == {
        finding.slug: ranks[finding.severity] for finding in OF_PUBLISHERS
    }
    for finding in OF_PUBLISHERS:
        _, title, recommendation, value = rows[finding.slug]
        assert title
        assert "{" not in title
        assert recommendation == finding.recommendation
        assert value == (25 if finding.what.startswith("%") else 0.25)


def test_every_insight_says_what_it_measured() -> None:
    """Each insight has words for what its number is."""
    assert all(finding.what for finding in OF_PUBLISHERS)
