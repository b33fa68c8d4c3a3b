"""Ended spans that go another way than invocations and tool calls in the project's own words."""

import time
from collections.abc import Callable
from typing import Any, Final

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan

from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.instrumentation.tracing import ENDED_EARLY
from agent_analytics.processor._count.core import Node
from agent_analytics.processor._count.observation import Observation, usage_of_call
from agent_analytics.processor._runs.foreign_span import ForeignSpan
from agent_analytics.processor._series import health
from agent_analytics.processor._spans import marks
from agent_analytics.processor._spans.attribution import NO_CONTEXT
from agent_analytics.processor._spans.marks import FOREIGN, IGNORED, NATIVE, UNDECIDED
from agent_analytics.processor._spans.native_spans import ended_at
from agent_analytics.processor._spans.outcomes import outcome_of
from agent_analytics.processor._spans.sdk_access import Attributes, EndFields, exactly
from agent_analytics.processor._wiring import Wiring

#: What the decorators record.
_DECORATED: Final = (v.INVOKE_AGENT, v.EXECUTE_TOOL)


class OtherRoutes:
    """Hands spans of frameworks on to their runs, and counts model calls and events.

    Args:
        parts: Those of the processor.
        on_end: Called with a span that is taken for ended.
        counted: Called once something was counted, or handed on.
    """

    def __init__(
        self,
        parts: Wiring,
        on_end: Callable[[ReadableSpan], None],
        counted: Callable[[], None],
    ) -> None:
        self._attribution = parts.attribution
        self._open = parts.open_spans.nodes
        self._beginnings = parts.beginnings
        self._events = parts.events
        self._health = parts.health
        self._invocations = parts.invocations
        self._parts = parts
        self._routing = parts.routing
        self._runs = parts.runs
        self._usage = parts.usage
        self._on_end = on_end
        self._counted = counted

    def begin(
        self,
        route: int,
        attributes: Attributes,
        span: ReadableSpan,
        span_id: int,
        parent: Node | None,
        context: Context | None,
    ) -> Node | None:
        """Return the node of a span that starts, or nothing where none is kept.

        Args:
            route: Its way.
            attributes: What it carries so far.
            span: The span.
            span_id: Its id.
            parent: Node of the span that it was started in, if that is followed.
            context: What it was started in; ``None`` for what is current.
        """
        if route == FOREIGN:
            return self._runs.begin(exactly(span, attributes), span, span_id, parent, context)
        if route == NATIVE:  # a decorated step: see-through
            return Node(marks.OTHER, parent, None if parent is None else parent.listing)
        if parent is not None:
            kind = marks.OTHER if route == UNDECIDED else marks.LIBRARY
            return Node(kind, parent, parent.listing)
        if route == UNDECIDED:
            parent_id = None if span.parent is None else span.parent.span_id
            self._runs.undecided.begin(span_id, parent_id, context)
        return None

    def foreign(self, node: ForeignSpan, attributes: Attributes, span: ReadableSpan) -> None:
        """Hand on a span that was kept with its run."""
        attributes = exactly(span, attributes)
        if v.EVENT in attributes and v.OPERATION_NAME not in attributes:
            self._event(node, attributes, span)
        self._runs.end(node, attributes, span)
        self._counted()

    def late(
        self, node: Node | None, attributes: Attributes, span: ReadableSpan, span_id: int
    ) -> Node | None:
        """Return a node for a span that was not known for what it is when it started, or nothing.

        Names and attributes may be set after the start; events are only looked at when they end.
        """
        if span_id in self._parts.inherited:
            return None
        undecided = self._runs.undecided.spans.pop(span_id, None) if node is None else None
        operation = attributes.get(v.OPERATION_NAME)
        route = self._routing.at_end(operation, attributes)
        if route == FOREIGN:
            self._runs.late(exactly(span, attributes), span, span_id, node, undecided)
            self._counted()
            return None
        if operation is None and route != IGNORED:
            self._event(node, attributes, span)
        if undecided is not None and undecided.held is not None:
            self._runs.ended_undecided(undecided)
        if operation is None:
            return None
        parent = node.parent if node is not None else None
        began = self._beginnings.begin(operation, attributes, span, parent, NO_CONTEXT)
        return None if began is None or began.kind == marks.OTHER else began

    def ended_early(self, node: Node, span: ReadableSpan, span_id: int) -> bool:
        """Tell whether somebody else has ended the span of a decorated call that goes on.

        If so, it is taken for ended when the call has.
        """
        facts: Any = node.facts
        if facts.get(v.OPERATION_NAME) not in _DECORATED or v.EVENT in facts:
            return False

        def end(at: int) -> None:
            self._on_end(ended_at(span, at))

        self._open[span_id] = node
        facts.setdefault(ENDED_EARLY, []).append(end)
        return True

    @staticmethod
    def note_usage(node: Node, attributes: Attributes) -> None:
        """Note above a decorated invocation in a foreign run what was counted of it."""
        node.mark_above(node.flags & marks.USAGE | marks.usage_flags(attributes))

    def end(
        self, node: Node, attributes: Attributes, span: ReadableSpan, fields: EndFields
    ) -> None:
        """Count a model call, or an agent inside an invocation, in the project's own words."""
        if node.kind == marks.INFERENCE:
            self.inference(node, attributes, span, fields)
        else:
            _, _, _, start, _ = fields
            self._invocations.end_inner(node, attributes, start)

    def inference(
        self, node: Node, attributes: Attributes, span: ReadableSpan, fields: EndFields
    ) -> None:
        """Count a model call in the project's own words."""
        if node.listing is None:
            self._health.lose(health.INFERENCE)
        elif node.scope is not None and node.scope.flags & marks.DUPLICATE:
            self._health.repeat()
        else:
            _, _, failed, start, _ = fields
            answer = attributes.get(v.RESPONSE_ID)
            seen = Observation(
                kind=marks.INFERENCE,
                start=start,
                outcome=outcome_of(span, attributes, failed=failed),
                usage=usage_of_call(attributes),
                ids=(answer,) if type(answer) is str and answer else (),
            )
            self._usage.of_inference(node, node.listing, seen)

    def _event(self, node: Node | None, attributes: Attributes, span: ReadableSpan) -> None:
        if attributes[v.EVENT] not in v.EVENTS:
            self._health.refuse_value("event")
            return
        publisher = attributes.get(v.PUBLISHER_ID)
        listing = self._attribution.of_call(publisher, attributes, span, node, NO_CONTEXT)
        if listing is None:
            self._health.lose(health.EVENT)
            return
        if node is not None and node.scope is not None and node.scope.flags & marks.DUPLICATE:
            self._health.repeat()
            return
        self._events.count(node, listing, attributes, span)
        self._health.cells[health.LAST_SPAN] = time.time_ns()


__all__ = ["OtherRoutes"]
