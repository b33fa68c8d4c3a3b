"""From named PromQL to :class:`Figures`: what is asked, and how answers become fields.

The quantities themselves are defined in :mod:`._promql.quantities` and nowhere else.
"""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final, TypedDict, cast

from agent_analytics.insights._prometheus.client import Sample, number
from agent_analytics.insights._promql import quantities
from agent_analytics.insights._promql.scopes import Scope
from agent_analytics.insights._promql.windows import Period
from agent_analytics.insights._report import sketches
from agent_analytics.insights._report.answers.model import PublisherDashboard
from agent_analytics.processor import catalogue

Quantity = Callable[[Period, Scope], str]
Answers = Mapping[str, list[Sample]]

_NANO: Final = 9
_MILLIONTH: Final = 6
_P95: Final = 0.95


def _by(label: str, sample: str) -> Quantity:
    return lambda period, scope: period.grown(sample, scope.over(*scope.by, label))


def _of_tool(quantity: Quantity) -> Quantity:
    return lambda period, scope: quantity(period, scope.over(*scope.by, "tool"))


def _unpriced(period: Period, scope: Scope) -> str:
    return period.grown(catalogue.UNPRICED_TOKENS.name, scope)


def _p95(period: Period, scope: Scope) -> str:
    return quantities.response_time_quantile(_P95, period, scope)


_COUNTS: Final[dict[str, Quantity]] = {
    "total_invocations": quantities.invocations,
    "active_installs": quantities.active_installs,
    "installs": quantities.installs,
    "uninstalls": quantities.uninstalls,
    "ratings": quantities.ratings,
    "input_tokens": quantities.input_tokens,
    "output_tokens": quantities.output_tokens,
    "unpriced_tokens": _unpriced,
}
_MONEY: Final[dict[str, Quantity]] = {
    "total_revenue": quantities.revenue,
    "refunds": quantities.refunds,
    "fees": quantities.fees,
    "model_cost": quantities.model_cost,
    "wasted_cost": quantities.wasted_cost,
    "cost_per_success": quantities.cost_per_success,
}
_RATIOS: Final[dict[str, Quantity]] = {
    "avg_satisfaction": quantities.mean_rating,
    "error_rate": quantities.error_rate,
    "cached_share": quantities.cached_share,
}
_SECONDS: Final[dict[str, Quantity]] = {
    "avg_response_time_ms": quantities.mean_response_time,
    "p95_response_time_ms": _p95,
}
_COMPARED: Final[dict[str, Quantity]] = {"install_churn": quantities.install_churn}


def _before(quantity: Quantity) -> Quantity:
    return lambda period, scope: period.comparable(quantity(period.before, scope), scope)


#: What this period is compared with, and its own figure, by the trend between them. Each is asked
#: once: a trend in one query would read this period's anew, and be twice as long.
_BEFORE: Final[dict[str, Quantity]] = {
    "invocations before": _before(quantities.invocations),
    "revenue before": _before(quantities.revenue),
}
_TRENDS: Final = {
    "invocations_trend": ("total_invocations", "invocations before"),
    "revenue_trend": ("total_revenue", "revenue before"),
    "tenants_trend": ("unique_tenants", "tenants before"),
}
#: What a margin is made of.
_EXPENSES: Final = ("refunds", "fees", "model_cost")
_TOOLS: Final[dict[str, Quantity]] = {
    "tool_usage_breakdown": _of_tool(quantities.tool_calls),
    "tool_failure_rates": _of_tool(quantities.tool_failure_rate),
    "tool_times_ms": _of_tool(quantities.mean_tool_time),
}
_BREAKDOWNS: Final[dict[str, Quantity]] = {
    "outcomes": _by("outcome", catalogue.INVOCATIONS.name),
    "errors": _by("error_type", catalogue.INVOCATION_ERRORS.name),
    "ratings_up_to": quantities.ratings_up_to,
}
DAILY: Final[dict[str, Quantity]] = {
    "invocations": quantities.invocations,
    "failed": quantities.failed_invocations,
    "judged": quantities.judged_invocations,
    "revenue": quantities.revenue,
    "model_cost": quantities.model_cost,
    "unique_tenants": quantities.unique_tenants,
    "p95_response_time_ms": _p95,
}


def asked(period: Period, scope: Scope, *, comparable: bool, tools: bool = True) -> dict[str, str]:
    """Return the queries of a scope by name.

    Args:
        period: The period.
        scope: Whose figures, and by which labels they are told apart.
        comparable: Whether the period before can be asked about.
        tools: Whether tools are.
    """
    found = {**_COUNTS, **_MONEY, **_RATIOS, **_SECONDS, **_BREAKDOWNS}
    if comparable:
        found |= _COMPARED | _BEFORE
    if tools:
        found |= _TOOLS
    return {name: quantity(period, scope) for name, quantity in found.items()}


_TENANTS: Final = "registers of tenants"
_TENANTS_BEFORE: Final = "registers of tenants before"
_CONVERSATIONS: Final = "registers of conversations"


def asked_of_registers(period: Period, scope: Scope, *, comparable: bool) -> dict[str, str]:
    """Return the queries for registers of a scope by name, to be counted by :func:`distinct`.

    To count them in a query reads them twice, and to find who was there before seven times.
    """
    found = {
        _TENANTS: period.registers(scope),
        _CONVERSATIONS: period.registers(scope, catalogue.SKETCH_CONVERSATIONS),
    }
    if comparable:
        before = period.before.registers(scope)
        found[_TENANTS_BEFORE] = period.comparable(before, scope)
    return found


def distinct(answers: Answers) -> dict[str, list[Sample]]:
    """Return what registers tell: distinct tenants, those before, those kept, and conversations."""
    now, before, conversations = (
        _by_owner(answers.get(name, [])) for name in (_TENANTS, _TENANTS_BEFORE, _CONVERSATIONS)
    )
    kept = {
        owner: sketches.in_both(now.get(owner, {}), registers)
        for owner, registers in before.items()
    }
    figures = {
        name: {owner: sketches.distinct(registers) for owner, registers in of.items()}
        for name, of in (
            ("unique_tenants", now),
            ("tenants before", before),
            ("conversations", conversations),
        )
    } | {"tenants kept": kept}
    return {
        name: [Sample(dict(owner), value) for owner, value in of.items()]
        for name, of in figures.items()
    }


def _by_owner(samples: Iterable[Sample]) -> dict[frozenset[tuple[str, str]], dict[str, float]]:
    """Return registers by whose they are."""
    found: dict[frozenset[tuple[str, str]], dict[str, float]] = {}
    for sample in samples:
        labels = dict(sample.labels)
        register = labels.pop("register")
        found.setdefault(frozenset(labels.items()), {})[register] = sample.value
    return found


class Fields(TypedDict, total=False):
    """The fields of :class:`Figures`, to be given to it or to a class that extends it."""

    total_invocations: int | None
    unique_tenants: int | None
    active_installs: int | None
    conversations: int | None
    installs: int | None
    uninstalls: int | None
    ratings: int | None
    input_tokens: int | None
    output_tokens: int | None
    unpriced_tokens: int | None
    total_revenue: float | None
    refunds: float | None
    fees: float | None
    model_cost: float | None
    wasted_cost: float | None
    margin: float | None
    cost_per_success: float | None
    avg_revenue_per_tenant: float | None
    avg_satisfaction: float | None
    error_rate: float | None
    cached_share: float | None
    avg_response_time_ms: float | None
    p95_response_time_ms: float | None
    invocations_trend: float | None
    revenue_trend: float | None
    tenants_trend: float | None
    retention: float | None
    install_churn: float | None
    tool_usage_breakdown: Mapping[str, int]
    tool_failure_rates: Mapping[str, float]
    tool_times_ms: Mapping[str, float]
    outcomes: Mapping[str, int]
    errors: Mapping[str, int]
    satisfaction_distribution: Mapping[int, int] | None


def fields(answers: Answers, **labels: str) -> Fields:
    """Return the fields of whatever has these labels in the answers."""

    def of(name: str) -> list[Sample]:
        return [
            sample
            for sample in answers.get(name, [])
            if all(sample.labels.get(key) == value for key, value in labels.items())
        ]

    def one(name: str, places: int) -> float | None:
        return next((rounded(sample.value, places) for sample in of(name)), None)

    def count(name: str) -> int | None:
        value = one(name, 0)
        # Less than nothing is a counter that began anew where nobody saw it: not known.
        return None if value is None or value < 0 else int(value)

    def trend(now: str, before: str) -> float | None:
        change = ratio(now, before)
        return None if change is None else rounded(change - 1, _MILLIONTH)

    def ratio(part: str, whole: str) -> float | None:
        parts, wholes = of(part), of(whole)
        if not parts or not wholes or not wholes[0].value > 0:
            return None
        return rounded(parts[0].value / wholes[0].value, 2 * _NANO)

    def several(name: str, label: str, places: int, factor: float = 1.0) -> dict[str, float]:
        found = {
            sample.labels.get(label, ""): rounded(sample.value * factor, places)
            for sample in of(name)
        }
        return {key: value for key, value in found.items() if value is not None}

    def counts(name: str, label: str) -> dict[str, int]:
        found = {key: int(value) for key, value in several(name, label, 0).items() if value > 0}
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))

    seconds = {name: one(name, _MILLIONTH) for name in _SECONDS}
    used = counts("tool_usage_breakdown", "tool")
    made: dict[str, object] = {
        **{name: count(name) for name in (*_COUNTS, "unique_tenants", "conversations")},
        **{name: one(name, _NANO) for name in _MONEY},
        **{name: one(name, _MILLIONTH) for name in (*_RATIOS, *_COMPARED)},
        **{name: trend(*sides) for name, sides in _TRENDS.items()},
        "margin": _left([one(name, _NANO) for name in ("total_revenue", *_EXPENSES)]),
        "retention": None
        if (kept := ratio("tenants kept", "tenants before")) is None
        else rounded(kept, _MILLIONTH),
        **{
            name: None if value is None else round(value * 1000, 3)
            for name, value in seconds.items()
        },
        "tool_usage_breakdown": used,
        "tool_failure_rates": _in_order(used, several("tool_failure_rates", "tool", _MILLIONTH)),
        "tool_times_ms": _in_order(used, several("tool_times_ms", "tool", 3, 1000.0)),
        "outcomes": counts("outcomes", "outcome"),
        "errors": counts("errors", "error_type"),
        "satisfaction_distribution": _stars(several("ratings_up_to", "le", 0)),
    }
    tenants, revenue = count("unique_tenants"), one("total_revenue", _NANO)
    # By the number that is shown beside it: for a few tenants it is the exact one, the estimate is
    # not.
    made["avg_revenue_per_tenant"] = (
        round(revenue / tenants, _NANO) if tenants and revenue is not None else None
    )
    if not made["model_cost"] and made["unpriced_tokens"]:
        # Nothing was priced: the cost is not 0, it is not known.
        made |= dict.fromkeys(("model_cost", "wasted_cost", "margin", "cost_per_success"))
    return cast("Fields", made)  # built by name from the tables above


def rounded(value: float, places: int) -> float | None:
    """Return a value without the noise of floating point, or None for what is no number."""
    finite = number(value)
    return None if finite is None else round(finite, places) + 0.0


def _left(amounts: Sequence[float | None]) -> float | None:
    """Return the first amount less all others, or None where one is not known."""
    known = [amount for amount in amounts if amount is not None]
    if len(known) < len(amounts):
        return None
    return rounded(known[0] - sum(known[1:]), _NANO)


def _in_order(order: Iterable[str], values: Mapping[str, float]) -> dict[str, float]:
    return {key: values[key] for key in order if key in values}


def _stars(cumulative: Mapping[str, float]) -> dict[int, int] | None:
    """Return ratings by stars from counts by upper edge; None where nobody rated."""
    below, stars = 0, dict[int, int]()
    for edge in catalogue.RATINGS:
        upto = int(cumulative.get(str(edge), below))
        stars[int(edge)] = max(0, upto - below)
        below = max(below, upto)
    return stars if below else None


#: What tells how single tenants behave, and is left out where there are too few of them.
_GONE: Final[dict[str, Any]] = {
    **dict.fromkeys(
        ("avg_satisfaction", "ratings", "satisfaction_distribution", "avg_revenue_per_tenant",
         "retention", "tenants_trend", "conversations", "avg_response_time_ms",
         "p95_response_time_ms")
    ),
    **dict.fromkeys(
        ("tool_usage_breakdown", "tool_failure_rates", "tool_times_ms", "errors"),
        MappingProxyType[str, Any]({}),
    ),
}  # fmt: skip


def hidden(
    dashboard: PublisherDashboard, agents: Container[str], *, everything: bool
) -> PublisherDashboard:
    """Leave out what tells how single tenants behave, of some listings or of everything."""
    rows = tuple(
        replace(row, withheld=True, **_GONE) if everything or row.agent_id in agents else row
        for row in dashboard.listings
    )
    if not everything:
        return replace(dashboard, listings=rows)
    weeks = tuple(replace(week, came=None) for week in dashboard.weeks)
    return replace(dashboard, listings=rows, withheld=True, weeks=weeks, months=(), **_GONE)
