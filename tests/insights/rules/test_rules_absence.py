"""When on-call is paged for what cannot be scraped, run by promtool: a service, not a target."""

from collections.abc import Callable, Mapping, Sequence

import pytest

from agent_analytics.insights._rules.rule_files import render_rules
from agent_analytics.insights.generate import main

ALERT = "TelemetryAbsent"
Check = Callable[..., None]
Firing = tuple[Mapping[str, str], str]


def up(instance: str, service: str | None = None) -> str:
    """Return the series that says whether a target is up."""
    label = "" if service is None else f', service="{service}"'
    return f'up{{job="agent-analytics", instance="{instance}"{label}}}'


def last(instance: str) -> str:
    """Return the series that keeps a target from being stale."""
    target = f'job="agent-analytics", instance="{instance}"'
    return f"agent_analytics_last_span_timestamp_seconds{{{target}}}"


def fresh(*instances: str) -> dict[str, str]:
    """Return series of targets whose spans go on."""
    return {last(instance): "0+5x800" for instance in instances}


def firing(cause: str, description: str, **labels: str) -> Firing:
    """Return an alert that is expected."""
    severity = "warning" if cause == "target_down" else "critical"
    return (
        {
            "job": "agent-analytics",
            "audience": "oncall",
            "severity": severity,
            "category": "integration",
            "insight": "telemetry-absent",
            "cause": cause,
            **labels,
        },
        description,
    )


def down(instance: str, service: str = "agent-analytics") -> Firing:
    """Return the warning of one target."""
    return firing(
        "target_down",
        f"Prometheus cannot scrape {instance} of service {service}.",
        instance=instance,
        service=service,
    )


def service_down(service: str = "agent-analytics") -> Firing:
    """Return the page of a service none of whose targets answers."""
    return firing(
        "service_down",
        f"Prometheus can scrape no target of service {service}.",
        service=service,
    )


def many_down(share: str, service: str = "agent-analytics") -> Firing:
    """Return the page of a service many of whose targets do not answer."""
    return firing(
        "many_down",
        f"{share} of the targets of service {service} cannot be scraped.",
        service=service,
    )


def gone(service: str) -> Firing:
    """Return the page of a service that has no target any more."""
    return firing(
        "service_gone",
        f"Service {service} was scraped within the last hour and has no target now.",
        service=service,
    )


#: Each of three replicas is away for 20 s, one after the other (a rolling restart).
ROLLING = {
    up("a"): "1x60 0x3 1x200",
    up("b"): "1x68 0x3 1x200",
    up("c"): "1x76 0x3 1x200",
    **fresh("a", "b", "c"),
}
#: Four replicas of which one is away for good.
ONE_OF_FOUR = {
    up("a"): "1x60 0x200",
    **{up(name): "1x400" for name in "bcd"},
    **fresh("a", "b", "c", "d"),
}
TWO_OF_FOUR = {**ONE_OF_FOUR, up("b"): "1x60 0x200"}
#: A target that answers every other time, all the while.
FLAPS = {up("a"): "1 0 " * 200, **fresh("a")}
#: Two services, one of which is gone.
SHOP = {
    up("a", "shop"): "1x60 0x200",
    **{up(name, "desk"): "1x400" for name in "bcdef"},
    **fresh(*"abcdef"),
}
#: A service that service discovery drops.
DROPPED = {
    up("a", "shop"): "1x60 stale",
    up("b", "desk"): "1x1000",
    last("b"): "0+5x1000",
    last("a"): "0+5x60 stale",
}


@pytest.mark.parametrize(
    ("series", "time", "expected"),
    [
        pytest.param(ROLLING, "5m20s", [], id="rolling restart, first"),
        pytest.param(ROLLING, "6m", [], id="rolling restart, second"),
        pytest.param(ROLLING, "7m", [], id="rolling restart, over"),
        pytest.param({up("a"): "1x60 0x20 1x200"}, "6m40s", [down("a")], id="a slow restart"),
        pytest.param(ONE_OF_FOUR, "15m", [down("a")], id="one of four"),
        pytest.param(TWO_OF_FOUR, "7m", [down("a"), down("b")], id="two of four, not yet"),
        pytest.param(
            TWO_OF_FOUR, "7m10s", [many_down("50%"), down("a"), down("b")], id="two of four"
        ),
        pytest.param(FLAPS, "15m", [], id="a target that flaps"),
        pytest.param(SHOP, "7m", [down("a", "shop")], id="a service, not yet"),
        pytest.param(SHOP, "7m10s", [service_down("shop"), down("a", "shop")], id="a service"),
        pytest.param(DROPPED, "7m", [], id="a service is dropped, not yet"),
        pytest.param(DROPPED, "7m20s", [gone("shop")], id="a service is dropped"),
        pytest.param(
            DROPPED, "66m", [], id="a service that was dropped an hour ago", marks=pytest.mark.slow
        ),
    ],
)
def test_absence(
    check_rules: Check, series: dict[str, str], time: str, expected: Sequence[Firing]
) -> None:
    """Restarts and flaps page nobody; a service that is gone for two minutes does."""
    check_rules(rules="oncall.yml", interval="5s", series=series, expect={(time, ALERT): expected})


def test_the_bound_is_a_setting(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever restarts more slowly sets another bound, and a bad one is named."""
    assert render_rules(absence="7m30s")["oncall.yml"].count('for: "7m30s"') == 4
    for bad in ("", "2", "soon", "2m;", "-2m"):
        with pytest.raises(ValueError, match=r"absence: expected a duration of Prometheus"):
            render_rules(absence=bad)
    with pytest.raises(SystemExit):
        main(["--check", "--absence", "soon"])
    assert "absence: expected a duration of Prometheus such as 2m, got 'soon'" in (
        capsys.readouterr().err
    )
