"""Insights about who uses a listing, who stops, and whether anybody does."""

from typing import Final

from agent_analytics.insights._definitions.spec.asking import (
    DAY,
    DAY_SECONDS,
    FOUR_WEEKS_BEFORE,
    PERIODS,
    SPOKEN,
    WEEK,
    WEEK_BEFORE,
    WEEK_EARLIER,
)
from agent_analytics.insights._definitions.spec.model import Question, Spec, Threshold
from agent_analytics.insights._definitions.spec.texts import PERCENT, THIS, WHO, WHOLE, asked, value
from agent_analytics.insights._promql import accounting, quantities

_FEWEST_UNINSTALLS: Final = 10
_FEWEST_TENANTS: Final = 30
#: Standard errors by which uninstalls must outnumber installs.
_SURPLUS_ERRORS: Final = 2
_RETENTION_ERRORS: Final = 3
#: Variance of the difference of two retentions that comes from the sketches: 3 points each.
_SKETCH_VARIANCE: Final = 0.0018

INSTALL_CHURN: Final = Spec(
    slug="install-churn",
    alert="AgentUninstallsExceedInstalls",
    severity="warning",
    category="adoption",
    title="More uninstalls than installs",
    what="more left than came",
    when="more uninstalls than installs",
    description=(
        f"{WHO} was uninstalled {{uninstalls}} times and installed {{installs}} times in the last"
        f" {{window}}: {value(WHOLE)} more left than came."
    ),
    recommendation=(
        "Ask those who left why, and look at the first days of new tenants: what they try first,"
        " and whether it works."
    ),
    first_look=(
        ('increase(marketplace_agent_uninstalls_total{publisher_id="P", agent_id="A"}[7d])'),
    ),
    questions=tuple(
        Question(
            audience="publisher",
            traffic=traffic,
            measure=quantities.surplus_uninstalls(period),
            threshold=Threshold(comparison=">", value=0),
            conditions=(
                f"and {quantities.uninstalls(period)} >= {_FEWEST_UNINSTALLS}",
                (
                    f"and {quantities.surplus_uninstalls(period)} > {_SURPLUS_ERRORS} * sqrt("
                    f"{quantities.uninstalls(period)} + {quantities.installs(period)})"
                ),
            ),
            window=SPOKEN[period],
            seconds=period.days * DAY_SECONDS,
            numbers={
                "uninstalls": asked(quantities.uninstalls(period, THIS), WHOLE),
                "installs": asked(quantities.installs(period, THIS), WHOLE),
            },
        )
        for traffic, period in PERIODS.items()
        if period != DAY
    ),
)

_NOW: Final = quantities.retention(WEEK)
_BEFORE: Final = quantities.retention(WEEK_BEFORE)
_LOSS: Final = f"({_BEFORE} - {_NOW})"


def _variance(share: str, tenants: str) -> str:
    return f"clamp_min({share} * (1 - {share}), 0) / {tenants}"


RETENTION_FALLING: Final = Spec(
    slug="retention-falling",
    fades="days",
    alert="AgentRetentionFalling",
    severity="warning",
    category="adoption",
    title="Fewer tenants come back",
    what="% fewer came back",
    when="10 points fewer of a week's tenants came back",
    description=(
        f"{{now}} of the tenants of {WHO} of the week before came back in the last 7 days; a week"
        " earlier {before} did."
    ),
    recommendation=(
        "Find out who did not come back and what they did last: look at failures, slow answers,"
        " low ratings and changes of that week."
    ),
    first_look=('listing_unique_tenants:7d{publisher_id="P", agent_id="A"}',),
    questions=(
        Question(
            audience="publisher",
            traffic="week",
            measure=_LOSS,
            threshold=Threshold(comparison=">", value=0.1),
            conditions=(
                f"and {quantities.unique_tenants(WEEK_BEFORE)} >= {_FEWEST_TENANTS}",
                f"and {quantities.unique_tenants(WEEK_EARLIER)} >= {_FEWEST_TENANTS}",
                accounting.since(WEEK_EARLIER),
                (
                    f"and {_LOSS} > {_RETENTION_ERRORS} * sqrt("
                    f"{_variance(_NOW, quantities.unique_tenants(WEEK_BEFORE))}"
                    f" + {_variance(_BEFORE, quantities.unique_tenants(WEEK_EARLIER))}"
                    f" + {_SKETCH_VARIANCE})"
                ),
            ),
            numbers={
                "now": asked(quantities.retention(WEEK, THIS), PERCENT),
                "before": asked(quantities.retention(WEEK_BEFORE, THIS), PERCENT),
            },
        ),
    ),
)

LISTING_DEAD: Final = Spec(
    slug="listing-dead",
    alert="AgentUnused",
    severity="warning",
    category="adoption",
    title="Nobody has used it for a week",
    what="calls in the weeks before",
    when="not used for a week",
    description=(
        f"Nobody invoked {WHO} in the last 7 days, after {value(WHOLE)} invocations in the four"
        " weeks before."
    ),
    recommendation=(
        "Check that the listing can still be found and installed, invoke it yourself, and either"
        " mend it or take it off the market."
    ),
    first_look=('marketplace_agent_active_installs{publisher_id="P", agent_id="A"}',),
    questions=(
        Question(
            audience="publisher",
            traffic="week",
            measure=quantities.invocations(FOUR_WEEKS_BEFORE),
            threshold=Threshold(comparison=">", value=20),
            conditions=(
                f"unless {quantities.invocations(WEEK)} > 0",
                # What was counted by other rules may have been no call.
                accounting.since(FOUR_WEEKS_BEFORE),
            ),
        ),
    ),
)

SPECS: Final = (INSTALL_CHURN, RETENTION_FALLING, LISTING_DEAD)
