"""Observes the spans of a foreign run: what each is counted with, once its part in it is known.

Nothing here writes: not on the span's end, not on the run.
"""

from typing import Any

from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor import _dialects as d
from agent_analytics.processor._count.observation import (
    RECORD,
    REPEAT,
    Observation,
    Usage,
)
from agent_analytics.processor._runs.foreign_span import ForeignSpan
from agent_analytics.processor._runs.span_end import SpanEnd
from agent_analytics.processor._series import schema
from agent_analytics.processor._spans import marks
from agent_analytics.processor._spans.outcomes import outcome_said, short_name
from agent_analytics.processor._trees.placing import Part
from agent_analytics.processor._trees.run_outcomes import failure, steered, step_cancelled
from agent_analytics.processor._trees.sameness import known
from agent_analytics.processor.catalogue import UNKNOWN


def observe(part: Part) -> Observation | None:
    """Return what a span of a run is counted with, or ``None`` where it is not counted."""
    node, ended, inside, agents = part
    if node.role == d.USAGE:
        return _with_usage(RECORD, node, ended)
    if node.kind == marks.OTHER:
        called = node.role != d.HANDOFF and ended.facts.role in (d.TOOL, d.MODEL)
        return Observation(kind=REPEAT) if called else None
    if node.kind == marks.TOOL:
        return _tool_call(node, ended)
    if node.kind == marks.INFERENCE:
        seen = _model_call(node, ended)
        seen.inside = inside
        return seen
    if node.kind == marks.INVOCATION:
        return _invocation(node, ended, agents)
    return _inner_agent(node, ended)


def _tool_call(part: ForeignSpan, ended: SpanEnd) -> Observation:
    """Return what a tool call is counted with."""
    seen = _plain(marks.TOOL, part, ended)
    if part.listing is not None and _is_server_view(part, ended):
        seen.kind = REPEAT  # the caller has a span of it
    seen.name = UNKNOWN if ended.facts.name is None else ended.facts.name
    seen.timed = v.DURATION_UNKNOWN not in ended.attributes
    seen.result_bytes = ended.attributes.get(v.TOOL_RESULT_BYTES)
    seen.repeated = ended.attributes.get(v.TOOL_REPEATED)
    stated = ended.outcome
    if not ended.failed and not ended.fine and stated is None and step_cancelled(part):
        stated = v.CANCELLED
    seen.outcome = outcome_said(stated, ended.error_type, ended.source, failed=ended.failed)
    return seen


def _model_call(part: ForeignSpan, ended: SpanEnd) -> Observation:
    """Return what a model call is counted with."""
    seen = _with_usage(marks.INFERENCE, part, ended)
    seen.outcome = outcome_said(ended.outcome, ended.error_type, ended.source, failed=ended.failed)
    seen.fetched = ended.facts.fetched
    return seen


def _inner_agent(part: ForeignSpan, ended: SpanEnd) -> Observation:
    """Return what an agent inside an invocation is counted with."""
    seen = _with_usage(marks.AGENT, part, ended)
    seen.name = ended.facts.name
    seen.conversation = ended.facts.conversation
    seen.revenue = ended.attributes.get(v.REVENUE_USD)
    seen.refund = ended.attributes.get(v.REFUND_USD)
    return seen


def _invocation(part: ForeignSpan, ended: SpanEnd, agents: list[ForeignSpan]) -> Observation:
    """Return what an invocation is counted with.

    Args:
        part: The span that stands for it.
        ended: The end of that span.
        agents: The outermost agents in it, the first to start first.
    """
    main: SpanEnd = agents[0].ended or ended
    said: dict[str, Any] = {**main.attributes, **ended.attributes}
    tokens = main.facts.tokens
    source = main if tokens is not None and tokens.is_whole() else ended
    seen = _plain(marks.INVOCATION, part, ended)
    seen.contradicts = source.facts.follows_convention < 0
    # Whoever of the two says more of what it used is believed where both do.
    cost = said.get(v.COST_USD)
    costs = (cost, main.facts.cost, source.facts.cost)
    usage = _usage(source).over(_usage(main))
    seen.usage = usage._replace(
        cost=next((each for each in costs if each is not None), None), own=said.get(v.USAGE_OWN)
    )
    seen.name, seen.version = main.facts.name, said.get(v.AGENT_VERSION)
    seen.resource = ended.resource
    seen.tenant = said.get(v.TENANT_ID) if part.tenant is None else part.tenant
    seen.conversation = main.facts.conversation or ended.facts.conversation
    seen.revenue, seen.refund = said.get(v.REVENUE_USD), said.get(v.REFUND_USD)
    chunk = main.facts.first_chunk
    seen.first_chunk = _first_chunk(part, ended.start) if chunk is None else chunk
    failed = failure(part, agents)
    stated = said.get(v.OUTCOME)
    if stated == v.STEERED:
        stated = None  # the run may have gone on after it
    if failed is None and steered(part, agents):
        stated = v.STEERED
    elif failed is None and part.cut_short and stated is None:
        stated = v.CANCELLED
    error = None if failed is None else failed.error_type
    seen.outcome = outcome_said(stated, error, ended.source, failed=failed is not None)
    seen.error = short_name(error)
    return seen


def _is_server_view(part: ForeignSpan, ended: SpanEnd) -> bool:
    """Return whether a tool's span is of the server that another process has called."""
    return ended.facts.protocol and ended.remote and part.parent is None and not part.run.serves


def _plain(kind: int, part: ForeignSpan, ended: SpanEnd) -> Observation:
    return Observation(
        kind=kind,
        span_id=part.span_id,
        trace_id=ended.trace_id,
        sampled=ended.sampled,
        start=ended.start,
        end=ended.end,
        source=ended.source,
    )


def _with_usage(kind: int, part: ForeignSpan, ended: SpanEnd) -> Observation:
    seen = _plain(kind, part, ended)
    facts = ended.facts
    seen.contradicts = facts.follows_convention < 0
    seen.usage = _usage(ended)
    if facts.response_id is not None:
        seen.ids = (facts.response_id, *facts.other_ids)
    return seen


def _usage(ended: SpanEnd) -> Usage:
    """Return what an ended span states that it used."""
    facts, said = ended.facts, ended.attributes
    sent = received = cached = reasoning = None
    if facts.tokens is not None:
        sent, received, cached, reasoning = facts.tokens
        if sent is None:  # as much as its parts, at least
            kept, written = known(cached), known(facts.cache_write)
            sent = None if kept is None and written is None else (kept or 0) + (written or 0)
        if received is None:
            received = known(reasoning)
    cost = said.get(v.COST_USD)
    return Usage(
        sent,
        received,
        cached,
        reasoning,
        facts.cost if cost is None else cost,
        said.get(v.USAGE_OWN),
        facts.model,
        facts.response_model,
        facts.provider,
        facts.cache_write,
        facts.cache_write_1h,
    )


def _first_chunk(unit: ForeignSpan, began: int | None) -> float | None:
    """Return the seconds until the first chunk of an answer, as its model call has it.

    That is the last call outside tools that was streamed: what a model streams before it are
    calls of tools, which no tenant reads.
    """
    answer: ForeignSpan | None = None
    chunk = 0.0
    stack = [unit]
    while stack:
        one = stack.pop()
        if one.role == d.TOOL:
            continue
        if (
            one.role == d.MODEL
            and one.ended is not None
            and one.ended.facts.first_chunk is not None
            and (answer is None or answer.start_ns < one.start_ns)
        ):
            answer, chunk = one, one.ended.facts.first_chunk
        stack.extend(one.children)
    if answer is None or began is None:
        return None
    seconds = (answer.start_ns - began) / schema.NANO + chunk
    return seconds if seconds >= 0 else None


__all__ = ["observe"]
