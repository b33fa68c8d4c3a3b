"""How well agents answer: failures, times and ratings."""

from typing import Final

from agent_analytics.insights._promql.quantities.usage import share
from agent_analytics.insights._promql.scopes import (
    FAILED,
    JUDGED,
    LISTING,
    SLOW_SECONDS,
    SUCCESS,
    Scope,
    edge,
    one_of,
)
from agent_analytics.insights._promql.windows import Window
from agent_analytics.processor import catalogue

_TIME: Final = catalogue.INVOCATION_DURATION
_RATING: Final = catalogue.FEEDBACK_RATING
#: An error is no response: agents that fail at once would otherwise look fast while they are down.
#: A call that ran into a timeout is a failure, which the error rate already counts.
_ANSWERED: Final = one_of("outcome", SUCCESS)


def error_rate(window: Window, scope: Scope = LISTING) -> str:
    """Share of failed invocations: (error + timeout) / (success + error + timeout), 0 to 1."""
    name = catalogue.INVOCATIONS.name
    failed = window.pace(name, scope, one_of("outcome", *FAILED))
    return share(window, failed, window.pace(name, scope, one_of("outcome", *JUDGED)))


def failures_by_type(window: Window, scope: Scope = LISTING) -> str:
    """Failed invocations a second by the type of the error, besides the scope's labels."""
    return window.pace(catalogue.INVOCATION_ERRORS.name, scope.over(*scope.by, "error_type"))


# --- times ---------------------------------------------------------------------------------------


def responses(window: Window, scope: Scope = LISTING) -> str:
    """Successful invocations in the window: the ones whose time is a response time."""
    return window.grown(f"{_TIME.name}_count", scope, _ANSWERED)


def quick_responses(window: Window, scope: Scope = LISTING, seconds: float = SLOW_SECONDS) -> str:
    """Responses in the window that took no longer than an edge of the histogram."""
    return window.grown(f"{_TIME.name}_bucket", scope, _ANSWERED, edge(_TIME, seconds))


def slow_share(window: Window, scope: Scope = LISTING, seconds: float = SLOW_SECONDS) -> str:
    """Share of responses that took longer than an edge of the histogram, 0 to 1.

    "p95 above 10 s" is the same question as "more than 5 % slower than 10 s", and this form of it
    counts where a quantile would interpolate.
    """
    quick = window.pace(f"{_TIME.name}_bucket", scope, _ANSWERED, edge(_TIME, seconds))
    every = window.pace(f"{_TIME.name}_count", scope, _ANSWERED)
    return f"(1 - {window.quotient(quick, every)})"


def responses_up_to(window: Window, scope: Scope = LISTING) -> str:
    """Responses in the window by upper edge of their time (``le``), cumulative."""
    return window.grown(f"{_TIME.name}_bucket", scope.over(*scope.by, "le"), _ANSWERED)


def response_time_quantile(quantile: float, window: Window, scope: Scope = LISTING) -> str:
    """Quantile of the response time in seconds, interpolated within its bucket."""
    buckets = window.pace(f"{_TIME.name}_bucket", scope.over(*scope.by, "le"), _ANSWERED)
    return f"histogram_quantile({quantile}, {buckets})"


def mean_response_time(window: Window, scope: Scope = LISTING) -> str:
    """Mean response time in seconds."""
    seconds = window.pace(f"{_TIME.name}_sum", scope, _ANSWERED)
    return share(window, seconds, window.pace(f"{_TIME.name}_count", scope, _ANSWERED))


def first_chunk_quantile(quantile: float, window: Window, scope: Scope = LISTING) -> str:
    """Quantile of the time to the first chunk of streamed answers, in seconds."""
    name = f"{catalogue.TIME_TO_FIRST_CHUNK.name}_bucket"
    return f"histogram_quantile({quantile}, {window.pace(name, scope.over(*scope.by, 'le'))})"


def invocation_seconds(window: Window, scope: Scope = LISTING) -> str:
    """Seconds that invocations took together, however they ended."""
    return window.grown(f"{_TIME.name}_sum", scope)


# --- ratings -------------------------------------------------------------------------------------


def ratings(window: Window, scope: Scope = LISTING) -> str:
    """Ratings that tenants gave in the window."""
    return window.grown(f"{_RATING.name}_count", scope)


def stars(window: Window, scope: Scope = LISTING) -> str:
    """Sum of the ratings that tenants gave in the window."""
    return window.grown(f"{_RATING.name}_sum", scope)


def mean_rating(window: Window, scope: Scope = LISTING) -> str:
    """Mean rating, 1 to 5."""
    every = window.pace(f"{_RATING.name}_count", scope)
    return share(window, window.pace(f"{_RATING.name}_sum", scope), every)


def ratings_up_to(window: Window, scope: Scope = LISTING) -> str:
    """Ratings by upper edge (``le``), cumulative: the distribution of satisfaction."""
    return window.grown(f"{_RATING.name}_bucket", scope.over(*scope.by, "le"))


def ratings_of(rating: int, window: Window, scope: Scope = LISTING) -> str:
    """Ratings of exactly so many stars, 1 to 5."""
    name = f"{_RATING.name}_bucket"
    upper = window.grown(name, scope, edge(_RATING, rating))
    if rating == min(_RATING.buckets):
        return upper
    return f"({upper} - {window.grown(name, scope, edge(_RATING, rating - 1))})"
