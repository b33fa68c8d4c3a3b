"""The span of a decorated call, as the code inside the call finds it.

A library may take the current span for its own: write usage onto it, give it a status, end it.
What it writes still arrives. But the call alone ends its span and says how it went, and model
calls that are written onto the span are kept apart from the call itself.
"""

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any, Final, Protocol, SupportsIndex

from opentelemetry.trace import Span, SpanContext, Status, StatusCode
from opentelemetry.util.types import Attributes, AttributeValue

from agent_analytics.instrumentation.health import note_internal_error
from agent_analytics.instrumentation.written_calls import PREFIXES, WrittenCalls

#: In C: asked whenever somebody looks for the current span.
_class_of: Final = attrgetter("_call.span.__class__")
#: Where the SDK's spans keep their end, which some set past ``end``.
_END: Final = "_end_time"


class DecoratedCall(Protocol):
    """What the stand-in asks of its call.

    Attributes:
        span: The span.
        written: Model calls that were written onto the span, if any.
        ended: Whether the call has ended.
    """

    span: Span
    written: WrittenCalls | None
    ended: bool

    @property
    def invocation(self) -> object:
        """What ``INVOCATION_KEY`` leads to inside, if the call starts an invocation."""
        ...


class CurrentSpan(Span):
    """Stands in for the span of a decorated call where the context names the current span.

    It passes for the span in every other way: type checks, attributes, private fields.

    ``new`` and ``give`` make one.
    """

    __slots__ = ("_call",)
    _call: DecoratedCall

    # --- what is the call's --------------------------------------------------------------------

    def end(self, end_time: int | None = None) -> None:
        """Do nothing: the call goes on, and ends its span itself."""

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Pass a failure on; ``OK`` would keep the call from saying that it failed."""
        code = status.status_code if isinstance(status, Status) else status
        call = self._call
        if code is StatusCode.ERROR and call.written is not None:
            call.written.failed(None)
        if code is not StatusCode.OK and not call.ended:
            call.span.set_status(status, description)

    def set_attribute(self, key: str, value: AttributeValue) -> None:
        """Write an attribute; one that speaks of a model is noted, too."""
        if not self._call.ended:
            self._call.span.set_attribute(key, value)
        self._note(key, value)

    def set_attributes(self, attributes: Mapping[str, AttributeValue]) -> None:
        """Write several attributes."""
        if not self._call.ended:
            self._call.span.set_attributes(attributes)
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
        call = self._call
        if call.written is not None:
            call.written.failed(type(exception).__qualname__)
        if not call.ended:
            call.span.record_exception(exception, attributes, timestamp, escaped)

    def _note(self, key: object, value: AttributeValue) -> None:
        if type(key) is not str or not key.startswith(PREFIXES):
            return
        try:
            call = self._call
            if call.written is None:
                call.written = WrittenCalls(call.span, call.invocation)
            call.written.note(key, value, late=call.ended)
        except Exception:  # noqa: BLE001 - telemetry never hurts the host
            note_internal_error("an attribute of a model call")

    # --- what is the span's --------------------------------------------------------------------

    def get_span_context(self) -> SpanContext:
        """Return the context of the span."""
        return self._call.span.get_span_context()

    def is_recording(self) -> bool:
        """Tell whether the span is recording."""
        return self._call.span.is_recording()

    def add_event(
        self, name: str, attributes: Attributes = None, timestamp: int | None = None
    ) -> None:
        """Add an event to the span."""
        self._call.span.add_event(name, attributes, timestamp)

    def add_link(self, context: SpanContext, attributes: Attributes = None) -> None:
        """Add a link to the span."""
        self._call.span.add_link(context, attributes)

    def update_name(self, name: str) -> None:
        """Rename the span."""
        self._call.span.update_name(name)

    #: The class of the span, for ``isinstance``.
    __class__: Any = property(_class_of)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the span has
        return getattr(self._call.span, name)

    def __setattr__(self, name: str, value: object) -> None:
        if name != _END:  # as ``end`` does
            setattr(self._call.span, name, value)

    def __reduce_ex__(self, protocol: SupportsIndex) -> str | tuple[object, ...]:
        """Be copied and pickled as the span is, or refused as it is."""
        return self._call.span.__reduce_ex__(protocol)

    def __repr__(self) -> str:
        return repr(self._call.span)

    def __eq__(self, other: object) -> bool:
        return other is self or other is self._call.span

    def __hash__(self) -> int:
        return hash(self._call.span)


#: Makes a stand-in, past the ways of Python to make an object: they cost thrice as much.
new: Final = object.__new__
#: Gives a stand-in its call, past the class's own ``__setattr__``, which sets it on the span.
give: Final[Callable[[CurrentSpan, DecoratedCall], None]] = vars(CurrentSpan)["_call"].__set__
