"""What figures mean: whatever an emitter leaves out of input and output, all is in them."""

from hypothesis import given
from hypothesis import strategies as st

from agent_analytics.instrumentation.figures import Basis, Figures, settle

tokens = st.integers(0, 10**6)
bases = st.sampled_from(Basis)
figures = st.builds(
    Figures,
    *[st.none() | tokens] * 4,
    written_1h=st.none() | tokens,
    reasoning=st.none() | tokens,
    tool_prompt=st.none() | tokens,
    total=st.none() | tokens,
    fresh=st.none() | tokens,
)


@given(told=figures, basis=bases, beside=st.booleans(), rest=st.booleans())
def test_parts_are_parts(told: Figures, basis: Basis, *, beside: bool, rest: bool) -> None:
    """Whatever is told, parts are within their whole, and nothing is less than it was told."""
    found = settle(told, basis, reasoning_beside=beside, rest_is_input=rest)
    assert found.input >= found.cached + found.written
    assert found.written >= found.written_1h
    assert found.output >= found.reasoning
    assert found.input >= (told.input or 0)
    assert found.output >= (told.output or 0)


@given(told=figures, basis=bases, beside=st.booleans(), rest=st.booleans())
def test_the_total_is_reached(told: Figures, basis: Basis, *, beside: bool, rest: bool) -> None:
    """Where a total is told, input and output are no less together."""
    found = settle(told, basis, reasoning_beside=beside, rest_is_input=rest)
    assert found.input + found.output >= (told.total or 0)


@given(fresh=tokens, cached=tokens, written=tokens, made=tokens, thought=tokens)
def test_every_way_to_tell_of_a_call_means_the_same(
    fresh: int, cached: int, written: int, made: int, thought: int
) -> None:
    """One call, told in any of the ways, is one: known, by its total, or with its fresh part."""
    sent, received = fresh + cached + written, made + thought
    right = (sent, received, cached, written, 0, thought)
    parts = {"cached": cached, "written": written, "reasoning": thought}
    whole = Figures(sent, received, **parts)
    apart = Figures(fresh, made, **parts)
    total = sent + received
    ways = [
        settle(whole, Basis.WITHIN),
        settle(whole),
        settle(whole._replace(total=total), Basis.DOUBTFUL),
        settle(whole._replace(fresh=fresh)),
        settle(apart, Basis.BESIDE, reasoning_beside=True),
        settle(apart._replace(total=total), Basis.BESIDE),
        settle(apart._replace(input=None, fresh=fresh), reasoning_beside=True),
    ]
    assert {way[:6] for way in ways} == {right}
    assert not any(way.contradicted for way in ways)


@given(given=tokens, cached=tokens, written=tokens)
def test_only_what_cannot_be_contradicts(given: int, cached: int, written: int) -> None:
    """Known to hold the cache, and less than that: then it does not hold it, and that is said."""
    found = settle(Figures(given, 1, cached, written), Basis.WITHIN)
    cannot_be = cached + written > given
    assert found.contradicted is cannot_be
    assert found.input == (given + cached + written if cannot_be else given)
