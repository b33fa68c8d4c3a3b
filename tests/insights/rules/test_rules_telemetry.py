"""The rules that say that the other rules are blind, run by promtool."""

from collections.abc import Callable, Mapping, Sequence

import pytest
from _pytest.mark.structures import ParameterSet

ALERT = "TelemetryAbsent"
UP = 'up{job="agent-analytics", instance="demo:9464"}'
LAST = 'agent_analytics_last_span_timestamp_seconds{job="agent-analytics", instance="demo:9464"}'
Check = Callable[..., None]
Firings = Sequence[tuple[Mapping[str, str], str]]


def firing(
    cause: str,
    description: str,
    *,
    severity: str,
    instance: str = "demo:9464",
    service: str = "",
) -> tuple[Mapping[str, str], str]:
    """Return the alert that is expected."""
    where = {"instance": instance} if instance else {}
    return (
        {
            "job": "agent-analytics",
            **where,
            **({"service": service} if service else {}),
            "audience": "oncall",
            "severity": severity,
            "category": "integration",
            "insight": "telemetry-absent",
            "cause": cause,
        },
        description,
    )


DOWN = firing(
    "target_down",
    "Prometheus cannot scrape demo:9464 of service agent-analytics.",
    severity="warning",
    service="agent-analytics",
)
NO_TARGET = firing(
    "no_target", "Job agent-analytics has no target at all.", severity="critical", instance=""
)
NO_SPANS = firing(
    "no_spans",
    "demo:9464 answers, and no span of an agent has ended there.",
    severity="warning",
)


def stale(age: str) -> tuple[Mapping[str, str], str]:
    """Return the alert about spans that stopped."""
    return firing(
        "stale",
        f"The last span at demo:9464 ended {age} ago, although the endpoint answers.",
        severity="warning",
    )


#: Minutes between two steps of what follows.
STEP = 5
LEVEL = (
    "marketplace_agent_invocations_of_any_outcome:level"
    '{job="agent-analytics", instance="demo:9464", publisher_id="acme", agent_id="finder"}'
)


def pace(*phases: tuple[float, float]) -> dict[str, str]:
    """Return an endpoint's series: so many hours, with so many calls in each step."""
    levels, ends = [0.0], [0.0]
    for hours, calls in phases:
        for _ in range(round(hours * 60 / STEP)):
            levels.append(levels[-1] + calls)
            ends.append(60.0 * STEP * len(ends) if calls else ends[-1])
    steps = len(levels) - 1
    return {
        UP: f"1x{steps}",
        LAST: " ".join(f"{end:g}" for end in ends),
        LEVEL: " ".join(f"{level:g}" for level in levels),
    }


#: Sixteen busy hours and a night of eight.
DAY = ((16, 20), (8, 0))


def _slow(phases: Sequence[tuple[float, float]], expected: Firings, name: str) -> ParameterSet:
    """Return a case over more than a week, of which promtool evaluates every half minute."""
    return pytest.param(phases, expected, id=name, marks=pytest.mark.slow)


@pytest.mark.parametrize(
    ("phases", "expected"),
    [
        pytest.param(((26, 100), (0.5, 0)), [stale("30m 0s")], id="busy"),
        pytest.param(((1, 100), (0.75, 0)), [stale("45m 0s")], id="busy, and new"),
        _slow(((26, 1), (1, 0)), [], "few calls, an hour"),
        _slow(((26, 1), (3, 0)), [stale("3h 0m 0s")], "few calls, three hours"),
        _slow(((1, 1), (1, 0)), [], "few calls, and new"),
        _slow((*DAY, (16, 20), (3, 0)), [], "the second night"),
        pytest.param((*DAY, (8, 20), (3, 0)), [stale("3h 0m 0s")], id="the second noon"),
        _slow((*DAY * 7, (16, 20), (3, 0)), [], "a night as a week ago"),
        _slow(((16, 20), (32, 0), *DAY * 5, (16, 20), (3, 0)), [], "a day off as a week ago"),
        _slow((*DAY * 7, (8, 20), (3, 0)), [stale("3h 0m 0s")], "a noon that was busy a week ago"),
        _slow((*DAY * 6, (24, 0), (8, 20), (3, 0)), [stale("3h 0m 0s")], "though off a day ago"),
    ],
)
def test_silence_that_is_as_usual(
    check_rules: Check, phases: Sequence[tuple[float, float]], expected: Firings
) -> None:
    """An endpoint is stale where calls are missing: not at night, nor where there are few."""
    minutes = round(60 * sum(hours for hours, _ in phases))
    check_rules(
        rules="oncall.yml",
        interval=f"{STEP}m",
        series=pace(*phases),
        expect={(f"{minutes}m", ALERT): expected},
    )


@pytest.mark.parametrize(
    ("series", "time", "expected"),
    [
        pytest.param({UP: "1x400", LAST: "0+5x400"}, "30m", [], id="well"),
        pytest.param({UP: "1x60 0x30", LAST: "0+5x60"}, "6m", [], id="failed scrapes"),
        pytest.param({UP: "1x60 0x30", LAST: "0+5x60"}, "6m10s", [DOWN], id="down"),
        pytest.param({UP: "1x20 0x10 1x60", LAST: "0+5x90"}, "4m", [], id="up again"),
        pytest.param(
            {'up{job="node", instance="demo:9100"}': "1x90"}, "110s", [], id="no target yet"
        ),
        pytest.param(
            {'up{job="node", instance="demo:9100"}': "1x90"}, "125s", [NO_TARGET], id="no target"
        ),
        pytest.param({UP: "1x400", LAST: "313x400"}, "20m10s", [], id="900 s without a span"),
        pytest.param(
            {UP: "1x400", LAST: "313x400"}, "20m50s", [stale("15m 37s")], id="937 s without"
        ),
        pytest.param({UP: "1x400", LAST: "0x400"}, "14m", [], id="a new process without spans"),
        pytest.param({UP: "1x400", LAST: "0x400"}, "16m", [NO_SPANS], id="never a span: zero"),
        pytest.param({UP: "1x400"}, "16m", [NO_SPANS], id="never a span: no series"),
    ],
)
def test_telemetry_absent(
    check_rules: Check, series: dict[str, str], time: str, expected: Firings
) -> None:
    """On-call learns that a target is down, missing, stale or mute, and is not told otherwise."""
    check_rules(rules="oncall.yml", interval="5s", series=series, expect={(time, ALERT): expected})
