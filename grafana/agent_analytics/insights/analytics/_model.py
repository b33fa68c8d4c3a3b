"""The answers: frozen, typed, and None wherever something is not known."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Literal

from agent_analytics.insights._alerts import Insight
from agent_analytics.insights._client import AnalyticsError


class UnknownPublisher(AnalyticsError):  # noqa: N818 - reads as what has happened
    """Prometheus has never seen a listing of this publisher."""


class NoData(AnalyticsError):  # noqa: N818 - reads as what has happened
    """Prometheus has seen no listing at all."""


def _no_counts() -> Mapping[str, int]:
    return MappingProxyType({})


def _no_shares() -> Mapping[str, float]:
    return MappingProxyType({})


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
class Freshness:
    """How fresh the figures are. Times are UTC.

    Attributes:
        as_of: End of the period.
        history_since: Beginning of what the figures are read from.
        scraped_at: When Prometheus last read a metric of it; None if not within a day.
        rolled_up_at: When roll-ups were last recorded; None if not within a day.
        last_span_at: When the last span of any agent ended.
        source: What the figures are read from.
    """

    as_of: datetime
    history_since: datetime
    scraped_at: datetime | None
    rolled_up_at: datetime | None
    last_span_at: datetime | None
    source: Literal["rollups", "raw"]


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
    """

    publisher_id: str
    period_days: int
    listings: tuple[ListingFigures, ...]
    daily: Daily
    freshness: Freshness
    partial: tuple[str, ...] = ()
    withheld: bool = False


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


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketplaceDashboard(Figures):
    """What the operator sees; ``retention`` is that of consumers, over all publishers.

    Attributes:
        period_days: Length of the period.
        gmv_trend: Trend of the gross merchandise value.
        active_publishers: Publishers of whom any listing was used.
        active_listings: Listings that were used.
        known_listings: Listings that there are.
        publishers: Every publisher, highest revenue first.
        listings: Every listing, highest revenue first.
        in_trouble: Insights that are firing now, most severe first.
        daily: The period day by day.
        freshness: How fresh this is.
        partial: In sentences, what the figures do not tell; empty if they are the whole truth.
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
