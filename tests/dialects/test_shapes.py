"""What is remembered of a span's attributes depends on their names alone, and is bounded."""

from collections.abc import Mapping
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_analytics.instrumentation.exact import exact
from agent_analytics.processor import _dialects as d
from agent_analytics.processor._dialects import shape
from agent_analytics.processor._dialects._shared import tokens
from agent_analytics.processor._dialects._shared.basis import Scope
from agent_analytics.processor._dialects.shape import Shape, Shapes

PLACES = shape._PLACES  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # the table itself
REMEMBERED = shape._REMEMBERED  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # its cap
KEYS = st.sampled_from([*PLACES, "marketplace.agent.id", "http.method", "gen_ai.usage.cost", "x"])
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 9),
    st.sampled_from(["", "chat", "tool", "7", "AGENT"]),
)


def looked_at_each_time(attributes: Mapping[str, Any]) -> list[Any]:
    """Return the most believed value of each place by the table alone, nothing remembered."""
    said: list[Any] = [None] * (shape.CLOSER + 1)
    ranks = [1_000] * len(said)
    for key, value in attributes.items():
        place, rank = PLACES.get(key, (0, 1_000))
        text = place < shape.FIRST_CHUNK
        if rank < ranks[place] and ((type(value) is str and value) if text else value is not None):
            said[place], ranks[place] = value, rank
    return said


@given(st.dictionaries(KEYS, VALUES, max_size=30), st.data())
@settings(max_examples=300, deadline=None)
def test_a_remembered_shape_finds_what_a_look_at_each_attribute_finds(
    attributes: dict[str, Any], data: st.DataObject
) -> None:
    """Of two spans with the same names and other values, each is read by its own values."""
    known = Shapes()
    for said in (attributes, {key: data.draw(VALUES) for key in attributes}):
        found = known.of(said)
        assert found.sort(said) == looked_at_each_time(said)
        assert found.costs == any("cost" in key for key in said)
        assert found is known.of(said)


def test_nobody_pushes_out_a_shape_in_use() -> None:
    """However many shapes somebody makes up, those of others are found, and few are kept."""
    known = Shapes()
    own = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}
    first = known.of(own)
    for number in range(20 * REMEMBERED):
        known.of({f"made.up.{number}": 1})
        if number % 100 == 0:
            assert known.of(own) is first
    kept = [len(getattr(known, name)) for name in Shapes.__slots__]
    assert max(kept) <= REMEMBERED


@pytest.mark.parametrize(
    "keys",
    [[f"key.{number}" for number in range(65)], ["k" * 5_000], [type("Key", (str,), {})("key")]],
    ids=["many", "long", "of a class of its own"],
)
def test_what_is_large_or_strange_is_not_kept(keys: list[str]) -> None:
    """Names that would fill the memory, or of a class of somebody's own, are read each time."""
    known = Shapes()
    attributes = dict.fromkeys(keys, 1)
    assert known.of(attributes) is not known.of(attributes)
    assert isinstance(known.of(attributes), Shape)


@pytest.mark.parametrize("name", ["chat m", "embeddings m", "retrieve m", "responses.retrieve"])
def test_values_decide_each_time(name: str) -> None:
    """A call after a request of the same shape is a call: nothing of the first sticks."""
    call = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt", "http.method": "POST"}
    fetch = {**call, "http.method": "GET"}
    none = {**call, "gen_ai.request.model": "text-embedding-3"}
    expected = [d.read("chat gpt", one, "openai") for one in (call, fetch, none)]
    assert [one.fetched for one in expected] == [False, True, False]
    assert [one.role for one in expected] == [d.MODEL, d.MODEL, d.OTHER]
    for one in (fetch, none, call):
        d.read(name, one, "openai")
    assert [d.read("chat gpt", one, "openai") for one in (call, fetch, none)] == expected


SMALL = st.integers(0, 9)
COUNTS = st.one_of(SMALL, SMALL, SMALL, st.sampled_from([None, -1, True, 3.0, "4", 10**10]))
#: Places of what most state: input, output, cached, reasoning, total.
PLAIN = st.fixed_dictionaries(
    {0: COUNTS, 1: COUNTS}, optional={2: COUNTS, 3: COUNTS, 8: st.sampled_from(["sum", None, 3])}
)
ANY = st.dictionaries(st.sampled_from(range(len(tokens.COUNTS))), COUNTS)


@given(
    st.one_of(PLAIN, PLAIN, ANY),
    st.sampled_from(["pydantic-ai", "openinference.instrumentation.langchain", "ai", "x"]),
    st.sampled_from([None, "anthropic", "openai"]),
)
@settings(max_examples=400, deadline=None)
def test_plain_tokens_mean_what_settling_finds(
    stated: dict[int, Any], scope: str, provider: str | None
) -> None:
    """Tokens that mean what they say come out as if they were settled like all others."""
    said = [stated.get(place) for place in range(len(tokens.COUNTS))]
    if said[8] == "sum" and type(said[0]) is int and type(said[1]) is int:
        said[8] = said[0] + said[1]

    def noted() -> d.Facts:
        facts = d.Facts(d.MODEL)
        facts.provider = provider
        tokens.note_tokens(facts, said, Scope(exact(scope), "1.2"))
        return facts

    with patch.object(tokens, "_plain", return_value=None):
        settled = noted()
    assert noted() == settled
