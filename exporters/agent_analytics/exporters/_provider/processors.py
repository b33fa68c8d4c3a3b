"""Span processors of a provider that come and go, and the provider of our own.

OpenTelemetry lets processors be added to a provider, never removed. So our provider, or one hook
in another's, stays for the life of the process; what hangs on it changes.
"""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any, Final

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import (
    ReadableSpan,
    Span,
    SpanProcessor,
    SynchronousMultiSpanProcessor,
    TracerProvider,
)
from opentelemetry.sdk.trace.sampling import Sampler

from agent_analytics.exporters._provider import sdk
from agent_analytics.instrumentation.health import note_internal_error
from agent_analytics.processor import RecordAllSampler

_RAISED: Final = "a span processor"


class Processors(SynchronousMultiSpanProcessor, sdk.Ours):
    """Span processors that can be taken away again."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # the SDK's has no annotation

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Hand a start on; one that raises keeps neither the others nor the host from it."""
        for processor in self._span_processors:
            try:
                processor.on_start(span, parent_context=parent_context)
            except Exception:  # noqa: BLE001 - of whatever make; the SDK would pass it to the host
                note_internal_error(_RAISED)

    def _on_ending(self, span: Span) -> None:
        for processor in self._span_processors:
            try:
                processor._on_ending(span)  # noqa: SLF001 - as the SDK's own groups do
            except Exception:  # noqa: BLE001 - as above
                note_internal_error(_RAISED)

    def on_end(self, span: ReadableSpan) -> None:
        """Hand an end on, as a start is."""
        for processor in self._span_processors:
            try:
                processor.on_end(span)
            except Exception:  # noqa: BLE001 - as above
                note_internal_error(_RAISED)

    def put_back(self, processors: Sequence[SpanProcessor]) -> bool:
        """Add those of some processors that are missing; tell whether any was."""
        with self._lock:
            found = self._span_processors
            missing = tuple(each for each in processors if not any(each is one for one in found))
            self._span_processors = (*missing, *found)
        return bool(missing)

    def remove(self, processors: Sequence[SpanProcessor]) -> None:
        """Take processors away; a span that is just ending may still reach them."""
        with self._lock:
            self._span_processors = tuple(
                processor for processor in self._span_processors if processor not in processors
            )

    def add_alone(self, processor: SpanProcessor) -> None:
        """Add a processor in a child just forked: a thread it lacks may hold the lock for ever."""
        self._span_processors = (*self._span_processors, processor)

    def move_to(self, inside: "Processors", beside: SpanProcessor) -> None:
        """Hand all processors over to ``inside``; what comes here reaches it and ``beside``."""
        with self._lock:
            moved = self._span_processors
            for processor in moved:
                inside.add_span_processor(processor)
            self._span_processors = (beside, inside)


class Hook(Processors):
    """Our processors in somebody else's provider.

    Args:
        on_shutdown: Called when that provider is shut down, which some do to replace it.
    """

    def __init__(self, on_shutdown: Callable[[], None]) -> None:
        super().__init__()
        self._on_shutdown: Final = on_shutdown

    def shutdown(self) -> None:
        """Send on what there is: whose provider it is does not end what is ours."""
        self.force_flush()
        self._on_shutdown()


class Forward(SpanProcessor):
    """Hands spans on to the processors of another provider, our own there aside.

    Attributes:
        target: That provider; it may be exchanged.
    """

    def __init__(self, target: TracerProvider, hook: Hook) -> None:
        self.target = target
        self._hook: Final = hook

    def _theirs(self) -> Sequence[Any]:
        multi: Any = vars(self.target).get("_active_span_processor")
        found: Sequence[Any] = getattr(multi, "_span_processors", ())
        return [each for each in found if each is not self._hook]

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Hand a start on."""
        for processor in self._theirs():
            processor.on_start(span, parent_context=parent_context)

    def _on_ending(self, span: Span) -> None:
        for processor in self._theirs():
            processor._on_ending(span)  # noqa: SLF001 - as the SDK's own groups do

    def on_end(self, span: ReadableSpan) -> None:
        """Hand an end on."""
        for processor in self._theirs():
            processor.on_end(span)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Let the others send what they have."""
        return all(each.force_flush(timeout_millis) for each in self._theirs())


class RecordAll(RecordAllSampler):
    """Records every span; what it wraps says which are sampled, and may be changed."""

    def wrap(self, root: Sampler) -> None:
        """Sample by ``root`` from now on, in tracers that exist already, too."""
        self._root = root


class RuntimeProvider(TracerProvider):
    """The global provider where the program has set none, or none yet.

    Attributes:
        processors: What its spans go to.
        hook: Its processors in the provider that took its place, if one did.
    """

    def __init__(self, sampler: Sampler, resource: Resource) -> None:
        self._record_all: Final = RecordAll(sampler)
        self.processors: Final = Processors()
        self.hook: Hook | None = None
        self.forward: Forward | None = None
        super().__init__(
            sampler=self._record_all,
            resource=resource,
            shutdown_on_exit=False,
            active_span_processor=self.processors,
        )

    def add_span_processor(self, span_processor: SpanProcessor) -> None:
        """Add a processor, which sees the spans of a provider that took this one's place, too."""
        (self.hook or self.processors).add_span_processor(span_processor)

    def renew(self, sampler: Sampler, resource: Resource) -> None:
        """Take over the sampler and the resource of a new runtime, in existing tracers, too."""
        self._record_all.wrap(sampler)
        with getattr(self, "_tracers_lock", nullcontext()):  # from 1.41 on
            self._resource = resource
            for tracer in sdk.tracers_of(self):
                tracer.resource = resource

    def yield_to(self, provider: TracerProvider, hook: Hook) -> None:
        """Let spans of tracers that exist already be as if they were another provider's.

        Args:
            provider: It has our processors in ``hook``, and spans here go to its own, too.
            hook: Takes over the processors.
        """
        self.hook = hook
        self.forward = Forward(provider, hook)
        self.processors.move_to(hook, self.forward)
        self.renew(provider.sampler, self.resource.merge(provider.resource))
