"""Instrumentations that are packages of their own, found by their entry points.

HTTP clients, databases and GenAI libraries share the entry point group and the prefix of their
distributions' names, so which are GenAI stands in the files of the dialects.
"""

import logging
import re
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

from opentelemetry.instrumentation.dependencies import (
    get_dependency_conflicts,
    get_dist_dependency_conflicts,
)
from opentelemetry.trace import TracerProvider

from agent_analytics.exporters._instrument.libraries import family
from agent_analytics.exporters._instrument.switches import Switch, key, same
from agent_analytics.processor.dialects import LIBRARIES, PACKAGES

_logger = logging.getLogger("agent_analytics")

_COMMON_GROUP: Final = "opentelemetry_instrumentor"
_GENAI_GROUP: Final = "openinference_instrumentor"

_LIBRARY_PREFIX: Final = "opentelemetry-instrumentation-"
#: At the beginning of a requirement.
_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")


def is_genai(entry_point: EntryPoint) -> bool:
    """Tell whether an instrumentation is one of a GenAI library."""
    if entry_point.group == _GENAI_GROUP:
        return True
    distribution = same(entry_point.dist.name) if entry_point.dist is not None else ""
    if distribution.startswith(PACKAGES):
        return True
    # A vendor's fork puts its own name before the prefix; second editions end in -v2.
    library = distribution.partition(_LIBRARY_PREFIX)[2].removesuffix("-v2")
    return library in LIBRARIES


def installed() -> list[Switch]:
    """Return every GenAI instrumentation that is installed, each once."""
    found: dict[tuple[str, str], Switch] = {}
    for group in (_COMMON_GROUP, _GENAI_GROUP):
        for entry_point in entry_points(group=group):
            if is_genai(entry_point):
                package = Package(entry_point)  # most stand in both groups
                found.setdefault((package.distribution, entry_point.value), package)
    return sorted(found.values(), key=lambda switch: (switch.name, switch.distribution))


class Package(Switch):
    """An instrumentation with an entry point."""

    def __init__(self, entry_point: EntryPoint) -> None:
        distribution = entry_point.dist
        super().__init__(
            entry_point.name,
            distribution.name if distribution is not None else "unknown",
            distribution.version if distribution is not None else "unknown",
        )
        self._entry_point = entry_point
        self._instrumentor: Any = None
        self.keys = family(self.keys | {key(each) for each in _libraries_of(entry_point)})

    def switch_on(self, provider: TracerProvider) -> None:
        """Instrument the library, if it is there in a version that fits."""
        try:
            self._switch_on(provider)
        except ModuleNotFoundError as error:
            self.skip(f"{error.name} is not installed" if error.name else f"{error}")
        except Exception as error:  # noqa: BLE001 - the code of others; the rest goes on
            self.skip(f"it raised {type(error).__name__}: {error}")
            _logger.warning("agent-analytics: the instrumentation %s", self.record)

    def _switch_on(self, provider: TracerProvider) -> None:
        distribution = self._entry_point.dist
        conflict = get_dist_dependency_conflicts(distribution) if distribution is not None else None
        if conflict is not None and (conflict.found or conflict.found_any):
            self.skip(_why(conflict))
            return
        instrumentor = self._entry_point.load()()
        if conflict is not None and not _fits(instrumentor):
            self.skip(_why(conflict))
            return
        if getattr(instrumentor, "is_instrumented_by_opentelemetry", False):
            self.became("on")  # by somebody else, who switches it off, too
            return
        # The dependencies were looked at above, and would be once more.
        instrumentor.instrument(tracer_provider=provider, skip_dep_check=True)
        self._instrumentor = instrumentor
        self.became("on")

    def switch_off(self) -> None:
        """Take the instrumentation out again, if it was put in here."""
        instrumentor, self._instrumentor = self._instrumentor, None
        if self.state == "on":
            self.became("off")
        if instrumentor is None:
            return
        try:
            instrumentor.uninstrument()
        except Exception as error:  # noqa: BLE001 - the code of others, at exit for the most part
            _logger.warning(
                "agent-analytics: the instrumentation %s could not be switched off: %s: %s",
                self.record,
                type(error).__name__,
                error,
            )


def _libraries_of(entry_point: EntryPoint) -> set[str]:
    """Return what an instrumentation is of, by its distribution's name and its requirements."""
    distribution = entry_point.dist
    if distribution is None:
        return set()
    part = same(distribution.name).partition("instrumentation-")[2]
    needed = [each for each in distribution.requires or () if "instruments" in each]
    names = {found[0] for each in needed if (found := _NAME.match(each)) is not None}
    return ({part, part.removeprefix("genai-").removesuffix("-v2")} | names) - {""}


def _fits(instrumentor: Any) -> bool:  # noqa: ANN401 - what an entry point names
    """Tell whether an instrumentor is content with what is installed, whatever its package says.

    The packages of some name libraries that only a part of their users have.
    """
    needed = getattr(instrumentor, "instrumentation_dependencies", tuple[str, ...])()
    return bool(needed) and get_dependency_conflicts(needed) is None


def _why(conflict: Any) -> str:  # noqa: ANN401 - a class of the dependency without annotations
    """Return why an instrumentation does not fit what is installed."""
    needed = conflict.required or " or ".join(str(each) for each in conflict.required_any or ())
    found = conflict.found or ", ".join(conflict.found_any or ())
    wanted = str(needed).partition(";")[0].strip()
    return f"it needs {wanted}, and {found or 'nothing like it'} is installed"
