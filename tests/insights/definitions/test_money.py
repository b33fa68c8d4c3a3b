"""What publishers are told about revenue and cost, on both sides of every boundary."""

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
def test_revenue_falling(check_insight: Check, listing: Listing) -> None:
    """Revenue more than a fifth below the week before is told, from 10 dollars and enough calls."""

    def earned(before: float, now: float, calls: float = 500) -> dict[str, str]:
        now_calls = calls * now / before
        return {
            **listing("revenue_usd_total", (106, before), (14, now)),
            **listing("invocations_total", (106, calls), (14, now_calls), outcome="success"),
        }

    check_insight(
        "revenue-falling",
        [
            ("a fifth less", earned(10, 8), {}),
            ("more than a fifth less", earned(10, 7.9), {("week",): -0.21}),
            ("more", earned(10, 20), {}),
            ("below the floor", earned(0.7, 0.1), {}),
            ("at the floor", earned(0.72, 0.36), {("week",): -0.5}),
            ("too few calls to tell", earned(10, 7, 10), {}),
            ("enough calls to tell", earned(10, 7, 30), {("week",): -0.3}),
            (
                "a price was cut",
                {**earned(10, 9), **listing("revenue_usd_total", (106, 10), (14, 6))},
                {("week",): -0.4},
            ),
            ("nobody used it", earned(10, 0), {}),
            ("no data", UP, {}),
        ],
        texts={
            "more than a fifth less": (
                (
                    f"{WHO} earned 110.60 dollars in the last 7 days after 140.00"
                    " in the 7 days before:"
                    " -21%."
                ),
                "4.20",
            )
        },
    )


@pytest.mark.slow
def test_negative_margin(check_insight: Check, listing: Listing) -> None:
    """A listing that charges and costs more than it earns is told, over 30 days or a week."""

    def money(revenue: float, cost: float, *, week: float | None = None) -> dict[str, str]:
        return {
            **listing("revenue_usd_total", (120, revenue)),
            **listing("refunds_usd_total", (120, 0.5)),
            **listing("fees_usd_total", (120, 1.5)),
            **listing("model_cost_usd_total", (106, cost), (14, cost if week is None else week)),
        }

    check_insight(
        "negative-margin",
        [
            ("even", money(10, 8), {}),
            ("a loss", money(10, 8.25), {("period",): -15}),
            ("a loss since a week", money(10, 4, week=9), {("week",): -14}),
            ("given away", money(0, 9), {}),
            ("next to nothing", money(0.02, 0.016), {}),
            ("no data", UP, {}),
        ],
        texts={
            "a loss": (
                (
                    f"{WHO} ended the last 30 days at -15.00 dollars: 600.00 charged, less refunds,"
                    " fees and 495.00 for model calls."
                ),
                "0.50",
            )
        },
    )


@pytest.mark.slow
def test_wasted_spend(check_insight: Check, listing: Listing) -> None:
    """More than a tenth of the model cost in ten failed invocations or more is told."""

    def spent(cost: float, wasted: float, failed: float = 3) -> dict[str, str]:
        return {
            **listing("model_cost_usd_total", (120, cost)),
            **listing("wasted_cost_usd_total", (120, wasted)),
            **listing.invocations((120, 100), failing=[(120, failed)]),
        }

    check_insight(
        "wasted-spend",
        [
            ("a tenth", spent(5, 0.5), {}),
            ("more than a tenth", spent(5, 0.6), {("period",): 0.12}),
            ("too cheap to mind", spent(0.016, 0.008), {}),
            ("no longer too cheap", spent(0.017, 0.0085), {("period",): 0.5}),
            ("nine failures", spent(5, 0.6, 0.15), {}),
            ("twelve failures", spent(5, 0.6, 0.2), {("period",): 0.12}),
            ("no data", UP, {}),
        ],
        texts={
            "more than a tenth": (
                (
                    f"12% of what {WHO} spent on model calls in the last 30 days,"
                    " 36.00 dollars, went"
                    " into invocations that failed."
                ),
                "1.20",
            )
        },
    )


@pytest.mark.slow
def test_token_growth(check_insight: Check, listing: Listing) -> None:
    """A third more tokens is told, unless fewer calls fail or tenants like it better."""

    def tokens(now: float, *, day: float | None = None, calls: float = 50) -> dict[str, str]:
        last = now if day is None else day
        return {
            **listing(
                "input_tokens_total",
                (106, 800 * calls),
                (12, now * 0.8 * calls),
                (2, last * 0.8 * calls),
                model="atlas",
            ),
            **listing(
                "output_tokens_total",
                (106, 200 * calls),
                (12, now * 0.2 * calls),
                (2, last * 0.2 * calls),
                model="atlas",
            ),
            **listing("model_cost_usd_total", (106, 10), (12, now / 100), (2, last / 100)),
            **listing.invocations((120, calls * 0.95), failing=[(120, calls * 0.05)]),
        }

    better = listing.invocations((106, 47.5), (14, 48.5), failing=[(106, 2.5), (14, 1.5)])
    as_good = listing.invocations((106, 47.5), (14, 47.9), failing=[(106, 2.5), (14, 2.1)])
    liked = {
        **listing("feedback_rating_count", (120, 10)),
        **listing("feedback_rating_sum", (106, 40), (14, 43)),
    }
    check_insight(
        "token-growth",
        [
            ("30 % more", tokens(1300), {}),
            ("more than 30 % more", tokens(1400), {("week",): 0.4}),
            ("since yesterday", tokens(1000, day=2100), {("day",): 1.1}),
            ("fewer calls fail", {**tokens(1400), **better}, {}),
            ("hardly fewer calls fail", {**tokens(1400), **as_good}, {("week",): 0.4}),
            ("better liked", {**tokens(1400), **liked}, {}),
            ("below the floor", tokens(1400, calls=1), {}),
            ("no data", UP, {}),
        ],
        texts={
            "more than 30 % more": (
                (
                    f"An invocation of {WHO} took 1400 tokens in the last 7 days, 40% more than the"
                    " 1000 of the four weeks before; neither its failures nor"
                    " its ratings are better."
                ),
                "8.00",
            )
        },
    )


def test_prompt_cache(check_insight: Check, listing: Listing) -> None:
    """Less than a fifth of many long inputs from the cache is told."""

    def prompts(tokens: float, cached: float, calls: float = 50) -> dict[str, str]:
        return {
            **listing("input_tokens_total", (120, tokens * calls), model="atlas"),
            **listing("cached_input_tokens_total", (120, cached * tokens * calls), model="atlas"),
            **listing.invocations((120, calls)),
        }

    check_insight(
        "prompt-cache",
        [
            ("a fifth", prompts(4000, 0.2), {}),
            ("less than a fifth", prompts(4000, 0.19), {("week",): 0.19}),
            ("short prompts", prompts(1999, 0.1), {}),
            ("long prompts", prompts(2000, 0.1), {("week",): 0.1}),
            ("few tokens", prompts(4000, 0.1, 17), {}),
            ("enough tokens", prompts(4000, 0.1, 18), {("week",): 0.1}),
            ("no data", UP, {}),
        ],
        texts={
            "less than a fifth": (
                (
                    f"19% of the 2.8M input tokens of {WHO} in the last 7 days"
                    " came from the model's"
                    " prompt cache, at 4000 tokens an invocation."
                ),
                "",
            )
        },
    )
