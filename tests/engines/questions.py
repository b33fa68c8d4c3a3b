"""What engines are asked: every rule, every panel, every field of the reports."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime
from typing import Any, Final, cast

from tests.insights.panels import CHOSEN, Query, other_queries, panel_queries

from agent_analytics.insights import GENERATED
from agent_analytics.insights._prometheus.client import PrometheusClient
from agent_analytics.insights._rules.rule_files import rule_groups
from agent_analytics.insights.analytics import MarketplaceAnalytics, PublisherAnalytics

#: A number of an answer by what it is of: labels and Unix time, or a field of a report.
Answer = dict[tuple[str, ...], object]
#: Lengths of the reports that are read.
PERIODS: Final = (1, 7, 30)


@dataclass(frozen=True, slots=True)
class Question:
    """A query: its name, its PromQL, and over how many seconds it is asked at which step."""

    name: str
    expr: str
    span: int = 0
    step: int = 0


def rules() -> Iterator[Question]:
    """Yield the expression of every rule; several may record one series, and are numbered."""
    seen: Counter[str] = Counter()
    for file, groups in rule_groups().items():
        for group in groups:
            for rule in rules_of(group):
                name = rule.get("record") or rule["alert"]
                labels = rule.get("labels", {})
                which = [labels[key] for key in ("insight", "traffic", "cause") if key in labels]
                whole = " ".join((f"{file}:", name, *which))
                seen[whole] += 1
                number = f" {seen[whole]}" if seen[whole] > 1 else ""
                yield Question(f"{whole}{number}", rule["expr"])


def panels(chosen: Mapping[str, str]) -> Iterator[Question]:
    """Yield every query of every dashboard, with the variables filled in."""
    for path in sorted((GENERATED / "dashboards").glob("*.json")):
        filled = {**CHOSEN, **chosen}
        for query in (*panel_queries(path, filled), *other_queries(path, filled)):
            yield _panel(query)


def _panel(query: Query) -> Question:
    return Question(query.name, query.expr, query.span, query.step)


def rules_of(group: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - the form of a YAML file
    """Return the rules of a group."""
    found: list[dict[str, Any]] = group["rules"]
    return found


def asked(client: PrometheusClient, question: Question, at: float) -> Answer:
    """Return the answer of a query at a Unix time: its numbers by labels and time."""
    if not question.span:
        samples = client.query(question.expr, at=at)
        found = [(_labels(each.labels), each.value) for each in samples]
        assert len(dict(found)) == len(found), question.name
        return {(labels,): value for labels, value in found}
    end = at // question.step * question.step
    series = client.query_range(
        question.expr, start=end - question.span, end=end, step=question.step
    )
    return {
        (_labels(each.labels), f"{time:.0f}"): value
        for each in series
        for time, value in each.points.items()
    }


def _labels(labels: Mapping[str, str]) -> str:
    """Return labels as one text; a rule, a panel or a report gives the answer a name of its own."""
    return ",".join(f"{name}={labels[name]}" for name in sorted(labels) if name != "__name__")


def reports(url: str, publishers: tuple[str, ...], at: float) -> Iterator[tuple[str, Answer]]:
    """Yield the fields of the reports of publishers and of the marketplace, for each period."""
    for days in PERIODS:
        market = MarketplaceAnalytics(url).dashboard(days, at=at)
        yield f"report: marketplace, {days} days", dict(_fields(market, ()))
        for publisher in publishers:
            found = PublisherAnalytics(url).dashboard(publisher, days, at=at)
            yield f"report: {publisher}, {days} days", dict(_fields(found, ()))


def _fields(value: object, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], object]]:
    """Yield what a report holds by its path."""
    if is_dataclass(value):
        for field in fields(value):
            # Which rules have run depends on what is loaded, and not on the past.
            if field.name != "evaluation":
                yield from _fields(getattr(value, field.name), (*path, field.name))
    elif isinstance(value, Mapping):
        for key, each in cast("Mapping[object, object]", value).items():
            yield from _fields(each, (*path, str(key)))
    elif isinstance(value, tuple | list):
        for index, each in enumerate(cast("Sequence[object]", value)):
            yield from _fields(each, (*path, str(index)))
    elif isinstance(value, date | datetime):
        yield path, value.isoformat()
    else:
        yield path, value
