"""Cost that nobody tells comes from prices: once, where its tokens count, whoever records them."""

import threading
from collections.abc import Callable, Iterator, Mapping
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.trace import Span, Status, StatusCode
from tests.effort import examples
from tests.patience import patience
from tests.processor.rig import Rig, chat, invoke

from agent_analytics.instrumentation import (
    agent,
    current_invocation,
    health,
    record_invocation,
    tracing,
)
from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor import AgentMetricsProcessor, ModelCall, Prices
from agent_analytics.processor._prices.prices import Rates

MakeRig = Callable[..., Rig]
#: US dollars for a million tokens: fresh, cached, written, output, reasoning.
MODELS = {
    "m": Rates(*map(Decimal, ("2.5", "1.25", "3", "10", "12"))),
    "small": Rates(*map(Decimal, ("0.075", "0.0375", "0.1", "0.3", "0.3"))),
    "gratis": Rates(*[Decimal(0)] * 5),
}
#: What 1,000 input tokens (200 of them cached, 100 written) and 100 output tokens (40 of
#: reasoning) of model m cost, in millionths of a dollar.
ONE = 700 * 2.5 + 200 * 1.25 + 100 * 3 + 60 * 10 + 40 * 12
USED = {
    v.INPUT_TOKENS: 1_000,
    v.OUTPUT_TOKENS: 100,
    v.CACHED_INPUT_TOKENS: 200,
    v.CACHE_WRITE_INPUT_TOKENS: 100,
    v.REASONING_TOKENS: 40,
}


class Table:
    """Prices of the models above, that keep what they were asked."""

    def __init__(self) -> None:
        self.asked: list[ModelCall] = []

    def usd(self, call: ModelCall) -> Decimal | None:
        """Return what a call costs."""
        self.asked.append(call)
        rates = MODELS.get(call.model)
        return None if rates is None else rates.usd(call)


def millionths(rig: Rig, metric: str = "model_cost_usd_total") -> float:
    """Return an exposed amount in millionths of a dollar, to the nano-dollar."""
    return round(rig.value(metric) * 10**9) / 1_000


def own(more: Mapping[str, object] | None = None) -> dict[str, Any]:
    """Return what a model call of our own vocabulary tells, publisher and all."""
    return {**chat(), **USED, v.PUBLISHER_ID: "acme", v.AGENT_ID: "finder", **(more or {})}


@pytest.fixture
def priced() -> Rig:
    """Return a processor that knows prices."""
    return Rig(prices=Table())


@pytest.fixture
def recorder(priced: Rig) -> Iterator[Rig]:
    """Return a processor that knows prices and gets what decorators record."""
    tracing.use_provider(priced.provider)
    yield priced
    tracing.use_provider(None)


# --- whoever records it ---------------------------------------------------------------------------


def in_openinference() -> dict[str, Any]:
    """Return the same call as OpenInference writes it."""
    return {
        "openinference.span.kind": "LLM",
        "llm.model_name": "m",
        "llm.provider": "openai",
        "llm.token_count.prompt": 1_000,
        "llm.token_count.completion": 100,
        "llm.token_count.prompt_details.cache_read": 200,
        "llm.token_count.prompt_details.cache_write": 100,
        "llm.token_count.completion_details.reasoning": 40,
    }


def in_openllmetry() -> dict[str, Any]:
    """Return the same call as older releases of OpenLLMetry write it."""
    return {
        "llm.request.type": "chat",
        "gen_ai.system": "openai",
        "gen_ai.request.model": "m",
        "gen_ai.usage.prompt_tokens": 1_000,
        "gen_ai.usage.completion_tokens": 100,
        "gen_ai.usage.cache_read_input_tokens": 200,
        "gen_ai.usage.cache_creation_input_tokens": 100,
        "llm.usage.reasoning_tokens": 40,
    }


@pytest.mark.parametrize(
    "call",
    [
        own({v.PROVIDER_NAME: "openai"}),
        own({v.SYSTEM: "openai"}),
        {**chat(), **USED, v.PROVIDER_NAME: "openai"},
        in_openinference(),
        in_openllmetry(),
    ],
    ids=["ours", "ours, older", "conventions", "openinference", "openllmetry"],
)
@pytest.mark.parametrize("inside", [True, False])
def test_any_model_call_is_priced(call: Mapping[str, Any], *, inside: bool) -> None:
    """Whoever records it and with or without an invocation round it, a call costs the same."""
    table = Table()
    rig = Rig(prices=table, resource={v.PUBLISHER_ID: "acme", v.AGENT_ID: "finder"})
    if inside:
        with rig.span(invoke()):
            rig.run(call)
    else:
        rig.run(call)
    assert millionths(rig) == ONE
    assert rig.value("unpriced_tokens_total") == 0
    assert rig.value("input_tokens_total", model="m") == 1_000
    asked = table.asked[0]
    assert asked[:8] == ("m", "openai", None, 1_000, 100, 200, 100, 40)
    assert asked.started_ns is not None


def test_usage_that_is_reported(recorder: Rig) -> None:
    """add_usage() without a cost is priced for each of its models, or unpriced."""

    @agent(publisher_id="acme", agent_id="finder")
    def work() -> None:
        usage = current_invocation().add_usage
        usage(model="m", input_tokens=1_000, output_tokens=100)
        usage(model="small", input_tokens=1_000, cached_input_tokens=500)
        usage(model="unheard-of", input_tokens=7)
        usage(model="m", input_tokens=1_000_000, cost_usd="0.5")

    work()
    small = 500 * 0.075 + 500 * 0.0375
    assert millionths(recorder) == 1_000 * 2.5 + 100 * 10 + small + 500_000
    assert recorder.value("unpriced_tokens_total", model="unheard-of") == 7
    assert recorder.value("unpriced_tokens_total") == 7


def test_usage_that_is_read_off_a_result(recorder: Rig) -> None:
    """What a model library returned is priced as well."""

    @agent(publisher_id="acme", agent_id="finder")
    def work() -> dict[str, object]:
        return {"model": "m", "usage": {"prompt_tokens": 1_000, "completion_tokens": 100}}

    work()
    assert millionths(recorder) == 1_000 * 2.5 + 100 * 10


@pytest.mark.parametrize(("cost", "wanted"), [(None, 2_500 + 1_000), (0, 0), ("0.07", 70_000)])
def test_invocations_that_finished_elsewhere(
    recorder: Rig, cost: str | None, wanted: float
) -> None:
    """Recorded without a cost, the tokens are priced; a cost of 0 is a cost."""
    record_invocation(
        publisher_id="acme", agent_id="finder", duration_ms=1, success=True, model="m",
        input_tokens=1_000, output_tokens=100, cost_usd=cost,
    )  # fmt: skip
    assert millionths(recorder) == wanted
    assert recorder.value("unpriced_tokens_total") == 0


@pytest.mark.parametrize("decorated", [True, False])
def test_with_and_without_a_decorator(*, decorated: bool) -> None:
    """A framework's run costs the same, though its agents and the decorator repeat its tokens."""
    rig = Rig(prices=Table(), resource={v.PUBLISHER_ID: "acme", v.AGENT_ID: "finder"})
    both = {v.INPUT_TOKENS: 2_000, v.OUTPUT_TOKENS: 200, v.REQUEST_MODEL: "m"}

    def run() -> None:
        framework = {v.OPERATION_NAME: v.INVOKE_AGENT, v.AGENT_NAME: "f"}
        with rig.span(framework, both, scope="agno"):
            for _ in range(2):
                rig.run({**chat(), **USED}, scope="agno")

    if decorated:
        with rig.span(invoke(), both):
            run()
    else:
        run()
    assert millionths(rig) == 2 * ONE
    assert rig.value("invocations_total") == 1


# --- what is told wins ----------------------------------------------------------------------------


@pytest.mark.parametrize(("cost", "wanted"), [("0.5", 500_000), (0, 0), ("0", 0), (0.0, 0)])
def test_a_told_cost_wins(priced: Rig, cost: object, wanted: float) -> None:
    """Where a call tells its cost, nobody asks for a price; 0 is told, too."""
    with priced.span(invoke()):
        priced.run(own({v.COST_USD: cost}))
        priced.run({**chat(), **USED, v.COST_USD: cost})
    assert millionths(priced) == 2 * wanted
    assert priced.value("unpriced_tokens_total") == 0


def test_a_cost_that_is_refused_is_not_replaced(priced: Rig) -> None:
    """Absurd telling is no reason to guess: those tokens are unpriced."""
    priced.run(own({v.COST_USD: "lots"}))
    assert millionths(priced) == 0
    assert priced.value("unpriced_tokens_total") == 1_100


@pytest.mark.parametrize(("told", "wanted"), [("0.5", 500_000), ("0.001", ONE), ("0", ONE)])
def test_a_cost_told_for_the_whole(priced: Rig, told: str, wanted: float) -> None:
    """It makes up for what the prices of the calls inside lack; what counted is not taken back."""
    with priced.span(invoke(), {v.COST_USD: told}):
        priced.run({**chat(), **USED})
    assert millionths(priced) == wanted


def test_a_price_only_where_its_tokens_count(priced: Rig) -> None:
    """An agent that repeats the tokens of calls without a price adds no cost for them."""
    with priced.span(invoke(), {v.INPUT_TOKENS: 1_000, v.REQUEST_MODEL: "m"}):
        priced.run(chat(1_000, model="unheard-of"))
    assert millionths(priced) == 0
    assert priced.value("unpriced_tokens_total", model="unheard-of") == 1_000


def test_two_views_of_a_call(priced: Rig) -> None:
    """Two instrumentations of one call have one price, or the cost that a user states on either."""
    for more in ({}, {v.COST_USD: "0.01"}):
        with priced.span(invoke()), priced.span({**chat(), **USED, **more}, scope="agno"):
            priced.run({**chat(), **USED}, scope="openai")
    assert millionths(priced) == ONE + 10_000


# --- exactness ------------------------------------------------------------------------------------

CALLS = st.lists(
    st.tuples(
        st.sampled_from(["m", "small", "gratis", "unheard-of"]),
        st.lists(st.integers(0, 300_000), min_size=5, max_size=5),
        st.sampled_from(["ours", "foreign", "late", "recorded"]),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=examples(60), deadline=None)
@given(calls=CALLS, outcome=st.sampled_from(v.OUTCOMES))
def test_sums_are_exact(calls: list[tuple[str, list[int], str]], outcome: str) -> None:
    """Any calls in any order cost the sum of what each costs, rounded once a call, half to even."""
    rig = Rig(prices=Table())
    cost = Decimal(0)
    unpriced = 0
    left: list[Span] = []

    def one(model: str, tokens: list[int], kind: str) -> None:
        nonlocal cost, unpriced
        fresh, cached, written, plain, thought = tokens
        told: dict[str, Any] = {
            v.REQUEST_MODEL: model,
            v.INPUT_TOKENS: fresh + cached + written,
            v.OUTPUT_TOKENS: plain + thought,
            v.CACHED_INPUT_TOKENS: cached,
            v.CACHE_WRITE_INPUT_TOKENS: written,
            v.REASONING_TOKENS: thought,
        }
        if kind == "late":
            left.append(rig.tracer().start_span("chat", attributes={**chat(), **told}))
        elif kind == "ours":
            rig.run({**own(), **told})
        elif kind == "foreign":
            rig.run({**chat(), **told})
        else:
            rig.run({v.EVENT: v.EVENT_USAGE, v.USAGE_OWN: True, **invoke_listing(), **told})
        rates = MODELS.get(model)
        if rates is None:
            unpriced += sum(tokens)
            return
        with localcontext(prec=60):
            nano = (
                sum(rate * number for rate, number in zip(rates[:5], tokens, strict=True)) * 1_000
            )
            cost += Decimal(nano).quantize(Decimal(1), ROUND_HALF_EVEN)

    # Reported usage is set aside by model calls below, so it comes in an invocation of its own.
    reported = [call for call in calls if call[2] == "recorded"]
    others = [call for call in calls if call[2] != "recorded"]
    for group in (reported, others):
        with rig.span(invoke(), {v.OUTCOME: outcome}):
            for call in group:
                one(*call)
        for span in left:
            if span.is_recording():
                span.end()
    assert round(rig.value("model_cost_usd_total") * 10**9) == cost
    assert rig.value("unpriced_tokens_total") == unpriced
    failed = outcome in {v.ERROR, v.TIMEOUT}
    assert round(rig.value("wasted_cost_usd_total") * 10**9) == (cost if failed else 0)


def invoke_listing() -> dict[str, Any]:
    """Return whose a recorded event is."""
    return {v.PUBLISHER_ID: "acme", v.AGENT_ID: "finder"}


# --- wasted ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", v.OUTCOMES)
@pytest.mark.parametrize("late", [True, False])
def test_priced_cost_of_failed_invocations_is_wasted(
    priced: Rig, outcome: str, *, late: bool
) -> None:
    """Errors and timeouts waste what their calls cost, even calls that end after them."""
    tracer = priced.tracer()
    with priced.span(invoke(), {v.OUTCOME: outcome}):
        priced.run({**chat(), **USED})
        left = tracer.start_span("chat", attributes={**chat(), **USED})
        if not late:
            left.end()
    if late:
        left.end()
    priced.processor.snapshot()
    assert millionths(priced) == 2 * ONE
    wasted = 2 * ONE if outcome in {v.ERROR, v.TIMEOUT} else 0
    assert millionths(priced, "wasted_cost_usd_total") == wasted


def test_a_framework_run_that_failed() -> None:
    """Without a decorator, too, the cost of an agent that failed is wasted."""
    rig = Rig(prices=Table(), resource={v.PUBLISHER_ID: "acme", v.AGENT_ID: "finder"})
    for fails in (True, False):
        with rig.span({v.OPERATION_NAME: v.INVOKE_AGENT, v.AGENT_NAME: "f"}) as span:
            rig.run({**chat(), **USED})
            if fails:
                span.set_status(Status(StatusCode.ERROR))
    assert millionths(rig) == 2 * ONE
    assert millionths(rig, "wasted_cost_usd_total") == ONE


# --- sources of prices that misbehave -------------------------------------------------------------


class Raising:
    """A source of prices that always fails."""

    def usd(self, call: ModelCall) -> Decimal | None:
        """Fail."""
        raise RuntimeError(call.model)


@pytest.mark.usefixtures("expects_internal_errors")
def test_a_source_that_raises(caplog: pytest.LogCaptureFixture) -> None:
    """The tokens count as unpriced; the error is logged once and counted every time."""
    before = health.internal_errors()
    rig = Rig(prices=Raising())
    with rig.span(invoke()):
        for _ in range(3):
            rig.run({**chat(), **USED})
    assert rig.value("input_tokens_total", model="m") == 3_000
    assert rig.value("unpriced_tokens_total", model="m") == 3_300
    assert health.internal_errors() - before == 3
    said = [one for one in caplog.records if "a source of prices" in one.getMessage()]
    assert len(said) == 1


@pytest.mark.parametrize(
    "answer", [Decimal("NaN"), Decimal(-1), Decimal("1e9"), "x", True, object()]
)
def test_an_answer_that_is_no_amount(answer: object) -> None:
    """It is refused and counted, and the tokens are unpriced."""

    class Odd:
        def usd(self, call: ModelCall) -> Decimal | None:
            del call
            return cast("Decimal", answer)

    rig = Rig(prices=Odd())
    rig.run(own())
    assert rig.value("unpriced_tokens_total") == 1_100
    assert rig.value("model_cost_usd_total") == 0
    assert rig.refused("amount") == 1


def test_prices_are_asked_outside_the_lock() -> None:
    """Another thread can scrape while a price is looked up."""

    class Slow:
        scraped = 0

        def usd(self, call: ModelCall) -> Decimal | None:
            del call
            thread = threading.Thread(target=rig.processor.snapshot, daemon=True)
            thread.start()
            thread.join(patience())
            self.scraped += not thread.is_alive()
            return Decimal(1)

    slow = Slow()
    rig = Rig(prices=slow)
    with rig.span(invoke(), {v.INPUT_TOKENS: 1, v.REQUEST_MODEL: "m"}):
        pass
    with rig.span(invoke()):
        rig.run({**chat(), **USED})
    rig.run(own())
    assert slow.scraped == 3


@pytest.mark.parametrize(
    ("cached", "written", "wanted"),
    [(900, 900, (900, 100)), (2_000, 5, (1_000, 0)), (-1, 1.5, (0, 0))],
)
def test_parts_are_no_larger_than_the_whole(
    cached: int, written: float, wanted: tuple[int, int]
) -> None:
    """Whatever a span says, what was cached and written is within the input."""
    table = Table()
    rig = Rig(prices=table)
    rig.run(own({v.CACHED_INPUT_TOKENS: cached, v.CACHE_WRITE_INPUT_TOKENS: written}))
    assert table.asked[0][5:7] == wanted


@pytest.mark.parametrize("prices", ["table.json", 1, object()])
def test_what_is_no_source_of_prices(prices: object) -> None:
    """It is refused when it is given."""
    with pytest.raises(ValueError, match="prices: expected Prices, got"):
        AgentMetricsProcessor(prices=cast("Prices", prices))
