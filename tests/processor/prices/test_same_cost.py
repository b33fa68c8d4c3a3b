"""The same run costs the same, whoever records it: one call by every route, priced by its parts."""

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.instrumentation.shapes import as_it_is, objects
from tests.processor.rig import Rig

from agent_analytics.instrumentation import (
    agent,
    current_invocation,
    record_invocation,
    tracing,
)
from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor import ModelCall
from agent_analytics.processor._prices.prices import Rates

#: US dollars for a million tokens: fresh, cached, written, output, reasoning, written for an hour.
RATES = Rates(*map(Decimal, ("3", "0.3", "3.75", "15", "17", "6")))
OWNER = {v.PUBLISHER_ID: "acme", v.AGENT_ID: "finder"}


class Call(NamedTuple):
    """What a model call took, each token once."""

    fresh: int
    read: int
    brief: int
    hour: int
    made: int
    thought: int

    @property
    def written(self) -> int:
        """All that was written to the cache."""
        return self.brief + self.hour

    @property
    def sent(self) -> int:
        """All input."""
        return self.fresh + self.read + self.written

    @property
    def received(self) -> int:
        """All output."""
        return self.made + self.thought

    @property
    def total(self) -> int:
        """All tokens."""
        return self.sent + self.received


class Table:
    """Knows the price of model ``m``."""

    def usd(self, call: ModelCall) -> Decimal | None:
        """Return what a call costs."""
        return RATES.usd(call) if call.model == "m" else None


# --- spans ---------------------------------------------------------------------------------------


def conventions(call: Call) -> dict[str, Any]:
    """Return the call as the conventions write it."""
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "m",
        "gen_ai.usage.input_tokens": call.sent,
        "gen_ai.usage.output_tokens": call.received,
        "gen_ai.usage.cache_read.input_tokens": call.read,
        "gen_ai.usage.cache_creation.input_tokens": call.written,
        "gen_ai.usage.reasoning.output_tokens": call.thought,
        v.CACHE_WRITE_1H_INPUT_TOKENS: call.hour,
    }


def openinference(call: Call) -> dict[str, Any]:
    """Return the call as OpenInference writes it."""
    return {
        "openinference.span.kind": "LLM",
        "llm.model_name": "m",
        "llm.token_count.prompt": call.sent,
        "llm.token_count.completion": call.received,
        "llm.token_count.total": call.total,
        "llm.token_count.prompt_details.cache_read": call.read,
        "llm.token_count.prompt_details.cache_write": call.written,
        "llm.token_count.prompt_details.ephemeral_1h_input_tokens": call.hour,
        "llm.token_count.completion_details.reasoning": call.thought,
    }


def openllmetry(call: Call) -> dict[str, Any]:
    """Return the call as older releases of OpenLLMetry write it."""
    return {
        "llm.request.type": "chat",
        "gen_ai.request.model": "m",
        "gen_ai.usage.prompt_tokens": call.sent,
        "gen_ai.usage.completion_tokens": call.received,
        "llm.usage.total_tokens": call.total,
        "gen_ai.usage.cache_read_input_tokens": call.read,
        "gen_ai.usage.cache_creation_input_tokens": call.written,
        "gen_ai.usage.cache_creation_1h_input_tokens": call.hour,
        "llm.usage.reasoning_tokens": call.thought,
    }


def fresh(call: Call) -> dict[str, Any]:
    """Return the call as instrumentations of Bedrock write it: input is what was fresh."""
    return {**conventions(call), "gen_ai.usage.input_tokens": call.fresh}


SPANS: Mapping[str, tuple[str, Callable[[Call], dict[str, Any]]]] = {
    "conventions": ("acme.sdk", conventions),
    "openinference": ("openinference.instrumentation.openai", openinference),
    "openllmetry": ("opentelemetry.instrumentation.anthropic", openllmetry),
    "botocore": ("opentelemetry.instrumentation.botocore.bedrock-runtime", fresh),
    "own words": ("acme.sdk", lambda call: {**conventions(call), **OWNER}),
}


# --- returned values -----------------------------------------------------------------------------


def anthropic(call: Call) -> dict[str, Any]:
    """Return the call as Anthropic's client returns it."""
    return {
        "model": "m",
        "usage": {
            "input_tokens": call.fresh,
            "output_tokens": call.received,
            "cache_read_input_tokens": call.read,
            "cache_creation_input_tokens": call.written,
            "cache_creation": {
                "ephemeral_5m_input_tokens": call.brief,
                "ephemeral_1h_input_tokens": call.hour,
            },
            "output_tokens_details": {"thinking_tokens": call.thought},
        },
    }


def langchain(call: Call) -> dict[str, Any]:
    """Return the call as LangChain returns it."""
    return {
        "response_metadata": {"model_name": "m"},
        "usage_metadata": {
            "input_tokens": call.sent,
            "output_tokens": call.received,
            "total_tokens": call.total,
            "input_token_details": {
                "cache_read": call.read,
                "ephemeral_5m_input_tokens": call.brief,
                "ephemeral_1h_input_tokens": call.hour,
            },
            "output_token_details": {"reasoning": call.thought},
        },
    }


def litellm(call: Call) -> dict[str, Any]:
    """Return the call as LiteLLM returns it."""
    lifetimes = anthropic(call)["usage"]["cache_creation"]
    return {
        "model": "m",
        "usage": {
            "prompt_tokens": call.sent,
            "completion_tokens": call.received,
            "total_tokens": call.total,
            "cache_read_input_tokens": call.read,
            "cache_creation_input_tokens": call.written,
            "prompt_tokens_details": {
                "cached_tokens": call.read,
                "cache_creation_token_details": lifetimes,
            },
            "completion_tokens_details": {"reasoning_tokens": call.thought},
        },
    }


def bedrock(call: Call) -> dict[str, Any]:
    """Return the call as Converse returns it, with the model, which Converse does not name."""
    return {
        "model": "m",
        "stopReason": "end_turn",
        "usage": {
            "inputTokens": call.fresh,
            "outputTokens": call.received,
            "totalTokens": call.total,
            "cacheReadInputTokens": call.read,
            "cacheWriteInputTokens": call.written,
            "cacheDetails": [
                {"ttl": "5m", "inputTokens": call.brief},
                {"ttl": "1h", "inputTokens": call.hour},
            ],
            "outputTokensDetails": {},
            "reasoningTokens": call.thought,
        },
    }


RETURNED = {"anthropic": anthropic, "langchain": langchain, "litellm": litellm, "bedrock": bedrock}


@agent(publisher_id="acme", agent_id="finder")
def answer(result: object) -> object:
    """Return what it is given."""
    return result


@agent(publisher_id="acme", agent_id="finder")
def stream(chunks: list[object]) -> Iterator[object]:
    """Yield what it is given."""
    yield from chunks


def chunks(call: Call) -> list[object]:
    """Return the call as Anthropic's client streams it."""
    whole = anthropic(call)
    used = whole["usage"]
    details = used["output_tokens_details"]
    return [
        {"type": "message_start", "message": {**whole, "usage": {**used, "output_tokens": 0}}},
        {
            "type": "message_delta",
            "usage": {"output_tokens": call.received, "output_tokens_details": details},
        },
        {"type": "message_stop"},
    ]


def reported(call: Call) -> dict[str, Any]:
    """Return the call as the project's own functions take it."""
    return {
        "input_tokens": call.sent,
        "output_tokens": call.received,
        "cached_input_tokens": call.read,
        "cache_write_input_tokens": call.written,
        "cache_write_1h_input_tokens": call.hour,
        "reasoning_tokens": call.thought,
    }


@agent(publisher_id="acme", agent_id="finder")
def reporting(call: Call) -> None:
    """Report a call in two halves."""
    add = current_invocation().add_usage
    once: dict[str, Any] = {}
    rest: dict[str, Any] = {}
    for key, tokens in reported(call).items():
        once[key], rest[key] = tokens, 0
    add(model="m", **once)
    add(model="m", **rest)


def record(call: Call) -> None:
    """Record an invocation that took one call."""
    record_invocation(
        publisher_id="acme",
        agent_id="finder",
        duration_ms=5,
        success=True,
        model="m",
        **reported(call),
    )


@contextmanager
def recorded() -> Generator[Rig]:
    """Return a processor that knows prices and gets what decorators record."""
    rig = Rig(prices=Table(), resource=OWNER)
    tracing.use_provider(rig.provider)
    try:
        yield rig
    finally:
        tracing.use_provider(None)


def figures(rig: Rig) -> tuple[float, ...]:
    """Return input, output, cached and reasoning tokens, unpriced ones, and nano-dollars."""
    kinds = ("input", "output", "cached_input", "reasoning", "unpriced")
    tokens = [rig.value(f"{kind}_tokens_total") for kind in kinds]
    return (*tokens, round(rig.value("model_cost_usd_total") * 10**9))


Route = Callable[[Rig, Call], object]


def by_span(scope: str, span: Callable[[Call], dict[str, Any]]) -> Route:
    """Return the way of an instrumentation."""
    return lambda rig, call: rig.run(span(call), scope=scope)


def by_value(value: Callable[[Call], dict[str, Any]], form: Callable[[object], object]) -> Route:
    """Return the way of a decorated function that returns what a client returned."""
    return lambda _, call: answer(form(value(call)))


ROUTES: Mapping[str, Route] = {
    **{name: by_span(*span) for name, span in SPANS.items()},
    **{f"{name}, a mapping": by_value(value, as_it_is) for name, value in RETURNED.items()},
    **{f"{name}, an object": by_value(value, objects) for name, value in RETURNED.items()},
    "streamed": lambda _, call: list(stream(chunks(call))),
    "add_usage": lambda _, call: reporting(call),
    "record_invocation": lambda _, call: record(call),
}
count = st.integers(0, 10**5)
#: Something of each: a figure that is 0 may be told or not.
some = st.integers(1, 10**5)


@pytest.mark.parametrize("route", ROUTES)
@settings(deadline=None, max_examples=6)
@given(call=st.builds(Call, some, count, count, count, some, count))
def test_the_same_call_costs_the_same(route: str, call: Call) -> None:
    """Tokens, their parts and the cost are those of the call, by whatever route."""
    parts = (call.fresh, call.read, call.brief, call.made, call.thought, call.hour)
    nano = sum(rate * number for rate, number in zip(RATES, parts, strict=True) if rate) * 1_000
    with recorded() as rig:
        ROUTES[route](rig, call)
        assert figures(rig) == (call.sent, call.received, call.read, call.thought, 0, round(nano))
