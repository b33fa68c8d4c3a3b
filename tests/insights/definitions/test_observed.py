"""Windows are those that were observed, in what insights say and in what they are worth a day."""

from collections.abc import Callable, Sequence
from typing import Protocol

import pytest
from _pytest.mark.structures import ParameterSet

Check = Callable[..., None]
WHO = "finder of acme"
OF_DEMO = {
    "publisher_id": "acme",
    "agent_id": "finder",
    "job": "agent-analytics",
    "instance": "demo:9464",
    "outcome": "success",
}


class Listing(Protocol):
    """The part of the fixture that is used here."""

    def __call__(self, name: str, *phases: tuple[int, float], **labels: str) -> dict[str, str]:
        """Return a counter that grows by so much a step, for so many steps each."""
        ...

    def values(self, name: str, values: str, **labels: str) -> dict[str, str]:
        """Return a series with values of its own."""
        ...

    def invocations(
        self, *phases: tuple[int, float], failing: Sequence[tuple[int, float]] = ()
    ) -> dict[str, str]:
        """Return invocations that succeed, and those that fail."""
        ...


def _failing(listing: Listing) -> dict[str, str]:
    """Return a listing of which a fifth of the calls fails, at half a dollar each."""
    return {
        **listing.invocations((120, 80), failing=[(120, 20)]),
        **listing("revenue_usd_total", (120, 40)),
    }


def _slow(*row: str) -> ParameterSet:
    return pytest.param(*row, marks=pytest.mark.slow)


@pytest.mark.parametrize(
    ("interval", "at", "window", "worth"),
    [
        # A step misses 20 calls of half a dollar.
        _slow("12h", "60h", "the 2 days since counting began", "20.00"),
        _slow("12h", "36h", "the 36 hours since counting began", "20.00"),
        ("12h", "348h", "the 14 days since counting began", "20.00"),
        _slow("12h", "720h", "the last 30 days", "20.00"),
        _slow("12h", "1440h", "the last 30 days", "20.00"),
        ("5m", "3h", "the 3 hours since counting began", "2880.00"),
        # Of less than an hour, a day is not told.
        _slow("5m", "65m", "the 65 minutes since counting began", "2880.00"),
        ("5m", "55m", "the 55 minutes since counting began", "not yet"),
        _slow("5m", "35m", "the 35 minutes since counting began", "not yet"),
        _slow("1m", "5m", "the 5 minutes since counting began", "not yet"),
        _slow("10s", "50s", "the 50 seconds since counting began", "not yet"),
    ],
)
def test_windows_that_were_observed_in_part(  # noqa: PLR0917 - a row of the table
    check_insight: Check, listing: Listing, interval: str, at: str, window: str, worth: str
) -> None:
    """A month of which minutes were observed is called minutes, and divided by them.

    Where less than an hour was observed, it is not said what a day is worth.
    """
    said = f"20% of the invocations of {WHO} failed in {window}; the limit is 5%."
    case = ("young", _failing(listing), {("period",): 0.2})
    check_insight("error-rate", [case], interval=interval, at=at, texts={"young": (said, worth)})


def test_seconds_after_the_first_scrape(check_insight: Check, listing: Listing) -> None:
    """The first evaluation of all knows since when, at whatever second the first scrape was."""
    young = {
        **listing.values("invocations_total", "_ 0 80 160", outcome="success"),
        **listing.values("invocations_total", "_ 0 20 40", outcome="error"),
        **listing.values("revenue_usd_total", "_ 0 40 80"),
    }
    window = "the 5 seconds since counting began"
    said = f"20% of the invocations of {WHO} failed in {window}; the limit is 5%."
    check_insight(
        "error-rate",
        [("seconds", young, {("period",): 0.2})],
        interval="5s",
        at="10s",
        texts={"seconds": (said, "not yet")},
    )


def test_a_listing_that_runs_now_and_then(check_insight: Check, listing: Listing) -> None:
    """Samples with gaps of days do not make a listing look new: it began when it was first seen."""
    sparse = {
        **listing.values("invocations_total", "0 80 _x9 160 _x7 240", outcome="success"),
        **listing.values("invocations_total", "0 20 _x9 40 _x7 60", outcome="error"),
        **listing.values("revenue_usd_total", "0 40 _x9 80 _x7 120"),
    }
    window = "the 9 days since counting began"
    said = f"20% of the invocations of {WHO} failed in {window}; the limit is 5%."
    check_insight(
        "error-rate",
        [("sparse", sparse, {("period",): 0.2})],
        at="228h",
        texts={"sparse": (said, f"{30 / 9.5:.2f}")},
    )


def test_rules_that_are_loaded_later(check_insight: Check, listing: Listing) -> None:
    """Where the rules are younger than the counters, the past is probed, and none is invented."""
    labels = ", ".join(f'{name}="{value}"' for name, value in OF_DEMO.items())
    day = f"marketplace_agent_invocations_total:day{{{labels}}}"
    known = {
        **listing.invocations((700, 0), (100, 8), failing=[(700, 0), (100, 2)]),
        **listing("revenue_usd_total", (700, 0), (100, 4)),
        # What was recorded before the rules of this version: the marks of days alone.
        day: "_ " + "1 " * 799,
    }
    window = "the 5 days since counting began"
    said = f"20% of the invocations of {WHO} failed in {window}; the limit is 5%."
    check_insight(
        "error-rate",
        [("upgraded", known, {("period",): 0.2})],
        interval="10m",
        every="8000m",
        at="8000m",
        texts={"upgraded": (said, "20.00")},
    )
