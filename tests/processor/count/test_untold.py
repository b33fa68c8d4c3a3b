"""What no span tells is unknown: it has no series, for a series of zeros would say "nothing"."""

from collections.abc import Callable

import pytest
from tests.processor.rig import Rig, chat, invoke

from agent_analytics.instrumentation import vocabulary as v

MakeRig = Callable[..., Rig]
TOKENS = ("input_tokens_total", "output_tokens_total", "unpriced_tokens_total")
DETAILS = {
    "cached_input_tokens_total": v.CACHED_INPUT_TOKENS,
    "reasoning_tokens_total": v.REASONING_TOKENS,
}


def shown(rig: Rig) -> set[str]:
    """Return the metrics of model calls that have a series at all."""
    names = {"inference_calls_total", *TOKENS, *DETAILS}
    found = {name.removeprefix("marketplace_agent_") for name, _ in rig.series()}
    return names & found


def test_a_call_without_tokens(rig: Rig) -> None:
    """A model call that tells no tokens is counted, and its tokens are not 0 but unknown."""
    with rig.span(invoke()):
        rig.run(chat())
    assert shown(rig) == {"inference_calls_total"}


def test_tokens_without_a_call(rig: Rig) -> None:
    """Tokens that an agent tells of itself say nothing of how often models were called."""
    rig.run({**invoke(), v.INPUT_TOKENS: 7, v.OUTPUT_TOKENS: 2})
    assert shown(rig) == set(TOKENS)


@pytest.mark.parametrize("detail", DETAILS)
@pytest.mark.parametrize("count", [0, 3])
def test_a_detail_is_shown_where_it_is_told(rig: Rig, detail: str, count: int) -> None:
    """Cached and reasoning tokens have a series once a call tells them, 0 included."""
    with rig.span(invoke()):
        rig.run({**chat(7, 5), DETAILS[detail]: count})
    assert shown(rig) == {"inference_calls_total", *TOKENS, detail}
    assert rig.value(detail, model="m") == count


def test_what_an_agent_repeats_is_no_series_of_its_own(rig: Rig) -> None:
    """Tokens that an agent repeats of its calls, without a model, are no model's series."""
    with rig.span({**invoke(), v.INPUT_TOKENS: 7, v.OUTPUT_TOKENS: 5}):
        rig.run(chat(7, 5))
    models = {dict(labels).get("model") for _, labels in rig.series()}
    assert models == {None, "m"}


@pytest.mark.parametrize("detail", DETAILS)
def test_what_is_told_later_is_held_like_anything_new(make_rig: MakeRig, detail: str) -> None:
    """The first cached or reasoning tokens show as 0 first, beside tokens that are shown."""
    rig = make_rig(hold_seconds=30.0)
    with rig.span(invoke()):
        rig.run(chat(7, 5))
    rig.value("input_tokens_total")
    rig.clock.now += 31
    assert rig.value("input_tokens_total", model="m") == 7
    with rig.span(invoke()):
        rig.run({**chat(7, 5), DETAILS[detail]: 3})
    assert rig.value("input_tokens_total", model="m") == 14
    assert rig.value(detail, model="m") == 0
    rig.clock.now += 31
    assert rig.value(detail, model="m") == 3
