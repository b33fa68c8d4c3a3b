"""The end of a foreign span: what the span has said, in the project's own words."""

from typing import Any

from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor import _dialects as d
from agent_analytics.processor._spans.outcomes import CANCELLED, named_type, outcome_by_name
from agent_analytics.processor._spans.sdk_access import EndFields


class SpanEnd:
    """What an ended span has said.

    Attributes:
        trace_id: Id of the trace.
        sampled: Whether the trace is sampled.
        failed: Whether the span failed, by its status or by what its dialect knows beside that.
        start: When the span began, in nanoseconds since 1970; ``None`` where it does not say.
        end: When the span ended, alike.
        said: From the dialects.
        facts: The same, with what other views of the call say once they are known.
        attributes: The project's own names for what the span said.
        source: Name of the instrumentation that recorded the span.
        remote: Whether the parent is in another process.
        fine: Whether the status says that the span went well.
        resource: What the span says of its process.
    """

    __slots__ = (
        "attributes",
        "end",
        "facts",
        "failed",
        "fine",
        "remote",
        "resource",
        "said",
        "sampled",
        "source",
        "start",
        "trace_id",
    )

    def __init__(
        self,
        fields: EndFields,
        facts: d.Facts,
        attributes: dict[str, Any],
        source: str,
        *,
        remote: bool,
    ) -> None:
        self.trace_id, self.sampled, self.failed, self.start, self.end = fields
        self.said = self.facts = facts
        self.attributes = attributes
        self.source = source
        self.remote = remote
        self.fine = False
        self.resource: object = None

    @property
    def outcome(self) -> object:
        """The outcome that the span states, or that was read off the run; ``None`` for none."""
        return self.attributes.get(v.OUTCOME)

    @property
    def error_type(self) -> object:
        """Name of the type of what failed the span, if that is known."""
        return self.attributes.get(v.ERROR_TYPE)

    def is_cancelled(self) -> bool:
        """Return whether a cancellation is what ended the span, which did not go well."""
        return outcome_by_name(named_type(self.error_type), self.source) == CANCELLED
