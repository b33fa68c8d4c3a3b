"""The tracer that every span of this package comes from."""

from typing import Final, NamedTuple

from opentelemetry import trace

#: Name of the instrumentation scope.
SCOPE: Final = "agent_analytics.instrumentation"


class Source(NamedTuple):
    """Where spans come from at the moment.

    Attributes:
        provider: The provider in use; its identity tells whether this source is still current.
        tracer: The provider's tracer of our scope.
        has_sdk: False when spans go nowhere because no SDK is set up, which is no fault.
    """

    provider: trace.TracerProvider
    tracer: trace.Tracer
    has_sdk: bool


_override: trace.TracerProvider | None = None
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
    return found


def tracer() -> trace.Tracer:
    """Return the tracer of the current source."""
    return source().tracer
