"""Our global provider stands in until the program, or a vendor that it calls, brings one.

OpenTelemetry keeps the first global provider and refuses all others. Where ours was first, what
refuses is replaced by what lets the other one in, so that a vendor's set-up works as if we were
not there: ``phoenix.otel.register()``, ``logfire.configure()``, ``configure_azure_monitor()``.
"""

import logging
import sys
import threading
from collections.abc import Callable
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.util._once import Once

from agent_analytics.exporters._provider.processors import RuntimeProvider
from agent_analytics.exporters._provider.sdk import name_of, takes_processors

_logger = logging.getLogger("agent_analytics")

#: Frameworks that would make the provider of their makers' own telemetry the global one, and send
#: there what the whole program records: older releases of crewai do.
_THEIR_MAKERS: Final = ("crewai.telemetry",)
_FRAMES: Final = 12

Took = Callable[[RuntimeProvider, Any], None]


class _Yielding(Once):
    """What OpenTelemetry asks whether a global provider may be set."""

    def __init__(self, took: Took) -> None:
        super().__init__()
        self._done = True  # ours has been set
        self._took = took
        self._turn = threading.RLock()

    def do_once(self, func: Callable[[], None]) -> bool:
        """Let a provider take the place of ours, and no other's."""
        with self._turn:
            if not self._done:  # made as new by somebody
                return super().do_once(func)
            ours = trace.get_tracer_provider()
            if not isinstance(ours, RuntimeProvider) or _of_makers():
                return False
            func()
            theirs = trace.get_tracer_provider()
            if theirs is ours:
                return True
            if not takes_processors(theirs):
                _set(ours)
                _logger.warning(
                    "agent-analytics: %s takes no span processor, so it does not become the "
                    "global tracer provider: what is recorded through it is in no metric",
                    name_of(theirs),
                )
                return False
            self._took(ours, theirs)
            return True


def stand_in(provider: RuntimeProvider, took: Took) -> bool:
    """Make a provider the global one, until another is set.

    Args:
        provider: Ours.
        took: Called with it and with the one that has taken its place.

    Returns:
        False where another one is there already.
    """
    trace.set_tracer_provider(provider)
    if trace.get_tracer_provider() is not provider:
        return False
    if hasattr(trace, "_TRACER_PROVIDER_SET_ONCE"):  # else the first one stays, as everywhere
        trace.__dict__["_TRACER_PROVIDER_SET_ONCE"] = _Yielding(took)
    return True


def _set(provider: RuntimeProvider) -> None:
    trace.__dict__["_TRACER_PROVIDER"] = provider


def _of_makers() -> bool:
    """Tell whether a framework sets the provider of its makers' own telemetry."""
    frame = sys._getframe(1)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # who calls decides
    for _ in range(_FRAMES):
        if f"{frame.f_globals.get('__name__')}.".startswith(_THEIR_MAKERS):
            return True
        if frame.f_back is None:
            break
        frame = frame.f_back
    return False
