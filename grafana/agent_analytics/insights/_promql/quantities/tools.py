"""How the tools of a listing do: how often, how reliable, how slow."""

from typing import Final

from agent_analytics.insights._promql import rollups
from agent_analytics.insights._promql.quantities.quality import invocation_seconds
from agent_analytics.insights._promql.quantities.usage import invocations, per_listing, share
from agent_analytics.insights._promql.scopes import FAILED, JUDGED, LISTING, TOOL, Scope, one_of
from agent_analytics.insights._promql.windows import At, Rolled, Window
from agent_analytics.processor import catalogue

_CALLS: Final = catalogue.TOOL_CALLS.name
_TIME: Final = catalogue.TOOL_CALL_DURATION.name
_SIZE: Final = catalogue.TOOL_RESULT_SIZE.name


def _listing(scope: Scope) -> Scope:
    """Return the scope of the listings whose tools another scope is about."""
    where = (matcher for matcher in scope.where if not matcher.startswith("tool"))
    return Scope(LISTING.by, tuple(where))


def tool_calls(window: Window, scope: Scope = TOOL) -> str:
    """Tool calls that ended in the window, cancelled ones included."""
    return window.grown(_CALLS, scope)


def judged_tool_calls(window: Window, scope: Scope = TOOL) -> str:
    """Tool calls that succeeded or failed in the window."""
    return window.grown(_CALLS, scope, one_of("outcome", *JUDGED))


def failed_tool_calls(window: Window, scope: Scope = TOOL) -> str:
    """Tool calls that failed in the window."""
    return window.grown(_CALLS, scope, one_of("outcome", *FAILED))


def tool_failure_rate(window: Window, scope: Scope = TOOL) -> str:
    """Share of failed tool calls: (error + timeout) / (success + error + timeout), 0 to 1."""
    failed = window.pace(_CALLS, scope, one_of("outcome", *FAILED))
    return share(window, failed, window.pace(_CALLS, scope, one_of("outcome", *JUDGED)))


def repeated_tool_calls(window: Window, scope: Scope = TOOL) -> str:
    """Tool calls in the window whose arguments an earlier one of their invocation had."""
    return window.grown(catalogue.REPEATED_TOOL_CALLS.name, scope)


def repeated_share(window: Window, scope: Scope = TOOL) -> str:
    """Share of the tool calls that repeat an earlier one of their invocation, 0 to 1."""
    return share(window, repeated_tool_calls(window, scope), tool_calls(window, scope))


def tool_results(window: Window, scope: Scope = TOOL) -> str:
    """Results of tools in the window whose size is known."""
    return window.grown(f"{_SIZE}_count", scope)


def tool_result_bytes(window: Window, scope: Scope = TOOL) -> str:
    """Bytes of the results of tools in the window."""
    return window.grown(f"{_SIZE}_sum", scope)


def mean_result_size(window: Window, scope: Scope = TOOL) -> str:
    """Mean size of a result in bytes, where sizes are known."""
    return share(window, tool_result_bytes(window, scope), tool_results(window, scope))


def calls_per_invocation(window: Window, scope: Scope = TOOL) -> str:
    """Calls of a tool per invocation of the listing."""
    return per_listing(tool_calls(window, scope), invocations(window, _listing(scope)))


def tool_known(window: Rolled, scope: Scope = TOOL) -> str:
    """Series of a tool that there were when the window began, called or not."""
    known = window.over("last_over_time", rollups.level(_CALLS), scope, "1d", at=At.START)
    return f"{scope.aggregate('count')} ({known})"


def tool_seconds(window: Window, scope: Scope = TOOL) -> str:
    """Seconds spent in tool calls in the window."""
    return window.grown(f"{_TIME}_sum", scope)


def mean_tool_time(window: Window, scope: Scope = TOOL) -> str:
    """Mean time of a timed tool call in seconds."""
    return share(window, window.pace(f"{_TIME}_sum", scope), window.pace(f"{_TIME}_count", scope))


def seconds_per_call(window: Window, scope: Scope = TOOL) -> str:
    """Seconds in a tool by all its calls, where times are recorded as a sum alone."""
    return share(window, tool_seconds(window, scope), tool_calls(window, scope))


def tool_time_quantile(quantile: float, window: Window, scope: Scope = TOOL) -> str:
    """Quantile of the time of a tool call in seconds, interpolated within its bucket."""
    buckets = window.pace(f"{_TIME}_bucket", scope.over(*scope.by, "le"))
    return f"histogram_quantile({quantile}, {buckets})"


def tool_time_share(window: Window, scope: Scope = TOOL) -> str:
    """Seconds in a tool by seconds of all invocations; calls in parallel may exceed 1."""
    return per_listing(tool_seconds(window, scope), invocation_seconds(window, _listing(scope)))
