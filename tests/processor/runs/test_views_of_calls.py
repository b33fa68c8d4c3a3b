"""However many instrumentations see a call, and whatever each leaves out, it is that one call."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import Span, set_span_in_context
from tests.effort import examples
from tests.processor.rig import Rig, invoke

from agent_analytics.instrumentation import vocabulary as v

SECOND = 1_000_000_000
MILLISECOND = 1_000_000
#: Instrumentations that may see a call, the outermost first.
SCOPES = (
    "opentelemetry.instrumentation.langchain",
    "openinference.instrumentation.openai",
    "opentelemetry.instrumentation.openai",
    "opentelemetry.instrumentation.openai_v2",
    "openlit.instrumentation.openai",
)
#: What a view may leave out.
FIELDS = ("tokens", "cached", "reasoning", "id", "cost", "answered")
AGENT = {v.OPERATION_NAME: v.INVOKE_AGENT, v.AGENT_NAME: "scout"}


@st.composite
def views(draw: st.DrawFn) -> list[tuple[str, frozenset[str], int]]:
    """Return who sees a call, what each leaves out, and how many tokens too many it counts."""
    scopes = draw(st.lists(st.sampled_from(SCOPES), min_size=1, unique=True))
    scopes.sort(key=SCOPES.index)
    left_out = [draw(st.frozensets(st.sampled_from(FIELDS))) for _ in scopes]
    for field in FIELDS:  # somebody says each
        if all(field in one for one in left_out):
            lucky = draw(st.integers(0, len(scopes) - 1))
            left_out[lucky] -= {field}
    off = [0] * len(scopes)
    knowing = [number for number, one in enumerate(left_out) if "tokens" not in one]
    if len(knowing) > 1 and draw(st.booleans()):
        off[knowing[0]] = draw(st.sampled_from([-1, 1]))
    return list(zip(scopes, left_out, off, strict=True))


CALLS = st.lists(
    st.tuples(st.integers(100, 9_000), st.integers(20, 900), st.booleans(), views()),
    min_size=1,
    max_size=6,
)


def said(number: int, sent: int, received: int, left_out: frozenset[str], off: int) -> Any:  # noqa: ANN401 - attributes
    """Return what a view says of a call."""
    told: dict[str, Any] = {v.OPERATION_NAME: v.CHAT, v.REQUEST_MODEL: "gpt-4o"}
    if "tokens" not in left_out:
        told |= {v.INPUT_TOKENS: sent, v.OUTPUT_TOKENS: received + off}
        if "cached" not in left_out:
            told[v.CACHED_INPUT_TOKENS] = sent // 2
        if "reasoning" not in left_out:
            told[v.REASONING_TOKENS] = received // 4
    if "id" not in left_out:
        told[v.RESPONSE_ID] = f"chatcmpl-{number:030}"
    if "cost" not in left_out:
        told["gen_ai.usage.cost"] = (sent + received) / 10**6
    if "answered" not in left_out:
        told[v.RESPONSE_MODEL] = "gpt-4o-2024-08-06"
    return told


def play(rig: Rig, around: Span, calls: list[Any]) -> None:
    """Play the calls one after the other, each as all of its views see it."""
    assert isinstance(around, ReadableSpan)
    at = around.start_time or 0
    for number, (sent, received, nested, seen) in enumerate(calls):
        at += 2 * SECOND
        context = set_span_in_context(around)
        opened: list[Span] = []
        for place, (scope, left_out, off) in enumerate(seen):
            span = rig.tracer(scope).start_span(
                "chat gpt-4o",
                context,
                attributes=said(number, sent, received, left_out, off),
                start_time=at + place * MILLISECOND,
            )
            opened.append(span)
            if nested:
                context = set_span_in_context(span, context)
        for place, span in enumerate(reversed(opened)):
            span.end(at + SECOND + place * MILLISECOND)


@settings(max_examples=examples(60), deadline=None)
@given(calls=CALLS, framework=st.booleans())
def test_any_views_are_the_truth(calls: list[Any], *, framework: bool) -> None:
    """Calls, tokens, their parts and cost are the truth, whoever says which of them."""
    rig = Rig(resource={v.PUBLISHER_ID: "acme", v.AGENT_ID: "finder"})
    scope = "openinference.instrumentation.crewai" if framework else "truth"
    with rig.span(AGENT if framework else invoke(), scope=scope) as around:
        play(rig, around, calls)
    rig.processor.shutdown()
    assert rig.value("inference_calls_total") == len(calls)
    assert rig.value("input_tokens_total") == sum(sent for sent, *_ in calls)
    off_by = abs(rig.value("output_tokens_total") - sum(received for _, received, *_ in calls))
    disputed = sum(any(off for *_, off in seen) for *_, seen in calls)
    assert off_by <= disputed
    whole = [call for call in calls if _says(call[3], "tokens", "cached")]
    assert rig.value("cached_input_tokens_total") == sum(sent // 2 for sent, *_ in whole)
    whole = [call for call in calls if _says(call[3], "tokens", "reasoning")]
    assert rig.value("reasoning_tokens_total") == sum(one[1] // 4 for one in whole)
    cost = sum((sent + received) * 1_000 for sent, received, *_ in calls)
    assert round(rig.value("model_cost_usd_total") * 10**9) == cost
    assert rig.value("unpriced_tokens_total") == 0


def _says(seen: list[Any], *fields: str) -> bool:
    """Tell whether one view says all of these."""
    return any(left_out.isdisjoint(fields) for _, left_out, _ in seen)


@pytest.mark.parametrize("off", [(1, 0, 0), (0, 1, 0), (0, 0, 1)])
@pytest.mark.parametrize("nested", [True, False], ids=["nested", "beside"])
@pytest.mark.parametrize("decorated", [True, False], ids=["decorated", "a framework's run"])
def test_three_of_which_one_counts_a_token_more(
    off: tuple[int, ...], *, nested: bool, decorated: bool
) -> None:
    """OpenLLMetry 0.62 adds Anthropic's first piece of a stream to the whole: most are believed."""
    seen = [(scope, frozenset[str](), more) for scope, more in zip(SCOPES, off, strict=False)]
    rig = Rig(resource={v.PUBLISHER_ID: "acme", v.AGENT_ID: "finder"})
    with rig.span(invoke() if decorated else AGENT) as around:
        play(rig, around, [(100, 50, nested, seen)])
    rig.processor.shutdown()
    assert rig.value("inference_calls_total") == 1
    assert rig.value("output_tokens_total") == 50


def test_calls_of_one_client_are_calls_each() -> None:
    """Two calls inside a framework's one are two, each with its own figures: a fallback."""
    rig = Rig()
    outer = {v.OPERATION_NAME: v.CHAT, v.REQUEST_MODEL: "m", v.INPUT_TOKENS: 7, v.OUTPUT_TOKENS: 7}
    with rig.span(invoke()), rig.span(outer, scope=SCOPES[0]):
        for used in (1_000, 3_000):
            with rig.span(outer | {v.INPUT_TOKENS: used}, scope=SCOPES[1]):
                rig.run(outer | {v.INPUT_TOKENS: used, v.CACHED_INPUT_TOKENS: 5}, scope=SCOPES[2])
    assert rig.value("inference_calls_total") == 2
    assert rig.value("input_tokens_total") == 4_000
    assert rig.value("cached_input_tokens_total") == 10


@pytest.mark.parametrize("scopes", [("truth", "truth"), SCOPES[:2], SCOPES[3:1:-1]])
def test_a_call_under_two_names_has_the_nearer_one(scopes: tuple[str, str]) -> None:
    """What is nearer to the call knows what was really asked: a router's name is for its users."""
    rig = Rig()
    outer = {v.OPERATION_NAME: v.CHAT, v.REQUEST_MODEL: "smart", v.INPUT_TOKENS: 7}
    with rig.span(invoke()), rig.span(outer, scope=scopes[0]):
        rig.run(outer | {v.REQUEST_MODEL: "gpt-4o"}, scope=scopes[1])
    assert rig.value("inference_calls_total", model="gpt-4o") == 1
    assert rig.value("input_tokens_total", model="gpt-4o") == 7
    assert rig.value("inference_calls_total") == 1
