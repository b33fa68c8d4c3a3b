"""The window of a report is what was observed, of sparse samples and of those who came late too."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.patience import patience

from agent_analytics.insights._report.known.observed import length, observed
from agent_analytics.insights.analytics import (
    Daily,
    Figures,
    Freshness,
    MarketplaceAnalytics,
    PublisherAnalytics,
    PublisherDashboard,
)
from agent_analytics.insights.report import Report, render

DAY, HOUR, MINUTE = 86_400, 3_600, 60
#: Noon of a day, UTC.
END = 20_255 * DAY + DAY // 2
Start = Callable[..., AbstractContextManager[str]]
Stored = Callable[[str], Path]


def _text(
    listings: dict[str, Iterable[float]],
    *,
    failing: int = 0,
    bounds: dict[str, float] | None = None,
) -> str:
    """Return the series of listings that have a call more at each of some times."""
    lines: list[str] = []
    for name, times in listings.items():
        publisher, agent = name.split("/")
        for outcome, growth in (("success", 10 - failing), ("error", failing)):
            labels = (
                f'publisher_id="{publisher}",agent_id="{agent}",outcome="{outcome}",'
                'job="agent-analytics",instance="demo:9464"'
            )
            lines += [
                f"marketplace_agent_invocations_total{{{labels}}} {growth * number} {time}"
                for number, time in enumerate(times)
            ]
    for name, bound in (bounds or {}).items():
        publisher, agent = name.split("/")
        labels = f'publisher_id="{publisher}",agent_id="{agent}",insight="error-rate"'
        lines.append(f"marketplace_insight_threshold{{{labels}}} {bound} {END}")
    return "\n".join([*lines, "# EOF\n"])


def _range(begin: float, end: float, step: float) -> list[float]:
    return [begin + step * number for number in range(int((end - begin) / step) + 1)]


def _asked(start: Start, data: Path, publisher: str, days: int = 30) -> PublisherDashboard:
    with start(data) as url:
        return PublisherAnalytics(url, timeout=patience()).dashboard(publisher, days, at=END + 1.0)


@pytest.mark.servers
@pytest.mark.parametrize(
    ("times", "began"),
    [
        # A job of the night: at none of the moments that are looked at first.
        pytest.param(
            [
                time
                for ago in (3, 2, 1)
                for time in _range(
                    END - ago * DAY - 10 * HOUR, END - ago * DAY - 9.5 * HOUR, MINUTE
                )
            ],
            END - 3 * DAY - 10 * HOUR,
            id="half an hour each night",
        ),
        pytest.param(_range(END - 2 * DAY - 700, END, 1800), END - 2 * DAY - 700, id="half-hourly"),
        pytest.param(_range(END - 5 * HOUR, END - HOUR, 15), END - 5 * HOUR, id="gone for an hour"),
        pytest.param(
            [END - 9 * DAY - 5_000, *_range(END - HOUR, END, 15)],
            END - 9 * DAY - 5_000,
            id="one scrape long before",
        ),
        pytest.param(_range(END - 4 * MINUTE, END, 15), END - 4 * MINUTE, id="minutes"),
    ],
)
def test_history_of_sparse_samples(
    start: Start, stored: Stored, times: list[float], began: float
) -> None:
    """Counting began with the first sample, however seldom there are any."""
    dashboard = _asked(start, stored(_text({"acme/finder": times})), "acme")
    assert dashboard.total_invocations == 10 * (len(times) - 1)
    since = dashboard.observed.since.timestamp()
    assert since == pytest.approx(began, abs=10)
    assert dashboard.observed.words.endswith(" since counting began")


@pytest.mark.servers
def test_a_publisher_who_came_late(start: Start, stored: Stored) -> None:
    """The window is the publisher's own, while the marketplace's goes back to the first of all."""
    data = stored(
        _text(
            {
                "acme/finder": _range(END - 70 * DAY, END, 2 * HOUR),
                "late/new": _range(END - 2 * HOUR, END, 60),
            },
            failing=1,
        )
    )
    with start(data) as url:
        late = PublisherAnalytics(url, timeout=patience()).dashboard("late", 30, at=END + 1.0)
        market = MarketplaceAnalytics(url, timeout=patience()).dashboard(30, at=END + 1.0)
    assert late.observed.words == "the 2 hours since counting began"
    assert market.observed.words == "the 30 days to 16 Jun 2025"
    page = render(Report(late, []), "terminal", width=200)
    assert "The 2 hours since counting began: 2025-06-16 10:00 UTC to" in page
    assert "(30 days were asked for)" in page
    assert "in the 2 hours since counting began" in page


@pytest.mark.servers
def test_a_listing_with_a_bound_of_its_own(start: Start, stored: Stored) -> None:
    """A listing that may fail more often is judged by its own bound, and its publisher by none."""
    data = stored(
        _text(
            {"acme/finder": _range(END - HOUR, END, 60), "other/one": _range(END - HOUR, END, 60)},
            failing=2,
            bounds={"acme/finder": 0.25},
        )
    )
    with start(data) as url:
        publishers = PublisherAnalytics(url, timeout=patience())
        acme, other = (publishers.dashboard(each, 1, at=END + 1.0) for each in ("acme", "other"))
        market = MarketplaceAnalytics(url, timeout=patience()).dashboard(1, at=END + 1.0)
    assert acme.error_rate == other.error_rate == pytest.approx(0.2)
    assert acme.beyond_bounds == ()
    assert [(each.agent_id, each.bound) for each in other.beyond_bounds] == [("one", 0.05)]
    assert [each.agent_id for each in market.beyond_bounds] == ["one"]
    assert "(over the limit)" not in render(Report(acme, []), "html")
    assert "(over the limit)" in render(Report(other, []), "html")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 seconds"), (119.9, "119 seconds"), (120, "2 minutes"), (4 * 60, "4 minutes"),
        (7_199, "119 minutes"), (7_200, "2 hours"), (47.9 * HOUR, "47 hours"), (2 * DAY, "2 days"),
        (29.99 * DAY, "29 days"),
    ],
)  # fmt: skip
def test_lengths_in_words(seconds: float, words: str) -> None:
    """A unit is used from two of it on, and nothing is rounded up."""
    assert length(seconds) == words


@given(st.floats(1, 90 * DAY), st.integers(1, 90))
def test_a_window_is_never_longer_than_it_was_observed(age: float, days: int) -> None:
    """No window is called longer than the history that there is, give or take a quarter hour."""
    end = datetime.fromtimestamp(END, UTC)
    window = observed(end - timedelta(seconds=age), end, days=days, now=True)
    assert window.seconds <= min(days * DAY, age + 900) + 1e-3
    assert window.whole == (age >= days * DAY - 900)
    assert ("since counting began" in window.words) == (not window.whole)


def test_averages_a_day_divide_by_what_was_observed() -> None:
    """Of thirty hours, which are two stretches of a day, the average is not half of the sum."""
    end = datetime.fromtimestamp(END, UTC)
    fresh = Freshness(
        as_of=end,
        history_since=end - timedelta(hours=30),
        scraped_at=end,
        rolled_up_at=end,
        last_span_at=end,
        source="raw",
    )
    none = (None, None)
    dashboard = PublisherDashboard(
        publisher_id="acme",
        period_days=30,
        listings=(),
        total_invocations=300,
        daily=Daily(
            ends=(end - timedelta(days=1), end),
            invocations=(60.0, 240.0),
            error_rate=none,
            revenue=none,
            model_cost=none,
            unique_tenants=none,
            p95_response_time_ms=none,
        ),
        freshness=fresh,
    )
    assert "240 a day on average" in render(Report(dashboard, []), "terminal")
    assert Figures().bounds
