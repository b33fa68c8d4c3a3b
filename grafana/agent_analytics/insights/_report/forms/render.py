"""One report, four forms."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, get_args

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
FORMATS: Final[tuple[Format, ...]] = get_args(Format)


@dataclass(frozen=True, slots=True)
class Report:
    """What is reported.

    Attributes:
        dashboard: The figures.
        insights: What is firing.
        runbooks: Where runbooks are served; None for where the alerts say.
    """

    dashboard: PublisherDashboard | MarketplaceDashboard
    insights: Sequence[Insight]
    runbooks: str | None = None

    def __post_init__(self) -> None:
        """Link runbooks where they are served; withhold what listings with few tenants do."""
        shown = self._withheld(self.insights)
        if self.runbooks:
            base = self.runbooks
            shown = [
                replace(insight, runbook_url=runbook_url(base, insight.name)) for insight in shown
            ]
        if shown is not self.insights:
            evaluation = evaluated(self.dashboard, self.insights)
            ended = ended_of(self.dashboard, self.insights)
            object.__setattr__(self, "insights", Insights(shown, evaluation, ended))

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
