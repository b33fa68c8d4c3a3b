"""Which way a span goes: counted by its own words, kept with its run, looked at again, ignored."""

from typing import Any

from opentelemetry.sdk.trace import ReadableSpan

from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor._count.core import Node
from agent_analytics.processor._dialects import NEVER, PERHAPS, SPEAKS, TELLING, Signs
from agent_analytics.processor._runs.foreign_span import ForeignSpan
from agent_analytics.processor._spans.marks import CALLS, FOREIGN, IGNORED, NATIVE, UNDECIDED
from agent_analytics.processor._spans.native_spans import is_own
from agent_analytics.processor._spans.sdk_access import Attributes


class Routing:
    """Decides which way spans go, when they start and when they end."""

    def __init__(self) -> None:
        self._signs = Signs()
        #: Scopes whose spans have nothing to do with agents where they do not say so themselves.
        self.never = self._signs.never
        #: Tells whether a span that was not followed has nothing to do with agents when it ends.
        self.says_nothing = (TELLING | {v.OPERATION_NAME, v.EVENT}).isdisjoint

    def at_start(
        self,
        operation: object,
        attributes: Attributes,
        span: ReadableSpan,
        parent: Node | None,
        facts: Any,
    ) -> int:
        """Return the way of a span that starts.

        Args:
            operation: ``gen_ai.operation.name``.
            attributes: What the span carries so far.
            span: The span.
            parent: Node of the span that it was started in, if that is followed.
            facts: What a decorator says of the span; ``None`` for spans of others.
        """
        in_foreign = type(parent) is ForeignSpan
        if operation is None:
            if facts is not None and not in_foreign:
                return NATIVE
            sign = self._signs.at_start(span, attributes)
            if sign == NEVER:
                return IGNORED
            if sign == SPEAKS or (sign == PERHAPS and in_foreign):
                return FOREIGN
            return UNDECIDED if sign == PERHAPS else IGNORED
        if v.PUBLISHER_ID in attributes or (
            parent is not None
            and not in_foreign
            and operation in CALLS
            and (facts is not None or v.OUTCOME in attributes or is_own(span))
        ):
            return NATIVE
        return FOREIGN

    def at_end(self, operation: object, attributes: Attributes) -> int:
        """Return the way of a span that ends and was undecided, or unknown, when it started.

        Args:
            operation: ``gen_ai.operation.name``.
            attributes: What the span carries.
        """
        if operation is not None:
            return NATIVE if v.PUBLISHER_ID in attributes else FOREIGN
        if v.EVENT in attributes:
            return NATIVE
        return IGNORED if TELLING.isdisjoint(attributes) else FOREIGN
