"""Insights and the report, from the same Python answers that the command ``report`` gives."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from typing import Any, cast

from agent_analytics.insights import MarketplaceAnalytics, PublisherAnalytics
from agent_analytics.insights.analytics import Insights, NoData
from agent_analytics.insights.report import Report, render


class Answers:
    """Insights and reports of one Prometheus; every method waits for it.

    Args:
        url: Address of Prometheus, or of a guard in front of it.
        timeout: Seconds that a query may take.
        headers: Sent with every query.
    """

    def __init__(self, url: str, *, timeout: float, headers: Mapping[str, str]) -> None:
        self._of_publishers = PublisherAnalytics(url, timeout=timeout, headers=headers)
        self._of_marketplace = MarketplaceAnalytics(url, timeout=timeout, headers=headers)

    def insights(self, publisher: str) -> dict[str, Any]:
        """Return what fires for a publisher, or for the whole marketplace where none is named.

        Raises:
            PrometheusUnreachable: Nothing answers.
            QueryFailed: Prometheus refused.
        """
        found: Insights = (
            self._of_publishers.insights(publisher)
            if publisher
            else self._of_marketplace.insights()
        )
        return {
            "insights": [_plain(each) for each in found],
            "ended": [_plain(each) for each in found.ended],
            "sentence": found.evaluation.sentence(len(found)),
            "known": found.evaluation.known,
            "all_clear": found.all_clear,
        }

    def publishers(self) -> dict[str, Any]:
        """Return the publishers that Prometheus knows listings of; none where it knows no listing.

        Raises:
            PrometheusUnreachable: Nothing answers.
            QueryFailed: Prometheus refused.
        """
        try:
            return {"publishers": self._of_publishers.publishers()}
        except NoData:
            return {"publishers": []}

    def report(self, publisher: str, days: int) -> str:
        """Return the report of a publisher, or of the marketplace where none is named, as HTML.

        Raises:
            AnalyticsError: There is none; the message says why.
            ValueError: The period is too short.
        """
        if publisher:
            dashboard = self._of_publishers.dashboard(publisher, days)
            return render(Report(dashboard, self._of_publishers.insights(publisher)), "html")
        market = self._of_marketplace.dashboard(days)
        return render(Report(market, market.in_trouble), "html")


def _plain(value: object) -> Any:  # noqa: ANN401 - whatever JSON can say
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(each) for each in cast("Sequence[object]", value)]
    return value
