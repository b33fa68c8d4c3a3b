"""What publishers are told about ratings, tools and telemetry, on both sides of every boundary."""

from collections.abc import Callable, Sequence
from typing import Protocol

import pytest

Check = Callable[..., None]
UP = {"up": "1x120"}
WHO = "finder of acme"


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
def test_rating_falling(check_insight: Check, listing: Listing) -> None:
    """A mean rating 0.3 below that of the four weeks before is told, where it is no accident."""

    def rated(before: float, now: float, count: float = 10, earlier: float = 10) -> dict[str, str]:
        return {
            **listing("feedback_rating_sum", (106, before * earlier), (14, now * count)),
            **listing("feedback_rating_count", (106, earlier), (14, count)),
        }

    check_insight(
        "rating-falling",
        [
            ("0.3 less", rated(4.5, 4.2), {}),
            ("more than 0.3 less", rated(4.5, 4.15), {("week",): 0.35}),
            ("too few to tell", rated(4.5, 4.0, 2), {}),
            ("enough to tell", rated(4.5, 4.0, 2.5), {("week",): 0.5}),
            ("below the floor", rated(4.5, 2.0, 1), {}),
            ("at the floor", rated(4.5, 2.0, 1.5), {("week",): 2.5}),
            ("too few before", rated(4.5, 4.0, 10, 0.3), {}),
            ("no data", UP, {}),
        ],
        texts={
            "more than 0.3 less": (
                (
                    f"Tenants rated {WHO} 4.15 of 5 on average in the last 7"
                    " days, 0.35 less than the"
                    " 4.50 of the four weeks before."
                ),
                "",
            )
        },
    )


@pytest.mark.slow
def test_tool_latency(check_insight: Check, listing: Listing) -> None:
    """A tool in which half of the time goes is told, where a call takes half a second or more."""

    def times(seconds: float, *, calls: float = 10, mean: float = 1) -> dict[str, str]:
        name = "tool_call_duration_seconds_sum"
        return {
            **listing(
                "invocation_duration_seconds_sum", (120, 2 * mean * calls), outcome="success"
            ),
            **listing(name, (120, seconds * mean * calls), tool="tide"),
            **listing("tool_calls_total", (120, calls), tool="tide", outcome="success"),
            **listing(name, (120, 0.1), tool="search"),
            **listing("tool_calls_total", (120, calls), tool="search", outcome="success"),
        }

    check_insight(
        "tool-latency",
        [
            ("half", times(1), {}),
            ("more than half", times(1.1), {("week", "tide"): 0.55}),
            ("quick all the same", times(1.2, mean=0.4), {}),
            ("just slow enough", times(1.2, mean=0.42), {("week", "tide"): 0.6}),
            ("few calls", times(1.1, calls=7), {}),
            ("enough calls", times(1.1, calls=7.5), {("week", "tide"): 0.55}),
            ("no data", UP, {}),
        ],
        texts={
            "more than half": (
                f"Tool tide took 55% of the time of {WHO} in the last 7 days, 1.1 s a call.",
                "",
            )
        },
    )


@pytest.mark.slow
def test_tool_loops(check_insight: Check, listing: Listing) -> None:
    """More than twice the calls an invocation is told, half a call more at least."""

    def calls(before: float, week: float, day: float, each: float = 50) -> dict[str, str]:
        return {
            **listing.invocations((120, each)),
            **listing(
                "tool_calls_total",
                (106, before * each), (12, week * each), (2, day * each),
                tool="test", outcome="success",
            ),
        }  # fmt: skip

    check_insight(
        "tool-loops",
        [
            ("twice", calls(1, 2, 2), {}),
            ("more than twice", calls(1, 2.1, 2.1), {("week", "test"): 2.1}),
            ("since yesterday", calls(1, 1, 5), {("day", "test"): 5}),
            ("hardly more", calls(0.2, 0.7, 0.7), {}),
            ("half a call more", calls(0.2, 0.8, 0.8), {("week", "test"): 4}),
            ("few invocations", calls(1, 3, 3, 3), {}),
            ("enough invocations", calls(1, 3, 3, 4), {("week", "test"): 3}),
            ("no data", UP, {}),
        ],
        texts={
            "more than twice": (
                (
                    f"{WHO} called tool test 2.1 times an invocation in the last 7 days, after 1.0"
                    " times in the four weeks before."
                ),
                "",
            )
        },
    )


@pytest.mark.slow
def test_tool_unused(check_insight: Check, listing: Listing) -> None:
    """A tool without a call in a week is told if it never had one, or used to have many."""

    def tool(*phases: tuple[int, float], each: float = 50) -> dict[str, str]:
        return {
            **listing.invocations((120, each)),
            **listing("tool_calls_total", *phases, tool="idle", outcome="success"),
            **listing("tool_calls_total", (120, each), tool="search", outcome="success"),
        }

    new = " ".join(["_"] * 110 + ["0"] * 11)
    check_insight(
        "tool-unused",
        [
            ("never called", tool((120, 0)), {("week", "idle"): 700}),
            ("called once", tool((119, 0), (1, 1)), {}),
            ("no longer called", tool((106, 10), (14, 0)), {("week", "idle"): 700}),
            ("seldom called before", tool((106, 1), (14, 0)), {}),
            ("few invocations", tool((120, 0), each=14), {}),
            ("enough invocations", tool((120, 0), each=15), {("week", "idle"): 210}),
            (
                "new",
                {
                    **listing.invocations((120, 50)),
                    **listing.values("tool_calls_total", new, tool="idle", outcome="success"),
                },
                {},
            ),
            ("no data", UP, {}),
        ],
        texts={
            "never called": (
                f"{WHO} has not called tool idle once in its 700 invocations of the last 7 days.",
                "",
            )
        },
    )


@pytest.mark.slow
def test_tool_repeats(check_insight: Check, listing: Listing) -> None:
    """More than a fifth of a tool's calls with arguments of an earlier one is told."""

    def calls(repeated: float, each: float = 50) -> dict[str, str]:
        return {
            **listing("repeated_tool_calls_total", (120, repeated * each), tool="read"),
            **listing("tool_calls_total", (120, 0.9 * each), tool="read", outcome="success"),
            **listing("tool_calls_total", (120, 0.1 * each), tool="read", outcome="error"),
            **listing("tool_calls_total", (120, each), tool="search", outcome="success"),
        }

    check_insight(
        "tool-repeats",
        [
            ("a fifth", calls(0.2), {}),
            ("more than a fifth", calls(0.22), {("week", "read"): 0.22}),
            ("few calls", calls(0.3, 7), {}),
            ("enough calls", calls(0.3, 7.5), {("week", "read"): 0.3}),
            ("no data", UP, {}),
        ],
        texts={
            "more than a fifth": (
                (
                    f"22% of the calls of tool read by {WHO} in the last 7 days, 154 of 700, had"
                    " the arguments of an earlier call of the same invocation."
                ),
                "",
            )
        },
    )


@pytest.mark.slow
def test_large_tool_results(check_insight: Check, listing: Listing) -> None:
    """Results of more than 32,000 bytes on average are told, from a hundred of them."""

    def results(size: float, each: float = 50) -> dict[str, str]:
        name = "tool_result_size_bytes"
        return {
            **listing(f"{name}_sum", (120, size * each), tool="read"),
            **listing(f"{name}_count", (120, each), tool="read"),
            **listing(f"{name}_sum", (120, 900 * each), tool="search"),
            **listing(f"{name}_count", (120, each), tool="search"),
        }

    check_insight(
        "large-tool-results",
        [
            ("32,000 bytes", results(32_000), {}),
            ("more", results(32_100), {("week", "read"): 32_100}),
            ("few results", results(90_000, 7), {}),
            ("enough results", results(90_000, 7.5), {("week", "read"): 90_000}),
            ("no data", UP, {}),
        ],
        texts={
            "more": (
                (
                    f"Tool read of {WHO} returned 32100 bytes a call in the last 7 days: about 8025"
                    " tokens, which every further model call of an invocation reads again."
                ),
                "",
            )
        },
    )


def stopped(values: str, hours: int) -> str:
    """Return values that are no longer scraped in the last hours."""
    return " ".join([*values.split()[:-hours], *["_"] * hours])


@pytest.mark.parametrize("rate", [pytest.param(rate, marks=pytest.mark.slow) for rate in (20, 40)])
def test_telemetry(check_insight: Check, listing: Listing, rate: int) -> None:
    """A listing that is not scraped, or without a span, for longer than chance, is told."""
    steps = 200
    (selector, values), other = listing.invocations((steps, rate)).items()
    last = (
        'agent_analytics_last_span_timestamp_seconds{job="agent-analytics", instance="demo:9464"}'
    )
    seen = [str(3600 * step) for step in range(steps + 1)]

    def silent(hours: int) -> dict[str, str]:
        times = [*seen[: len(seen) - hours], *[seen[-hours - 1]] * hours]
        return {selector: values, other[0]: other[1], last: " ".join(times)}

    def gone(hours: int) -> dict[str, str]:
        return {
            selector: stopped(values, hours),
            other[0]: stopped(other[1], hours),
            last: stopped(" ".join(seen), hours),
        }

    # Twenty an hour lead to expect 25 in an hour and a quarter, forty already do in an hour.
    check_insight(
        "telemetry-absent",
        [
            ("well", silent(0), {}),
            ("silent for an hour", silent(1), {}),
            ("silent for two hours", silent(2), {("silent",): 7200}),
            ("gone for an hour", gone(1), {}),
            ("gone for two hours", gone(2), {("gone",): 7200}),
            ("no data", {"up": "1x200"}, {}),
        ],
        interval="1h",
        at="200h",
        texts={
            "silent for two hours": (
                (
                    f"Nothing has been heard of {WHO} for 2h 0m 0s: its process"
                    " answers, and no span"
                    " ends there. What is told of it is as old."
                ),
                "",
            )
        },
    )


def test_telemetry_of_a_quiet_listing(check_insight: Check, listing: Listing) -> None:
    """Hours without a span are nothing unusual where there are few."""
    last = (
        'agent_analytics_last_span_timestamp_seconds{job="agent-analytics", instance="demo:9464"}'
    )
    times = [3600 * step for step in range(200)] + [3600 * 199] * 5
    check_insight(
        "telemetry-absent",
        [("quiet", {**listing.invocations((204, 4)), last: " ".join(map(str, times))}, {})],
        interval="1h",
        at="204h",
    )
