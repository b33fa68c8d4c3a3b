"""The rules that say that the other rules are blind, run by promtool."""

from collections.abc import Callable, Mapping, Sequence

import pytest

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
