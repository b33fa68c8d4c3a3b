"""Set-ups of other vendors, in the shapes that their packages have, for programs of the tests.

Each function makes or changes the global tracer provider as its package does, and returns the
provider that the vendor's own API records through. What reaches the vendor is in ``exported``.
"""

import sys
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, cast

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased
from opentelemetry.trace import Tracer

exported: list[str] = []


class Exporter(SpanExporter):
    """Keeps the names of spans, and sends nothing once it is shut down."""

    def __init__(self) -> None:
        self._open = True

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Keep the names."""
        if self._open:
            exported.extend(span.name for span in spans)
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """Send no more."""
        self._open = False


class Phoenix(TracerProvider):
    """arize-phoenix-otel 0.17: the default processor goes with the first that is added."""

    def __init__(self) -> None:
        super().__init__(shutdown_on_exit=False)
        self._default: SpanProcessor | None = SimpleSpanProcessor(Exporter())
        super().add_span_processor(self._default)

    def add_span_processor(self, span_processor: SpanProcessor) -> None:
        """Replace the default."""
        if self._default is not None:
            multi: Any = vars(self)["_active_span_processor"]
            multi._span_processors = ()  # noqa: SLF001 - as it does
            self._default.shutdown()
            self._default = None
        super().add_span_processor(span_processor)


def phoenix() -> trace.TracerProvider:
    """``phoenix.otel.register()``."""
    trace.set_tracer_provider(made := Phoenix())
    return made


@dataclass
class Proxy(trace.TracerProvider):
    """logfire 5.4: a proxy without a hash; each configure() puts another provider behind it."""

    provider: TracerProvider
    lock: Lock = field(default_factory=Lock)
    tracers: list[Any] = field(default_factory=list[Any])

    def get_tracer(self, *args: Any, **more: Any) -> Tracer:  # noqa: ANN401 - passed on
        """Return a tracer that follows the provider."""
        proxy = ProxyTracer(self, args, more)
        self.tracers.append(proxy)
        return proxy

    def add_span_processor(self, span_processor: SpanProcessor) -> None:
        """Pass it on."""
        self.provider.add_span_processor(span_processor)


class ProxyTracer(Tracer):
    """Takes its spans from the provider that is behind the proxy now."""

    def __init__(self, front: Proxy, args: Any, more: Any) -> None:  # noqa: ANN401 - passed on
        self._front, self._args, self._more = front, args, more

    def _tracer(self) -> Tracer:
        return self._front.provider.get_tracer(*self._args, **self._more)

    def start_span(self, *args: Any, **more: Any) -> trace.Span:  # noqa: ANN401 - passed on
        """Start a span."""
        return self._tracer().start_span(*args, **more)

    def start_as_current_span(self, *args: Any, **more: Any) -> Any:  # noqa: ANN401 - passed on
        """Start a span and make it the current one."""
        return self._tracer().start_as_current_span(*args, **more)


_proxies: list[Proxy] = []


def _provider(**more: Any) -> TracerProvider:  # noqa: ANN401 - passed on
    made = TracerProvider(shutdown_on_exit=False, **more)
    made.add_span_processor(SimpleSpanProcessor(Exporter()))
    return made


def logfire() -> trace.TracerProvider:
    """``logfire.configure()``, which may be called again."""
    if _proxies:
        _proxies[0].provider.shutdown()
        _proxies[0].provider = _provider()
    else:
        _proxies.append(Proxy(_provider()))
        trace.set_tracer_provider(_proxies[0])
    return _proxies[0]


def azure() -> trace.TracerProvider:
    """``configure_azure_monitor()`` 1.8: a provider with a sampler of its own, always set."""
    made = _provider(sampler=TraceIdRatioBased(1.0), resource=Resource({"service.name": "azure"}))
    trace.set_tracer_provider(made)
    return made


def langfuse() -> trace.TracerProvider:
    """``Langfuse()`` 5: adds to the provider that is there, else sets one."""
    there = trace.get_tracer_provider()
    if isinstance(there, trace.ProxyTracerProvider):
        trace.set_tracer_provider(there := TracerProvider(shutdown_on_exit=False))
    cast("TracerProvider", there).add_span_processor(SimpleSpanProcessor(Exporter()))
    return there


def sentry() -> trace.TracerProvider:
    """sentry-sdk 2.75, OTLPIntegration: adds to a provider of the SDK's, else sets one."""
    there = trace.get_tracer_provider()
    if not isinstance(there, TracerProvider):
        trace.set_tracer_provider(there := TracerProvider(shutdown_on_exit=False))
    there.add_span_processor(SimpleSpanProcessor(Exporter()))
    return there


def mlflow() -> trace.TracerProvider:
    """Do as mlflow 3.17, which set its provider past OpenTelemetry."""
    made = _provider()
    trace.__dict__["_TRACER_PROVIDER"] = made
    return made


def wrapped() -> trace.TracerProvider:
    """A provider that hides the SDK's two steps behind, without a ``__dict__`` in between."""

    class Slots(trace.TracerProvider):
        __slots__ = ("_delegate",)

        def __init__(self, delegate: trace.TracerProvider) -> None:
            self._delegate = delegate

        def get_tracer(self, *args: Any, **more: Any) -> Tracer:  # noqa: ANN401 - passed on
            return self._delegate.get_tracer(*args, **more)

    made = Slots(Slots(_provider()))
    trace.set_tracer_provider(made)
    return made


def crewai() -> trace.TracerProvider:
    """Do as crewai before 1.0: the global provider is that of its makers' own telemetry."""
    made = _provider()
    module = types.ModuleType("crewai.telemetry.telemetry")
    sys.modules[module.__name__] = module
    exec(  # noqa: S102 - so that the call comes from a module of that name
        "from opentelemetry import trace\ndef set_tracer(made): trace.set_tracer_provider(made)",
        vars(module),
    )
    vars(module)["set_tracer"](made)
    return made


class Datadog(trace.TracerProvider):
    """ddtrace 4.16: a provider of its own make, which takes no processors."""

    def get_tracer(self, *args: Any, **more: Any) -> Tracer:  # noqa: ANN401, ARG002 - as it is
        """Return a tracer that records elsewhere."""
        return trace.NoOpTracer()


def ddtrace() -> trace.TracerProvider:
    """``set_tracer_provider(ddtrace.opentelemetry.TracerProvider())``."""
    trace.set_tracer_provider(made := Datadog())
    return made


VENDORS: dict[str, Callable[[], trace.TracerProvider]] = {
    each.__name__: each
    for each in (phoenix, logfire, azure, langfuse, sentry, mlflow, wrapped, crewai, ddtrace)
}
