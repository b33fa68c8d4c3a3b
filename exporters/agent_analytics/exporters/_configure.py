"""``configure()``: one call that sets up spans, metrics, their server and the export of spans."""

import atexit
import logging
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import Sampler

from agent_analytics.exporters import _exporters
from agent_analytics.exporters._access import sketch_readers
from agent_analytics.exporters._exporters import Exporter
from agent_analytics.exporters._http import in_use
from agent_analytics.exporters._http.server import MetricsServer
from agent_analytics.exporters._instrument.instrument import Instruments
from agent_analytics.exporters._instrument.switches import Instrumentation
from agent_analytics.exporters._instrument.watch import Watch
from agent_analytics.exporters._leaving import egress
from agent_analytics.exporters._leaving.content import content_wanted
from agent_analytics.exporters._leaving.redaction import Policy
from agent_analytics.exporters._provider import provider as _provider
from agent_analytics.exporters._settings import room, startup
from agent_analytics.exporters._settings import settings as _settings
from agent_analytics.exporters._settings.explained import explained
from agent_analytics.exporters._settings.identity import check_identity
from agent_analytics.exporters._settings.settings import UNSET, OrUnset, Settings, TakeRate
from agent_analytics.exporters._settings.span_limits import warn_of_limits
from agent_analytics.exporters._workers import forked, process_tree
from agent_analytics.exporters._workers.serving import serve
from agent_analytics.exporters._workers.target import SharedTarget
from agent_analytics.instrumentation import incoming
from agent_analytics.instrumentation.exceptions import use_not_errors
from agent_analytics.instrumentation.health import note_internal_error
from agent_analytics.processor import AgentMetricsProcessor, Limits, Prices

_logger = logging.getLogger("agent_analytics")

_lock = threading.Lock()
_live: "Runtime | None" = None
#: What the live runtime has switched on, and whether a call in the program may replace it.
_instruments: Instruments | None = None
_replaceable = False


class Runtime:
    """What ``configure()`` has started, until ``shutdown()``; a context manager, too.

    Attributes:
        processor: Turns spans into metrics; readable after the shutdown, too.
        provider: The tracer provider that the spans come from.
    """

    def __init__(self, settings: Settings, processor: AgentMetricsProcessor) -> None:
        self.processor = processor
        self._server: MetricsServer | None = None
        self._target: SharedTarget | None = None
        self._port = settings.metrics_port
        self._exporter: SpanProcessor | None = None
        self._stop = ExitStack()
        self._lock = threading.Lock()
        self._instruments = settings.instruments
        in_use.offer(processor, settings)
        sketch_readers.offer(processor, settings.sketches_token)
        root = process_tree.root()
        with ExitStack() as started:  # unwound where the next step fails
            _exporters.start(settings.exporters, processor, started)  # their last reading has all
            started.callback(processor.shutdown)  # what has ended by then counts
            started.callback(use_not_errors, use_not_errors(settings.not_errors))
            #: Where the process that started this one serves, and this one would serve, too.
            self._above = (
                root
                if root and processor.state_dir is None and root.port == settings.metrics_port
                else None
            )
            self._unread = ""
            if self._above is not None and self._above.port is not None:
                self._unread = (
                    f"was started by process {self._above.pid}, which serves the metrics on port "
                    f"{self._above.port}"
                )
            if settings.metrics_port is not None and not self._above:
                self._serve(settings, settings.metrics_port, started, root)
            self._attachment = self._attach(settings, started)
            trusted = incoming.trust(chosen=settings.trust_incoming_baggage)
            started.callback(incoming.trust, chosen=trusted)
            propagator = egress.install(identity=settings.propagate_identity)
            started.callback(egress.uninstall, propagator)
            self._watch_forks(started)
            if settings.instruments is not None:
                started.callback(settings.instruments.switch_off)
                settings.instruments.switch_on(None if settings.sdk_disabled else self.provider)
            if root is None:
                started.callback(process_tree.take_back, process_tree.leave_word(self.served))
            if not settings.sdk_disabled:
                watch = Watch(self._attachment, settings.instruments, processor)
                started.callback(watch.close)
            startup.announce(settings, processor, self.server, self.metrics_port, root)
            self._stop = started.pop_all()

    def _serve(
        self, settings: Settings, port: int, started: ExitStack, root: process_tree.Root | None
    ) -> None:
        serving = serve(settings, port, self.processor, started, needed=root is None)
        if isinstance(serving, SharedTarget):
            self._target = serving
        else:
            self._server = serving
        if serving is None and root is not None:
            # Many such processes record nothing, and need no server.
            self._unread = f"cannot serve the metrics on port {port}, which is in use"

    def _attach(self, settings: Settings, started: ExitStack) -> _provider.Attachment:
        if settings.sdk_disabled:
            return _provider.attach_nothing()
        processors: list[SpanProcessor] = [self.processor]
        if self._unread:
            processors.append(forked.FirstSpan(self._unread))
        if settings.otlp is not None:
            policy = Policy(content=content_wanted(), attributes=settings.export_attributes)
            self._exporter = settings.otlp.processor(policy)
            started.callback(self._exporter.shutdown)
            processors.append(self._exporter)
        attachment = _provider.attach(
            processors,
            sampler=settings.sampler,
            default_sampler=_settings.sampler_from_environment,
            service_name=settings.service_name,
        )
        started.callback(attachment.detach)
        warn_of_limits(attachment.provider)
        return attachment

    def _watch_forks(self, started: ExitStack) -> None:
        if self._server is not None and self._attachment.processors is not None:
            forked.watch(self._attachment)
            started.callback(forked.unwatch, self._attachment)

    @property
    def served(self) -> int | None:
        """The port that this process serves the metrics on; None where it does not."""
        return self.server.port if self.server is not None else None

    @property
    def instrumentations(self) -> tuple[Instrumentation, ...]:
        """The GenAI instrumentations that were found, and what became of each by now."""
        return self._instruments.records if self._instruments is not None else ()

    @property
    def provider(self) -> TracerProvider:
        """The tracer provider that the spans come from."""
        return self._attachment.provider

    @property
    def server(self) -> MetricsServer | None:
        """The metrics server; None where there is none, or where another worker serves."""
        return self._server if self._target is None else self._target.server

    @property
    def metrics_port(self) -> int | None:
        """The port that metrics are served on, by this worker or another one, or None."""
        server = self.server
        return (self._port or None) if server is None else server.port

    def force_flush(self, timeout: float = 30.0) -> bool:
        """Export every span that has ended; metrics need no flush.

        Args:
            timeout: Seconds to wait. What is under way then goes on.

        Returns:
            False if it took longer or the runtime is shut down.
        """
        exporter = self._exporter
        if exporter is None:
            return True
        flushed: list[bool] = []
        thread = threading.Thread(
            target=lambda: flushed.append(exporter.force_flush()),
            name="agent-analytics-flush",
            daemon=True,
        )
        thread.start()
        thread.join(timeout)
        return flushed == [True]

    def shutdown(self) -> None:
        """Export what is left, stop the server, undo what ``configure()`` did; idempotent.

        Called at exit, too. With a receiver that does not answer it takes up to 30 seconds.
        """
        global _live, _replaceable
        with self._lock:
            stop, self._stop = self._stop, ExitStack()
        try:
            stop.close()
        except Exception:  # noqa: BLE001 - every step has run; none may fail the host's exit
            note_internal_error("exporters.shutdown")
        atexit.unregister(self.shutdown)
        with _lock:
            if _live is self:
                _live, _replaceable = None, False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.shutdown()


@explained()
def configure(
    service_name: str | None = None,
    metrics_port: OrUnset[int | None] = UNSET,
    otlp_endpoint: OrUnset[str | None] = UNSET,
    state_dir: OrUnset[str | None] = UNSET,
    hold_seconds: OrUnset[float] = UNSET,
    *,
    metrics_host: str | None = None,
    otlp_protocol: str | None = None,
    export_attributes: str | Iterable[str] | None = None,
    sampler: Sampler | float | None = None,
    tenant_key: OrUnset[str | bytes | None] = UNSET,
    sketches_token: OrUnset[str | None] = UNSET,
    take_rate: TakeRate | None = None,
    propagate_identity: bool | None = None,
    trust_incoming_baggage: bool | None = None,
    web_config: OrUnset[str | os.PathLike[str] | None] = UNSET,
    limits: Limits | None = None,
    max_samples: int | None = None,
    max_exposition_bytes: int | None = None,
    publisher_share: float | None = None,
    expire_seconds: OrUnset[float | None] = UNSET,
    active_installs: Callable[[], Mapping[tuple[str, str], float]] | None = None,
    prices: OrUnset[Prices | str | os.PathLike[str] | None] = UNSET,
    instrument: bool | Iterable[str] | None = None,
    not_errors: Iterable[type[BaseException] | str] | None = None,
    exporters: Iterable[Exporter] = (),
) -> Runtime:
    """Set up everything: spans of agents become metrics, and metrics are served.

    Each argument that is not given comes from its environment variable, else from a default;
    docs/configuration.md has the table.

    Args:
        service_name: ``service.name`` of the spans' resource. OTEL_SERVICE_NAME.
        metrics_port: Where metrics are served: 9464 by default, 0 for any free port, None for no
            server.
        otlp_endpoint: Base URL of an OTLP receiver to export sampled spans to; by default none.
        state_dir: Directory where series outlive the process, one for all workers of a service:
            any of them shows the sum, one of them serves it. AGENT_ANALYTICS_STATE_DIR.
        hold_seconds: How long newborn series show 0, 30 by default.
        metrics_host: Interface to serve metrics on, 127.0.0.1 by default.
        otlp_protocol: ``grpc`` (default) or ``http/protobuf``.
        export_attributes: Names of attributes that are exported beside those of the policy
            (docs/configuration.md), with ``*`` for any characters; ``*`` alone exports everything
            as it is. AGENT_ANALYTICS_EXPORT_ATTRIBUTES.
        sampler: Which traces are sampled, as a sampler or as a share from 0 to 1. It decides on
            the export of spans alone: metrics count every span.
        tenant_key: Secret that tenants are hashed with for distinct counts.
        sketches_token: Bearer token that ``/metrics/sketches`` is served for, to nobody else.
            Without it and without a tenant key, loopback alone. AGENT_ANALYTICS_SKETCHES_TOKEN.
        take_rate: The marketplace's share of revenue, or a dict from publisher to share.
        propagate_identity: Let ``marketplace.*`` baggage leave with outgoing calls; by default it
            is taken out.
        trust_incoming_baggage: Let ``marketplace.*`` baggage that comes in with calls say whose
            this process's work is; by default it is left at the door. The publisher that this
            process is configured with counts all the same.
            AGENT_ANALYTICS_TRUST_INCOMING_BAGGAGE.
        web_config: Prometheus web configuration file: TLS and basic authentication.
        limits: Caps on series and memory.
        max_samples: Samples in one exposition, 250,000 by default. AGENT_ANALYTICS_MAX_SAMPLES.
        max_exposition_bytes: Bytes of its text, 40,000,000 by default.
            AGENT_ANALYTICS_MAX_EXPOSITION_BYTES.
        publisher_share: Part of both that a publisher may have while it is alone, above 0 and up
            to 1, 0.5 by default. AGENT_ANALYTICS_PUBLISHER_SHARE.
        expire_seconds: A listing idle for this long leaves the exposition until it is used
            again; never by default. AGENT_ANALYTICS_EXPIRE_SECONDS.
        active_installs: Returns active installs by (publisher, agent) where the marketplace
            knows them; called at each scrape.
        prices: What model calls cost where no span states it: the path of a table of one's own,
            which is asked before the public price list, or Prices, or None for not known. By
            default the public list, where the extra ``prices`` is installed.
            AGENT_ANALYTICS_PRICES.
        instrument: Switch on every GenAI instrumentation that is installed, or those that are
            named; by default none. AGENT_ANALYTICS_INSTRUMENT.
        not_errors: Exceptions by which programs steer, beside those that frameworks are known to
            raise: classes, with those derived from them, or qualified names. They end a try that
            was no call, and no failure. AGENT_ANALYTICS_NOT_ERRORS.
        exporters: Objects that take the metrics somewhere else, beside the server
            (docs/configuration.md).

    Returns:
        The running parts. They are shut down at exit.

    Raises:
        ValueError: An argument or a variable is wrong; the message names it.
        ImportError: ``web_config`` needs a package that is not installed.
        OSError: The port is in use.
        RuntimeError: An earlier runtime is not shut down yet, or the global tracer provider is
            none of the SDK's.
    """
    global _live, _instruments  # noqa: PLW0603 - one runtime per process, as its provider
    limits = room.limits(
        limits,
        max_samples=max_samples,
        max_exposition_bytes=max_exposition_bytes,
        publisher_share=publisher_share,
    )
    check_identity(limits)
    keep = _replaceable and instrument is None
    priced = _settings.prices(prices)
    settings = Settings(
        service_name=service_name,
        metrics_port=_settings.metrics_port(metrics_port),
        metrics_host=metrics_host
        or _settings.text(UNSET, "AGENT_ANALYTICS_METRICS_HOST")
        or "127.0.0.1",
        otlp=_settings.otlp(otlp_endpoint, otlp_protocol),
        state_dir=_settings.text(state_dir, "AGENT_ANALYTICS_STATE_DIR"),
        hold_seconds=_settings.hold_seconds(hold_seconds),
        sampler=_settings.sampler(sampler),
        tenant_key=_settings.text(tenant_key, "AGENT_ANALYTICS_TENANT_KEY"),
        sketches_token=_settings.sketches_token(sketches_token),
        take_rate=_settings.take_rate(take_rate),
        propagate_identity=_settings.flag(propagate_identity, "AGENT_ANALYTICS_PROPAGATE_IDENTITY"),
        trust_incoming_baggage=_settings.flag(trust_incoming_baggage, incoming.TRUST_VARIABLE),
        web_config=_settings.text(web_config, "AGENT_ANALYTICS_WEB_CONFIG"),
        prices=priced[0],
        priced=priced[1],
        sdk_disabled=_settings.sdk_disabled(),
        instruments=_instruments if keep else _settings.instruments(instrument),
        not_errors=_settings.not_errors(not_errors),
        export_attributes=_settings.export_attributes(export_attributes),
        exporters=_exporters.checked(exporters),
    )
    if _replaceable:
        _make_way(keep=keep)
    with _lock:
        if _live is not None:
            msg = "configure() has been called already; call shutdown() of its runtime first"
            raise RuntimeError(msg)
        processor = AgentMetricsProcessor(
            settings.hold_seconds,
            settings.state_dir,
            limits,
            take_rate=settings.take_rate,
            tenant_key=settings.tenant_key,
            service=_settings.service_name(settings.service_name),
            expire_seconds=_settings.expire_seconds(expire_seconds),
            active_installs=active_installs,
            prices=settings.prices,
        )
        _live = runtime = Runtime(settings, processor)
        _instruments = settings.instruments
        atexit.register(runtime.shutdown)
        return runtime


def live() -> Runtime | None:
    """Return the runtime that is not shut down yet, or None."""
    return _live


def configure_without_code(
    metrics_port: OrUnset[int | None],
    otlp_endpoint: OrUnset[str | None],
    instrument: bool | None,  # noqa: FBT001 - an argument passed on
) -> Runtime:
    """Do what ``configure()`` does, until a call of it in the program takes over."""
    global _replaceable  # noqa: PLW0603 - one runtime per process, see configure()
    runtime = configure(
        metrics_port=metrics_port, otlp_endpoint=otlp_endpoint, instrument=instrument
    )
    _replaceable = True
    return runtime


def _make_way(*, keep: bool) -> None:
    """Shut down the runtime that was set up without code, its instrumentations aside."""
    runtime = _live
    if runtime is None:
        return
    _logger.debug("agent-analytics: configure() in the program takes over")
    if keep and _instruments is not None:
        _instruments.keep()
    runtime.shutdown()
