"""What on-call's questions are made of: two counts of a window, recorded once an evaluation.

Each alert looks up what is recorded here, in its own group and so of the same moment: raw series,
of which there are thousands, are read once for all forms, conditions and bounds. Counts are
recorded, and not only their ratio, because they are also the floor of an alert.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from agent_analytics.insights._promql import queries, recorded


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
    of_part: Callable[[str], str]
    of_whole: Callable[[str, str], str]
    rest: bool = False

    def recordings(self, window: str) -> list[tuple[str, str]]:
        """Return names and expressions of what is recorded of a window, in order."""
        part = recorded.increase(self.part, window)
        return [
            (part, self.of_part(window)),
            (recorded.increase(self.whole, window), self.of_whole(window, part)),
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


FAILED_INVOCATIONS: Final = Counts(
    part=recorded.FAILED_INVOCATIONS,
    whole=recorded.JUDGED_INVOCATIONS,
    of_part=queries.failed_invocations,
    of_whole=queries.judged_besides,
)
#: Quick ones are what a histogram counts; slow ones are the rest.
SLOW_RESPONSES: Final = Counts(
    part=recorded.QUICK_RESPONSES,
    whole=recorded.RESPONSES,
    of_part=queries.quick_responses,
    of_whole=lambda window, _: queries.responses(window),
    rest=True,
)
RATINGS: Final = Counts(
    part=recorded.STARS,
    whole=recorded.RATINGS,
    of_part=queries.stars,
    of_whole=lambda window, _: queries.ratings(window),
)
FAILED_CALLS: Final = Counts(
    part=recorded.FAILED_CALLS,
    whole=recorded.JUDGED_CALLS,
    of_part=queries.failed_tool_calls,
    of_whole=queries.judged_calls_besides,
)
