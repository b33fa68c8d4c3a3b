"""What ``opentelemetry-instrument`` calls before the program starts: ``configure()`` without code.

It loads one distro and one configurator, ours or those of others, then calls every hook before
the instrumentations, so our runtime is there whichever have won, unless OTEL_PYTHON_CONFIGURATOR
names another one. Nothing here may keep the program from starting.
"""

import errno
import logging
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from importlib.metadata import EntryPoint
from typing import Any, Final, cast

from opentelemetry import trace
from opentelemetry.instrumentation.dependencies import DependencyConflictError
from opentelemetry.instrumentation.distro import BaseDistro  # type: ignore[attr-defined]  # untyped
from opentelemetry.sdk.trace import TracerProvider

from agent_analytics.exporters import _configure
from agent_analytics.exporters._instrument.packages import is_genai
from agent_analytics.exporters._provider import sdk
from agent_analytics.exporters._settings.explained import DOCTOR
from agent_analytics.exporters._settings.identity import publisher_named
from agent_analytics.exporters._settings.settings import UNSET
from agent_analytics.exporters._workers import process_tree

_logger = logging.getLogger("agent_analytics")

#: Of the entry points.
_NAME: Final = "agent_analytics"
_CONFIGURATOR_VARIABLE: Final = "OTEL_PYTHON_CONFIGURATOR"
_INSTRUMENT_VARIABLE: Final = "AGENT_ANALYTICS_INSTRUMENT"
_LEVEL_VARIABLE: Final = "OTEL_LOG_LEVEL"
_LEVELS: Final = {
    "debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING,
    "warning": logging.WARNING, "error": logging.ERROR, "none": logging.CRITICAL + 1,
}  # fmt: skip

_tried = False


class Distro(BaseDistro):  # type: ignore[misc]  # a class without annotations
    """Loads the other instrumentations, HTTP clients and databases: one that fails is skipped."""

    def _configure(self, **kwargs: Any) -> None:  # noqa: ANN401 - the base class's signature
        """Set nothing: the configurator does it all."""

    def load_instrumentor(self, entry_point: EntryPoint, **kwargs: Any) -> None:  # noqa: ANN401 - the base class's signature
        """Switch one instrumentation on, unless the runtime decides on it."""
        if _configure.live() is not None and is_genai(entry_point):
            return
        try:
            cast("Any", super()).load_instrumentor(entry_point, **kwargs)
        except (ImportError, DependencyConflictError):
            raise  # what calls this logs it and goes on
        except Exception as error:  # noqa: BLE001 - it would end the loading of all the others
            _logger.error(  # noqa: TRY400 - a line for people
                "agent-analytics: the instrumentation %s raised %s: %s; it is skipped",
                entry_point.name,
                type(error).__name__,
                error,
            )


class Configurator:
    """Sets up what ``configure()`` sets up, with settings from the environment alone."""

    def configure(self, **_: object) -> None:
        """Start a runtime; errors are logged."""
        _start()


def before_instrumentations() -> None:
    """Start a runtime where another configurator has been loaded and none was asked for."""
    if os.environ.get(_CONFIGURATOR_VARIABLE, "").strip() in {"", _NAME}:
        _start()
    if _configure.live() is not None:
        logging.getLogger(_again.LOGGER).addFilter(_again)


def after_instrumentations() -> None:
    """Let warnings through again."""
    logging.getLogger(_again.LOGGER).removeFilter(_again)


class _Again(logging.Filter):
    """Drops the warning of each instrumentation that we have switched on before another distro."""

    LOGGER: Final = "opentelemetry.instrumentation.instrumentor"

    def filter(self, record: logging.LogRecord) -> bool:
        return record.msg != "Attempting to instrument while already instrumented"


_again: Final = _Again()


def _start() -> None:
    global _tried  # noqa: PLW0603 - once per process, whoever calls first
    if _tried:
        return
    _tried = True
    with _speaking():
        try:
            _configure_or_count_only()
        except (ValueError, ImportError, OSError, RuntimeError) as error:
            _logger.error(  # noqa: TRY400 - the message is for people
                "agent-analytics: nothing is counted, the program runs without it: %s; %s",
                error,
                DOCTOR,
            )
        except Exception:
            _logger.exception("agent-analytics: nothing is counted, the program runs without it")


def _configure_or_count_only() -> None:
    # Whoever has set up a provider has set up its export, too.
    foreign = isinstance(sdk.behind(trace.get_tracer_provider()), TracerProvider)
    endpoint = None if foreign else UNSET
    instrument = None if os.environ.get(_INSTRUMENT_VARIABLE, "").strip() else True
    try:
        _configure.configure_without_code(UNSET, endpoint, instrument)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        _logger.error("agent-analytics: %s. Nobody can read what this process counts", error)  # noqa: TRY400 - the message is for people
        _configure.configure_without_code(None, endpoint, instrument)
    if process_tree.root() is None and not publisher_named():
        _logger.warning(
            "agent-analytics: no publisher is named: what names none itself is counted as "
            "unattributed; set AGENT_ANALYTICS_PUBLISHER_ID"
        )


@contextmanager
def _speaking() -> Generator[None]:
    """Let what is logged be seen, for the program has not set up its logging yet.

    OTEL_LOG_LEVEL says from which level on: ``info`` by default, as the specification has it.
    """
    root = logging.getLogger()
    if root.handlers:
        yield
        return
    named = os.environ.get(_LEVEL_VARIABLE, "").strip().lower()
    level = _LEVELS.get(named, logging.INFO)
    handler = logging.StreamHandler(sys.stderr)
    handler.setLevel(level)
    before = _logger.level
    _logger.addHandler(handler)
    _logger.setLevel(min(level, logging.INFO))
    try:
        yield
    finally:
        _logger.setLevel(before)
        _logger.removeHandler(handler)
