"""What the report has of weeks and months that have ended, from a Prometheus with their series."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.patience import patience

from agent_analytics.insights.analytics import (
    MarketplaceAnalytics,
    Month,
    PublisherAnalytics,
    Week,
)

pytestmark = pytest.mark.servers

#: A Wednesday, and the Monday and the first of the month before it.
NOW = datetime(2026, 11, 4, 15, tzinfo=UTC)
MONDAY = datetime(2026, 11, 2, tzinfo=UTC)
#: Before anything of the week is recorded.
EARLY = MONDAY + timedelta(hours=2)
FIRST = datetime(2026, 11, 1, tzinfo=UTC)


def text() -> str:
    """Return a marketplace of two publishers, one of whom has too few tenants."""
    name = "marketplace_agent_invocations_total"
    lines = [f"# TYPE {name.removesuffix('_total')} counter\n"]
    for publisher in ("acme", "small"):
        labels = f'publisher_id="{publisher}",agent_id="a",outcome="success",instance="i",job="j"'
        times = [moment - timedelta(minutes=5) for moment in (EARLY, NOW)]
        lines += [f"{name}{{{labels}}} 1 {at.timestamp():.0f}\n" for at in times]
    weeks: dict[str, list[tuple[str, datetime, float]]] = {}
    # What a Monday records stands in one evaluation.
    for ago, installs, revenue, new, came in (
        (0, 4.0, 10.0, 31.0, 12.0),
        (1, 6.0, 20.0, 33.0, 9.0),
    ):
        at = MONDAY + timedelta(hours=4) - timedelta(days=7 * ago)
        for publisher in ("acme", "small"):
            own = f'publisher_id="{publisher}",agent_id="a"'
            weeks.setdefault("listing_installs:iso_week", []).append((own, at, installs))
            weeks.setdefault("listing_revenue:iso_week", []).append((own, at, revenue))
        of_all = ('movement="new"', at, new)
        weeks.setdefault("marketplace_tenants_moved:iso_week", []).append(of_all)
        published = ('publisher_id="acme",movement="came"', at, came)
        weeks.setdefault("published_tenants_moved:iso_week", []).append(published)
        # The operator's: nothing of it is a publisher's to read.
        secret = ('publisher_id="small",movement="came"', at, 2.0)
        weeks.setdefault("publisher_tenants_moved:iso_week", []).append(secret)
    at = FIRST + timedelta(hours=3)
    for months, share in ((1, 0.75), (2, 0.5)):
        label = f'months="{months}"'
        weeks.setdefault("marketplace_returned:month", []).append((label, at, share))
        shown = (f'publisher_id="acme",{label}', at, share + 0.125)
        weeks.setdefault("published_returned:month", []).append(shown)
        secret = (f'publisher_id="small",{label}', at, share)
        weeks.setdefault("publisher_returned:month", []).append(secret)
    for recorded, samples in weeks.items():
        lines.append(f"# TYPE {recorded} gauge\n")
        lines += [
            f"{recorded}{{{labels}}} {value!r} {when.timestamp():.0f}\n"
            for labels, when, value in sorted(samples, key=lambda each: (each[0], each[1]))
        ]
    return "".join([*lines, "# EOF\n"])


def test_weeks_and_months_are_in_the_report(
    stored: Callable[[str], Path], start: Callable[..., Any]
) -> None:
    """The operator reads all; a publisher reads what is published, and of few tenants nothing."""
    with start(stored(text())) as url:
        at = NOW.timestamp()
        market = MarketplaceAnalytics(url, timeout=patience()).dashboard(1, at=at)
        early = MarketplaceAnalytics(url, timeout=patience()).dashboard(1, at=EARLY.timestamp())
        analytics = PublisherAnalytics(url, timeout=patience())
        acme, small = (analytics.dashboard(publisher, 1, at=at) for publisher in ("acme", "small"))
        few = PublisherAnalytics(url, timeout=patience(), min_tenants=5).dashboard("acme", 1, at=at)
    last, before = date(2026, 10, 26), date(2026, 10, 19)
    assert market.weeks == (
        Week(first=last, installs=8, came=31, revenue=20),
        Week(first=before, installs=12, came=33, revenue=40),
    )
    assert market.months == (Month(first=date(2026, 10, 1), returned={1: 0.75, 2: 0.5}),)
    assert early.weeks == (market.weeks[1],)
    assert acme.weeks == (
        Week(first=last, installs=4, came=12, revenue=10),
        Week(first=before, installs=6, came=9, revenue=20),
    )
    assert acme.months == (Month(first=date(2026, 10, 1), returned={1: 0.875, 2: 0.625}),)
    assert [week.came for week in small.weeks] == [None, None]
    assert small.months == ()
    assert few.withheld
    assert [(week.installs, week.came) for week in few.weeks] == [(4, None), (6, None)]
    assert few.months == ()
