"""The SDK's providers, seen past what vendors put round them and past the public names."""

import gc
import logging
from collections.abc import Callable, Iterator
from typing import Any, Final, cast

from opentelemetry import trace
from opentelemetry.sdk.trace import (
    ConcurrentMultiSpanProcessor,
    SpanProcessor,
    SynchronousMultiSpanProcessor,
    Tracer,
    TracerProvider,
)
from opentelemetry.sdk.trace.sampling import Sampler

from agent_analytics.instrumentation.tracing import SCOPE
from agent_analytics.processor import RecordAllSampler

_logger = logging.getLogger("agent_analytics")

#: How many providers may stand one in front of the other.
_DEPTH: Final = 4
#: Where a provider without a ``__dict__`` may keep the one behind it.
_NAMES: Final = ("provider", "_provider", "_tracer_provider", "_delegate", "_wrapped")
#: Groups of processors of the SDK.
_GROUPS: Final = (SynchronousMultiSpanProcessor, ConcurrentMultiSpanProcessor)


class Ours:
    """Marks groups of processors that are ours."""


def name_of(thing: object) -> str:
    """Return the qualified name of a thing's class, as people look for it."""
    kind = type(thing)
    return f"{kind.__module__}.{kind.__qualname__}"


def behind(provider: object) -> object:
    """Return the SDK's provider that does the work behind proxies, else what was given.

    logfire's global provider, for one, passes on to a provider that each of its ``configure()``
    makes anew.
    """
    found = provider
    for _ in range(_DEPTH):
        if isinstance(found, TracerProvider):
            return found
        inner = list(_held(found))
        sdk = [each for each in inner if isinstance(each, TracerProvider)]
        if not (sdk or inner):
            break
        found = (sdk or inner)[0]
    return provider


def _held(provider: object) -> Iterator[object]:
    """Yield the providers that a provider keeps."""
    kept = list(vars(provider).values()) if hasattr(provider, "__dict__") else []
    kept += [getattr(provider, name, None) for name in _NAMES]
    for each in kept:
        if isinstance(each, trace.TracerProvider) and each is not provider:
            yield each


def takes_processors(provider: object) -> bool:
    """Tell whether span processors can be added to a provider."""
    return hasattr(behind(provider), "add_span_processor")


def add(provider: Any, processor: SpanProcessor) -> None:  # noqa: ANN401 - of whatever make
    """Add a processor to a provider, and leave those that it has as they are.

    Its own method may do more: Phoenix's takes Phoenix's exporter away with the first addition.
    So the SDK's is used where the spans of the provider go to what that adds to.
    """
    taker = provider
    if isinstance(provider, TracerProvider):
        shared: Any = getattr(provider, "_active_span_processor", None)
        if (
            shared is not None
            and getattr(provider.get_tracer(SCOPE), "span_processor", 0) is shared
        ):
            taker = shared
    taker.add_span_processor(processor)


def put_back(provider: object, processor: SpanProcessor) -> bool:
    """Put a processor in again where somebody has set all of a provider's anew.

    Returns:
        Whether it was missing, and is in.
    """
    shared: Any = getattr(provider, "_active_span_processor", None)
    if not isinstance(shared, _GROUPS) or _reaches(shared, processor):
        return False  # it is in, or it cannot be seen whether it is
    shared.add_span_processor(processor)
    return _reaches(shared, processor)


def _reaches(group: Any, processor: SpanProcessor) -> bool:  # noqa: ANN401 - of whatever make
    inside: tuple[Any, ...] = getattr(group, "_span_processors", ())
    return group is processor or any(_reaches(each, processor) for each in inside)


def record_all(provider: TracerProvider, sampler: Sampler | None) -> Callable[[], None]:
    """Make another's provider record every span; return what undoes it."""
    previous: Sampler | None = getattr(provider, "sampler", None)
    if previous is None or getattr(provider, "_active_span_processor", None) is None:
        _logger.warning(
            "agent-analytics: the sampler of the tracer provider, %s, cannot be wrapped: spans "
            "that it drops are missing from the metrics; give it RecordAllSampler(...)",
            name_of(provider),
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
