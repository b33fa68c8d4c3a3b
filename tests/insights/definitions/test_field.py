"""The four insights of the field as publishers are told them, over 30 days, a week and a day."""

from collections.abc import Callable, Sequence
from typing import Protocol

import pytest

Check = Callable[..., None]
DURATION = "invocation_duration_seconds"
UP = {"up": "1x120"}
#: Two steps are a day.
MONTHS, WEEK, DAY = 120, 14, 2


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


@pytest.mark.slow
def test_error_rate(check_insight: Check, listing: Listing) -> None:
    """More than 5 % of at least forty invocations of a period is told, the longest period first."""
    quiet = (118, 0)
    check_insight(
        "error-rate",
        [
            ("at 5 %", listing.invocations((120, 95), failing=[(120, 5)]), {}),
            (
                "above 5 %",
                listing.invocations((120, 949), failing=[(120, 51)]),
                {("period",): 0.051},
            ),
            (
                "a bad week",
                listing.invocations((106, 100), (14, 90), failing=[(106, 0), (14, 10)]),
                {("week",): 0.1},
            ),
            (
                "a bad day",
                listing.invocations((118, 100), (2, 80), failing=[(118, 0), (2, 20)]),
                {("day",): 0.2},
            ),
            (
                "a bad day a month ago",
                listing.invocations(
                    (50, 100), (2, 10), (68, 100), failing=[(50, 0), (2, 90), (68, 0)]
                ),
                {},
            ),
            ("below the floor", listing.invocations((120, 0), failing=[quiet, (2, 19.5)]), {}),
            (
                "at the floor",
                listing.invocations((120, 0), failing=[quiet, (2, 20)]),
                {("period",): 1},
            ),
            (
                "cancelled ones are on neither side",
                {
                    **listing.invocations((120, 94), failing=[(120, 6)]),
                    **listing("invocations_total", (120, 900), outcome="cancelled"),
                },
                {("period",): 0.06},
            ),
            ("no data", UP, {}),
        ],
    )


@pytest.mark.slow
def test_error_rate_with_a_bound_of_its_own(check_insight: Check, listing: Listing) -> None:
    """A listing's own bound takes the place of 5 %, to either side, and only for its insight."""
    own = 'marketplace_insight_threshold{publisher_id="acme", agent_id="finder", insight="%s"}'
    other = 'marketplace_insight_threshold{publisher_id="x", agent_id="finder", insight="%s"}'
    seven = listing.invocations((120, 93), failing=[(120, 7)])
    three = listing.invocations((120, 97), failing=[(120, 3)])
    check_insight(
        "error-rate",
        [
            ("looser", {**seven, own % "error-rate": "0.08x120"}, {}),
            ("looser, and passed", {**seven, own % "error-rate": "0.06x120"}, {("period",): 0.07}),
            ("stricter", {**three, own % "error-rate": "0.02x120"}, {("period",): 0.03}),
            ("stricter, and kept", {**three, own % "error-rate": "0.03x120"}, {}),
            (
                "of another insight",
                {**seven, own % "tool-failures": "0.5x120"},
                {("period",): 0.07},
            ),
            ("of another listing", {**seven, other % "error-rate": "0.5x120"}, {("period",): 0.07}),
        ],
    )


@pytest.mark.slow
def test_response_time(check_insight: Check, listing: Listing) -> None:
    """More than 5 % of at least forty responses over 10 s is told; failures are no responses."""

    def responses(quick: float, every: float, outcome: str = "success") -> dict[str, str]:
        return {
            **listing(f"{DURATION}_bucket", (120, 1), outcome=outcome, le="7.5"),
            **listing(f"{DURATION}_bucket", (120, quick), outcome=outcome, le="10.0"),
            **listing(f"{DURATION}_bucket", (120, every), outcome=outcome, le="+Inf"),
            **listing(f"{DURATION}_count", (120, every), outcome=outcome),
        }

    def few(count: int) -> dict[str, str]:
        return {
            **listing(f"{DURATION}_bucket", (120, 0), outcome="success", le="10.0"),
            **listing(f"{DURATION}_count", (119, 0), (1, count), outcome="success"),
        }

    check_insight(
        "response-time",
        [
            ("at 5 %", responses(95, 100), {}),
            ("above 5 %", responses(949, 1000), {("period",): 0.051}),
            ("failures", {**responses(96, 100), **responses(0, 900, "error")}, {}),
            ("below the floor", few(39), {}),
            ("at the floor", few(40), {("period",): 1}),
            ("no data", UP, {}),
        ],
    )


@pytest.mark.slow
def test_satisfaction(check_insight: Check, listing: Listing) -> None:
    """A mean of at least ten ratings below 3.5 is told, and 3.5 is not."""

    def rated(total: float, count: float, steps: int = 120) -> dict[str, str]:
        return {
            **listing("feedback_rating_sum", (120 - steps, 0), (steps, total)),
            **listing("feedback_rating_count", (120 - steps, 0), (steps, count)),
        }

    check_insight(
        "satisfaction",
        [
            ("at 3.5", rated(35, 10), {}),
            ("below 3.5", rated(349, 100), {("period",): 3.49}),
            ("good", rated(45, 10), {}),
            ("below the floor", rated(9, 9, 1), {}),
            ("at the floor", rated(10, 10, 1), {("period",): 1}),
            ("no data", UP, {}),
        ],
    )


@pytest.mark.slow
def test_tool_failures(check_insight: Check, listing: Listing) -> None:
    """The tool that fails more than 10 % of at least twenty calls is named."""

    def calls(tool: str, good: float, bad: float, steps: int = 120) -> dict[str, str]:
        before = (120 - steps, 0)
        return {
            **listing("tool_calls_total", before, (steps, good), tool=tool, outcome="success"),
            **listing("tool_calls_total", before, (steps, bad), tool=tool, outcome="timeout"),
        }

    check_insight(
        "tool-failures",
        [
            ("at 10 %", calls("mail", 90, 10), {}),
            (
                "above 10 %",
                {**calls("mail", 83, 17), **calls("search", 9000, 9)},
                {("period", "mail"): 0.17},
            ),
            ("below the floor", calls("mail", 0, 19, 1), {}),
            ("at the floor", calls("mail", 0, 20, 1), {("period", "mail"): 1}),
            ("no data", UP, {}),
        ],
    )
