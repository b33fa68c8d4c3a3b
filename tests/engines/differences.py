"""What the answers of other engines may differ in from those of Prometheus 2.42, and why."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from tests.engines.comparing import Differs


@dataclass(frozen=True, slots=True)
class Declared:
    """A difference that is known.

    Attributes:
        reason: Why, as docs/engines.md says it.
        questions: Names of the questions that are answered otherwise, with ``*`` and ``?``.
        always: Whether each differs every time, and not as it happens.
    """

    reason: str
    questions: tuple[str, ...]
    always: bool = True


_FIRST: Final = (
    "A sample at the very moment at which a window begins belongs to the window in Prometheus 2"
    " alone."
)
_RATES: Final = (
    "Rates and increases in VictoriaMetrics begin at the last sample before the window, and are not"
    " extrapolated."
)
_EQUAL: Final = (
    "Of several contributors that are equally large, VictoriaMetrics may name another one."
)
_TOP: Final = (
    "*: insights.yml: listing_top_contributor:*",
    "*: insights.yml: marketplace_insight_contributor*",
)
_LAST: Final = "Sums of many figures may differ in the last digit that a report shows."
#: Samples of the past are at full minutes, as points of a graph are: in life neither is so.
_GRAPHS: Final = (
    "*: dashboard of quill: agent-Revenue and model cost-?",
    "*: dashboard of quill: agent-Tokens by model-?",
)
#: Asked at the moment at which levels and registers were recorded.
_RECORDED: Final = (
    "recording: rollups.yml: publisher_registers:hour",
    "recording: rollups.yml: marketplace_registers:hour",
    "recording: report: *",
)
_LIVE: Final = (
    "*: oncall.yml: listing_*:increase_*",
    "*: dashboard of *: agent-*",
    "*: dashboard of *: health-Spans *",
    "*: dashboard of *: oncall-*",
)
_OF_VICTORIA: Final = (
    Declared(_RATES, _LIVE),
    Declared(_FIRST, _RECORDED),
    Declared(_EQUAL, _TOP, always=False),
)
#: What an older release does besides.
_OF_DEBIAN: Final = (Declared(_LAST, ("between: report: marketplace, *",)),)
DECLARED: Final[Mapping[str, tuple[Declared, ...]]] = {
    "Prometheus 3": (Declared(_FIRST, (*_GRAPHS, *_RECORDED)),),
    "VictoriaMetrics": _OF_VICTORIA,
    "VictoriaMetrics of Debian": (*_OF_VICTORIA, *_OF_DEBIAN),
}


def undeclared(engine: str, found: Mapping[str, Differs]) -> dict[str, Differs]:
    """Return what differs by the name of the question, and should not."""
    patterns = [pattern for each in DECLARED[engine] for pattern in each.questions]
    return {
        name: differs
        for name, differs in found.items()
        if differs and not any(fnmatchcase(name, pattern) for pattern in patterns)
    }


def outlived(engine: str, found: Mapping[str, Differs]) -> list[str]:
    """Return what is declared to differ, and does not any more."""
    differing = [name for name, differs in found.items() if differs]
    return [
        pattern
        for each in DECLARED[engine]
        if each.always
        for pattern in each.questions
        if not any(_matches(differing, pattern))
    ]


def _matches(names: Iterable[str], pattern: str) -> Iterable[bool]:
    return (fnmatchcase(name, pattern) for name in names)
