"""What is so at this moment: no window is asked for."""

from typing import Final

from agent_analytics.insights._promql import recorded
from agent_analytics.insights._promql.scopes import LISTING, Scope, select
from agent_analytics.processor import catalogue

#: One answer an endpoint, and one a version of an agent.
TARGET: Final = Scope(("job", "instance"))
VERSION: Final = Scope(("agent_name", "agent_version"))
_INVOCATIONS: Final = catalogue.INVOCATIONS.name


def in_progress(scope: Scope = LISTING) -> str:
    """Invocations that have started and not ended."""
    return f"{scope.aggregate('sum')} ({select(catalogue.INVOCATIONS_IN_PROGRESS.name, scope)})"


def data_age(scope: Scope = TARGET) -> str:
    """Seconds since the last span of an agent ended; nothing where no span has ended yet."""
    last = f"{scope.aggregate('max')} ({select(catalogue.LAST_SPAN.name, scope)} > 0)"
    return f"(time() - {last})"


def scrape_age(scope: Scope = LISTING) -> str:
    """Seconds since a listing was last scraped; nothing if that is more than six hours."""
    seen = f"timestamp({select(catalogue.INVOCATIONS.name, scope)})"
    return f"(time() - {scope.aggregate('max')} (max_over_time({seen}[6h:1m])))"


def versions(scope: Scope = VERSION) -> str:
    """How many processes run each version of an agent."""
    return f"{scope.aggregate('sum')} ({select(catalogue.INFO.name, scope)})"


def firing_pages(scope: Scope = LISTING) -> str:
    """The alerts for on-call that are firing, one series each, from Prometheus' bookkeeping."""
    return select("ALERTS", scope, 'alertstate="firing"', 'audience="oncall"')


def firing_insights(scope: Scope = LISTING) -> str:
    """The insights that are firing, one series each, from Prometheus' own bookkeeping."""
    return select("ALERTS", scope, 'alertstate="firing"', 'audience="publisher"')


def not_known() -> str:
    """By when each insight is known that is not yet: Unix times, recorded every hour."""
    return f"last_over_time({recorded.KNOWN_BY}[65m])"


def unseen_seconds(scope: Scope = LISTING) -> str:
    """Seconds since a listing was last scraped, for listings seen within a week."""
    seen = f"max_over_time({select(recorded.LAST_SEEN, scope)}[7d])"
    return f"(time() - {scope.aggregate('max')} ({seen}))"


def silent_seconds(scope: Scope = LISTING) -> str:
    """Seconds since a span ended in any process that serves a listing."""
    target = ("job", "instance")
    here = f"group by ({', '.join((*scope.by, *target))}) ({select(_INVOCATIONS, scope)})"
    last = f"max by ({', '.join(target)}) ({catalogue.LAST_SPAN.name})"
    latest = f"{here} * on ({', '.join(target)}) group_left () {last}"
    return f"(time() - {scope.aggregate('max')} ({latest}))"
