"""A cost that an instrumentation states counts once, in dollars, where nobody knows it better.

Names and shapes are those of the libraries that are named beside each, as they are in their
source: none of the conventions has such an attribute yet.
"""

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import pytest
from tests.processor.rig import Rig, chat, invoke

from agent_analytics.instrumentation import agent as agent_of_ours
from agent_analytics.instrumentation import tracing
from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor import FirstOf, ModelCall

MakeRig = Callable[..., Rig]

#: What spans state, all of it 12.34 cents.
STATED: Mapping[str, Mapping[str, Any]] = {
    "openlit 1.43": {"gen_ai.usage.cost": 0.1234},
    "draft of the conventions (semantic-conventions-genai#443)": {
        "gen_ai.usage.cost.amount": 0.1234,
        "gen_ai.usage.cost.currency": "USD",
        "gen_ai.usage.cost.source": "local",
    },
    "pydantic-ai 1.0 and logfire 4": {"operation.cost": 0.1234},
    "openinference-instrumentation-litellm 0.1.51": {"llm.cost.total": 0.1234},
    "openinference, parts alone": {"llm.cost.prompt": 0.1, "llm.cost.completion": 0.0234},
    "litellm 1.110": {"gen_ai.cost.total_cost": 0.1234, "gen_ai.cost.input_cost": 0.1},
    "sentry's names": {
        "gen_ai.usage.total_cost": 0.1234,
        "gen_ai.usage.input_cost": 0.1,
        "gen_ai.usage.output_cost": 0.0234,
    },
    "openobserve's names": {"gen_ai.usage.cost_usd": 0.1234},
    "genai-otel-instrument": {"gen_ai.usage.cost.total": 0.1234},
    "laminar 0.5, parts alone": {
        "gen_ai.usage.input_cost": 0.1,
        "gen_ai.usage.output_cost": 0.0234,
    },
    "langfuse 3": {"langfuse.observation.cost_details": '{"input": 0.1, "total": 0.1234}'},
    "mlflow 3": {"mlflow.llm.cost": json.dumps({"input_cost": 0.1, "output_cost": 0.0234})},
    "xai-sdk 1.21, in ticks": {"gen_ai.usage.cost_in_usd_ticks": 1_234_000_000},
    "a text": {"gen_ai.usage.cost": "0.1234"},
    "two names, of which one is in euros": {
        "gen_ai.usage.cost.amount": 0.11,
        "gen_ai.usage.cost.currency": "EUR",
        "operation.cost": 0.1234,
    },
    "two names, of which one knows nothing": {"gen_ai.usage.cost": 0, "operation.cost": 0.1234},
}
CENTS = 12.34


class Prices:
    """Asks a fixed price of each call of the models that it knows."""

    def __init__(self, usd: str, *models: str, public: bool = False) -> None:
        self.public = public
        self._usd = Decimal(usd)
        self._models = models

    def usd(self, call: ModelCall) -> Decimal | None:
        """Return what a call costs."""
        return self._usd if call.model in self._models else None


def cents(rig: Rig, metric: str = "model_cost_usd_total") -> float:
    """Return an exposed amount in cents, to the nano-dollar."""
    return round(rig.value(metric) * 10**9) / 10**7


@pytest.fixture
def both(make_rig: MakeRig) -> Rig:
    """Return a processor with a table of one's own and a public list."""
    own, public = Prices("1", "own"), Prices("2", "own", "public", public=True)
    return make_rig(prices=FirstOf(own, public))


@pytest.mark.parametrize("stated", STATED.values(), ids=STATED)
def test_every_name_for_it(rig: Rig, stated: Mapping[str, Any]) -> None:
    """Whatever a vendor calls it, the cost is the call's, and its tokens are priced."""
    with rig.span(invoke()):
        rig.run(chat(100, 50) | dict(stated), scope="vendor")
    assert cents(rig) == CENTS
    assert rig.value("unpriced_tokens_total") == 0
    assert rig.value("input_tokens_total") == 100


@pytest.mark.parametrize("stated", STATED.values(), ids=STATED)
def test_every_name_on_a_span_that_names_its_publisher(rig: Rig, stated: Mapping[str, Any]) -> None:
    """A model call that says itself whose it is costs the same."""
    with rig.span(invoke()):
        rig.run(chat(100, 50) | {v.PUBLISHER_ID: "acme", v.AGENT_ID: "finder"} | dict(stated))
    assert cents(rig) == CENTS


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        pytest.param({}, 200, id="the public list"),
        pytest.param({"operation.cost": 0.5}, 50, id="stated"),
    ],
)
def test_stated_before_the_public_list(both: Rig, more: dict[str, Any], wanted: float) -> None:
    """What a vendor states is nearer to the bill than a list of prices."""
    with both.span(invoke()):
        both.run(chat(100, 50, "public") | more)
    assert cents(both) == wanted


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        pytest.param({"operation.cost": 0.5}, 100, id="one's own table"),
        pytest.param({"operation.cost": 0.5, v.COST_USD: "0.25"}, 25, id="a user's own word"),
        pytest.param({"operation.cost": 0.5, v.COST_USD: 0}, 0, id="free, by a user's own word"),
    ],
)
def test_ones_own_before_stated(both: Rig, more: dict[str, Any], wanted: float) -> None:
    """Own prices are what is really paid, and what a user states comes before all."""
    with both.span(invoke()):
        both.run(chat(100, 50, "own") | more)
    assert cents(both) == wanted


@pytest.mark.parametrize("nothing", [0, 0.0, "0", "0.00"])
def test_nothing_is_unknown(both: Rig, nothing: object) -> None:
    """A vendor's 0 for a call with tokens is a model that its list lacks, and not free."""
    with both.span(invoke()):
        both.run(chat(100, 50, "nobody's") | {"gen_ai.usage.cost": nothing})
        both.run(chat(100, 50, "public") | {"gen_ai.usage.cost": nothing})
    assert cents(both) == 200
    assert both.value("unpriced_tokens_total") == 150


@pytest.mark.parametrize("currency", ["EUR", "eur", "JPY", "CREDITS", "", 978])
def test_another_currency_is_refused(both: Rig, currency: object) -> None:
    """No rate of exchange is guessed: the public list prices the call, and health says why."""
    stated = {"gen_ai.usage.cost.amount": 0.5, "gen_ai.usage.cost.currency": currency}
    with both.span(invoke()):
        both.run(chat(100, 50, "public") | stated)
        both.run(chat(100, 50, "nobody's") | stated)
    assert cents(both) == 200
    assert both.value("unpriced_tokens_total") == 150
    assert both.refused("currency") == 2


@pytest.mark.parametrize("currency", ["USD", "usd", " Usd ", "US$"])
def test_dollars_under_any_name(rig: Rig, currency: str) -> None:
    """Dollars are dollars however they are spelled."""
    stated = {"gen_ai.usage.cost.amount": 0.1234, "gen_ai.usage.cost.currency": currency}
    with rig.span(invoke()):
        rig.run(chat(100, 50) | stated)
    assert cents(rig) == CENTS
    assert rig.refused("currency") == 0


@pytest.mark.parametrize("amount", [-1, float("nan"), float("inf"), "x", 1e7, True, ["1"]])
def test_no_amount_is_refused(both: Rig, amount: object) -> None:
    """What is no amount is unknown, and counted as refused; the list prices the call."""
    with both.span(invoke()):
        both.run(chat(100, 50, "public") | {"gen_ai.usage.cost": amount})
    assert cents(both) == 200
    assert both.refused("amount") == 1


def agent(cost: float | None = None, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - attributes
    """Return what a framework's span of an agent carries."""
    stated = {} if cost is None else {"llm.cost.total": cost}
    return {v.OPERATION_NAME: v.INVOKE_AGENT, v.AGENT_NAME: "scout", **stated, **more}


#: Calls inside an agent that states 50 cents for all of them (as OpenInference does for Claude's
#: agent SDK), and what the run costs.
WITHIN: Mapping[str, tuple[list[dict[str, Any]], float, int]] = {
    "no calls": ([], 50, 0),
    "calls that state theirs": ([{"llm.cost.total": 0.2}, {"llm.cost.total": 0.3}], 50, 0),
    "a call that states nothing": ([{}], 50, 0),
    "one call of two that states its cost": ([{"llm.cost.total": 0.2}, {}], 50, 0),
    "calls that the list prices above it": ([{"model": "public"}], 50, 0),
    "calls of one's own table": ([{"model": "own"}], 100, 0),
    "calls with a user's own word": ([{v.COST_USD: "0.9"}], 90, 0),
    "calls that state a bit more": ([{"llm.cost.total": 0.51}], 51, 0),
}


@pytest.mark.parametrize("inner", [False, True], ids=["outermost", "inner"])
@pytest.mark.parametrize(("calls", "wanted", "unpriced"), WITHIN.values(), ids=WITHIN)
def test_a_total_repeats_its_calls(
    make_rig: MakeRig, calls: list[dict[str, Any]], wanted: float, unpriced: int, *, inner: bool
) -> None:
    """What a vendor states for a whole agent counts once, and only for what is lacking."""
    own, public = Prices("1", "own"), Prices("2", "own", "public", public=True)
    rig = make_rig(
        prices=FirstOf(own, public), resource={v.PUBLISHER_ID: "acme", v.AGENT_ID: "finder"}
    )

    def run() -> None:
        with rig.span(agent(), {"llm.cost.total": 0.5}, scope="openinference.x"):
            for more in calls:
                model = more.get("model", "m")
                stated = {key: value for key, value in more.items() if key != "model"}
                rig.run(chat(100, 50, model) | stated, scope="openinference.x")

    if inner:
        with rig.span(agent() | {v.AGENT_NAME: "boss"}, scope="openinference.x"):
            run()
    else:
        run()
    assert cents(rig) == wanted
    assert rig.value("unpriced_tokens_total") == unpriced
    assert rig.value("invocations_total") == 1


def test_totals_in_each_other(make_rig: MakeRig) -> None:
    """Each agent of a chain states what all below it cost: the outermost's is all of it."""
    rig = make_rig(resource={v.PUBLISHER_ID: "acme", v.AGENT_ID: "finder"})
    with rig.span(agent(0.9, **{v.AGENT_NAME: "boss"})):
        rig.run(chat(10, 5) | {"operation.cost": 0.1})
        for _ in range(2):
            with rig.span(agent(0.4)):
                rig.run(chat(10, 5))
    assert cents(rig) == 90


def test_a_decorated_invocation_round_a_total(both: Rig) -> None:
    """Inside ``@agent`` a framework's own total is its calls' repetition all the same."""
    with both.span(invoke()), both.span(agent(0.5)):
        both.run(chat(100, 50, "public"))
        both.run(chat(100, 50, "public"))
    assert cents(both) == 50


@pytest.mark.parametrize("where", ["outer", "inner", "both"])
def test_stated_by_one_of_two_views(rig: Rig, where: str) -> None:
    """Of two views of one call either may state the cost; both state it once."""
    stated = {"operation.cost": 0.1234}
    outer, inner = (stated if where != side else {} for side in ("inner", "outer"))
    with rig.span(invoke()), rig.span(chat(100, 50) | outer, scope="openinference.a"):
        rig.run(chat(100, 50) | inner, scope="openlit")
    assert cents(rig) == CENTS
    assert rig.value("inference_calls_total") == 1
    assert rig.value("unpriced_tokens_total") == 0


def test_nothing_of_a_call_without_tokens(rig: Rig) -> None:
    """A call that used nothing may be free."""
    with rig.span(invoke()):
        rig.run(chat(0, 0) | {"gen_ai.usage.cost": 0})
    assert cents(rig) == 0
    assert rig.refused("amount") == 0


@pytest.mark.parametrize(
    ("model", "wanted"),
    [
        pytest.param("own", 100, id="after one's own table"),
        pytest.param("public", CENTS, id="before the public list"),
        pytest.param("nobody's", CENTS, id="where nobody knows it"),
    ],
)
def test_what_a_returned_answer_states(both: Rig, model: str, wanted: float) -> None:
    """A cost in an answer that is returned is believed as far as one on a span (OpenRouter's)."""

    @agent_of_ours(publisher_id="acme", agent_id="finder")
    def find() -> dict[str, Any]:
        usage = {"prompt_tokens": 100, "completion_tokens": 50, "cost": 0.1234}
        return {"model": model, "usage": usage}

    tracing.use_provider(both.provider)
    try:
        find()
    finally:
        tracing.use_provider(None)
    assert cents(both) == wanted
    assert both.value("unpriced_tokens_total") == 0
