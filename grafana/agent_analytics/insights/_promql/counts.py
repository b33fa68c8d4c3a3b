"""What on-call's questions are made of: two counts of a window, recorded once an evaluation.

Each alert looks up what is recorded here, in its own group and so of the same moment: raw series,
of which there are thousands, are read once for all forms, conditions and bounds. Counts are
recorded, and not only their ratio, because they are also the floor of an alert.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from agent_analytics.insights._promql import quantities, recorded
from agent_analytics.insights._promql.scopes import LISTING, SUCCESS, TOOL, Scope, one_of, select
from agent_analytics.insights._promql.windows import Live
from agent_analytics.processor import catalogue


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """A part and the whole that it is of.

    Attributes:
        part: Name under which the part is recorded, without the window.
        whole: Name under which the whole is recorded, without the window.
        of_part: The part in a window, as PromQL over raw series.
        of_whole: The whole in a window; what is given besides is where the part is recorded.
        rest: The measure is what the part leaves of the whole, as a share.
    """

    part: str
    whole: str
    of_part: Callable[[Live], str]
    of_whole: Callable[[Live, str], str]
    rest: bool = False

    def recordings(self, window: str) -> list[tuple[str, str]]:
        """Return names and expressions of what is recorded of a window, in order."""
        part = recorded.increase(self.part, window)
        return [
            (part, self.of_part(Live(window))),
            (recorded.increase(self.whole, window), self.of_whole(Live(window), part)),
        ]

    def measure(self, window: str) -> str:
        """Return the measured number, as PromQL over what is recorded."""
        part = recorded.increase(self.part, window)
        ratio = f"{part} / {recorded.increase(self.whole, window)}"
        return f"(1 - {ratio})" if self.rest else f"({ratio})"

    def observations(self, window: str) -> str:
        """Return how many observations the measure rests on."""
        return recorded.increase(self.whole, window)

    def known(self, window: str) -> str:
        """Return a series that there is wherever the measure is, and costs one look-up."""
        return recorded.increase(self.part, window)


def _judged(name: str, scope: Scope) -> Callable[[Live, str], str]:
    """Return what succeeded or failed in a window, what failed as it is recorded."""

    def whole(window: Live, failed: str) -> str:
        # `or` adds what failed: raw series have more labels than what is recorded, so none is
        # hidden.
        succeeded = select(name, scope, one_of("outcome", SUCCESS))
        grown = f"increase({succeeded}[{window.duration}])"
        return f"{scope.aggregate('sum')} ({grown} or {select(failed, scope)})"

    return whole


FAILED_INVOCATIONS: Final = Counts(
    part=recorded.FAILED_INVOCATIONS,
    whole=recorded.JUDGED_INVOCATIONS,
    of_part=quantities.failed_invocations,
    of_whole=_judged(catalogue.INVOCATIONS.name, LISTING),
)
#: Quick ones are what a histogram counts; slow ones are the rest.
SLOW_RESPONSES: Final = Counts(
    part=recorded.QUICK_RESPONSES,
    whole=recorded.RESPONSES,
    of_part=quantities.quick_responses,
    of_whole=lambda window, _: quantities.responses(window),
    rest=True,
)
RATINGS: Final = Counts(
    part=recorded.STARS,
    whole=recorded.RATINGS,
    of_part=quantities.stars,
    of_whole=lambda window, _: quantities.ratings(window),
)
FAILED_CALLS: Final = Counts(
    part=recorded.FAILED_CALLS,
    whole=recorded.JUDGED_CALLS,
    of_part=quantities.failed_tool_calls,
    of_whole=_judged(catalogue.TOOL_CALLS.name, TOOL),
)
