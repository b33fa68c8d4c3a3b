"""Where ``configure()`` hooks in: a tracer provider whose processors come and go.

OpenTelemetry lets the global provider be set once and processors be added, never removed. So our
provider, or one hook in the user's, stays for the life of the process; what hangs on it changes.
"""

import gc
import logging
import weakref
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Final, cast

from opentelemetry import trace
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import (
    SpanProcessor,
    SynchronousMultiSpanProcessor,
    Tracer,
    TracerProvider,
)
from opentelemetry.sdk.trace.sampling import Sampler

from agent_analytics.processor import RecordAllSampler

_logger = logging.getLogger("agent_analytics")


class Processors(SynchronousMultiSpanProcessor):
    """Span processors that can be taken away again."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # the SDK's has no annotation

    def remove(self, processors: Sequence[SpanProcessor]) -> None:
        """Take processors away; a span that is just ending may still reach them."""
        with self._lock:
            self._span_processors = tuple(
                processor for processor in self._span_processors if processor not in processors
            )

    def add_alone(self, processor: SpanProcessor) -> None:
        """Add a processor in a child just forked: a thread it lacks may hold the lock for ever."""
        self._span_processors = (*self._span_processors, processor)


class RecordAll(RecordAllSampler):
    """Records every span; what it wraps says which are sampled, and may be changed."""

    def wrap(self, root: Sampler) -> None:
        """Sample by ``root`` from now on, in tracers that exist already, too."""
        self._root = root


class RuntimeProvider(TracerProvider):
    """The global provider where the user has set none."""

    def __init__(self, sampler: Sampler, resource: Resource) -> None:
        self._record_all: Final = RecordAll(sampler)
        self.processors: Final = Processors()
        super().__init__(
            sampler=self._record_all,
            resource=resource,
            shutdown_on_exit=False,
            active_span_processor=self.processors,
        )

    def renew(self, sampler: Sampler, resource: Resource) -> None:
        """Take over the sampler and the resource of a new runtime, in existing tracers, too."""
        self._record_all.wrap(sampler)
        with getattr(self, "_tracers_lock", nullcontext()):  # from 1.41 on
            self._resource = resource
            for tracer in tracers_of(self):
                tracer.resource = resource


class Attachment:
    """Span processors at a provider, until ``detach``.

    Attributes:
        provider: The provider.
        processors: What they were added to; None where nothing was.
    """

    def __init__(
        self,
        provider: TracerProvider,
        processors: Processors | None = None,
        undo: Callable[[], None] | None = None,
    ) -> None:
        self.provider: Final = provider
        self.processors: Final = processors
        self._undo = undo

    def detach(self) -> None:
        """Take the processors away and put back what was changed; idempotent."""
        undo, self._undo = self._undo, None
        if undo is not None:
            undo()


#: The hook in each provider of the user's.
_hooks: Final[weakref.WeakKeyDictionary[TracerProvider, Processors]] = weakref.WeakKeyDictionary()


def attach_nothing() -> Attachment:
    """Return an attachment to the global provider that leaves it as it is."""
    return Attachment(cast("TracerProvider", trace.get_tracer_provider()))


def attach(
    processors: Sequence[SpanProcessor],
    *,
    sampler: Sampler | None,
    default_sampler: Callable[[], Sampler],
    service_name: str | None,
) -> Attachment:
    """Attach processors to the global provider, which is made where there is none.

    Args:
        processors: They see every span, sampled or not.
        sampler: Which spans are sampled; None leaves it to the environment or to the user's
            provider.
        default_sampler: Returns the sampler that the environment asks for.
        service_name: ``service.name`` of the resource; None leaves it to the environment.

    Raises:
        RuntimeError: The global provider is one to which no processor can be added.
    """
    provider = trace.get_tracer_provider()
    if isinstance(provider, trace.ProxyTracerProvider | RuntimeProvider):
        root = sampler or default_sampler()
        resource = Resource.create({SERVICE_NAME: service_name} if service_name else {})
        if isinstance(provider, RuntimeProvider):
            provider.renew(root, resource)
            return _attach_to_ours(provider, processors)
        ours = RuntimeProvider(root, resource)
        trace.set_tracer_provider(ours)
        if trace.get_tracer_provider() is ours:
            return _attach_to_ours(ours, processors)
        provider = trace.get_tracer_provider()  # another thread has been faster
    if not hasattr(provider, "add_span_processor"):
        msg = (
            f"the global tracer provider, {type(provider).__qualname__}, takes no span processor; "
            "call configure() before it is set, or set one of the OpenTelemetry SDK"
        )
        raise RuntimeError(msg)
    return _attach_to_users(cast("TracerProvider", provider), processors, sampler, service_name)


def _attach_to_ours(provider: RuntimeProvider, processors: Sequence[SpanProcessor]) -> Attachment:
    for processor in processors:
        provider.add_span_processor(processor)
    hook = provider.processors
    return Attachment(provider, hook, lambda: hook.remove(processors))


def _attach_to_users(
    provider: TracerProvider,
    processors: Sequence[SpanProcessor],
    sampler: Sampler | None,
    service_name: str | None,
) -> Attachment:
    hook = _hooks.get(provider)
    if hook is None:
        hook = _hooks[provider] = Processors()
        provider.add_span_processor(hook)
    if service_name is not None and provider.resource.attributes.get(SERVICE_NAME) != service_name:
        _logger.warning(
            "service_name %r is not used: the tracer provider was set before configure() and has "
            "a resource of its own",
            service_name,
        )
    restore = _record_all(provider, sampler)
    for processor in processors:
        hook.add_span_processor(processor)

    def undo() -> None:
        hook.remove(processors)
        restore()

    return Attachment(provider, hook, undo)


def _record_all(provider: TracerProvider, sampler: Sampler | None) -> Callable[[], None]:
    """Make the user's provider record every span; return what undoes it."""
    previous: Sampler | None = getattr(provider, "sampler", None)
    if previous is None or getattr(provider, "_active_span_processor", None) is None:
        _logger.warning(
            "the sampler of the tracer provider, %s, cannot be wrapped: spans that it drops are "
            "missing from the metrics; give it RecordAllSampler(...)",
            type(provider).__qualname__,
        )
        return lambda: None
    if sampler is None and isinstance(previous, RecordAllSampler):
        return lambda: None
    wrapper = RecordAllSampler(sampler or previous)
    _replace_sampler(provider, previous, wrapper)
    return lambda: _replace_sampler(provider, wrapper, previous)


def _replace_sampler(provider: TracerProvider, old: Sampler, new: Sampler) -> None:
    """Replace a sampler in a provider and in its tracers, each of which has taken it over."""
    if provider.sampler is old:
        provider.sampler = new
    for tracer in tracers_of(provider):
        if tracer.sampler is old:
            tracer.sampler = new


def tracers_of(provider: TracerProvider) -> list[Tracer]:
    """Return the tracers that a provider has given out."""
    kept = cast("object", vars(provider).get("_tracers"))
    if isinstance(kept, dict):
        return list(cast("dict[object, Tracer]", kept).values())
    # The SDK keeps them from 1.41 on. Older tracers are known by the processor they share.
    shared = vars(provider).get("_active_span_processor")
    return [
        each for each in gc.get_objects() if type(each) is Tracer and each.span_processor is shared
    ]
