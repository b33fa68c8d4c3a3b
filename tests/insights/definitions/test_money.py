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


@pytest.mark.slow
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


@pytest.mark.slow
def test_verbose_output(check_insight: Check, listing: Listing) -> None:
    """Half as many output tokens again are told, unless tenants like it or all tokens grew."""

    def output(now: float, *, day: float | None = None, calls: float = 50) -> dict[str, str]:
        last = now if day is None else day
        return {
            **listing("input_tokens_total", (120, 4_000 * calls), model="atlas"),
            **listing(
                "output_tokens_total",
                (106, 200 * calls), (12, now * calls), (2, last * calls),
                model="atlas",
            ),
            **listing.invocations((120, calls)),
        }  # fmt: skip

    short = listing("output_tokens_total", (106, 50 * 100), (14, 50 * 199), model="atlas")
    as_long = listing("output_tokens_total", (106, 50 * 100), (14, 50 * 200), model="atlas")
    few_words = listing("input_tokens_total", (120, 50 * 100), model="atlas")
    liked = {
        **listing("feedback_rating_count", (120, 10)),
        **listing("feedback_rating_sum", (106, 40), (14, 43)),
    }
    hardly_liked = {
        **listing("feedback_rating_count", (120, 10)),
        **listing("feedback_rating_sum", (106, 40), (14, 41.9)),
    }
    check_insight(
        "verbose-output",
        [
            ("half as many again", output(300), {}),
            ("more", output(302), {("week",): 0.51}),
            ("since yesterday", output(200, day=400), {("day",): 1}),
            ("short answers", {**output(300), **short}, {}),
            ("long enough", {**output(300), **as_long}, {("week",): 1}),
            ("better liked", {**output(302), **liked}, {}),
            ("hardly better liked", {**output(302), **hardly_liked}, {("week",): 0.51}),
            ("all tokens grew", {**output(400), **few_words}, {}),
            ("few invocations", output(302, calls=7), {}),
            ("enough invocations", output(302, calls=7.5), {("week",): 0.51}),
            ("no data", UP, {}),
        ],
        texts={
            "more": (
                (
                    f"The models behind {WHO} wrote 302 tokens an invocation in the last 7 days,"
                    " 51% more than the 200 of the four weeks before; tenants do not rate it"
                    " higher."
                ),
                "",
            )
        },
    )


@pytest.mark.slow
def test_model_cost_drift(check_insight: Check, listing: Listing) -> None:
    """A fifth more a model call is told where calls are as long as before."""

    def drift(
        now: float, *, sent: float = 900, received: float = 100, calls: float = 50
    ) -> dict[str, str]:
        return {
            **listing("inference_calls_total", (120, calls), model="atlas", outcome="success"),
            **listing("input_tokens_total", (106, 900 * calls), (14, sent * calls), model="atlas"),
            **listing(
                "output_tokens_total", (106, 100 * calls), (14, received * calls), model="atlas"
            ),
            **listing("model_cost_usd_total", (106, 0.02 * calls), (14, now * calls)),
            **listing.invocations((120, calls)),
        }

    check_insight(
        "model-cost-drift",
        [
            ("a fifth more", drift(0.024), {}),
            ("more than a fifth", drift(0.025), {("week",): 0.25}),
            ("longer input", drift(0.025, sent=1_000), {}),
            ("hardly longer input", drift(0.025, sent=980), {("week",): 0.25}),
            ("longer output", drift(0.025, received=111), {}),
            ("hardly longer output", drift(0.025, received=109), {("week",): 0.25}),
            ("few calls", drift(0.025, calls=7), {}),
            ("enough calls", drift(0.025, calls=7.5), {("week",): 0.25}),
            (
                "cheap",
                {**drift(0.025), **listing("model_cost_usd_total", (106, 0.05), (14, 0.07))},
                {},
            ),
            (
                "no longer cheap",
                {**drift(0.025), **listing("model_cost_usd_total", (106, 0.05), (14, 0.075))},
                {("week",): 0.5},
            ),
            ("no data", UP, {}),
        ],
        texts={
            "more than a fifth": (
                (
                    f"A model call of {WHO} cost 0.0250 dollars in the last 7 days, 25% more than"
                    " the 0.0200 of the four weeks before, though it is no longer."
                ),
                "0.50",
            )
        },
    )


@pytest.mark.slow
def test_price_below_break_even(check_insight: Check, listing: Listing) -> None:
    """A price that brings less after fees than successes cost is told, whatever failed."""

    def money(
        cost: float, *, week: float | None = None, calls: float = 50, wasted: float = 2
    ) -> dict[str, str]:
        return {
            **listing("revenue_usd_total", (120, 10)),
            **listing("fees_usd_total", (120, 2)),
            **listing("wasted_cost_usd_total", (120, wasted)),
            **listing("model_cost_usd_total", (106, cost), (14, cost if week is None else week)),
            **listing.invocations((120, calls)),
        }

    free = {**listing("revenue_usd_total", (120, 0)), **listing("fees_usd_total", (120, 0))}
    pennies = {
        **listing("revenue_usd_total", (120, 0.01)),
        **listing("fees_usd_total", (120, 0.002)),
        **listing("wasted_cost_usd_total", (120, 0)),
    }
    check_insight(
        "price-below-break-even",
        [
            ("even", money(10), {}),
            ("below", money(12), {("period",): 0.8}),
            ("failures cost the rest", money(12, wasted=4), {}),
            ("since a week", money(8, week=12), {("week",): 0.8}),
            ("given away", {**money(12), **free}, {}),
            (
                "next to nothing",
                {**money(0), **pennies, **listing("model_cost_usd_total", (120, 0.016))},
                {},
            ),
            (
                "no longer nothing",
                {**money(0), **pennies, **listing("model_cost_usd_total", (120, 0.02))},
                {("period",): 0.4},
            ),
            ("few successes", money(12, calls=1.6), {}),
            ("enough successes", money(12, calls=1.7), {("period",): 0.8}),
            ("no data", UP, {}),
        ],
        texts={
            "below": (
                (
                    f"A success of {WHO} brought 0.2000 dollars in the last 30 days, which after"
                    " fees is 80% of what its model calls cost; it would break even at 0.2500."
                    " That counts neither refunds nor invocations that failed."
                ),
                "4.00",
            )
        },
    )
