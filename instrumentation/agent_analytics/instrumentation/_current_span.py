"""The span of a decorated call, as the code inside the call finds it.

A library may take the current span for its own: write usage onto it, give it a status, end it.
What it writes still arrives. But the call alone ends its span and says how it went, and model
calls that are written onto the span are kept apart from the call itself.
"""

from collections.abc import Mapping
from operator import attrgetter
from typing import Any, Final, Protocol, SupportsIndex

from opentelemetry.trace import Span, SpanContext, Status, StatusCode
from opentelemetry.util.types import Attributes, AttributeValue

from agent_analytics.instrumentation.health import note_internal_error
from agent_analytics.instrumentation.written_calls import PREFIXES, WrittenCalls

#: Attributes are set past the class's own ``__setattr__``, which sets them on the span.
_set: Final = object.__setattr__
#: In C: asked whenever somebody looks for the current span.
_class_of: Final = attrgetter("_shown.__class__")
#: Where the SDK's spans keep their end, which some set past ``end``.
_END: Final = "_end_time"
#: The same for the SDK's spans.
_context_of: Final = attrgetter("_shown._context")


class DecoratedCall(Protocol):
    """What the span asks of its call."""

    @property
    def ended(self) -> bool:
        """Whether it has ended."""
        ...

    @property
    def invocation(self) -> object:
        """What ``INVOCATION_KEY`` leads to inside, if the call starts an invocation."""
        ...


class CurrentSpan(Span):
    """Stands in for the span of a decorated call where the context names the current span.

    It passes for the span in every other way: type checks, attributes, private fields.

    Args:
        span: The span.
        call: The call that it is of.
    """

    _shown: Span
    _call: DecoratedCall
    #: Model calls that were written onto the span; set on the instance only where there are any.
    _written: WrittenCalls | None = None

    def __init__(self, span: Span, call: DecoratedCall) -> None:
        _set(self, "_shown", span)
        _set(self, "_call", call)

    # --- what is the call's --------------------------------------------------------------------

    def end(self, end_time: int | None = None) -> None:
        """Do nothing: the call goes on, and ends its span itself."""

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Pass a failure on; ``OK`` would keep the call from saying that it failed."""
        code = status.status_code if isinstance(status, Status) else status
        if code is StatusCode.ERROR and self._written is not None:
            self._written.failed(None)
        if code is not StatusCode.OK and not self._call.ended:
            self._shown.set_status(status, description)

    def set_attribute(self, key: str, value: AttributeValue) -> None:
        """Write an attribute; one that speaks of a model is noted, too."""
        if not self._call.ended:
            self._shown.set_attribute(key, value)
        self._note(key, value)

    def set_attributes(self, attributes: Mapping[str, AttributeValue]) -> None:
        """Write several attributes."""
        if not self._call.ended:
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
        if not self._call.ended:
            self._shown.record_exception(exception, attributes, timestamp, escaped)

    def _note(self, key: object, value: AttributeValue) -> None:
        if type(key) is not str or not key.startswith(PREFIXES):
            return
        try:
            written = self._written
            if written is None:
                written = WrittenCalls(self._shown, self._call.invocation)
                _set(self, "_written", written)
            written.note(key, value, late=self._call.ended)
        except Exception:  # noqa: BLE001 - telemetry never hurts the host
            note_internal_error("an attribute of a model call")

    # --- what is the span's --------------------------------------------------------------------

    def get_span_context(self) -> SpanContext:
        """Return the context of the span."""
        try:
            found: SpanContext = _context_of(self)  # asked thrice for each span that is started
        except AttributeError:
            return self._shown.get_span_context()
        return found

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

    #: The class of the span, for ``isinstance``.
    __class__: Any = property(_class_of)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the span has
        return getattr(self._shown, name)

    def __setattr__(self, name: str, value: object) -> None:
        if name != _END:  # as ``end`` does
            setattr(self._shown, name, value)

    def __reduce_ex__(self, protocol: SupportsIndex) -> str | tuple[object, ...]:
        """Be copied and pickled as the span is, or refused as it is."""
        return self._shown.__reduce_ex__(protocol)

    def __repr__(self) -> str:
        return repr(self._shown)

    def __eq__(self, other: object) -> bool:
        return other is self or other is self._shown

    def __hash__(self) -> int:
        return hash(self._shown)

    # --- for the call --------------------------------------------------------------------------

    @property
    def written(self) -> WrittenCalls | None:
        """Model calls that were written onto the span, if any."""
        return self._written
