"""One report, four forms."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, get_args
from urllib.parse import urlencode

from agent_analytics.insights._report.answers.causes import without_causes
from agent_analytics.insights._report.answers.model import MarketplaceDashboard, PublisherDashboard
from agent_analytics.insights._report.forms.as_csv import as_csv
from agent_analytics.insights._report.forms.as_html import as_html
from agent_analytics.insights._report.forms.as_json import as_json
from agent_analytics.insights._report.forms.as_terminal import as_text
from agent_analytics.insights._report.known.evaluation import Insights
from agent_analytics.insights._report.pages.attention import ended_of, evaluated
from agent_analytics.insights._report.pages.marketplace import marketplace_page
from agent_analytics.insights._report.pages.page import Page
from agent_analytics.insights._report.pages.publisher import publisher_page
from agent_analytics.insights._rules.alerts import Insight
from agent_analytics.insights._rules.runbooks import runbook_url

Format = Literal["terminal", "json", "csv", "html"]
_ID: Final = "{trace_id}"
FORMATS: Final[tuple[Format, ...]] = get_args(Format)


@dataclass(frozen=True, slots=True)
class Report:
    """What is reported.

    Attributes:
        dashboard: The figures.
        insights: What is firing.
        runbooks: Where runbooks are served; None for where the alerts say.
        queries: Where readers reach Prometheus, for links to queries; None for none.
        traces: Where readers look traces up, with ``{trace_id}`` in the place of the id, or in
            front of it; None for no links.
    """

    dashboard: PublisherDashboard | MarketplaceDashboard
    insights: Sequence[Insight]
    runbooks: str | None = None
    queries: str | None = None
    traces: str | None = None

    def __post_init__(self) -> None:
        """Link runbooks where they are served; withhold what listings with few tenants do."""
        shown = self._withheld(self.insights)
        if self.runbooks or self.queries or self.traces:
            shown = [self._linked(insight) for insight in shown]
        if shown is not self.insights:
            evaluation = evaluated(self.dashboard, self.insights)
            ended = ended_of(self.dashboard, self.insights)
            object.__setattr__(self, "insights", Insights(shown, evaluation, ended))

    def _linked(self, insight: Insight) -> Insight:
        runbook, query, trace = insight.runbook_url, "", ""
        if self.runbooks:
            runbook = runbook_url(self.runbooks, insight.name)
        if self.queries:
            asked = urlencode({"g0.expr": insight.query, "g0.tab": 0, "g0.range_input": "1w"})
            query = f"{self.queries.rstrip('/')}/graph?{asked}"
        if self.traces and insight.trace_id:
            place = self.traces if _ID in self.traces else f"{self.traces.rstrip('/')}/{_ID}"
            trace = place.replace(_ID, insight.trace_id)
        return replace(insight, runbook_url=runbook, query_url=query, trace_url=trace)

    def _withheld(self, insights: Sequence[Insight]) -> Sequence[Insight]:
        if not isinstance(self.dashboard, PublisherDashboard):
            return insights
        rows = {row.agent_id for row in self.dashboard.listings if row.withheld}
        if self.dashboard.withheld:
            return without_causes(insights, None)
        return without_causes(insights, rows) if rows else insights

    @property
    def page(self) -> Page:
        """The report as a page."""
        if isinstance(self.dashboard, PublisherDashboard):
            return publisher_page(self.dashboard, self.insights)
        return marketplace_page(self.dashboard, self.insights)


def render(report: Report, form: Format, *, width: int = 100) -> str:
    """Return a report as text in a form; ``width`` is the terminal page's, in characters."""
    if form == "json":
        return as_json(report.dashboard, report.insights)
    if form == "csv":
        return as_csv(report.dashboard, report.insights)
    if form == "html":
        return as_html(report.page)
    return as_text(report.page, width=width)
