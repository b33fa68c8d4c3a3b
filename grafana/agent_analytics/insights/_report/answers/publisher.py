"""What a publisher asks."""

import logging
from collections.abc import Mapping
from typing import Final

from agent_analytics.insights._prometheus.client import PrometheusClient, Sample, equals
from agent_analytics.insights._promql import rollups
from agent_analytics.insights._promql.scopes import Scope, select
from agent_analytics.insights._promql.windows import RawPeriod
from agent_analytics.insights._report.answers import closed, figures
from agent_analytics.insights._report.answers.causes import (
    enough_tenants,
    with_causes,
    without_causes,
)
from agent_analytics.insights._report.answers.daily import by_agent, daily
from agent_analytics.insights._report.answers.evidence import with_traces
from agent_analytics.insights._report.answers.history import (
    History,
    find_history,
    freshness,
    of_scope,
)
from agent_analytics.insights._report.answers.lifecycle import Lifecycles
from agent_analytics.insights._report.answers.model import (
    ListingFigures,
    PublisherDashboard,
    UnknownPublisher,
)
from agent_analytics.insights._report.answers.not_yet import missing
from agent_analytics.insights._report.known.bounds import Own
from agent_analytics.insights._report.known.evaluation import (
    Evaluation,
    Insights,
    find_evaluation,
)
from agent_analytics.insights._rules.alerts import parse_alerts
from agent_analytics.processor import catalogue

_logger: Final = logging.getLogger("agent_analytics")
_SEVERITIES: Final = ("critical", "warning", "info")


class PublisherAnalytics:
    """The figures and insights of publishers, from one Prometheus.

    Args:
        prometheus_url: Such as ``http://localhost:9090``; a user and password in it are sent as
            basic authentication.
        timeout: Seconds that one query may take.
        headers: Sent with every request, such as ``{"Authorization": "Bearer …"}``.
        min_tenants: Figures that tell how tenants behave (ratings, times, tools, retention) are
            left out of whatever fewer tenants than this used. 0 leaves nothing out.

    Raises:
        ValueError: If the address is not one of HTTP.
    """

    def __init__(
        self,
        prometheus_url: str,
        *,
        timeout: float = 30.0,
        headers: Mapping[str, str] | None = None,
        min_tenants: int = 0,
    ) -> None:
        self._client = PrometheusClient(prometheus_url, timeout=timeout, headers=headers)
        self._min_tenants = min_tenants

    def dashboard(
        self, publisher_id: str, period_days: int = 30, *, at: float | None = None
    ) -> PublisherDashboard:
        """Return every figure of a publisher for a period.

        Args:
            publisher_id: The publisher.
            period_days: Length of the period in days.
            at: Unix time at which it ends; None for now.

        Raises:
            PrometheusUnreachable: Nothing answers.
            QueryFailed: Prometheus refused.
            NoData: Prometheus knows no listing at all.
            UnknownPublisher: Prometheus knows listings, but none of this publisher.
            ValueError: If the period is shorter than a day.
        """
        check_days(period_days)
        history = find_history(self._client, days=period_days, at=at)
        of_publisher = _scope(publisher_id)
        of_listing = of_publisher.over(*catalogue.LISTING_LABELS)
        agents = self._agents(history, of_listing, publisher_id)
        history = of_scope(self._client, history, of_publisher)
        evaluation = find_evaluation(self._client, of_publisher)
        of_day = by_agent(self._client, history, of_listing)
        both = {"publisher": of_publisher, "listing": of_listing}
        answers = self._client.query_many(
            {
                f"{whose} {name}": expr
                for whose, scope in both.items()
                for name, expr in figures.asked(
                    history.period, scope, comparable=history.comparable
                ).items()
            }
            | {"own bounds": Own.query(of_publisher)},
            at=history.at,
        )
        own = Own.read(answers["own bounds"])
        total = _part(answers, "publisher ") | self._distinct(history, of_publisher)
        each = _part(answers, "listing ")
        found = (
            ListingFigures(
                agent_id=agent,
                agent_name=next(iter(sorted(names)), None),
                agent_versions=tuple(sorted(versions)),
                daily_invocations=of_day.get(agent, ()),
                bounds=own.listing(publisher_id, agent),
                **figures.fields(
                    each | self._distinct(history, of_listing.within(equals("agent_id", agent))),
                    agent_id=agent,
                ),
            )
            for agent, (names, versions) in agents.items()
        )
        listings = sorted(found, key=lambda row: (-(row.total_invocations or 0), row.agent_id))
        dashboard = PublisherDashboard(
            publisher_id=publisher_id,
            period_days=period_days,
            listings=tuple(listings),
            daily=daily(self._client, history, of_publisher),
            freshness=freshness(self._client, history, of_publisher),
            weeks=closed.weeks(self._client, history, of_publisher),
            months=closed.months(self._client, history, of_publisher),
            partial=(
                *missing(self._client, history, figures.fields(total)),
                *warned(self._client),
            ),
            evaluation=evaluation,
            bounds=own.several(publisher_id),
            **figures.fields(total),
        )
        return withhold(dashboard, self._min_tenants)

    def _distinct(self, history: History, scope: Scope) -> dict[str, list[Sample]]:
        """Return how many distinct ids a scope has, of one listing at a time: they are many."""
        exprs = figures.asked_of_registers(history.period, scope, comparable=history.comparable)
        return figures.distinct(self._client.query_many(exprs, at=history.at))

    def publishers(self, period_days: int = 30, *, at: float | None = None) -> list[str]:
        """Return the ids of the publishers that Prometheus knows listings of, sorted.

        Args:
            period_days: Length of the period in days that is asked about.
            at: Unix time at which it ends; None for now.

        Raises:
            PrometheusUnreachable: Nothing answers.
            QueryFailed: Prometheus refused.
            NoData: Prometheus knows no listing at all.
            ValueError: If the period is shorter than a day.
        """
        check_days(period_days)
        history = find_history(self._client, days=period_days, at=at)
        found = self._client.query(_known(history, Scope(("publisher_id",))), at=history.at)
        return sorted({sample.labels.get("publisher_id", "") for sample in found} - {""})

    def insights(self, publisher_id: str) -> Insights:
        """Return the insights that are firing for a publisher now, most severe first.

        Whether an empty list says anything is in its ``evaluation``; where not every insight was
        evaluated, that is logged as a warning besides.

        Raises:
            PrometheusUnreachable: Nothing answers.
            QueryFailed: Prometheus refused.
        """
        found = found_insights(self._client, publisher_id)
        if not self._min_tenants:
            return found
        scope = _scope(publisher_id).over(*catalogue.LISTING_LABELS)
        enough = enough_tenants(self._client, scope, self._min_tenants)
        few = {each.agent_id for each in found} - enough
        return Insights(without_causes(found, few), found.evaluation, found.ended)

    def _agents(
        self, history: History, scope: Scope, publisher_id: str
    ) -> dict[str, tuple[set[str], set[str]]]:
        """Return the listings of a publisher with the names and versions that they told."""
        answers = self._client.query_many(
            {
                "agents": _known(history, scope),
                "info": select(catalogue.INFO.name, scope),
            },
            at=history.at,
        )
        agents = {
            sample.labels.get("agent_id", ""): (set[str](), set[str]())
            for sample in answers["agents"]
        }
        if not agents:
            message = (
                f"Prometheus at {self._client.url} knows no listing of publisher {publisher_id!r}"
            )
            raise UnknownPublisher(message)
        for sample in answers["info"]:
            told = agents.get(sample.labels.get("agent_id", ""))
            if told is not None:
                for values, label in zip(told, ("agent_name", "agent_version"), strict=True):
                    values.update(filter(None, (sample.labels.get(label),)))
        return agents


def _known(history: History, scope: Scope) -> str:
    """Return a query for what has had an invocation, in the period or not long before."""
    counter = catalogue.INVOCATIONS.name
    days = max(90, 2 * history.period.days)
    window = f"{history.period.raw.seconds}s" if isinstance(history.period, RawPeriod) else "10m"
    return (
        scope.aggregate("count") + f" (last_over_time({select(counter, scope)}[{window}])"
        f" or last_over_time({select(rollups.level(counter), scope)}[1d])"
        f" or last_over_time({select(rollups.day(counter), scope)}[{days}d]))"
    )


def check_days(period_days: int) -> None:
    """Refuse a period shorter than a day.

    Raises:
        ValueError: If it is.
    """
    if period_days < 1:
        message = f"a period has at least one day, got {period_days}"
        raise ValueError(message)


def _scope(publisher_id: str) -> Scope:
    try:
        publisher_id.encode()
    except UnicodeEncodeError as error:
        message = f"no publisher has the id {publisher_id!r}: it is not Unicode text"
        raise UnknownPublisher(message) from error
    return Scope(("publisher_id",), (equals("publisher_id", publisher_id),))


def _part(answers: Mapping[str, list[Sample]], prefix: str) -> dict[str, list[Sample]]:
    return {
        name.removeprefix(prefix): samples
        for name, samples in answers.items()
        if name.startswith(prefix)
    }


def warned(client: PrometheusClient) -> list[str]:
    """Return in sentences what Prometheus has warned of while it was asked."""
    return [
        f"Prometheus warns: {text.rstrip('.')}. Figures may be too low."
        for text in client.take_warnings()
    ]


def log_warnings(client: PrometheusClient) -> None:
    """Log what Prometheus has warned of, where the answer has no place for it."""
    for sentence in warned(client):
        _logger.warning("agent-analytics: %s", sentence)


def found_insights(client: PrometheusClient, publisher_id: str | None) -> Insights:
    """Return the firing insights of one publisher or of all, and whether they were evaluated."""
    scope = Scope(()) if publisher_id is None else _scope(publisher_id)
    evaluation = find_evaluation(client, scope)
    found = firing(client, publisher_id)
    found.evaluation = evaluation
    log_warnings(client)
    if evaluation.state == "evaluated":
        client.said.clear()
    elif evaluation.state not in client.said:
        # Whoever asks every minute reads it once.
        client.said.add(evaluation.state)
        _logger.warning("agent-analytics: %s", evaluation.sentence(len(found)))
    return found


def firing(client: PrometheusClient, publisher_id: str | None) -> Insights:
    """Return the firing insights of one publisher or of all, most severe first."""
    scope = Scope(()) if publisher_id is None else _scope(publisher_id)
    found = [
        insight
        for insight in parse_alerts(client.alerts())
        if insight.audience == "publisher"
        and insight.state == "firing"
        and publisher_id in {None, insight.publisher_id}
    ]
    courses = Lifecycles(client, scope)
    told = sorted(
        courses.opened(with_causes(client, scope, found)),
        key=lambda each: (
            _SEVERITIES.index(each.severity), each.publisher_id, each.agent_id, each.name, each.tool
        ),
    )  # fmt: skip
    return Insights(with_traces(client, told), Evaluation(), courses.ended())


def withhold(dashboard: PublisherDashboard, least: int) -> PublisherDashboard:
    """Leave out what tells how tenants behave wherever there are fewer than ``least``.

    If that is one listing alone, the next smaller one goes with it: the difference between the
    publisher's figures and those of all the others would give it away.
    """
    if not least:
        return dashboard
    rows = sorted(dashboard.listings, key=lambda row: row.unique_tenants or 0)
    few = sum((row.unique_tenants or 0) < least for row in rows)
    hidden = {row.agent_id for row in rows[: 2 if few == 1 else few]}
    return figures.hidden(dashboard, hidden, everything=(dashboard.unique_tenants or 0) < least)
