"""Rule 6: money is exact, and an unknown price is no price of 0."""

import decimal
from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.effort import examples
from tests.processor.rig import Rig, chat, event, invoke

from agent_analytics.instrumentation import vocabulary as v

MakeRig = Callable[..., Rig]
AMOUNTS = st.lists(
    st.decimals(min_value=0, max_value=100, places=9, allow_nan=False), min_size=1, max_size=20
)


def nano(value: float) -> int:
    """Return an exposed amount in nano-dollars."""
    return round(value * 10**9)


@settings(max_examples=examples(60), deadline=None)
@given(revenue=AMOUNTS, refunds=AMOUNTS, costs=AMOUNTS)
def test_sums_are_exact_to_the_nano_dollar(
    revenue: list[Decimal], refunds: list[Decimal], costs: list[Decimal]
) -> None:
    """Decimal strings sum to what is exposed, whatever way they came."""
    rig = Rig()
    for number, amount in enumerate(revenue):
        charged = {v.REVENUE_USD: f"{amount:f}"}
        rig.run(*((event("charge") | charged,) if number % 2 else (invoke(), charged)))
    for number, amount in enumerate(refunds):
        refunded = {v.REFUND_USD: f"{amount:f}"}
        rig.run(*((event("refund") | refunded,) if number % 2 else (invoke(), refunded)))
    with rig.span(invoke()):
        for amount in costs:
            rig.run(chat() | {v.COST_USD: f"{amount:f}"})
    assert nano(rig.value("revenue_usd_total")) == sum(revenue) * 10**9
    assert nano(rig.value("refunds_usd_total")) == sum(refunds) * 10**9
    assert nano(rig.value("model_cost_usd_total")) == sum(costs) * 10**9


def test_floats_count_as_the_decimals_they_print_as(rig: Rig) -> None:
    """Ten times 0.1 is 1, and small costs do not round to 0."""
    with rig.span(invoke()):
        for _ in range(10):
            rig.run(event("charge") | {v.REVENUE_USD: 0.1})
            rig.run(chat() | {v.COST_USD: 0.000_000_15})
    assert rig.value("revenue_usd_total") == 1
    assert rig.value("model_cost_usd_total") == 0.000_001_5


@pytest.mark.parametrize("outcome", v.OUTCOMES)
def test_charges_of_any_outcome_count(rig: Rig, outcome: str) -> None:
    """Whether an outcome is charged is the instrumentation's decision, not the processor's."""
    rig.run(invoke(), {v.OUTCOME: outcome, v.REVENUE_USD: 1, v.REFUND_USD: "0.25"})
    assert rig.value("revenue_usd_total") == 1
    assert rig.value("refunds_usd_total") == 0.25


def test_inner_work_can_charge(rig: Rig) -> None:
    """``charge()`` and ``refund()`` in a helper of the same listing count for it."""
    with rig.span(invoke(), {v.REVENUE_USD: "1"}):
        rig.run(invoke(), {v.REVENUE_USD: "2", v.REFUND_USD: "0.5"})
    assert rig.value("revenue_usd_total") == 3
    assert rig.value("refunds_usd_total") == 0.5


@pytest.mark.parametrize(
    ("take_rate", "acme", "zeta"),
    [
        (0, 0, 0),
        ("0.15", 1.5, 1.5),
        (0.15, 1.5, 1.5),
        ({"acme": 0.1, "*": "0.2"}, 1, 2),
        ({"acme": 0.3}, 3, 0),
        (1, 10, 10),
    ],
)
def test_fees_are_the_take_rate_of_the_revenue(
    make_rig: MakeRig, take_rate: object, acme: float, zeta: float
) -> None:
    """Fees follow each charge, wherever it comes from; refunds leave them."""
    rig = make_rig(take_rate=take_rate)
    for publisher in ("acme", "zeta"):
        with rig.span(invoke(publisher), {v.REVENUE_USD: "4"}):
            rig.run(invoke(publisher), {v.REVENUE_USD: "1"})
        rig.run(event("charge", publisher) | {v.REVENUE_USD: "5"})
        rig.run(event("refund", publisher) | {v.REFUND_USD: "5"})
    assert rig.value("fees_usd_total", publisher_id="acme") == acme
    assert rig.value("fees_usd_total", publisher_id="zeta") == zeta


@pytest.mark.parametrize("rate", [-0.1, 1.1, "x", None, True, {"acme": 2}, float("nan")])
def test_a_take_rate_out_of_range_is_refused(make_rig: MakeRig, rate: object) -> None:
    """A take rate is a share."""
    with pytest.raises(ValueError, match="take_rate"):
        make_rig(take_rate=rate)


@pytest.mark.parametrize(
    "context",
    [
        decimal.Context(prec=2),
        decimal.Context(rounding=decimal.ROUND_UP, prec=5),
        decimal.Context(prec=3, traps=[decimal.Inexact, decimal.Rounded]),
    ],
    ids=["short", "up", "trap"],
)
def test_the_hosts_decimal_context_does_not_matter(
    make_rig: MakeRig, context: decimal.Context
) -> None:
    """A host that computes with few digits, or traps rounding, does not change what is counted."""
    rig = make_rig(take_rate="0.125")
    with decimal.localcontext(context):
        rig.run(invoke(), {v.REVENUE_USD: "12345.678901234"})
    assert rig.value("revenue_usd_total") == 12345.678901234
    assert rig.value("fees_usd_total") == 1543.209862654


# --- cost -----------------------------------------------------------------------------------------


def test_cost_that_parents_repeat_counts_once(rig: Rig) -> None:
    """The agents around the model calls repeat their cost."""
    with rig.span(invoke(), {v.COST_USD: "0.03"}), rig.span(invoke(None, None), {v.COST_USD: 0.03}):
        for _ in range(3):
            rig.run(chat(1) | {v.COST_USD: "0.01"})
    assert rig.value("model_cost_usd_total") == 0.03


def test_cost_that_only_the_parent_knows_counts(rig: Rig) -> None:
    """Where the calls have no price, the agent's figure is the cost."""
    with rig.span(invoke(), {v.COST_USD: "0.03"}):
        rig.run(chat(1))
    assert rig.value("model_cost_usd_total") == 0.03


def test_cost_of_two_views_of_a_call_counts_once(rig: Rig) -> None:
    """Two instrumentations of one call have one price."""
    with rig.span(invoke()), rig.span(chat(1) | {v.COST_USD: "0.01"}, scope="framework"):
        rig.run(chat(1) | {v.COST_USD: "0.01"}, scope="vendor")
    assert rig.value("model_cost_usd_total") == 0.01


@pytest.mark.parametrize(
    ("outcome", "wasted"), [("success", 0), ("error", 0.6), ("timeout", 0.6), ("cancelled", 0)]
)
def test_cost_of_failed_invocations_is_wasted(rig: Rig, outcome: str, wasted: float) -> None:
    """Wasted is the cost of all calls of an invocation that failed, whether they worked or not."""
    with rig.span(invoke(), {v.OUTCOME: outcome}):
        rig.run(chat() | {v.COST_USD: "0.1"}, {v.OUTCOME: "error"})
        rig.run(invoke(None, None), {v.COST_USD: "0.5"})
        with rig.span(invoke("zeta", "b"), {v.OUTCOME: "success"}):
            rig.run(chat() | {v.COST_USD: "7"})
    assert rig.value("wasted_cost_usd_total", publisher_id="acme") == wasted
    assert rig.value("model_cost_usd_total", publisher_id="acme") == 0.6
    assert rig.value("wasted_cost_usd_total", publisher_id="zeta") == 0


def test_an_invocations_own_figure_is_wasted_too(rig: Rig) -> None:
    """Cost that the failed invocation's span itself carries is wasted."""
    rig.run(invoke(), {v.OUTCOME: "error", v.COST_USD: "0.4"})
    assert rig.value("wasted_cost_usd_total") == 0.4


# --- tokens ---------------------------------------------------------------------------------------


def test_unknown_prices_are_counted_as_unpriced_tokens(rig: Rig) -> None:
    """Tokens without a cost are unpriced; a cost of 0 is a price."""
    with rig.span(invoke()):
        rig.run(chat(10, 5))
        rig.run(chat(100, 50) | {v.COST_USD: 0})
    assert rig.value("unpriced_tokens_total", model="m") == 15
    assert rig.value("input_tokens_total", model="m") == 110


@pytest.mark.parametrize("cost", ["x", -1, float("nan"), "1e7", True, "", ["1"]])
def test_a_price_that_is_refused_is_unknown(rig: Rig, cost: object) -> None:
    """A cost that is no amount is no price of 0."""
    with rig.span(invoke(), {v.COST_USD: "0.5"}):
        rig.run(chat(10, 5) | {v.COST_USD: cost})
    assert rig.value("unpriced_tokens_total") == 15
    assert rig.value("model_cost_usd_total") == 0.5
    assert rig.refused("amount") == 1


def test_cached_and_reasoning_tokens_are_subsets(rig: Rig) -> None:
    """They are part of input and output; where they are larger, they were counted beside those."""
    with rig.span(invoke()):
        rig.run(chat(100, 50) | {v.CACHED_INPUT_TOKENS: 80, v.REASONING_TOKENS: 30})
        rig.run(chat(10, 5) | {v.CACHED_INPUT_TOKENS: 80, v.REASONING_TOKENS: 30})
    assert rig.value("input_tokens_total") == 100 + 90
    assert rig.value("output_tokens_total") == 50 + 35
    assert rig.value("cached_input_tokens_total") == 160
    assert rig.value("reasoning_tokens_total") == 60


def test_which_model(rig: Rig) -> None:
    """The model that was asked for names the call, else the one that answered, else ``unknown``."""
    with rig.span(invoke()):
        rig.run(chat(1, model="asked") | {v.RESPONSE_MODEL: "answered"})
        rig.run(chat(1, model=None) | {v.RESPONSE_MODEL: "answered"})
        rig.run(chat(1, model=None))
    for model in ("asked", "answered", "unknown"):
        assert rig.value("inference_calls_total", model=model) == 1
        assert rig.value("input_tokens_total", model=model) == 1


@pytest.mark.parametrize("operation", ["chat", "generate_content", "text_completion"])
def test_every_kind_of_model_call(rig: Rig, operation: str) -> None:
    """The conventions' operations on models all count."""
    with rig.span(invoke()):
        rig.run(chat(1) | {v.OPERATION_NAME: operation})
    assert rig.value("inference_calls_total", outcome="success") == 1


def test_embeddings_are_no_model_calls(rig: Rig) -> None:
    """Operations that are no answer of a model are looked through."""
    with rig.span(invoke()):
        rig.run(chat(1) | {v.OPERATION_NAME: "embeddings"})
    assert rig.value("inference_calls_total") == 0
