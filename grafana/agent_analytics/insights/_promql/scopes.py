"""Which series a quantity is taken from, and by which labels it is told apart."""

from dataclasses import dataclass, replace
from typing import Final

from agent_analytics.processor import catalogue
from agent_analytics.processor.catalogue import Metric

#: The default of a Prometheus job that scrapes ``/metrics``.
JOB: Final = "agent-analytics"
#: The job that scrapes ``/metrics/sketches``.
SKETCH_JOB: Final = "agent-analytics-sketches"

SUCCESS: Final = "success"
#: Outcomes that are somebody's fault.
FAILED: Final = ("error", "timeout")
#: Outcomes that say whether the agent works. A cancelled invocation was given up by its caller and
#: is neither a success nor an error, so it stands on neither side of an error rate.
JUDGED: Final = (SUCCESS, *FAILED)

#: Seconds above which a response is slow; an edge of the duration histogram.
SLOW_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Scope:
    """Which series a quantity is taken from, and by which labels it is told apart.

    Attributes:
        by: Labels of the answer.
        where: Label matchers that every selector gets, such as ``publisher_id="acme"``.
    """

    by: tuple[str, ...] = catalogue.LISTING_LABELS
    where: tuple[str, ...] = ()

    def within(self, *matchers: str) -> "Scope":
        """Return this scope with more label matchers."""
        return replace(self, where=(*self.where, *matchers))

    def over(self, *labels: str) -> "Scope":
        """Return this scope with other labels of the answer."""
        return replace(self, by=labels)

    def aggregate(self, operator: str, *labels: str) -> str:
        """Return an aggregation by this scope's labels and more, such as ``sum by (agent_id)``."""
        by = (*self.by, *labels)
        names = ", ".join(by)
        return f"{operator} by ({names})" if names else operator


#: One answer a listing.
LISTING: Final = Scope()
#: One answer a listing and tool.
TOOL: Final = Scope((*catalogue.LISTING_LABELS, "tool"))


def one_of(label: str, *values: str) -> str:
    """Return a matcher for a label that has one of the values."""
    operator = "=~" if len(values) > 1 else "="
    return f'{label}{operator}"{"|".join(values)}"'


def select(name: str, scope: Scope, *matchers: str) -> str:
    """Return an instant selector of a sample name within a scope."""
    every = (*matchers, *scope.where)
    return f"{name}{{{', '.join(every)}}}" if every else name


def edge(metric: Metric, value: float) -> str:
    """Return the matcher of a histogram's edge, as the canonical float that ``le`` carries.

    Raises:
        ValueError: If the histogram has no such edge, for which a rule would stay silent for ever.
    """
    if value not in metric.buckets:
        message = f"{metric.name} has no edge at {value}"
        raise ValueError(message)
    return f'le="{float(value)}"'
