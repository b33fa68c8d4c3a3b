"""The end of a foreign span: what the span has said, in the project's own words."""

from typing import Any

from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from agent_analytics.processor import _dialects as d
from agent_analytics.processor._reading import EndFields


class SpanEnd:
    """What an ended span has said.

    The end stands in for the span where somebody asks for the exception's type.

    Attributes:
        trace_id: Id of the trace.
        sampled: Whether the trace is sampled.
        failed: Whether the span failed, by its status or by what its dialect knows beside that.
        start: When the span began, in nanoseconds since 1970; ``None`` where it does not say.
        end: When the span ended, alike.
        said: From the dialects.
        facts: The same, with what other views of the call say once they are known.
        attributes: The project's own names for what the span said.
        instrumentation_scope: Who recorded the span.
        events: None: the type of an error was read already.
        remote: Whether the parent is in another process.
        fine: Whether the status says that the span went well.
    """

    __slots__ = (
        "attributes",
        "end",
        "events",
        "facts",
        "failed",
        "fine",
        "instrumentation_scope",
        "remote",
        "said",
        "sampled",
        "start",
        "trace_id",
    )

    def __init__(
        self,
        fields: EndFields,
        facts: d.Facts,
        attributes: dict[str, Any],
        scope: InstrumentationScope | None,
        *,
        remote: bool,
    ) -> None:
        self.trace_id, self.sampled, self.failed, self.start, self.end = fields
        self.said = self.facts = facts
        self.attributes = attributes
        self.instrumentation_scope = scope
        self.events: tuple[Any, ...] = ()
        self.remote = remote
        self.fine = False

    def fields(self) -> EndFields:
        """Return what the counters of decorated spans read off a span."""
        return self.trace_id, self.sampled, self.failed, self.start, self.end
