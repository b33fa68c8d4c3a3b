"""How much is used, by whom, and who stays."""

from agent_analytics.insights._promql import rollups
from agent_analytics.insights._promql.scopes import (
    FAILED,
    JUDGED,
    LISTING,
    SUCCESS,
    Scope,
    one_of,
)
from agent_analytics.insights._promql.windows import Ends, Past, Rolled, Tenants, Window
from agent_analytics.processor import catalogue


def share(window: Window, part: str, whole: str) -> str:
    """A part of a whole, 0 to 1."""
    return f"({window.quotient(part, whole)})"


def trend(quantity: str, before: str) -> str:
    """Relative change of a quantity against the one before: 0.1 is 10 % more."""
    return f"({quantity} / ({before} > 0) - 1)"


def per_listing(quantity: str, whole: str) -> str:
    """Divide what a listing has several of by what it has one of."""
    return f"({quantity} / on ({', '.join(LISTING.by)}) group_left () ({whole} > 0))"


def invocations(window: Window, scope: Scope = LISTING) -> str:
    """Invocations that ended in the window, cancelled ones included."""
    return window.grown(catalogue.INVOCATIONS.name, scope)


def invocation_rate(window: Window, scope: Scope = LISTING) -> str:
    """Invocations per second, cancelled ones included; of a live window."""
    return window.pace(catalogue.INVOCATIONS.name, scope)


def invocations_trend(window: Past, scope: Scope = LISTING) -> str:
    """Relative change of the invocations against the window before."""
    change = trend(invocations(window, scope), invocations(window.before, scope))
    return window.comparable(change, scope)


def judged_invocations(window: Window, scope: Scope = LISTING) -> str:
    """Invocations that succeeded or failed in the window."""
    return window.grown(catalogue.INVOCATIONS.name, scope, one_of("outcome", *JUDGED))


def failed_invocations(window: Window, scope: Scope = LISTING) -> str:
    """Invocations that failed in the window."""
    return window.grown(catalogue.INVOCATIONS.name, scope, one_of("outcome", *FAILED))


def successes(window: Window, scope: Scope = LISTING) -> str:
    """Invocations that succeeded in the window."""
    return window.grown(catalogue.INVOCATIONS.name, scope, one_of("outcome", SUCCESS))


# --- tenants -------------------------------------------------------------------------------------


def unique_tenants(window: Tenants, scope: Scope = LISTING) -> str:
    """Distinct tenants that were seen in the window."""
    return window.tenants(scope)


def tenants_trend(window: Past, scope: Scope = LISTING) -> str:
    """Relative change of the distinct tenants against the window before."""
    change = trend(unique_tenants(window, scope), unique_tenants(window.before, scope))
    return window.comparable(change, scope)


def mean_tenants_a_day(window: Rolled, scope: Scope = LISTING) -> str:
    """Mean of the distinct tenants of each UTC day that ended in the window."""
    name = rollups.union_of(scope).tenants
    return f"{scope.aggregate('max')} ({window.over('avg_over_time', name, scope, window.whole)})"


def conversations(window: Past, scope: Scope = LISTING) -> str:
    """Distinct conversations in the window."""
    registers = window.registers(scope, catalogue.SKETCH_CONVERSATIONS)
    return rollups.distinct(registers, scope.by)


def retention(window: Past, scope: Scope = LISTING) -> str:
    """Tenants active in the window and in the one before, by those active in the one before."""
    return window.retention(scope)


def turns_per_conversation(window: Past, scope: Scope = LISTING) -> str:
    """Invocations per distinct conversation."""
    return f"({invocations(window, scope)} / {conversations(window, scope)})"


# --- adoption ------------------------------------------------------------------------------------


def installs(window: Window, scope: Scope = LISTING) -> str:
    """Installs in the window; a reinstall is a second install."""
    return window.grown(catalogue.INSTALLS.name, scope)


def uninstalls(window: Window, scope: Scope = LISTING) -> str:
    """Uninstalls in the window."""
    return window.grown(catalogue.UNINSTALLS.name, scope)


def surplus_uninstalls(window: Window, scope: Scope = LISTING) -> str:
    """Uninstalls less installs in the window."""
    return f"({uninstalls(window, scope)} - {installs(window, scope)})"


def active_installs(window: Ends, scope: Scope = LISTING) -> str:
    """Installs that had not been undone when the window ended; absent where that is not known."""
    return window.at_end(catalogue.ACTIVE_INSTALLS.name, scope)


def install_churn(window: Past, scope: Scope = LISTING) -> str:
    """Uninstalls in the window by the active installs when it began."""
    return share(window, uninstalls(window, scope), active_installs(window.before, scope))


def active_publishers(window: Window) -> str:
    """Publishers of whom any listing was used in the window."""
    return f"count ({invocations(window, Scope(('publisher_id',)))} > 0)"


def active_listings(window: Window) -> str:
    """Listings that were used in the window."""
    return f"count ({invocations(window, LISTING)} > 0)"
