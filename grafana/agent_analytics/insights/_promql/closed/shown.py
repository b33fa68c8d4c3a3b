"""What dashboards show of weeks and months that have ended: one look-up each.

Expressions of weeks are to be asked with a step of a week, and are then of the week that ended
last before each step; those of months with a step of a day, and stand on one day of each month.
"""

from agent_analytics.insights._promql.closed import groups, listings, tenants
from agent_analytics.insights._promql.rollups import OF_MARKETPLACE
from agent_analytics.insights._promql.scopes import Scope, select


def tenants_moved(movement: str, scope: Scope) -> str:
    """How many tenants of a week are new, kept, and so on.

    Of a scope of publishers only what is published, of each publisher by itself and added up.
    """
    name = tenants.PUBLISHED_MOVED if scope.where else tenants.moved(OF_MARKETPLACE)
    return _week(name, scope, f'movement="{movement}"')


def tenants_stayed(scope: Scope) -> str:
    """Share of the tenants of a week who were there in the week after, published or of all."""
    kept, churned = (tenants_moved(movement, scope) for movement in (tenants.KEPT, tenants.CHURNED))
    return f"({kept} / ({kept} + {churned}))"


def tenants_returned(months: int, scope: Scope) -> str:
    """Share of the tenants of a month who were there some months later, published or of all."""
    name = tenants.PUBLISHED_RETURNED if scope.where else tenants.returned(OF_MARKETPLACE)
    found = select(name, scope, f'months="{months}"')
    return f"{scope.aggregate('max')} (last_over_time({found}[1d]))"


def months_returned(scope: Scope) -> str:
    """The same for every number of months between, within a day of when it was recorded."""
    name = tenants.PUBLISHED_RETURNED if scope.where else tenants.returned(OF_MARKETPLACE)
    return f"max by (months) (last_over_time({select(name, scope)}[1d]))"


def revenue_moved(movement: str, scope: Scope) -> str:
    """By how many US dollars a week the listings that grow take more, those that shrink less."""
    return _week(listings.REVENUE_MOVED, scope, f'movement="{movement}"')


def installs(scope: Scope) -> str:
    """Installs of a week."""
    return _week(listings.INSTALLS, scope)


def revenue(scope: Scope) -> str:
    """US dollars that tenants were charged in a week."""
    return _week(listings.REVENUE, scope)


def of_group(measure: groups.Measure, scope: Scope) -> str:
    """A publisher's figure in each of its groups, in the week that ended last."""
    return _group(measure.own, scope)


def group_quartile(measure: groups.Measure, label: str, scope: Scope) -> str:
    """Quartile of the figures of all publishers of a group, in the week that ended last."""
    return _group(measure.quartile, scope, f'quartile="{label}"')


def _week(name: str, scope: Scope, *matchers: str) -> str:
    return f"{scope.aggregate('sum')} (last_over_time({select(name, scope, *matchers)}[7d]))"


def _group(name: str, scope: Scope, *matchers: str) -> str:
    of = scope.over("publisher_id", "group")
    return f"{of.aggregate('max')} (last_over_time({select(name, of, *matchers)}[7d]))"
