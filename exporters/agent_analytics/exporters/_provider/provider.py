"""Where ``configure()`` hooks in: the global tracer provider, whoever's it is and becomes."""

import logging
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Any, Final, cast

from opentelemetry import trace
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import Sampler

from agent_analytics.exporters._provider import sdk
from agent_analytics.exporters._provider.processors import Hook, Processors, RuntimeProvider
from agent_analytics.exporters._provider.standing_in import stand_in
from agent_analytics.instrumentation.health import note_internal_error
from agent_analytics.instrumentation.tracing import watch_providers

_logger = logging.getLogger("agent_analytics")

#: Set when a provider was shut down that has our hook: another one may be about to replace it.
replaced: Final = threading.Event()
_lock = threading.RLock()
#: The hook in each provider of others, by the provider's identity: not each can be hashed.
_hooks: Final[dict[int, tuple[weakref.ref[Any], Hook]]] = {}
_attachments: Final[weakref.WeakSet["Attachment"]] = weakref.WeakSet()
#: Providers of ours whose place others have taken; their tracers go on.
_yielded: Final[weakref.WeakSet[RuntimeProvider]] = weakref.WeakSet()


class Attachment:
    """Span processors at a provider, until ``detach``.

    Attributes:
        provider: The global provider: ours, another's, or what stands in front of another's.
        processors: What they were added to; None where nothing was.
    """

    def __init__(
        self,
        provider: object,
        processors: Processors | None = None,
        added: Sequence[SpanProcessor] = (),
        sampler: Sampler | None = None,
    ) -> None:
        self._front = provider
        self._behind = sdk.behind(provider)
        self.processors = processors
        self._added = list(added)
        self._sampler: Final = sampler
        self._undo: list[Callable[[], None]] = []
        self._detached = processors is None

    @property
    def provider(self) -> TracerProvider:
        """The global provider."""
        return cast("TracerProvider", self._front)

    def hook_in(self, provider: object, hook: Hook | None = None) -> None:
        """Go on at a provider of others."""
        inner = cast("TracerProvider", sdk.behind(provider))
        hook = _hook_at(inner, hook)
        self._front, self._behind = provider, inner
        self._undo.append(sdk.record_all(inner, self._sampler))
        if hook is not self.processors:
            before, self.processors = self.processors, hook
            for processor in self._added:
                hook.add_span_processor(processor)
            if before is not None:
                before.remove(self._added)

    def look(self) -> None:
        """Follow the global provider where it has become another, or passes on to another."""
        with _lock:
            provider = trace.get_tracer_provider()
            if self._detached or not sdk.takes_processors(provider):
                return
            if provider is not self._front and isinstance(self._front, RuntimeProvider):
                _took(self._front, provider)
            elif provider is not self._front or sdk.behind(provider) is not self._behind:
                hook = self.processors if isinstance(self.processors, Hook) else None
                self.hook_in(provider, hook)
                for ours in _yielded:
                    if ours.forward is not None:
                        ours.forward.target = cast("TracerProvider", self._behind)
            self._put_back()

    def _put_back(self) -> None:
        """Put in again what somebody has taken out who set the provider's processors anew."""
        processors = self.processors
        if processors is None:
            return
        missing = sdk.put_back(self._behind, processors)
        if processors.put_back(self._added) or missing:
            _logger.warning(
                "agent-analytics: somebody has taken our span processors out of %s, and they are "
                "in it again; what ended in the meantime is in no metric",
                sdk.name_of(self._behind),
            )

    def add(self, processor: SpanProcessor) -> None:
        """Add a processor, until it is taken away or all are."""
        with _lock:
            if self.processors is not None:
                self._added.append(processor)
                self.processors.add_span_processor(processor)

    def take_away(self, processor: SpanProcessor) -> None:
        """Take a processor away."""
        with _lock:
            if self.processors is not None and processor in self._added:
                self._added.remove(processor)
                self.processors.remove([processor])

    def detach(self) -> None:
        """Take the processors away and put back what was changed; idempotent."""
        with _lock:
            self._detached = True
            if self.processors is not None:
                self.processors.remove(self._added)
            for undo in reversed(self._undo):
                undo()
            self._undo.clear()


def attach_nothing() -> Attachment:
    """Return an attachment to the global provider that leaves it as it is."""
    return Attachment(trace.get_tracer_provider())


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
            return _attach_to_ours(provider, processors, sampler)
        ours = RuntimeProvider(root, resource)
        if stand_in(ours, _took):
            return _attach_to_ours(ours, processors, sampler)
        provider = trace.get_tracer_provider()  # another thread has been faster
    if not sdk.takes_processors(provider):
        msg = (
            f"the global tracer provider, {sdk.name_of(provider)}, takes no span processor; "
            "call configure() before it is set, or set one of the OpenTelemetry SDK"
        )
        raise RuntimeError(msg)
    return _attach_to_users(provider, processors, sampler, service_name)


def _attach_to_ours(
    provider: RuntimeProvider, processors: Sequence[SpanProcessor], sampler: Sampler | None
) -> Attachment:
    for processor in processors:
        provider.add_span_processor(processor)
    attachment = Attachment(provider, provider.processors, processors, sampler)
    _attachments.add(attachment)
    return attachment


def _attach_to_users(
    provider: object,
    processors: Sequence[SpanProcessor],
    sampler: Sampler | None,
    service_name: str | None,
) -> Attachment:
    inner = cast("TracerProvider", sdk.behind(provider))
    if service_name is not None and inner.resource.attributes.get(SERVICE_NAME) != service_name:
        _logger.warning(
            "agent-analytics: service_name %r is not used: the tracer provider was set before "
            "configure() and has a resource of its own; set service.name there",
            service_name,
        )
    attachment = Attachment(provider, Processors(), processors, sampler)
    attachment.hook_in(provider)
    _attachments.add(attachment)
    return attachment


def _hook_at(provider: Any, hook: Hook | None = None) -> Hook:  # noqa: ANN401 - of whatever make
    """Return our hook in a provider, which gets it where it has none."""
    known, found = _hooks.get(id(provider), (None, None))
    if found is not None and known is not None and known() is provider:
        return found
    hook = hook or Hook(replaced.set)
    sdk.add(provider, hook)
    number = id(provider)
    try:
        reference: Any = weakref.ref(provider, lambda _: _hooks.pop(number, None))
    except TypeError:  # it cannot be referred to weakly; such a provider is there for good
        reference = lambda: provider  # noqa: E731 - what a reference is here
    _hooks[number] = (reference, hook)
    return hook


def _took(ours: RuntimeProvider, theirs: object) -> None:
    """Go on at a provider that has taken the place of ours, with all that was at ours."""
    with _lock:
        inner = cast("TracerProvider", sdk.behind(theirs))
        hook = _hook_at(inner)
        live = [each for each in _attachments if each.provider is ours]
        for attachment in live:
            attachment.processors = hook
            attachment.hook_in(theirs, hook)
        ours.yield_to(inner, hook)
        _yielded.add(ours)
        _logger.info(
            "agent-analytics: the program has set its own tracer provider, %s: its spans are "
            "counted, and its processors get all spans",
            sdk.name_of(theirs),
        )


def after_fork() -> None:
    """Forget, in a forked child, what threads that it lacks may hold."""
    global _lock  # noqa: PLW0603 - a thread that the child lacks may hold the parent's
    _lock = threading.RLock()


def _met(_: object) -> None:
    """Look at once where a decorator meets another provider: none of its spans is missed."""
    try:
        for attachment in list(_attachments):
            attachment.look()
    except Exception:  # noqa: BLE001 - telemetry never raises into the host
        note_internal_error("exporters.provider")


watch_providers(_met)
