"""The answers: frozen, typed, and None wherever something is not known."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import Literal

from agent_analytics.insights._prometheus.client import AnalyticsError
from agent_analytics.insights._report.known.bounds import USUAL, Beyond, coarsest_last, crossed
from agent_analytics.insights._report.known.evaluation import Evaluation
from agent_analytics.insights._report.known.observed import Observed, observed
from agent_analytics.insights._rules.alerts import Insight
from agent_analytics.insights._rules.ended import Ended


class UnknownPublisher(AnalyticsError):  # noqa: N818 - reads as what has happened
    """Prometheus has never seen a listing of this publisher."""


class NoData(AnalyticsError):  # noqa: N818 - reads as what has happened
    """Prometheus has seen no listing at all."""


def _no_counts() -> Mapping[str, int]:
    return MappingProxyType({})


def _no_shares() -> Mapping[str, float]:
    return MappingProxyType({})


def _usual() -> Mapping[str, float]:
    return USUAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What is told of a listing, of a publisher and of the marketplace, for a period.

    Shares and rates are from 0 to 1, money is in US dollars, a trend is the relative change against
    the period before (0.1 is 10 % more). None is "not available", never 0.

    Attributes:
        total_invocations: Invocations that ended, cancelled ones included.
        unique_tenants: Distinct tenants; an estimate, usually within 3 %.
        active_installs: Installs not undone at the end, where something makes that known.
        invocations_trend: Trend of the invocations.
        avg_satisfaction: Mean rating, 1 to 5.
        error_rate: Failed among failed and succeeded invocations.
        avg_response_time_ms: Mean time of successful invocations.
        p95_response_time_ms: Their 95th percentile, interpolated within its bucket.
        total_revenue: What tenants were charged, refunds not taken off.
        revenue_trend: Trend of the revenue.
        avg_revenue_per_tenant: Revenue by distinct tenant.
        tool_usage_breakdown: Calls by tool.
        tool_failure_rates: Share of failed calls by tool.
        tool_times_ms: Mean time of a call by tool.
        outcomes: Invocations by outcome.
        errors: Failed invocations by error type.
        conversations: Distinct conversations; an estimate.
        tenants_trend: Trend of the distinct tenants.
        retention: Share of the tenants of the period before who came back.
        installs: Installs; a reinstall is a second one.
        uninstalls: Uninstalls.
        install_churn: Uninstalls by the active installs at the beginning.
        ratings: Ratings given.
        satisfaction_distribution: Ratings given by stars, 1 to 5.
        refunds: What tenants were given back.
        fees: The marketplace's share of the revenue.
        model_cost: What model calls cost the publisher; None where no price was known.
        wasted_cost: The part of it that went into failed invocations.
        margin: Revenue less refunds, fees and model cost.
        cost_per_success: Model cost by successful invocation.
        input_tokens: Tokens sent to models.
        output_tokens: Tokens received from models.
        unpriced_tokens: Tokens whose cost is not known, and in no cost above.
        cached_share: Share of the input tokens that came from a prompt cache.
        bounds: From where on a figure is bad, by the insight that says so: the usual bounds, or
            the listing's own.
    """

    total_invocations: int | None = None
    unique_tenants: int | None = None
    active_installs: int | None = None
    invocations_trend: float | None = None
    avg_satisfaction: float | None = None
    error_rate: float | None = None
    avg_response_time_ms: float | None = None
    p95_response_time_ms: float | None = None
    total_revenue: float | None = None
    revenue_trend: float | None = None
    avg_revenue_per_tenant: float | None = None
    tool_usage_breakdown: Mapping[str, int] = field(default_factory=_no_counts)
    tool_failure_rates: Mapping[str, float] = field(default_factory=_no_shares)
    tool_times_ms: Mapping[str, float] = field(default_factory=_no_shares)
    outcomes: Mapping[str, int] = field(default_factory=_no_counts)
    errors: Mapping[str, int] = field(default_factory=_no_counts)
    conversations: int | None = None
    tenants_trend: float | None = None
    retention: float | None = None
    installs: int | None = None
    uninstalls: int | None = None
    install_churn: float | None = None
    ratings: int | None = None
    satisfaction_distribution: Mapping[int, int] | None = None
    refunds: float | None = None
    fees: float | None = None
    model_cost: float | None = None
    wasted_cost: float | None = None
    margin: float | None = None
    cost_per_success: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    unpriced_tokens: int | None = None
    cached_share: float | None = None
    bounds: Mapping[str, float] = field(default_factory=_usual)

    @property
    def tenant_churn(self) -> float | None:
        """Share of the tenants of the period before who did not come back."""
        return None if self.retention is None else round(1 - self.retention, 6)

    @property
    def gmv(self) -> float | None:
        """Gross merchandise value: revenue less refunds."""
        if self.total_revenue is None or self.refunds is None:
            return None
        return round(self.total_revenue - self.refunds, 9)

    def beyond(
        self, publisher_id: str | None = None, agent_id: str | None = None
    ) -> Iterator[Beyond]:
        """Yield the figures that are beyond their bounds, said to be of a publisher or listing."""
        figures: dict[tuple[str, str | None], float | None] = {
            ("error-rate", None): self.error_rate,
            ("response-time", None): self.p95_response_time_ms,
            ("satisfaction", None): self.avg_satisfaction,
            # What is given away is not meant to earn.
            ("negative-margin", None): self.margin if self.total_revenue else None,
            **{("tool-failures", tool): rate for tool, rate in self.tool_failure_rates.items()},
        }
        for (insight, tool), value in figures.items():
            if value is not None and crossed(insight, value, self.bounds):
                yield Beyond(
                    insight=insight,
                    value=value,
                    bound=self.bounds[insight],
                    publisher_id=publisher_id,
                    agent_id=agent_id,
                    tool=tool,
                )

    @property
    def quiet(self) -> bool:
        """Whether nothing at all is known to have happened."""
        return not any(
            (self.total_invocations, self.installs, self.uninstalls, self.ratings,
             self.total_revenue, self.refunds)
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Daily:
    """The period day by day, oldest first: stretches of 24 hours that end where the period ends.

    Attributes:
        ends: When each stretch ended (UTC).
        invocations: Invocations.
        error_rate: Share of failed invocations.
        revenue: US dollars charged.
        model_cost: US dollars of model cost.
        unique_tenants: Distinct tenants.
        p95_response_time_ms: 95th percentile of the response time.
    """

    ends: tuple[datetime, ...] = ()
    invocations: tuple[float | None, ...] = ()
    error_rate: tuple[float | None, ...] = ()
    revenue: tuple[float | None, ...] = ()
    model_cost: tuple[float | None, ...] = ()
    unique_tenants: tuple[float | None, ...] = ()
    p95_response_time_ms: tuple[float | None, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """An ISO week that has ended, from install to revenue.

    Attributes:
        first: Its Monday.
        installs: Installs.
        came: Tenants who came, an estimate: new ones of the marketplace; of a publisher new and
            returned ones, None where that is of too few.
        revenue: US dollars charged. How many tenants were charged is not counted.
    """

    first: date
    installs: float | None = None
    came: float | None = None
    revenue: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """A month that has ended.

    Attributes:
        first: Its first day.
        returned: Which share of the tenants of one, two and three months before was there in it,
            by the number of months; an estimate, and of a publisher absent where of too few.
    """

    first: date
    returned: Mapping[int, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """How fresh the figures are. Times are UTC.

    Attributes:
        as_of: End of the period.
        history_since: When counting began of whatever the figures are of.
        scraped_at: When Prometheus last read a metric of it; None if not within a day.
        rolled_up_at: When roll-ups were last recorded; None if not within a day.
        last_span_at: When the last span of any agent ended.
        source: What the figures are read from.
        now: Whether the period ends now, and not at a time that was asked for.
    """

    as_of: datetime
    history_since: datetime
    scraped_at: datetime | None
    rolled_up_at: datetime | None
    last_span_at: datetime | None
    source: Literal["rollups", "raw"]
    now: bool = True

    def observed(self, days: int) -> Observed:
        """Return the window of a period of so many days that ends when this is as of."""
        return observed(self.history_since, self.as_of, days=days, now=self.now)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingFigures(Figures):
    """The figures of one listing.

    Attributes:
        agent_id: The listing.
        agent_name: Its name, where it told one.
        agent_versions: Versions seen at the end of the period.
        daily_invocations: Invocations day by day, as in :class:`Daily`.
        withheld: Whether figures of single tenants' behaviour are left out, for too few tenants.
    """

    agent_id: str
    agent_name: str | None = None
    agent_versions: tuple[str, ...] = ()
    daily_invocations: tuple[float | None, ...] = ()
    withheld: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PublisherDashboard(Figures):
    """What a publisher sees.

    Attributes:
        publisher_id: The publisher.
        period_days: Length of the period.
        listings: Its listings, busiest first.
        daily: The period day by day.
        freshness: How fresh this is.
        partial: In sentences, what the figures do not tell; empty if they are the whole truth.
        withheld: Whether figures of single tenants' behaviour are left out, for too few tenants.
        evaluation: Whether the insights of this publisher were evaluated, now.
        weeks: The last ISO weeks that have ended, newest first, whatever the period.
        months: The last months that have ended, newest first.
    """

    publisher_id: str
    period_days: int
    listings: tuple[ListingFigures, ...]
    daily: Daily
    freshness: Freshness
    partial: tuple[str, ...] = ()
    withheld: bool = False
    evaluation: Evaluation = field(default_factory=Evaluation)
    weeks: tuple[Week, ...] = ()
    months: tuple[Month, ...] = ()

    @property
    def observed(self) -> Observed:
        """The window that the figures are of: what was observed of the period."""
        return self.freshness.observed(self.period_days)

    @property
    def beyond_bounds(self) -> tuple[Beyond, ...]:
        """The figures beyond their bounds, of listings, or else of all of them together."""
        publisher = self.publisher_id
        each = [beyond for row in self.listings for beyond in row.beyond(publisher, row.agent_id)]
        return coarsest_last((each, self.beyond(publisher)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """A publisher or a listing among the others.

    Attributes:
        publisher_id: The publisher.
        agent_id: The listing; empty in a ranking of publishers.
        invocations: Invocations of the period.
        revenue: US dollars charged.
        refunds: US dollars given back.
        fees: The marketplace's share, in US dollars.
        error_rate: Share of failed invocations.
        avg_satisfaction: Mean rating.
        unique_tenants: Distinct tenants; publishers only.
        bounds: From where on a figure is bad, by the insight that says so.
    """

    publisher_id: str
    agent_id: str = ""
    invocations: int | None = None
    revenue: float | None = None
    refunds: float | None = None
    fees: float | None = None
    error_rate: float | None = None
    avg_satisfaction: float | None = None
    unique_tenants: int | None = None
    bounds: Mapping[str, float] = field(default_factory=_usual)

    def beyond(self) -> Iterator[Beyond]:
        """Yield the figures that are beyond their bounds."""
        figures = Figures(
            error_rate=self.error_rate, avg_satisfaction=self.avg_satisfaction, bounds=self.bounds
        )
        yield from figures.beyond(self.publisher_id, self.agent_id or None)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketplaceDashboard(Figures):
    """What the operator sees; ``retention`` is that of tenants, over all publishers.

    Attributes:
        period_days: Length of the period.
        gmv_trend: Trend of the gross merchandise value.
        active_publishers: Publishers of whom any listing was used.
        active_listings: Listings that were used.
        known_listings: Listings that there are.
        publishers: Every publisher, highest revenue first.
        listings: Every listing, highest revenue first.
        in_trouble: Insights that are firing now, most severe first.
        ended: What became of those that are not raised any more.
        daily: The period day by day.
        freshness: How fresh this is.
        partial: In sentences, what the figures do not tell; empty if they are the whole truth.
        evaluation: Whether the insights were evaluated, now.
        weeks: The last ISO weeks that have ended, newest first, whatever the period.
        months: The last months that have ended, newest first.
    """

    period_days: int
    gmv_trend: float | None
    active_publishers: int | None
    active_listings: int | None
    known_listings: int | None
    publishers: tuple[Ranked, ...]
    listings: tuple[Ranked, ...]
    in_trouble: tuple[Insight, ...]
    daily: Daily
    freshness: Freshness
    partial: tuple[str, ...] = ()
    evaluation: Evaluation = field(default_factory=Evaluation)
    ended: tuple[Ended, ...] = ()
    weeks: tuple[Week, ...] = ()
    months: tuple[Month, ...] = ()

    @property
    def observed(self) -> Observed:
        """The window that the figures are of: what was observed of the period."""
        return self.freshness.observed(self.period_days)

    @property
    def beyond_bounds(self) -> tuple[Beyond, ...]:
        """The figures beyond their bounds, of listings, or else of several together."""
        listings = [beyond for row in self.listings for beyond in row.beyond()]
        publishers = [beyond for row in self.publishers for beyond in row.beyond()]
        return coarsest_last((listings, publishers, self.beyond()))
