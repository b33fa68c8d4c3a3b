"""Spans in the project's own words are counted without a record in between, by the same rules."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, TraceFlags
from tests.effort import examples

from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor import AgentMetricsProcessor
from agent_analytics.processor._count.core import Node
from agent_analytics.processor._count.observation import Observation, usage_of_agent
from agent_analytics.processor._series.rows import Part
from agent_analytics.processor._spans import marks
from agent_analytics.processor._spans.outcomes import outcome_said, short_name
from agent_analytics.processor.catalogue import LAST_SPAN

SPAN_ID = 7
TRACE_ID = 9
CONTEXT = SpanContext(TRACE_ID, SPAN_ID, is_remote=False, trace_flags=TraceFlags(1))
SPAN = ReadableSpan("a span", context=CONTEXT)

PARTS: tuple[Part, ...] = ("metrics", "sketches")
NOW = (LAST_SPAN,)

MAYBE_TIME = st.none() | st.integers(0, 10**12)
AMOUNTS = st.sampled_from(["0.05", 1.5, "-1", "none", True, 3])
TEXTS = st.sampled_from(["", "one", "two", 5])
OUTCOMES = st.sampled_from([*v.OUTCOMES, v.STEERED, "odd"])
ERRORS = st.sampled_from(["ValueError", "asyncio.TimeoutError", "builtins.KeyError", "_OTHER"])
ATTRIBUTES = st.fixed_dictionaries(
    {},
    optional={
        v.OUTCOME: OUTCOMES,
        v.ERROR_TYPE: ERRORS,
        v.REVENUE_USD: AMOUNTS,
        v.REFUND_USD: AMOUNTS,
        v.COST_USD: AMOUNTS,
        v.TENANT_ID: TEXTS,
        v.CONVERSATION_ID: TEXTS,
        v.AGENT_NAME: TEXTS,
        v.AGENT_VERSION: TEXTS,
        v.TIME_TO_FIRST_CHUNK: st.sampled_from([0.2, 3, -1, "soon"]),
        v.INPUT_TOKENS: st.integers(-1, 100),
        v.OUTPUT_TOKENS: st.integers(-1, 100),
        v.CACHED_INPUT_TOKENS: st.integers(0, 200),
        v.REQUEST_MODEL: TEXTS,
        v.TOOL_NAME: st.just("search"),
        v.DURATION_UNKNOWN: st.sampled_from([True]),
    },
)


def shown(processor: AgentMetricsProcessor) -> list[Any]:
    """Return every series, with its exemplars; not when the last span came."""
    found: list[Any] = []
    for part in PARTS:
        snapshot = processor.snapshot(part)
        found += [(schema.name, rows) for schema, rows in snapshot.blocks]
        found += [
            (metric.name, samples) for metric, samples in snapshot.samples if metric not in NOW
        ]
    return found


def observed(attributes: dict[str, Any], *, failed: bool, fields: dict[str, Any]) -> Observation:
    """Return what a run's span with these attributes is counted with."""
    error = attributes.get(v.ERROR_TYPE)
    outcome = outcome_said(attributes.get(v.OUTCOME), error, "", failed=failed)
    return Observation(
        kind=marks.INVOCATION,
        span_id=SPAN_ID,
        trace_id=TRACE_ID,
        timed=v.DURATION_UNKNOWN not in attributes,
        outcome=outcome,
        error=short_name(error),
        name=attributes.get(v.AGENT_NAME),
        version=attributes.get(v.AGENT_VERSION),
        tenant=attributes.get(v.TENANT_ID),
        conversation=attributes.get(v.CONVERSATION_ID),
        first_chunk=attributes.get(v.TIME_TO_FIRST_CHUNK),
        revenue=attributes.get(v.REVENUE_USD),
        refund=attributes.get(v.REFUND_USD),
        usage=usage_of_agent(attributes),
        **fields,
    )


@given(
    st.lists(
        st.tuples(ATTRIBUTES, st.booleans(), st.booleans(), MAYBE_TIME, MAYBE_TIME), max_size=4
    )
)
@settings(max_examples=examples(40), deadline=None)
def test_invocations(
    spans: list[tuple[dict[str, Any], bool, bool, int | None, int | None]],
) -> None:
    """An invocation adds the same to every cell, whichever way its span goes."""
    both = [AgentMetricsProcessor(0, clock=lambda: 0.0, wall_clock=lambda: 0.0) for _ in range(2)]
    for attributes, failed, sampled, start, end in spans:
        for number, processor in enumerate(both):
            parts = processor._parts  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # inside
            listing = parts.listings.find("acme", "finder")
            assert listing is not None
            node = Node(marks.INVOCATION, None, listing)
            if number:
                fields = {"sampled": sampled, "start": start, "end": end}
                seen = observed(attributes, failed=failed, fields=fields)
                parts.invocations.count(node, listing, seen)
            else:
                parts.invocations.begin(listing)
                rest = (TRACE_ID, sampled, failed, start, end)
                parts.invocations.end(node, attributes, SPAN, SPAN_ID, rest)
    assert shown(both[0]) == shown(both[1])


@given(
    st.lists(
        st.tuples(ATTRIBUTES, st.booleans(), st.booleans(), MAYBE_TIME, MAYBE_TIME), max_size=4
    )
)
@settings(max_examples=examples(40), deadline=None)
def test_tools(spans: list[tuple[dict[str, Any], bool, bool, int | None, int | None]]) -> None:
    """A tool call adds the same to every cell, whichever way its span goes."""
    both = [AgentMetricsProcessor(0, clock=lambda: 0.0, wall_clock=lambda: 0.0) for _ in range(2)]
    for attributes, failed, sampled, start, end in spans:
        for number, processor in enumerate(both):
            parts = processor._parts  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # inside
            listing = parts.listings.find("acme", "finder")
            assert listing is not None
            node = Node(marks.TOOL, None, listing)
            node.name = "search"
            if number:
                fields = {"sampled": sampled, "start": start, "end": end}
                seen = observed(attributes, failed=failed, fields=fields)
                seen.name = "search"
                parts.tools.count(node, listing, seen)
            else:
                rest = (TRACE_ID, sampled, failed, start, end)
                parts.tools.end(node, attributes, SPAN, SPAN_ID, rest)
    assert shown(both[0]) == shown(both[1])
