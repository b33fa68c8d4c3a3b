"""Windows over raw series, up to now: what on-call asks, and graphs of the last hours."""

from dataclasses import dataclass

from agent_analytics.insights._promql import rollups
from agent_analytics.insights._promql.scopes import Scope, select
from agent_analytics.processor import catalogue


@dataclass(frozen=True, slots=True)
class Live:
    """The time until now, of raw series.

    ``increase`` and ``rate`` extrapolate to the edges of their window; ratios of two of them do not
    suffer from it, since both sides are stretched alike. Counts may be off by a scrape interval in
    a window, which is why floors of traffic are approximate by that much.

    Attributes:
        duration: Its length, such as ``1m``, or a variable of Grafana such as ``$__range``.
    """

    duration: str

    def grown(self, sample: str, scope: Scope, *matchers: str) -> str:
        """Return what the counters of a sample name grew by."""
        return self._sum("increase", sample, scope, *matchers)

    def pace(self, sample: str, scope: Scope, *matchers: str) -> str:
        """Return what they grew by a second."""
        return self._sum("rate", sample, scope, *matchers)

    def quotient(self, part: str, whole: str) -> str:
        """Return a part by a whole; 0 by 0 is no number."""
        return f"{part} / {whole}"

    def tenants(self, scope: Scope) -> str:
        """Return how many distinct tenants were seen."""
        kind = f'kind="{catalogue.SKETCH_TENANTS}"'
        registers = select(catalogue.SKETCH_REGISTER.name, scope, kind)
        seen = f"min_over_time({registers}[{self.duration}])"
        return rollups.distinct(f"{scope.aggregate('min', 'register')} ({seen})", scope.by)

    def at_end(self, gauge: str, scope: Scope) -> str:
        """Return the sum of a gauge at this moment."""
        return f"{scope.aggregate('sum')} ({select(gauge, scope)})"

    def _sum(self, function: str, sample: str, scope: Scope, *matchers: str) -> str:
        selector = select(sample, scope, *matchers)
        return f"{scope.aggregate('sum')} ({function}({selector}[{self.duration}]))"
