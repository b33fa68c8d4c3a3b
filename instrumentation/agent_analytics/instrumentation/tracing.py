"""The tracer that every span of this package comes from."""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from opentelemetry import trace
from opentelemetry.context import Context, get_current
from opentelemetry.util.types import AttributeValue

from agent_analytics.instrumentation import mistakes
from agent_analytics.instrumentation.context import CALL_KEY, FACTS_KEY, SPAN_KEY
from agent_analytics.instrumentation.health import note_unrecorded

#: Name of the instrumentation scope.
SCOPE: Final = "agent_analytics.instrumentation"


class Source(NamedTuple):
    """Where spans come from at the moment.

    Attributes:
        provider: The provider in use; its identity shows whether this source is still current.
        tracer: The provider's tracer of our scope.
        has_sdk: False when spans go nowhere because no SDK is set up, which is no fault.
    """

    provider: trace.TracerProvider
    tracer: trace.Tracer
    has_sdk: bool


#: What the SDK takes a span for of which nothing is said.
_INTERNAL: Final = trace.SpanKind.INTERNAL

_override: trace.TracerProvider | None = None
_watchers: list[Callable[[trace.TracerProvider], None]] = []
_source: Source | None = None


def use_provider(provider: trace.TracerProvider | None) -> None:
    """Take spans from ``provider`` from now on, or from the global provider again if None."""
    global _override  # noqa: PLW0603 - one provider per process, as in OpenTelemetry itself
    _override = provider


def source() -> Source:
    """Return the current source of spans.

    Made anew when the provider is another than the last time, so an SDK that is set up after the
    decorators ran is found.
    """
    global _source  # noqa: PLW0603 - a cache of one
    provider = _override
    if provider is None:
        provider = trace.get_tracer_provider()
    found = _source
    if found is None or found.provider is not provider:
        tracer = provider.get_tracer(SCOPE)
        has_sdk = not (
            isinstance(provider, trace.ProxyTracerProvider | trace.NoOpTracerProvider)
            or isinstance(tracer, trace.NoOpTracer)
        )
        found = _source = Source(provider, tracer, has_sdk)
        for watch in _watchers:
            watch(provider)
    return found


def watch_providers(watch: Callable[[trace.TracerProvider], None]) -> None:
    """Call ``watch`` with each provider before the first span of ours is taken from it.

    ``watch`` does not raise. A provider that is in use already is handed over at once.
    """
    _watchers.append(watch)
    if _source is not None:
        watch(_source.provider)


def start_span(
    name: str,
    attributes: dict[str, AttributeValue],
    context: Context | None = None,
    *,
    invocation: bool = False,
    links: Sequence[trace.Link] = (),
    start_time: int | None = None,
) -> trace.Span:
    """Start a span of ours and see to it that it is recorded with what it says.

    Args:
        name: Of the span.
        attributes: What it says from the start. A span processor of ours reads this very mapping
            when the span ends: what is added to it by then counts, whatever became of the
            span's own attributes.
        context: What it is started in; None for the current context.
        invocation: Whether it is an invocation: one that is not recorded is missed by its listing.
        links: Other spans it refers to.
        start_time: In nanoseconds since the epoch; None for now.
    """
    if context is None:
        context = get_current()
    # A plain dict reads as a Context does, costs half, and is seen by the SDK alone.
    within: Any = context.get(CALL_KEY)
    if within is not None and within.shown is context.get(SPAN_KEY):
        # The span itself: the SDK asks a parent several things, and a stand-in takes its time.
        parent: Any = {**context, SPAN_KEY: within.span, FACTS_KEY: attributes}
    else:
        parent = {**context, FACTS_KEY: attributes}
    provider = trace.get_tracer_provider() if _override is None else _override
    found = _source
    if found is None or found.provider is not provider:
        found = source()
    span = found.tracer.start_span(
        name,
        parent,
        _INTERNAL,
        attributes,
        links,
        start_time,
        record_exception=False,
        set_status_on_exception=False,
    )
    if found.has_sdk:
        said: object = getattr(span, "attributes", None)  # those of the SDK that record have some
        if said is None:
            if not span.is_recording():
                note_unrecorded(invocation=invocation)
        elif not said:
            # Samplers return no attributes for what they drop; a sampler round them that records
            # it all the same leaves a span without those that it was started with.
            span.set_attributes(attributes)
    elif invocation and isinstance(provider, trace.ProxyTracerProvider):
        mistakes.not_set_up(name)
    return span


#: In what a span says, where somebody else ended the span while its call went on: whom to ask to
#: take it for ended once the call has.
ENDED_EARLY: Final = "agent_analytics.ended_early"


def end_again(facts: dict[str, Any], end: int) -> None:
    """End a span for those who saw it ended before its call was.

    Args:
        facts: What the span says.
        end: When the call ended, in nanoseconds since 1970.
    """
    for take in facts.pop(ENDED_EARLY, ()):
        take(end)


def tracer() -> trace.Tracer:
    """Return the tracer of the current source."""
    return source().tracer
