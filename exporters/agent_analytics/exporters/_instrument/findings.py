"""What keeps a program's agents out of the metrics, in sentences for people.

Zeros for ever without a word are the worst answer: where spans go elsewhere, or say nothing that
can be counted, what they come from is named.
"""

import gc
import sys
import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, cast

from opentelemetry.sdk.trace import TracerProvider

from agent_analytics.exporters._instrument import libraries
from agent_analytics.exporters._instrument.instrument import Instruments
from agent_analytics.exporters._instrument.observer import Seen
from agent_analytics.exporters._provider import sdk
from agent_analytics.exporters._provider.processors import RuntimeProvider
from agent_analytics.instrumentation import mistakes
from agent_analytics.instrumentation.tracing import SCOPE
from agent_analytics.processor import AgentMetricsProcessor

#: Scopes that are named in one sentence.
_SHOWN: Final = 5
#: Instrumentations of everything but agents.
_COMMON: Final = ("opentelemetry.instrumentation.", "fastapi", "starlette", "django", "flask")

#: Returns the findings about a processor, for who asks over HTTP.
_sources: Final[weakref.WeakKeyDictionary[Any, Callable[[], list[str]]]] = (
    weakref.WeakKeyDictionary()
)


def offer(processor: object, source: Callable[[], list[str]]) -> None:
    """Let the findings about a processor be asked for."""
    _sources[processor] = source


def about(processor: object) -> list[str]:
    """Return the findings about a processor, where somebody looks, and what mistakes were said."""
    source = _sources.get(processor)
    return [*(source() if source is not None else []), *mistakes.said()]


def findings(
    attached: object,
    scopes: Mapping[str, Seen],
    instruments: Instruments | None,
    *,
    thorough: bool,
) -> Iterator[str]:
    """Yield what keeps agents out of the metrics.

    Args:
        attached: The provider whose spans are counted.
        scopes: What was seen of each instrumentation.
        instruments: What was switched on, if that was asked for.
        thorough: Look for other providers even where agents and models were seen: that takes
            0.1 s for a million objects in the program.
    """
    seen = scopes.values()
    if thorough or not (any(each.agents for each in seen) and any(each.models for each in seen)):
        yield from _elsewhere(attached)
    yield from _mute(scopes)
    yield from _agentless(scopes)
    if instruments is not None:
        used = [each for each in libraries.installed() if each.module in sys.modules]
        for library in instruments.missing(used):
            yield (
                f"{library.name} is in use and nothing records its calls: install {library.package}"
            )


def _elsewhere(attached: object) -> Iterator[str]:
    counted = sdk.behind(attached)
    shared = getattr(counted, "_active_span_processor", None)
    for provider in _providers():
        if provider is counted or isinstance(provider, RuntimeProvider):
            continue
        multi: Any = getattr(provider, "_active_span_processor", None)
        processors: tuple[object, ...] = getattr(multi, "_span_processors", ())
        scopes = sorted({_scope(tracer) for tracer in sdk.tracers_of(provider)} - {"", SCOPE})
        if multi is shared or not processors or not scopes:
            continue
        if any(isinstance(each, sdk.Ours | AgentMetricsProcessor) for each in processors):
            continue
        names = ", ".join(dict.fromkeys(sdk.name_of(each) for each in processors))
        yield (
            f"spans of {_listed(scopes)} go to a tracer provider that is not counted, "
            f"{sdk.name_of(provider)} with {names}: make it the global one, or add "
            "runtime.processor to it"
        )


def _providers() -> list[TracerProvider]:
    kinds: list[type] = [TracerProvider]
    for kind in kinds:
        kinds.extend(kind.__subclasses__())
    # Instances refer to their classes: this asks for no list of all objects.
    referrers = cast("list[TracerProvider]", gc.get_referrers(*kinds))
    return [each for each in referrers if type(each) in kinds]


def _scope(tracer: object) -> str:
    scope = getattr(tracer, "_instrumentation_scope", None) or getattr(
        tracer, "instrumentation_info", None
    )
    return str(getattr(scope, "name", ""))


def _mute(scopes: Mapping[str, Seen]) -> Iterator[str]:
    if any(seen.speaking for seen in scopes.values()):
        others = {name: seen for name, seen in scopes.items() if seen.bare == seen.spans}
    else:
        others = dict(scopes)
    mute = sorted(
        name
        for name, seen in others.items()
        if seen.spans and not seen.speaking and not name.startswith(_COMMON)
    )
    if mute:
        bare = all(scopes[name].bare == scopes[name].spans for name in mute)
        yield (
            f"spans of {_listed(mute)} say of no agent, no tool and no model "
            f"{'(they have no attribute at all) ' if bare else ''}that it was at work: nothing "
            "of them is counted; decorate the agent, or use an instrumentation that "
            "agent-analytics reads"
        )


def _agentless(scopes: Mapping[str, Seen]) -> Iterator[str]:
    if any(seen.agents for seen in scopes.values()):
        return
    calls = sorted(name for name, seen in scopes.items() if seen.speaking)
    if calls:
        what = "model calls" if not any(scopes[name].tools for name in calls) else "calls"
        yield (
            f"spans of {_listed(calls)} tell of {what} and of no agent, so no invocation is "
            "counted: set AGENT_ANALYTICS_AGENT_ID for the listing of this process, decorate the "
            "agent, or instrument the framework that it is built with"
        )


def _listed(names: list[str]) -> str:
    shown = [name or "a tracer without a name" for name in names[:_SHOWN]]
    return ", ".join(shown) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
