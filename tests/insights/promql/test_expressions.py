"""Every PromQL expression of the project is parsed and held against the metric catalogue."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import promql_parser
import pytest
import yaml
from tests.insights.panels import other_queries, panel_queries

from agent_analytics.insights import GENERATED
from agent_analytics.insights._promql import (
    accounting,
    closed,
    counting,
    releases,
    rollups,
)
from agent_analytics.insights._promql import recorded as _recorded
from agent_analytics.insights._promql.recorded import COUNTING_SINCE
from agent_analytics.insights._promql.scopes import LISTING, Scope
from agent_analytics.insights._promql.windows import GraphPeriod, Period, Raw, RawPeriod
from agent_analytics.insights._report.answers import figures, marketplace
from agent_analytics.insights._rules.rule_files import rule_groups
from agent_analytics.insights._rules.runbooks import FIRST_LOOK
from agent_analytics.processor.catalogue import CATALOGUE

#: What Prometheus adds to every scraped series.
TARGET_LABELS = {"job", "instance"}
#: What is recorded of listings, whatever processes serve them.
OF_LISTINGS = {
    **_recorded.RECORDED,
    **accounting.RECORDED,
    **counting.RECORDED,
    **releases.RECORDED,
    **closed.RECORDED,
}
#: Series that Prometheus makes itself, with the labels that the rules of this project give them.
OWN_SERIES = {
    "up": {"service", *TARGET_LABELS},
    "scrape_duration_seconds": TARGET_LABELS,
    "scrape_samples_post_metric_relabeling": TARGET_LABELS,
    "prometheus_rule_group_last_duration_seconds": {"rule_group", *TARGET_LABELS},
    "prometheus_rule_group_iterations_missed_total": {"rule_group", *TARGET_LABELS},
    "prometheus_rule_evaluation_failures_total": {"rule_group", *TARGET_LABELS},
    "prometheus_rule_group_last_evaluation_timestamp_seconds": {"rule_group", *TARGET_LABELS},
    "prometheus_rule_group_interval_seconds": {"rule_group", *TARGET_LABELS},
    "ALERTS_FOR_STATE": {"audience", "insight", "publisher_id", "agent_id", "tool"},
    "ALERTS": {
        "alertname", "alertstate", "audience", "category", "cause", "insight", "severity",
        "traffic", "publisher_id", "agent_id", "tool", *TARGET_LABELS,
    },
}  # fmt: skip


def known_labels(name: str) -> set[str] | None:
    """Return the labels that a sample name may carry, or nothing for an unknown name."""
    if name in OWN_SERIES:
        return OWN_SERIES[name]
    if name in rollups.RECORDED:
        return {*rollups.RECORDED[name], *TARGET_LABELS}
    if name in OF_LISTINGS:
        return set(OF_LISTINGS[name])
    for recorded in (rollups.RECORDED, OF_LISTINGS):
        if name in recorded:
            return {*recorded[name], *TARGET_LABELS}
    for metric in CATALOGUE.values():
        if name in metric.samples:
            edges = {"le"} if name.endswith("_bucket") else set[str]()
            return {*metric.labels, *edges, *TARGET_LABELS}
    return None


def rule_expressions() -> Iterator[tuple[str, str]]:
    """Yield the expressions of the committed rules, by where they stand."""
    for path in sorted((GENERATED / "rules").glob("*.yml")):
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]:
            for index, rule in enumerate(group["rules"]):
                name = rule.get("alert") or rule["record"]
                yield f"{path.name}-{group['name']}-{index}-{name}", rule["expr"]


def dashboard_expressions() -> Iterator[tuple[str, str]]:
    """Yield the expressions of the committed dashboards, by where they stand."""
    for path in sorted((GENERATED / "dashboards").glob("*.json")):
        for query in (*panel_queries(path), *other_queries(path)):
            yield query.name, query.expr


EVERY = [*rule_expressions(), *dashboard_expressions()]
every_expression = pytest.mark.parametrize("expr", [pytest.param(e, id=i) for i, e in EVERY])


def nodes(node: object) -> Iterator[object]:
    """Yield a parsed expression and everything inside it."""
    yield node
    for name in ("lhs", "rhs", "expr", "param", "vector_selector"):
        child = getattr(node, name, None)
        if child is not None:
            yield from nodes(child)
    if isinstance(node, promql_parser.Call):
        for argument in node.args:
            yield from nodes(argument)


def problems(expr: str) -> list[str]:
    """Return what is wrong with an expression."""
    found: list[str] = []
    names: set[str] = set()
    made = set(re.findall(r'"(\w+)", "[^"]*", "\w*", "[^"]*"\)', expr))
    for node in nodes(promql_parser.parse(expr)):
        if isinstance(node, promql_parser.Call) and node.func.name == "round" and node.args[1:]:
            found.append("VictoriaMetrics rounds to a fraction otherwise than Prometheus")
        if isinstance(node, promql_parser.VectorSelector):
            name = node.name or ""
            names.add(name)
            labels = known_labels(name)
            if labels is None:
                found.append(f"no metric {name}")
                continue
            matchers = node.matchers.matchers
            found += [f"{name} has no label {m.name}" for m in matchers if m.name not in labels]
            found += [
                f"le is no canonical float: {m.value}"
                for m in matchers
                if m.name == "le" and m.value not in {"+Inf", str(float(m.value))}
            ]
    groups = re.findall(r"\b(?:by|on|ignoring|without)\s*\(([^)]*)\)", expr)
    asked = {label.strip() for group in groups for label in group.split(",") if label.strip()}
    has = {label for name in names for label in known_labels(name) or ()} | made
    return found + [f"no series here has the label {label}" for label in sorted(asked - has)]


@every_expression
def test_expression_is_in_the_catalogue(expr: str) -> None:
    """Each metric, label, edge and function that an expression names exists."""
    assert problems(expr) == []


@pytest.mark.parametrize(
    "expr",
    [
        "marketplace_agent_invocation_total",
        'marketplace_agent_invocations_total{result="error"}',
        "sum by (tenant_id) (marketplace_agent_invocations_total)",
        "count(marketplace_agent_installs_total{le='1.0'})",
        'rate(marketplace_agent_invocation_duration_seconds_bucket{le="10"}[1m])',
        "marketplace_agent_invocation_duration_seconds",
        "a + on (job) (up / max by (agent_id) (up))",
        "1 + (2 * avg_over_time(nonsense[1h:1m]))",
        "1 - round(up, 0.000001)",
    ],
)
def test_check_finds_what_is_wrong(expr: str) -> None:
    """The check of expressions itself can fail, on each kind of mistake."""
    assert problems(expr) != []


def test_functions_that_prometheus_3_removed_do_not_parse() -> None:
    """The parser knows the functions of Prometheus 3, so that a removed one fails above."""
    with pytest.raises(ValueError, match="holt_winters"):
        problems("holt_winters(marketplace_agent_active_installs[1h], 0.5, 0.5)")


def template_queries() -> Iterator[tuple[str, str]]:
    """Yield the queries inside the texts of the committed alerts, by where they stand."""
    for path in sorted((GENERATED / "rules").glob("*.yml")):
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]:
            for rule in group["rules"]:
                for name, text in rule.get("annotations", {}).items():
                    for found in re.findall("`([^`]*)`", text):
                        yield f"{path.name}-{rule['alert']}-{name}", found


#: Characters of a query at most.
MOST = 2_000
#: Queries that are longer, and how long they are at most: a margin has four counters, each with the
#: levels at both ends and what fell in between.
LONGER_PANELS = {
    "publisher-Margin-A": 2_400,
    "publisher-Agents-G": 2_500,
    "revenue-Margin-A": 2_400,
    "revenue-What each agent earns and costs-G": 2_500,
}
#: Where nothing is rolled up yet, a query looks itself for counters that began anew.
MOST_OF_RAW = 2_200


@pytest.mark.parametrize(("where", "expr"), [*rule_expressions(), *template_queries()])
def test_rules_are_short(where: str, expr: str) -> None:
    """No rule and no query of a text is longer than a reader follows, but the one that probes."""
    assert len(expr) <= MOST or where.endswith(COUNTING_SINCE), (where, len(expr))


#: What is recorded every quarter of an hour, and read as of now: nothing is found for most of it.
SELDOM_NOW = re.compile(
    r"[a-z_0-9]+:(?:growth_(?:7d|30d|28d)\w*|(?:weeks|usual|deviation|evidence)_\w+)"
    r"(?:\{[^}]*\})?(?![\w\[{])"
)


def test_what_is_recorded_seldom_is_looked_up() -> None:
    """Nothing but the group that records windows of weeks reads them by an instant selector."""
    files: dict[str, Any] = rule_groups()
    groups: list[dict[str, Any]] = [group for file in files.values() for group in file]
    names = [group["name"] for group in groups]
    assert "agent-analytics-weeks" in names
    queries: list[str] = [
        rule["expr"]
        for group in groups
        for rule in group["rules"]
        if group["name"] != "agent-analytics-weeks"
    ]
    queries += [query for some in FIRST_LOOK.values() for query in some]
    assert any("growth_7d" in query for query in queries)
    assert [found for query in queries for found in SELDOM_NOW.findall(query)] == []


def too_long(
    queries: Iterable[tuple[str, str]], most: Mapping[str, int], usual: int = MOST
) -> list[tuple[str, int]]:
    """Return the queries that are longer than they may be, with their lengths."""
    return [(name, len(expr)) for name, expr in queries if len(expr) > most.get(name, usual)]


def report_expressions(period: Period) -> Iterator[tuple[str, str]]:
    """Yield the queries of reports of publishers and of the marketplace, by their figure."""
    of_publisher = ('publisher_id="publisher-000"',)
    for scope in (
        Scope(()),
        Scope(("publisher_id",), of_publisher),
        Scope(LISTING.by, of_publisher),
    ):
        yield from figures.asked(period, scope, comparable=True).items()
        yield from figures.asked_of_registers(period, scope, comparable=True).items()
        day = period if isinstance(period, RawPeriod) else GraphPeriod(1)
        yield from ((name, quantity(day, scope)) for name, quantity in figures.DAILY.items())
    yield from ((name, quantity(period, LISTING)) for name, quantity in marketplace.RANKED.items())
    yield marketplace.GMV_BEFORE, marketplace.gmv_before(period)


def test_panels_are_short() -> None:
    """No query of a dashboard is longer than a reader follows, as Grafana sends it."""
    queries = dict(dashboard_expressions())
    assert too_long(queries.items(), LONGER_PANELS) == []
    assert {name for name, _ in too_long(queries.items(), {})} == set(LONGER_PANELS)


@pytest.mark.parametrize(
    ("period", "most"),
    [(Period(30), MOST), (RawPeriod(30, raw=Raw(29 * 86_400, 300)), MOST_OF_RAW)],
)
def test_queries_of_reports_are_short(period: Period, most: int) -> None:
    """No query of a report is longer than that, from roll-ups or from raw series."""
    queries = list(report_expressions(period))
    assert len(queries) > 100
    assert too_long(queries, {}, most) == []


def test_there_are_expressions() -> None:
    """The committed files hold rules and panels, so that the checks above check something."""
    assert len(list(rule_expressions())) >= 15
    assert len(list(dashboard_expressions())) >= 150
