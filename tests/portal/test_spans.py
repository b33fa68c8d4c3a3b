"""Steps fit the pixels, and are those of Grafana."""

import pytest

from agent_analytics.portal._spans import Span, built_in, seconds, span

DAY = 86_400


@pytest.mark.parametrize(
    ("length", "points", "least", "step"),
    [
        # What Grafana's own `rangeUtil.calculateInterval` says, computed with the package.
        (6 * 3600, 700, 5, 30),
        (3600, 1_000, 5, 5),
        (DAY, 800, 5, 120),
        (30 * DAY, 800, 5, 3_600),
        (30 * DAY, 800, DAY, DAY),
        (119 * DAY, 400, 5, 21_600),
        (300, 4_000, 1, 1),
    ],
)
def test_step(length: int, points: int, least: int, step: int) -> None:
    """The step is that of Grafana for a range and a width, and no shorter than the least."""
    end = 1_795_521_600
    assert span(end - length, end, points=points, least=least).step == step


def test_points_stay_where_they_are_when_time_goes_on() -> None:
    """Both ends lie on multiples of the step."""
    first = span(1_000_003, 1_021_603, points=700, least=5)
    later = span(1_000_009, 1_021_609, points=700, least=5)
    assert first == later == Span(999_990, 1_021_590, 30)


def test_no_range_asks_for_more_than_prometheus_answers() -> None:
    """Ten years at a step of a second at least are 11,000 points and no more."""
    found = span(1_480_000_000, 1_795_521_600, points=4_000, least=1)
    assert (found.end - found.start) / found.step <= 11_000


def test_a_rate_looks_back_over_four_scrapes_at_least() -> None:
    """``$__rate_interval`` is four scrapes, or a step and a scrape."""
    assert built_in(Span(0, 3_600, 5), scrape=5)["__rate_interval"] == "20s"
    assert built_in(Span(0, 3_600, 60), scrape=5)["__rate_interval"] == "65s"


@pytest.mark.parametrize(("text", "expected"), [("56d", 56 * DAY), ("1w", 7 * DAY), ("30s", 30)])
def test_seconds(text: str, expected: int) -> None:
    """Durations are read as Prometheus writes them."""
    assert seconds(text) == expected


def test_no_duration() -> None:
    """What is no duration is refused."""
    with pytest.raises(ValueError, match="duration"):
        seconds("1 day")
