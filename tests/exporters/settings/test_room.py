"""How much one exposition may take is a setting: an argument, a variable, or what Limits has."""

from typing import Any

import pytest

from agent_analytics.exporters import configure
from agent_analytics.exporters._settings import room
from agent_analytics.exporters._settings.variables import OURS, misspelt
from agent_analytics.exporters.checks import refusals
from agent_analytics.processor import Limits


def test_the_default() -> None:
    """Without anything set, one exposition stays below what a Prometheus takes easily."""
    chosen = room.limits()
    assert (chosen.max_samples, chosen.max_exposition_bytes) == (250_000, 40_000_000)
    assert chosen == Limits()


def test_an_argument_counts_before_a_variable_and_a_variable_before_limits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is nearest to the program counts, and the other limits stay what they are."""
    given = Limits(max_samples=5_000, tools_per_listing=7)
    assert room.limits(given).max_samples == 5_000
    monkeypatch.setenv("AGENT_ANALYTICS_MAX_SAMPLES", "6000")
    assert room.limits(given).max_samples == 6_000
    chosen = room.limits(given, max_samples=7_000, publisher_share=1)
    assert (chosen.max_samples, chosen.publisher_share, chosen.tools_per_listing) == (7_000, 1, 7)


@pytest.mark.parametrize("value", ["many", "0", "-1", "1e999", "nan", "1.5"])
@pytest.mark.parametrize("variable", list(room.VARIABLES.values()))
def test_a_variable_that_makes_no_sense(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """A variable that cannot be used is named, at the start and by doctor."""
    monkeypatch.setenv(variable, value)
    with pytest.raises(ValueError, match=f"^{variable}: expected"):
        configure(metrics_port=None)
    assert [each.message for each in refusals() if each.variable == variable]


@pytest.mark.parametrize("arguments", [{"max_samples": 10}, {"publisher_share": 2}])
def test_an_argument_that_makes_no_sense(arguments: dict[str, Any]) -> None:
    """An argument that cannot be used is named, and nothing is started."""
    with pytest.raises(ValueError, match=f"^{next(iter(arguments))}: expected"):
        configure(metrics_port=None, **arguments)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("AGENT_ANALYTICS_MAX_SAMPLE", "AGENT_ANALYTICS_MAX_SAMPLES"),
        ("AGENT_ANALYTICS_MAXSAMPLES", "AGENT_ANALYTICS_MAX_SAMPLES"),
        ("AGENT_ANALYTICS_MAX_EXPOSITION_BYTE", "AGENT_ANALYTICS_MAX_EXPOSITION_BYTES"),
        ("AGENT_ANALYTICS_PUBLISHERS_SHARE", "AGENT_ANALYTICS_PUBLISHER_SHARE"),
    ],
)
def test_a_misspelt_variable(given: str, meant: str) -> None:
    """A name that nothing reads is answered with the one that was meant."""
    assert set(room.VARIABLES.values()) <= set(OURS)
    assert list(misspelt([given])) == [(given, meant)]
