"""What ``configure()`` would say of the settings in the environment, without starting anything."""

import errno
import logging
import os
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from opentelemetry.sdk.resources import OTELResourceDetector, Resource

from agent_analytics.exporters._access.web_config import WebConfig
from agent_analytics.exporters._http.listening import bare, is_every, listen
from agent_analytics.exporters._http.responses import NO_READER, READER
from agent_analytics.exporters._leaving.otlp import wrong_endpoint
from agent_analytics.exporters._leaving.redaction import Policy
from agent_analytics.exporters._settings import room, settings
from agent_analytics.exporters._settings.identity import check_identity, publisher_named
from agent_analytics.exporters._settings.settings import UNSET
from agent_analytics.exporters._settings.variables import PREFIXES, misspelt
from agent_analytics.instrumentation.incoming import TRUST_VARIABLE
from agent_analytics.processor import AgentMetricsProcessor, Limits

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor

__all__ = [
    "NO_READER",
    "PREFIXES",
    "READER",
    "Refusal",
    "hold_seconds",
    "misspelt",
    "publisher_named",
    "refusals",
    "served_at",
]

_HOST: Final = "AGENT_ANALYTICS_METRICS_HOST"
_WEB_CONFIG: Final = "AGENT_ANALYTICS_WEB_CONFIG"
_PREFIX: Final = "agent-analytics: "


@dataclass(frozen=True, slots=True)
class Refusal:
    """A setting that cannot be used, or that is not used as it was meant.

    Attributes:
        variable: The variable that it comes from.
        message: What ``configure()``, or a library that it calls, says of it.
        missing: Whether a package is missing; the message says how to install it.
        unreadable: Whether this user may not read what the setting names.
    """

    variable: str
    message: str
    missing: bool = False
    unreadable: bool = False


def refusals() -> Iterator[Refusal]:
    """Yield what is wrong with every setting of the environment, not with the first alone.

    Libraries that do with a wrong setting what they like, and log it, are listened to.
    """
    seen: set[str] = set()
    for variable, read in _READERS:
        why: Exception | None = None
        with _heard() as said:
            try:
                read()
            except (ValueError, ImportError, OSError, RuntimeError) as error:
                why = error
                said.append(str(error))
            except Exception as error:  # noqa: BLE001 - libraries of others read settings here
                said.append(f"{variable}: {type(error).__name__}: {error}")
        for message in said:
            if message not in seen:
                seen.add(message)
                own = why is not None and message == str(why)
                yield Refusal(
                    variable,
                    message.removeprefix(_PREFIX),
                    missing=own and isinstance(why, ImportError),
                    unreadable=own and os.strerror(errno.EACCES) in message,
                )


def hold_seconds() -> float | None:
    """Return how long newborn series show 0, in seconds; None where that is set wrong."""
    try:
        return settings.hold_seconds(UNSET)
    except ValueError:
        return None


def served_at() -> str | None:
    """Return the address of ``/metrics`` by the settings; None where none can be known."""
    try:
        port = settings.metrics_port(UNSET)
    except ValueError:
        return None
    if not port:  # none, or any that is free
        return None
    host = os.environ.get(_HOST, "").strip() or "127.0.0.1"
    host = "127.0.0.1" if is_every(host) else bare(host)
    return f"{_scheme()}://{f'[{host}]' if ':' in host else host}:{port}/metrics"


def _scheme() -> str:
    path = os.environ.get(_WEB_CONFIG, "").strip()
    try:
        return "https" if path and WebConfig(Path(path)).current().tls else "http"
    except (ValueError, ImportError):
        return "http"


def _host() -> None:
    host = os.environ.get(_HOST, "").strip()
    if host:
        for listener in listen(host, 0):  # a port that nobody has asked for
            listener.close()


def _web_config() -> None:
    path = os.environ.get(_WEB_CONFIG, "").strip()
    if path:
        WebConfig(Path(path))


def _take_rate() -> None:
    AgentMetricsProcessor(take_rate=settings.take_rate(None)).shutdown()


def _expire() -> None:
    AgentMetricsProcessor(expire_seconds=settings.expire_seconds(UNSET)).shutdown()


def _endpoint() -> None:
    endpoint = settings.otlp(UNSET, None)
    wrong = wrong_endpoint(endpoint.protocol) if endpoint is not None else ""
    if wrong:
        raise ValueError(wrong)


def _export() -> None:
    endpoint = settings.otlp(UNSET, None)
    if endpoint is not None:
        exporting = cast("SpanProcessor", endpoint.processor(Policy()))
        exporting.shutdown()  # nothing was recorded, so nothing is sent


_READERS: Final[tuple[tuple[str, Callable[[], object]], ...]] = (
    # First, as others read it as well and repeat what is said of it.
    ("OTEL_RESOURCE_ATTRIBUTES", lambda: OTELResourceDetector().detect()),
    ("OTEL_EXPERIMENTAL_RESOURCE_DETECTORS", Resource.create),
    (_HOST, _host),
    ("AGENT_ANALYTICS_METRICS_PORT", lambda: settings.metrics_port(UNSET)),
    ("AGENT_ANALYTICS_HOLD_SECONDS", lambda: settings.hold_seconds(UNSET)),
    ("AGENT_ANALYTICS_TAKE_RATE", _take_rate),
    ("AGENT_ANALYTICS_EXPIRE_SECONDS", _expire),
    ("AGENT_ANALYTICS_PRICES", lambda: settings.prices(UNSET)),
    (
        "AGENT_ANALYTICS_PROPAGATE_IDENTITY",
        lambda: settings.flag(None, "AGENT_ANALYTICS_PROPAGATE_IDENTITY"),
    ),
    ("AGENT_ANALYTICS_EXPORT_ATTRIBUTES", lambda: settings.export_attributes(None)),
    (TRUST_VARIABLE, lambda: settings.flag(None, TRUST_VARIABLE)),
    ("AGENT_ANALYTICS_INSTRUMENT", lambda: settings.instruments(None)),
    ("AGENT_ANALYTICS_NOT_ERRORS", lambda: settings.not_errors(None)),
    (_WEB_CONFIG, _web_config),
    ("AGENT_ANALYTICS_PUBLISHER_ID", lambda: check_identity(Limits())),
    ("AGENT_ANALYTICS_SKETCHES_TOKEN", lambda: settings.sketches_token(UNSET)),
    *(
        (variable, partial(room.limited, Limits(), name))
        for name, variable in room.VARIABLES.items()
    ),
    ("OTEL_TRACES_SAMPLER", settings.sampler_from_environment),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", _endpoint),
    ("OTEL_EXPORTER_OTLP_* and OTEL_BSP_*", _export),
)


class _Ear(logging.Handler):
    def __init__(self, said: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._said: Final = said

    def emit(self, record: logging.LogRecord) -> None:
        self._said.append(record.getMessage())


@contextmanager
def _heard() -> Generator[list[str]]:
    """Yield what is logged meanwhile, by us and by OpenTelemetry."""
    said: list[str] = []
    ear = _Ear(said)
    loggers = [logging.getLogger(name) for name in ("agent_analytics", "opentelemetry")]
    for each in loggers:
        each.addHandler(ear)
    try:
        yield said
    finally:
        for each in loggers:
            each.removeHandler(ear)
