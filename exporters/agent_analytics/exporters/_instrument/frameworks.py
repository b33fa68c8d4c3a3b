"""Frameworks that record spans of their own once they are switched on.

None is imported here: each is switched on when the program imports it, or at once where it
has been.
"""

import functools
import logging
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType
from typing import Any, Final

import wrapt
from opentelemetry.trace import TracerProvider

from agent_analytics.exporters._instrument.libraries import Library, family
from agent_analytics.exporters._instrument.switches import Switch
from agent_analytics.exporters._leaving.content import capture_asked

_logger = logging.getLogger("agent_analytics")

Undo = Callable[[], None]


class _LeftAloneError(Exception):
    """The framework stays as it is; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Framework:
    """How a framework is switched on.

    Attributes:
        name: What people call it.
        distributions: The distributions that it may come in.
        module: The module that has what ``tell`` needs.
        tell: Tells the framework and returns what takes it back.
        variables: What the framework reads from the environment when it is imported.
    """

    name: str
    distributions: tuple[str, ...]
    module: str
    tell: Callable[[Any, TracerProvider], Undo]
    variables: Mapping[str, str] = field(default_factory=dict[str, str])


def _pydantic_ai(module: Any, provider: TracerProvider) -> Undo:  # noqa: ANN401 - never imported
    agent: Any = module.Agent
    if getattr(agent, "_instrument_default", False):
        msg = "the program has called Agent.instrument_all() itself"
        raise _LeftAloneError(msg)
    settings = module.InstrumentationSettings(
        tracer_provider=provider, include_content=capture_asked()
    )
    agent.instrument_all(settings)

    def undo() -> None:
        if getattr(agent, "_instrument_default", settings) is settings:
            agent.instrument_all(False)  # noqa: FBT003 - by position in each of its releases

    return undo


def _agent_framework(module: Any, _: TracerProvider) -> Undo:  # noqa: ANN401 - never imported
    variable = "ENABLE_INSTRUMENTATION"
    if os.environ.get(variable, "").strip():
        msg = f"{variable} decides"
        raise _LeftAloneError(msg)
    settings: Any = module.OBSERVABILITY_SETTINGS
    before: object = settings.enable_instrumentation
    module.enable_instrumentation()

    def undo() -> None:
        settings.enable_instrumentation = before

    return undo


_SEMANTIC_KERNEL_VARIABLE: Final = "SEMANTICKERNEL_EXPERIMENTAL_GENAI_ENABLE_OTEL_DIAGNOSTICS"


def _semantic_kernel(_: ModuleType, __: TracerProvider) -> Undo:
    """Switch on what has read the environment already; the rest of it reads the variable."""
    if os.environ.get(_SEMANTIC_KERNEL_VARIABLE, "").strip().lower() != "true":
        msg = f"{_SEMANTIC_KERNEL_VARIABLE} decides"
        raise _LeftAloneError(msg)

    def tell(*, on: bool) -> None:
        for name, module in tuple(sys.modules.items()):
            if name.startswith("semantic_kernel.utils.telemetry."):
                settings: Any = vars(module).get("MODEL_DIAGNOSTICS_SETTINGS")
                if settings is not None:
                    settings.enable_otel_diagnostics = on

    tell(on=True)
    return functools.partial(tell, on=False)


#: Agent framework, autogen, google-adk, mcp and strands use the global tracer provider as it is.
_FRAMEWORKS: Final = (
    _Framework(
        name="agent-framework",
        distributions=("agent-framework-core", "agent-framework"),
        module="agent_framework.observability",
        tell=_agent_framework,
    ),
    _Framework(
        name="pydantic-ai",
        distributions=("pydantic-ai-slim", "pydantic-ai"),
        module="pydantic_ai",
        tell=_pydantic_ai,
    ),
    _Framework(
        name="semantic-kernel",
        distributions=("semantic-kernel",),
        module="semantic_kernel",
        tell=_semantic_kernel,
        variables={_SEMANTIC_KERNEL_VARIABLE: "true"},
    ),
)


def installed() -> list[Switch]:
    """Return every framework of the table that is installed."""
    found: list[Switch] = []
    for framework in _FRAMEWORKS:
        for distribution in framework.distributions:
            try:
                found.append(Framework(framework, distribution, version(distribution)))
            except PackageNotFoundError:
                continue
            break
    return found


class Framework(Switch):
    """A framework of the table."""

    def __init__(self, framework: _Framework, distribution: str, version: str) -> None:
        super().__init__(framework.name, distribution, version)
        self.keys = family(self.keys)
        self._framework = framework
        self._provider: TracerProvider | None = None
        self._undo: Undo | None = None
        self._set: dict[str, str] = {}

    def switch_on(self, provider: TracerProvider) -> None:
        """Tell the framework, now or as soon as it is imported."""
        self._provider = provider
        for variable, value in self._framework.variables.items():
            if not os.environ.get(variable, "").strip():
                os.environ[variable] = self._set[variable] = value
        self.became("waiting", f"the program has not imported {self._framework.module} yet")
        _waiting[self.name] = self
        if self.name not in _hooked:
            _hooked.add(self.name)
            hook = functools.partial(_imported, self.name)
            wrapt.register_post_import_hook(hook, self._framework.module)
        elif (module := sys.modules.get(self._framework.module)) is not None:
            self.tell(module)

    def tell(self, module: ModuleType) -> None:
        """Tell the framework, whose module has just been imported."""
        if self._provider is None or self._undo is not None:
            return
        try:
            self._undo = self._framework.tell(module, self._provider)
        except _LeftAloneError as reason:
            self.skip(str(reason))
        except Exception as error:  # noqa: BLE001 - the program's import must not fail with it
            self.skip(f"it raised {type(error).__name__}: {error}")
            _logger.warning("agent-analytics: the instrumentation %s", self.record)
        else:
            self.became("on")
            _logger.info("agent-analytics: switched on %s", self.record)

    def switch_off(self) -> None:
        """Take it back."""
        if _waiting.get(self.name) is self:
            del _waiting[self.name]
        self._provider = None
        for variable, value in self._set.items():
            if os.environ.get(variable) == value:
                del os.environ[variable]
        self._set.clear()
        if self.state != "skipped":
            self.became("off")
        undo, self._undo = self._undo, None
        try:
            if undo is not None:
                undo()
        except Exception as error:  # noqa: BLE001 - the code of others, at exit for the most part
            _logger.warning(
                "agent-analytics: the instrumentation %s could not be switched off: %s: %s",
                self.record,
                type(error).__name__,
                error,
            )


class Native(Switch):
    """A framework that records spans by itself: there is nothing to switch."""

    def __init__(self, library: Library) -> None:
        super().__init__(library.name, library.name, library.version())
        self.keys = library.keys

    def switch_on(self, provider: TracerProvider) -> None:
        """Note that it is on."""
        del provider
        self.became("on", "it records spans by itself")

    def switch_off(self) -> None:
        """Leave it as it is."""
        self.became("off")


#: Hooks of imports cannot be taken back, so each is set once and asks here whom to tell.
_waiting: Final[dict[str, Framework]] = {}
_hooked: Final[set[str]] = set()


def _imported(name: str, module: ModuleType) -> None:
    framework = _waiting.get(name)
    if framework is not None:
        framework.tell(module)
