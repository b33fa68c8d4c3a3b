"""What an insight mostly comes from: which part is the largest, and its share."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.insights.definitions.rules_alone import rules_of, run
from tests.tools import Run

from agent_analytics.insights._definitions import OF_PUBLISHERS
from agent_analytics.insights._definitions.spec.model import Spec
from agent_analytics.insights._promql import recorded
from agent_analytics.insights._rules import causes

Series = dict[str, str]
Named = Mapping[tuple[str, str], float]
OWN = 'publisher_id="acme", agent_id="finder"'
FAILED = 'outcome="error"'
#: What stands in front of the names that rules of levels record.
LEVELS = re.compile(
    r"marketplace_agent_(invocation_errors|input_tokens|output_tokens)_total:(level|fell|drop|hourly|day)"
)


def one(name: str, value: float, **labels: str) -> Series:
    """Return a series of the listing that has one value all along."""
    own = "".join(f', {key}="{text}"' for key, text in labels.items())
    return {f"{name}{{{OWN}{own}}}": f"{value}x12"}


def raised(insight: str, traffic: str, **labels: str) -> Series:
    """Return an insight that is raised."""
    return one(recorded.MEASURE, 0.25, insight=insight, traffic=traffic, **labels)


def grown(name: str, window: str, value: float, **labels: str) -> Series:
    """Return what a counter grew by, as it is recorded."""
    return one(f"marketplace_agent_{name}:growth_{window}", value, **labels)


def ahead(window: str, share: float, dimension: str, contributor: str) -> Series:
    """Return a top contributor that was recorded ahead."""
    return one(
        f"listing_top_contributor:{window}", share, dimension=dimension, contributor=contributor
    )


def tools(window: str, **failed: float) -> Series:
    """Return calls of tools that failed, and as many that did not."""
    return {
        key: value
        for tool, number in failed.items()
        for outcome in ("error", "success")
        for key, value in grown(
            "tool_calls_total", window, number, tool=tool, outcome=outcome
        ).items()
    }


def expenses(cost: float, refunds: float, fees: float) -> Series:
    """Return what a listing spent in thirty days."""
    return {
        **grown("model_cost_usd_total", "30d", cost),
        **grown("refunds_usd_total", "30d", refunds),
        **grown("fees_usd_total", "30d", fees),
    }


def slow(search: float) -> Series:
    """Return the time of two tools in a week, of 200 seconds of responses."""
    seconds = "tool_call_duration_seconds_sum"
    return {
        **grown("invocation_duration_seconds_sum", "7d", 200, outcome="success"),
        **grown(seconds, "7d", search, tool="search"),
        **grown(seconds, "7d", 20, tool="mail"),
    }


#: What is raised and recorded, and by dimension and contributor the share.
CASES: dict[str, tuple[Series, Named]] = {
    "an error type and a tool": (
        {
            **raised("error-rate", "period"),
            **ahead("30d", 0.7, "error type", "ToolError"),
            **ahead("7d", 0.9, "error type", "ValueError"),
            **tools("30d", search=3, mail=1),
            **tools("7d", search=1, mail=2),
        },
        {("error type", "ToolError"): 0.7, ("tool", "search"): 0.75},
    ),
    "of a week": (
        {
            **raised("error-budget", "steady"),
            **ahead("7d", 0.9, "error type", "ValueError"),
            **tools("7d", search=1, mail=3),
        },
        {("error type", "ValueError"): 0.9, ("tool", "mail"): 0.75},
    ),
    "hours are answered with the day": (
        {**raised("error-anomaly", "1h"), **ahead("1d", 0.5, "error type", "_other")},
        {("error type", "_other"): 0.5},
    ),
    "no tool failed": (
        {**raised("error-rate", "day"), **tools("1d", search=0)},
        {},
    ),
    "not raised": (
        {
            **raised("revenue-falling", "week"),
            **ahead("7d", 0.9, "error type", "ValueError"),
            **tools("7d", search=1),
        },
        {},
    ),
    "of another listing": (
        {
            key.replace("finder", "writer"): value
            for key, value in (raised("error-rate", "day") | tools("1d", search=1)).items()
        }
        | tools("1d", mail=5),
        {("tool", "search"): 1},
    ),
    "model calls cost most": (
        {
            **raised("negative-margin", "period"),
            **expenses(12, 2, 1),
            **ahead("7d", 0.9, "model", "atlas-4"),
        },
        {("expense", "model calls"): 0.8, ("model", "atlas-4"): 0.9},
    ),
    "refunds cost most": (
        {**raised("negative-margin", "period"), **expenses(4, 15, 1)},
        {("expense", "refunds"): 0.75},
    ),
    "a tool takes most of the time": (
        {**raised("response-time", "day"), **slow(120)},
        {("tool", "search"): 0.6},
    ),
    "calls at once take no more than all": (
        {**raised("latency-regression", "6h"), **slow(500)},
        {("tool", "search"): 1},
    ),
    "timeouts of a tool": (
        {
            **raised("tool-failures", "week", tool="search"),
            **grown("tool_calls_total", "7d", 3, tool="search", outcome="timeout"),
            **grown("tool_calls_total", "7d", 1, tool="search", outcome="error"),
            **grown("tool_calls_total", "7d", 9, tool="mail", outcome="error"),
            **grown("tool_calls_total", "7d", 90, tool="search", outcome="success"),
        },
        {("outcome", "timeout"): 0.75},
    ),
    "a version that fails": (
        {
            **raised("version-regression-errors", "release"),
            **ahead("1d", 0.6, "error type", "KeyError"),
            **ahead("7d", 0.9, "error type", "ValueError"),
            **tools("1d", search=3, mail=1),
        },
        {("error type", "KeyError"): 0.6, ("tool", "search"): 0.75},
    ),
    "a version that is slower": (
        {**raised("version-regression-latency", "release"), **slow(120)},
        {("tool", "search"): 0.6},
    ),
    "a version that costs more": (
        {
            **raised("version-regression-cost", "release"),
            **ahead("7d", 0.8, "model", "corvid-2"),
        },
        {("model", "corvid-2"): 0.8},
    ),
    "a version that is rated lower": (
        {
            **raised("version-regression-rating", "release"),
            **ahead("7d", 0.8, "model", "corvid-2"),
            **tools("1d", search=1, mail=3),
        },
        {("model", "corvid-2"): 0.8, ("tool", "mail"): 0.75},
    ),
    "a price below what it costs": (
        {
            **raised("price-below-break-even", "period"),
            **ahead("7d", 0.9, "model", "atlas-4"),
        },
        {("model", "atlas-4"): 0.9},
    ),
    "a model call costs more": (
        {**raised("model-cost-drift", "week"), **ahead("7d", 0.9, "model", "atlas-4")},
        {("model", "atlas-4"): 0.9},
    ),
    "longer answers": (
        {**raised("verbose-output", "day"), **ahead("7d", 0.9, "model", "atlas-4")},
        {("model", "atlas-4"): 0.9},
    ),
    "more tokens": (
        {**raised("token-growth", "day"), **ahead("7d", 0.9, "model", "atlas-4")},
        {("model", "atlas-4"): 0.9},
    ),
}


def looked_at(expr: str, at: str, shares: Named) -> dict[str, Any]:
    """Return what promtool compares at a time."""
    samples = [
        {
            "labels": f'{{dimension="{dimension}", contributor="{contributor}"}}',
            "value": share,
        }
        for (dimension, contributor), share in shares.items()
    ]
    shown = f"round(max by (dimension, contributor) ({expr}), 0.001)"
    return {"expr": shown, "eval_time": at, "exp_samples": samples}


def test_insights_name_what_they_come_from(promtool: Run, tmp_path: Path) -> None:
    """An insight that is raised names the largest part of each of its causes, with its share."""
    groups = rules_of(tmp_path / "rules", re.compile(recorded.CONTRIBUTOR))
    tests = [
        {
            "name": name,
            "interval": "5m",
            "input_series": [
                {"series": selector, "values": values} for selector, values in series.items()
            ],
            "promql_expr_test": [looked_at(recorded.CONTRIBUTOR, "10m", shares)],
        }
        for name, (series, shares) in CASES.items()
    ]
    run(promtool, tmp_path, groups, tests, "5m")


def test_words_come_along(promtool: Run, tmp_path: Path) -> None:
    """A contributor says of what its share is, over which period, and which one comes first."""
    groups = rules_of(tmp_path / "rules", re.compile(recorded.CONTRIBUTOR))
    series = {**raised("error-rate", "week"), **tools("7d", search=3, mail=1)}
    labels = (
        f'{{__name__="{recorded.CONTRIBUTOR}", {OWN}, insight="error-rate", traffic="week",'
        ' dimension="tool", contributor="search", of="failed tool calls", over="7 days",'
        ' place="2"}'
    )
    test = {
        "interval": "5m",
        "input_series": [{"series": key, "values": values} for key, values in series.items()],
        "promql_expr_test": [
            {
                "expr": recorded.CONTRIBUTOR,
                "eval_time": "10m",
                "exp_samples": [{"labels": labels, "value": 0.75}],
            }
        ],
    }
    run(promtool, tmp_path, groups, [test], "5m")


def counter(name: str, *phases: tuple[int, float], begun: int = 0, **labels: str) -> Series:
    """Return a counter of twelve days that grows by so much each twelve hours, phase by phase.

    Args:
        name: Its name.
        phases: So many steps, and what it grows by in each.
        begun: The step at which its process began anew.
        labels: Its labels.
    """
    level, values = 0.0, [0.0]
    for steps, growth in phases:
        for _ in range(steps):
            level = growth if begun and len(values) == begun else level + growth
            values.append(level)
    own = "".join(f', {key}="{text}"' for key, text in labels.items())
    target = ', job="agent-analytics", instance="demo:9464"'
    return {f"marketplace_agent_{name}{{{OWN}{own}{target}}}": " ".join(map(str, values))}


def test_what_is_recorded_ahead_is_read_from_levels(promtool: Run, tmp_path: Path) -> None:
    """The commonest error type of a week, and the model with most tokens, whatever began anew."""
    wanted = re.compile(rf"{LEVELS.pattern}|{recorded.top_contributor(recorded.WEEK)}")
    groups = rules_of(tmp_path / "rules", wanted)
    order = [f"agent-analytics-{name}" for name in ("levels", "hours", "causes")]
    groups.sort(key=lambda group: order.index(group["name"]))
    total = "marketplace_agent_invocations_total:growth_7d"
    series = {
        # Until a week ago another type was the commonest.
        **counter("invocation_errors_total", (10, 50), (14, 0), error_type="Old"),
        **counter("invocation_errors_total", (10, 0), (14, 7), begun=18, error_type="New"),
        **counter("invocation_errors_total", (24, 3), error_type="_other"),
        f"{total}{{{OWN}, {FAILED}}}": "140x24",
        **counter("input_tokens_total", (24, 80), model="large"),
        **counter("output_tokens_total", (24, 10), model="large"),
        **counter("input_tokens_total", (24, 10), model="small"),
        **counter("output_tokens_total", (24, 0), model="small"),
        f"marketplace_agent_input_tokens_total:growth_7d{{{OWN}}}": "1260x24",
        f"marketplace_agent_output_tokens_total:growth_7d{{{OWN}}}": "140x24",
    }
    test = {
        "interval": "12h",
        "input_series": [{"series": key, "values": values} for key, values in series.items()],
        "promql_expr_test": [
            looked_at(
                recorded.top_contributor(recorded.WEEK),
                "288h",
                {("error type", "New"): 0.7, ("model", "large"): 0.9},
            )
        ],
    }
    run(promtool, tmp_path, groups, [test], "12h")


def test_each_question_has_one_period_of_a_cause() -> None:
    """No two rules of one place are about the same insight and traffic: labels would collide."""
    seen: set[tuple[str, str, str]] = set()
    for rule in causes.contributors():
        words = re.findall(r"[\w-]+", rule.expr)
        for spec in OF_PUBLISHERS:
            for question in spec.asked_of("publisher"):
                if spec.slug in words and question.traffic in words:
                    key = (spec.slug, question.traffic, rule.labels["place"])
                    assert key not in seen, key
                    seen.add(key)
    assert {slug for slug, _, _ in seen} == {spec.slug for spec in OF_PUBLISHERS if spec.causes}


def test_what_is_recorded_ahead_is_what_is_declared() -> None:
    """The windows of what is recorded ahead are those whose names and labels are known."""
    found = {
        cause.dimension: [(each.days, each.ago) for each in cause.periods]
        for spec in OF_PUBLISHERS
        for cause in spec.causes
        if cause.ahead
    }
    assert found == {dimension: list(windows) for dimension, windows in recorded.TOP.items()}


@pytest.mark.parametrize("spec", OF_PUBLISHERS, ids=lambda spec: spec.slug)
def test_causes_have_places_of_their_own(spec: Spec) -> None:
    """An insight names no dimension twice."""
    dimensions = [cause.dimension for cause in spec.causes]
    assert len(dimensions) == len(set(dimensions))
