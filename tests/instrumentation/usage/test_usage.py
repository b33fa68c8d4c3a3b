"""Usage read off return values and chunks, in every usual shape, as objects and as mappings."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from types import MappingProxyType, SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.effort import examples

from agent_analytics.instrumentation import agent, current_invocation

Said = Callable[[], dict[str, object]]

KEYS = {
    "gen_ai.usage.input_tokens": "input",
    "gen_ai.usage.output_tokens": "output",
    "gen_ai.usage.cache_read.input_tokens": "cached",
    "gen_ai.usage.reasoning.output_tokens": "reasoning",
    "gen_ai.usage.cache_creation.input_tokens": "written",
    "marketplace.usage.cache_creation_1h.input_tokens": "hour",
    "gen_ai.request.model": "model",
    "marketplace.usage.own": "own",
}


def as_it_is(value: dict[str, object]) -> object:
    """Return plain dicts."""
    return value


def read_only(value: dict[str, object]) -> object:
    """Return a mapping that is no dict."""
    return MappingProxyType(value)


def objects(value: object) -> object:
    """Return nested mappings as objects, as the libraries' own models are."""
    if isinstance(value, Mapping):
        fields = cast("Mapping[str, object]", value)
        return SimpleNamespace(**{key: objects(item) for key, item in fields.items()})
    return value


SHAPES = {
    "openai chat": (
        {
            "model": "m",
            "usage": {
                "prompt_tokens": 101,
                "completion_tokens": 53,
                "prompt_tokens_details": {"cached_tokens": 29, "audio_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 17},
            },
        },
        {"input": 101, "output": 53, "cached": 29, "reasoning": 17, "model": "m"},
    ),
    "openai chat without details": (
        {"model": "m", "usage": {"prompt_tokens": 101, "prompt_tokens_details": None}},
        {"input": 101, "output": 0, "model": "m"},
    ),
    "openai responses": (
        {
            "model": "m",
            "usage": {
                "input_tokens": 101,
                "output_tokens": 53,
                "input_tokens_details": {"cached_tokens": 29},
                "output_tokens_details": {"reasoning_tokens": 17},
            },
        },
        {"input": 101, "output": 53, "cached": 29, "reasoning": 17, "model": "m"},
    ),
    "openai response.completed": (
        {
            "type": "response.completed",
            "response": {"model": "m", "usage": {"input_tokens": 11, "output_tokens": 7}},
        },
        {"input": 11, "output": 7, "model": "m"},
    ),
    "anthropic": (
        {
            "model": "m",
            "usage": {
                "input_tokens": 101,
                "output_tokens": 53,
                "cache_read_input_tokens": 29,
                "cache_creation_input_tokens": 3,
            },
        },
        {"input": 133, "output": 53, "cached": 29, "written": 3, "model": "m"},
    ),
    "anthropic without a cache": (
        {
            "model": "m",
            "usage": {
                "input_tokens": 101,
                "output_tokens": 53,
                "cache_read_input_tokens": None,
                "cache_creation_input_tokens": None,
            },
        },
        {"input": 101, "output": 53, "model": "m"},
    ),
    "litellm": (
        {
            "model": "m",
            "usage": {
                "prompt_tokens": 101,
                "completion_tokens": 53,
                "cache_read_input_tokens": 29,
                "cache_creation_input_tokens": 3,
            },
        },
        {"input": 101, "output": 53, "cached": 29, "written": 3, "model": "m"},
    ),
    "google": (
        {
            "model_version": "m",
            "usage_metadata": {
                "prompt_token_count": 101,
                "candidates_token_count": 53,
                "cached_content_token_count": 29,
                "thoughts_token_count": 17,
                "total_token_count": 171,
            },
        },
        {"input": 101, "output": 70, "cached": 29, "reasoning": 17, "model": "m"},
    ),
    "langchain": (
        {
            "content": "…",
            "response_metadata": {"model_name": "m"},
            "usage_metadata": {
                "input_tokens": 101,
                "output_tokens": 53,
                "total_tokens": 154,
                "input_token_details": {"cache_read": 29, "cache_creation": 3},
                "output_token_details": {"reasoning": 17},
            },
        },
        {"input": 101, "output": 53, "cached": 29, "written": 3, "reasoning": 17, "model": "m"},
    ),
    "pydantic-ai": (
        {
            "usage": {
                "input_tokens": 101,
                "output_tokens": 53,
                "cache_read_tokens": 29,
                "details": {"reasoning_tokens": 17},
            },
        },
        {"input": 101, "output": 53, "cached": 29, "reasoning": 17},
    ),
    "pydantic-ai before 1.0": (
        {"usage": {"request_tokens": 101, "response_tokens": 53}},
        {"input": 101, "output": 53},
    ),
    "parts larger than their whole": (
        {
            "usage": {
                "prompt_tokens": 1,
                "completion_tokens": 1,
                "prompt_tokens_details": {"cached_tokens": 2},
                "completion_tokens_details": {"reasoning_tokens": 2},
            },
        },
        {"input": 3, "output": 3, "cached": 2, "reasoning": 2},
    ),
}


@agent
def answer(result: object) -> object:
    """Return what it is given."""
    return result


def usage(attributes: Mapping[str, object]) -> dict[str, object]:
    """Return what a span says of usage, under short names."""
    return {short: attributes[key] for key, short in KEYS.items() if key in attributes}


@pytest.mark.parametrize("form", [as_it_is, objects, read_only])
@pytest.mark.parametrize(("result", "expected"), SHAPES.values(), ids=SHAPES.keys())
def test_shapes(
    result: dict[str, object],
    expected: dict[str, object],
    form: Callable[[dict[str, object]], object],
    said: Said,
) -> None:
    """Each shape is read right, whatever it is made of, and the result is handed on untouched."""
    given = form(result)
    assert answer(given) is given
    assert usage(said()) == expected


class _Run:
    """Its usage is a method."""

    def __init__(self) -> None:
        self.calls = 0

    def usage(self, extra: int = 0) -> object:
        self.calls += 1 + extra
        return SimpleNamespace(input_tokens=5, output_tokens=3)


class _Demanding:
    """Has a method of that name which is something else altogether."""

    def usage(self, period: str) -> object:
        raise AssertionError(period)


class _Asynchronous:
    async def usage(self) -> object:
        raise AssertionError


class _Property:
    @property
    def usage(self) -> object:
        return {"input_tokens": 5, "output_tokens": 3}


class _Hostile:
    def __getattr__(self, name: str) -> object:
        if name.startswith("_"):
            raise AttributeError(name)
        raise RuntimeError(name)


def test_usage_method(said: Said) -> None:
    """A method is not called: what it does is the host's affair."""
    run = _Run()
    answer(run)
    assert usage(said()) == {}
    assert run.calls == 0


def test_usage_property(said: Said) -> None:
    """A property is not read."""
    answer(_Property())
    assert usage(said()) == {}


@pytest.mark.parametrize(
    "result",
    [
        _Demanding(),
        _Asynchronous(),
        _Hostile(),
        {"usage": "see manual"},
        {"usage": {"prompt_tokens": True, "completion_tokens": -1}},
        {"usage": {"input_tokens": 1.5, "output_tokens": "7"}},
        {"usage": {"input_tokens": 10**30}},
        {"usage": [1, 2]},
        {"usage": {}},
        SimpleNamespace(usage=object()),
        (1, 2),
        "usage",
        b"usage",
        type,
    ],
)
def test_nothing_to_read(result: object, said: Said) -> None:
    """What is odd is no usage, and no error either."""
    assert answer(result) is result
    assert usage(said()) == {}


json_like: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.dictionaries(
            st.sampled_from(
                [
                    "usage",
                    "usage_metadata",
                    "prompt_tokens",
                    "completion_tokens",
                    "input_tokens",
                    "output_tokens",
                    "prompt_tokens_details",
                    "input_token_details",
                    "cached_tokens",
                    "cache_read_input_tokens",
                    "model",
                    "message",
                    "response",
                ]
            ),
            inner,
            max_size=5,
        )
        | st.lists(inner, max_size=3)
    ),
    max_leaves=12,
)


@settings(
    max_examples=examples(300),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(result=json_like)
def test_any_result(result: object, said: Said) -> None:
    """Whatever is returned is returned, and only sane numbers are ever told."""
    assert answer(result) is result
    found = usage(said())
    for key in ("input", "output", "cached", "reasoning"):
        count = found.get(key, 0)
        assert isinstance(count, int)
        assert not isinstance(count, bool)
        assert 0 <= count <= 10**12


def test_anthropic_stream(said: Said) -> None:
    """The input is told with the first chunk, the output grows: the largest of each counts."""

    @agent
    def stream() -> Generator[dict[str, object], None, None]:
        yield {
            "type": "message_start",
            "message": {
                "model": "m",
                "usage": {"input_tokens": 10, "output_tokens": 1, "cache_read_input_tokens": 5},
            },
        }
        yield {"type": "content_block_delta", "delta": {"text": "…"}}
        yield {"type": "message_delta", "usage": {"output_tokens": 15}}
        yield {"type": "message_delta", "usage": {"output_tokens": 42}}

    list(stream())
    assert usage(said()) == {"input": 15, "output": 42, "cached": 5, "model": "m"}


def test_openai_stream(said: Said) -> None:
    """Usage comes with the last chunk, after many that say None."""

    @agent
    async def stream() -> AsyncGenerator[object, None]:
        for _ in range(3):
            yield SimpleNamespace(model="m", usage=None, choices=[])
        yield objects({"model": "m", "usage": {"prompt_tokens": 9, "completion_tokens": 4}})

    async def main() -> None:
        async for _ in stream():
            pass

    asyncio.run(main())
    assert usage(said()) == {"input": 9, "output": 4, "model": "m"}


def test_abandoned_stream_was_used(said: Said) -> None:
    """What the chunks told until the stream was left has been used."""

    @agent
    def stream() -> Generator[object, None, None]:
        yield {"usage": {"input_tokens": 10, "output_tokens": 1}}
        yield {"usage": {"input_tokens": 10, "output_tokens": 900}}

    chunks = stream()
    next(chunks)
    chunks.close()
    assert usage(said()) == {"input": 10, "output": 1}


def test_return_value_of_a_generator(said: Said) -> None:
    """A generator may return its usage at the end."""

    @agent
    def stream() -> Generator[str, None, dict[str, object]]:
        yield "text"
        return {"usage": {"input_tokens": 10, "output_tokens": 1}}

    list(stream())
    assert usage(said()) == {"input": 10, "output": 1}


def test_reported_usage_goes_first(said: Said) -> None:
    """Where the agent reports usage itself, nothing is read off."""

    @agent
    def stream() -> Generator[object, None, None]:
        current_invocation().add_usage(output_tokens=2)
        yield {"usage": {"input_tokens": 10, "output_tokens": 1}}

    list(stream())
    assert usage(said()) == {"input": 0, "output": 2, "own": True}
