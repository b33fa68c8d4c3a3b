"""The operator's dashboard: the marketplace as a whole, and which listings need attention."""

from collections.abc import Iterator

from agent_analytics.insights._dashboards.parts import frame
from agent_analytics.insights._dashboards.parts.closed import (
    funnel,
    month_cohorts,
    movements,
    revenue_movements,
)
from agent_analytics.insights._dashboards.parts.frame import Page, Row
from agent_analytics.insights._dashboards.parts.insights import (
    SHOWN,
    TITLES,
    not_evaluated,
    ranked,
    to_agent,
)
from agent_analytics.insights._dashboards.parts.listings import cohorts
from agent_analytics.insights._dashboards.parts.panels import (
    COUNT,
    SHARE,
    USD,
    Panel,
    change,
    instant,
    lines,
    number,
    query,
)
from agent_analytics.insights._dashboards.parts.scopes import (
    DAY,
    FAILURES,
    MARKET,
    NONE_WANTED,
    OUTCOMES,
    PERIOD,
)
from agent_analytics.insights._dashboards.parts.tables import Column, rows
from agent_analytics.insights._dashboards.publisher import last_activity
from agent_analytics.insights._promql import health, now, quantities
from agent_analytics.insights._promql.closed import shown
from agent_analytics.insights._promql.scopes import LISTING, Scope
from agent_analytics.insights._promql.windows import UTC_DAY
from agent_analytics.processor import catalogue

_PUBLISHERS = Scope(("publisher_id",))
_TOP = 10
_TO_PUBLISHER = (
    f"/d/{frame.PUBLISHER}?var-publisher=${{__value.raw}}"
    "&${datasource:queryparam}&${period:queryparam}&${__url_time_range}"
)


def marketplace_dashboard() -> str:
    """Return the dashboard as JSON text."""
    return Page(
        uid=frame.MARKETPLACE,
        title="Marketplace",
        description=(
            "What is sold, by how many publishers, to how many tenants who come back, and which"
            " listings are in trouble. Figures are for the period chosen at the top; graphs show"
            " a point a day, UTC."
        ),
        rows=[
            Row(4, list(_business()), (3, 3, 3, 4, 4, 3, 4)),
            Row(4, list(_use()), (4, 3, 4, 3, 3, 3, 4)),
            Row(8, list(_by_day())),
            Row(12, [_top(), _trouble()], (14, 10)),
            Row(10, [cohorts(), _publishers()], (15, 9)),
            Row(
                9,
                [movements(MARKET, "any agent"), revenue_movements(MARKET)],
                (12, 12),
            ),
            Row(
                7,
                [month_cohorts(MARKET, "the marketplace"), funnel(MARKET, "any agent")],
                (12, 12),
            ),
            Row(4, list(_blind())),
        ],
        variables=[frame.period()],
        annotations=[frame.alerts(MARKET, "oncall"), frame.releases(MARKET)],
        links=frame.OF_OPERATORS,
        since="now-30d",
        refresh="5m",
    ).json()


def _business() -> Iterator[Panel]:
    yield number(
        "GMV",
        "Gross merchandise value: what tenants were charged less what they were given back.",
        quantities.gmv(PERIOD, MARKET),
        unit=USD,
        decimals=2,
    )
    yield change(
        "Trend of GMV",
        "the gross merchandise value",
        quantities.gmv_trend(PERIOD, MARKET),
    )
    yield number(
        "Fees",
        "The marketplace's share of the revenue.",
        quantities.fees(PERIOD, MARKET),
        unit=USD,
        decimals=2,
    )
    yield number(
        "Active publishers",
        "Publishers of whom any agent was used in the period.",
        quantities.active_publishers(PERIOD),
        unit=COUNT,
        decimals=0,
    )
    yield number(
        "Active listings",
        "Agents that were used in the period.",
        quantities.active_listings(PERIOD),
        unit=COUNT,
        decimals=0,
    )
    yield number(
        "Tenants",
        "How many different tenants used any agent. An estimate, within about 3 %.",
        quantities.unique_tenants(PERIOD, MARKET),
        unit=COUNT,
        decimals=0,
    )
    yield number(
        "Weekly retention",
        "Of the tenants of an ISO week, how many came back in the next one, the last that ended, to"
        " any agent, whatever period is chosen. An estimate, within about 3 points.",
        shown.tenants_stayed(MARKET),
        unit=SHARE,
        decimals=0,
    )


def _use() -> Iterator[Panel]:
    yield number(
        "Invocations",
        "How often any agent was called, whatever came of it.",
        quantities.invocations(PERIOD, MARKET),
        unit=COUNT,
        decimals=0,
    )
    yield change(
        "Trend of calls", "the number of calls", quantities.invocations_trend(PERIOD, MARKET)
    )
    yield number(
        "Error rate",
        "Share of calls that failed or timed out. Calls that the tenant cancelled are left out.",
        quantities.error_rate(PERIOD, MARKET),
        unit=SHARE,
        decimals=2,
        thresholds=FAILURES,
    )
    yield number(
        "Installs",
        "New installs in the period, of all agents.",
        quantities.installs(PERIOD, MARKET),
        unit=COUNT,
        decimals=0,
    )
    yield number(
        "Uninstalls",
        "Installs that were taken back in the period.",
        quantities.uninstalls(PERIOD, MARKET),
        unit=COUNT,
        decimals=0,
    )
    yield number(
        "Refunds",
        "What tenants were given back.",
        quantities.refunds(PERIOD, MARKET),
        unit=USD,
        decimals=2,
    )
    yield last_activity()


def _by_day() -> Iterator[Panel]:
    revenue = UTC_DAY.grown(catalogue.REVENUE.name, MARKET)
    refunds = UTC_DAY.grown(catalogue.REFUNDS.name, MARKET)
    fees = UTC_DAY.grown(catalogue.FEES.name, MARKET)
    calls = UTC_DAY.grown(catalogue.INVOCATIONS.name, Scope(("outcome",)))
    yield lines(
        "GMV and fees a day",
        "What tenants were charged less what they were given back, and the marketplace's share.",
        [
            query(f"{revenue} - {refunds}", "GMV", ref="A", step=DAY),
            query(fees, "fees", ref="B", step=DAY),
        ],
        unit=USD,
        colours=(("GMV", "green"), ("fees", "purple")),
    )
    yield lines(
        "Invocations a day",
        "Calls of all agents on each day, by how they ended.",
        [query(calls, "{{outcome}}", step=DAY)],
        unit=COUNT,
        bars=True,
        colours=OUTCOMES,
    )
    yield lines(
        "Tenants a day",
        "How many different tenants used any agent on each day.",
        [query(quantities.unique_tenants(UTC_DAY, MARKET), "tenants", step=DAY)],
        unit=COUNT,
        bars=True,
        colours=(("tenants", "blue"),),
    )


def _top() -> Panel:
    best = f"topk({_TOP}, {quantities.revenue(PERIOD, LISTING)})"
    listing = ", ".join(catalogue.LISTING_LABELS)

    def of_best(expr: str) -> str:
        return f"({expr} and on ({listing}) {best})"

    return rows(
        f"Top {_TOP} listings by revenue",
        "The agents that earned most in the period. Click one to see it in detail.",
        [
            instant(best, ref="A", rows=True),
            instant(of_best(quantities.invocations(PERIOD, LISTING)), ref="B", rows=True),
            instant(of_best(quantities.refunds(PERIOD, LISTING)), ref="C", rows=True),
        ],
        columns={
            "publisher_id": Column(name="Publisher", width=150),
            "agent_id": Column(name="Agent", link=to_agent("Agent", "Publisher")),
            "Value #A": Column(name="Revenue", unit=USD, decimals=2, width=120),
            "Value #B": Column(name="Invocations", unit=COUNT, decimals=0, width=120),
            "Value #C": Column(name="Refunds", unit=USD, decimals=2, width=110),
        },
        sort="Revenue",
    )


def _trouble() -> Panel:
    firing = now.firing_insights(LISTING)
    by_severity = f"count by ({', '.join((*LISTING.by, 'severity'))}) ({firing})"
    return rows(
        "Listings in trouble",
        "Agents with insights that are firing, and how many of each severity. Agents whose insights"
        " were not evaluated lately have a row with 0, so an empty table means: evaluated, and none"
        " fires.",
        [instant(f"{ranked(by_severity)} or {not_evaluated(LISTING)}", rows=True)],
        columns={
            "rank": Column(name="Severity", width=100, texts=SHOWN),
            "publisher_id": Column(name="Publisher", width=130),
            "agent_id": Column(name="Agent", link=to_agent("Agent", "Publisher")),
            "title": Column(name="Evaluated?", width=150, wrap=True, texts=TITLES),
            "Value": Column(name="Insights", unit=COUNT, decimals=0, width=90),
        },
        hidden=["severity", "what", "recommendation"],
        sort="Severity",
        descending=False,
    )


def _publishers() -> Panel:
    return rows(
        f"Top {_TOP} publishers by revenue",
        "The publishers that earned most in the period.",
        [instant(f"topk({_TOP}, {quantities.revenue(PERIOD, _PUBLISHERS)})", rows=True)],
        columns={
            "publisher_id": Column(
                name="Publisher",
                link=(_TO_PUBLISHER, "Look at this publisher"),
            ),
            "Value": Column(name="Revenue", unit=USD, decimals=2, width=140),
        },
        sort="Revenue",
    )


def _blind() -> Iterator[Panel]:
    other = Scope((), (f'agent_id="{catalogue.OTHER}"',))
    yield number(
        "Calls beyond a publisher's cap",
        "Calls of agents that are counted together, because their publisher has more listings"
        " than the limits allow.",
        f"({quantities.invocations(PERIOD, other)} or vector(0))",
        unit=COUNT,
        decimals=0,
        thresholds=NONE_WANTED,
    )
    yield number(
        "Label values refused in a day",
        "Names of tools, models and the like beyond a cap: these are counted together.",
        health.total(catalogue.REFUSED_SERIES, "1d"),
        unit=COUNT,
        decimals=0,
        thresholds=NONE_WANTED,
    )
    yield number(
        "Unattributed spans in a day",
        "Activity of agents that no listing could be credited with.",
        health.total(catalogue.UNATTRIBUTED_SPANS, "1d"),
        unit=COUNT,
        decimals=0,
        thresholds=NONE_WANTED,
    )
