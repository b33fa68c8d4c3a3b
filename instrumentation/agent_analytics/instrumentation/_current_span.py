"""The span of a decorated call, as the code inside the call finds it.

A library may take the current span for its own: write usage onto it, give it a status, end it.
What it writes still arrives. But the call alone ends its span and says how it went, and model
calls that are written onto the span are kept apart from the call itself.
"""

from collections.abc import Mapping
from typing import Any, Final

from opentelemetry.trace import Span, SpanContext, Status, StatusCode
from opentelemetry.util.types import Attributes, AttributeValue

from agent_analytics.instrumentation.health import note_internal_error
from agent_analytics.instrumentation.written_calls import PREFIXES, WrittenCalls

#: Attributes are set past the class's own ``__setattr__``, which sets them on the span.
_set: Final = object.__setattr__


class CurrentSpan(Span):
    """Stands in for the span of a decorated call where the context names the current span.

    It passes for the span in every other way: type checks, attributes, private fields.

    Args:
        span: The span.
        invocation: What ``INVOCATION_KEY`` leads to in the call, or None.
    """

    _shown: Span
    _invocation: object
    # Set on the instance only where they change: most spans are written on by nobody.
    _written: WrittenCalls | None = None
    _call_ended: bool = False

    def __init__(self, span: Span, invocation: object) -> None:
        _set(self, "_shown", span)
        _set(self, "_invocation", invocation)

    # --- what is the call's --------------------------------------------------------------------

    def end(self, end_time: int | None = None) -> None:
        """Do nothing: the call goes on, and ends its span itself."""

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Pass a failure on; ``OK`` would keep the call from saying that it failed."""
        code = status.status_code if isinstance(status, Status) else status
        if code is StatusCode.ERROR and self._written is not None:
            self._written.failed(None)
        if code is not StatusCode.OK and not self._call_ended:
            self._shown.set_status(status, description)

    def set_attribute(self, key: str, value: AttributeValue) -> None:
        """Write an attribute; one that speaks of a model is noted, too."""
        if not self._call_ended:
            self._shown.set_attribute(key, value)
        self._note(key, value)

    def set_attributes(self, attributes: Mapping[str, AttributeValue]) -> None:
        """Write several attributes."""
        if not self._call_ended:
            self._shown.set_attributes(attributes)
        for key, value in attributes.items():
            self._note(key, value)

    def record_exception(
        self,
        exception: BaseException,
        attributes: Attributes = None,
        timestamp: int | None = None,
        escaped: bool = False,  # noqa: FBT001, FBT002 - as OpenTelemetry has it
    ) -> None:
        """Record an exception; a model call that was just written failed with it."""
        if self._written is not None:
            self._written.failed(type(exception).__qualname__)
        if not self._call_ended:
            self._shown.record_exception(exception, attributes, timestamp, escaped)

    def _note(self, key: object, value: AttributeValue) -> None:
        if type(key) is not str or not key.startswith(PREFIXES):
            return
        try:
            written = self._written
            if written is None:
                written = WrittenCalls(self._shown, self._invocation)
                _set(self, "_written", written)
            written.note(key, value, late=self._call_ended)
        except Exception:  # noqa: BLE001 - telemetry never hurts the host
            note_internal_error("an attribute of a model call")

    # --- what is the span's --------------------------------------------------------------------

    def get_span_context(self) -> SpanContext:
        """Return the context of the span."""
        return self._shown.get_span_context()

    def is_recording(self) -> bool:
        """Tell whether the span is recording."""
        return self._shown.is_recording()

    def add_event(
        self, name: str, attributes: Attributes = None, timestamp: int | None = None
    ) -> None:
        """Add an event to the span."""
        self._shown.add_event(name, attributes, timestamp)

    def add_link(self, context: SpanContext, attributes: Attributes = None) -> None:
        """Add a link to the span."""
        self._shown.add_link(context, attributes)

    def update_name(self, name: str) -> None:
        """Rename the span."""
        self._shown.update_name(name)

    @property
    def __class__(self) -> Any:  # noqa: ANN401 - for isinstance
        """The class of the span."""
        return type(self._shown)

    @__class__.setter
    def __class__(self, value: Any) -> None:  # noqa: ANN401 - whatever the span allows
        self._shown.__class__ = value

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the span has
        return getattr(self._shown, name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self._shown, name, value)

    def __repr__(self) -> str:
        return repr(self._shown)

    def __eq__(self, other: object) -> bool:
        return other is self or other is self._shown

    def __hash__(self) -> int:
        return hash(self._shown)

    # --- for the call --------------------------------------------------------------------------

    def call_ended(self) -> bool:
        """Close the model calls that were written; tell whether anything was."""
        _set(self, "_call_ended", True)  # noqa: FBT003 - the value of an attribute
        _set(self, "_invocation", None)  # the two would wait for the collector
        written = self._written
        if written is None:
            return False
        written.call_ended()
        return True
