"""Named PromQL: every quantity of the product, defined once.

Rules and dashboards compose these functions and spell no metric name of their own; names come from
the catalogue. Each function returns an expression that can stand inside a larger one without
parentheses, aggregated by the labels of its :class:`Scope`. ``window`` is a Prometheus duration
such as ``"1m"`` or a Grafana variable such as ``"$__range"``.

``increase`` and ``rate`` extrapolate to the edges of their window; ratios of two of them do not
suffer from it, since both sides are stretched alike. Counts may be off by a scrape interval in a
window, which is why floors of traffic are approximate by that much.
"""

from dataclasses import dataclass, replace
from typing import Final

from agent_analytics.processor import catalogue
from agent_analytics.processor.catalogue import Metric

#: The default of a Prometheus job that scrapes ``/metrics``.
JOB: Final = "agent-analytics"
#: The job that scrapes ``/metrics/sketches``.
SKETCH_JOB: Final = "agent-analytics-sketches"

SUCCESS: Final = "success"
#: Outcomes that are somebody's fault.
FAILED: Final = ("error", "timeout")
#: Outcomes that say whether the agent works. A cancelled invocation was given up by its caller and
#: is neither a success nor an error, so it stands on neither side of an error rate.
JUDGED: Final = (SUCCESS, *FAILED)

#: Seconds above which a response is slow; an edge of the duration histogram.
SLOW_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Scope:
    """Which series a quantity is taken from, and by which labels it is told apart.

    Attributes:
        by: Labels of the answer.
        where: Label matchers that every selector gets, such as ``publisher_id="acme"``.
    """

    by: tuple[str, ...] = catalogue.LISTING_LABELS
    where: tuple[str, ...] = ()

    def within(self, *matchers: str) -> "Scope":
        """Return this scope with more label matchers."""
        return replace(self, where=(*self.where, *matchers))

    def over(self, *labels: str) -> "Scope":
        """Return this scope with other labels of the answer."""
        return replace(self, by=labels)

    def aggregate(self, operator: str, *labels: str) -> str:
        """Return an aggregation by this scope's labels and more, such as ``sum by (agent_id)``."""
        by = (*self.by, *labels)
        names = ", ".join(by)
        return f"{operator} by ({names})" if names else operator


#: One answer a listing.
LISTING: Final = Scope()
#: One answer a listing and tool.
TOOL: Final = Scope((*catalogue.LISTING_LABELS, "tool"))


def one_of(label: str, *values: str) -> str:
    """Return a matcher for a label that has one of the values."""
    operator = "=~" if len(values) > 1 else "="
    return f'{label}{operator}"{"|".join(values)}"'


def select(name: str, scope: Scope, *matchers: str) -> str:
    """Return an instant selector of a sample name within a scope."""
    every = (*matchers, *scope.where)
    return f"{name}{{{', '.join(every)}}}" if every else name


def _total(function: str, name: str, window: str, scope: Scope, *matchers: str) -> str:
    return f"{scope.aggregate('sum')} ({function}({select(name, scope, *matchers)}[{window}]))"


def _ratio(part: str, whole: str) -> str:
    return f"({part} / {whole})"


def edge(metric: Metric, value: float) -> str:
    """Return the matcher of a histogram's edge, as the canonical float that ``le`` carries.

    Raises:
        ValueError: If the histogram has no such edge, for which a rule would stay silent for ever.
    """
    if value not in metric.buckets:
        message = f"{metric.name} has no edge at {value}"
        raise ValueError(message)
    return f'le="{float(value)}"'


# --- usage ---------------------------------------------------------------------------------------


def invocations(window: str, scope: Scope = LISTING) -> str:
    """Invocations that ended in the window, cancelled ones included."""
    return _total("increase", catalogue.INVOCATIONS.name, window, scope)


def invocation_rate(window: str, scope: Scope = LISTING) -> str:
    """Invocations per second, cancelled ones included."""
    return _total("rate", catalogue.INVOCATIONS.name, window, scope)


def judged_invocations(window: str, scope: Scope = LISTING) -> str:
    """Invocations that succeeded or failed in the window."""
    return _total("increase", catalogue.INVOCATIONS.name, window, scope, one_of("outcome", *JUDGED))


def failed_invocations(window: str, scope: Scope = LISTING) -> str:
    """Invocations that failed in the window."""
    return _total("increase", catalogue.INVOCATIONS.name, window, scope, one_of("outcome", *FAILED))


def judged_besides(window: str, failed: str, scope: Scope = LISTING) -> str:
    """Invocations that succeeded or failed in the window, the failed ones as they are recorded."""
    return _besides(catalogue.INVOCATIONS.name, window, failed, scope)


def _besides(name: str, window: str, failed: str, scope: Scope) -> str:
    # `or` adds what failed: raw series have more labels than what is recorded, so none is hidden.
    succeeded = f"increase({select(name, scope, one_of('outcome', SUCCESS))}[{window}])"
    return f"{scope.aggregate('sum')} ({succeeded} or {select(failed, scope)})"


def unique_tenants(window: str, scope: Scope = LISTING) -> str:
    """Distinct tenants that were seen in the window.

    Registers merge by ``min`` over workers, replicas, listings and time. The smallest of the n/m
    uniform hashes of a register is an exponential censored at 1; this is the maximum-likelihood
    estimate of n for m registers, one formula for every size.
    """
    registers = catalogue.SKETCH_REGISTERS
    kind = f'kind="{catalogue.SKETCH_TENANTS}"'
    seen = f"min_over_time({select(catalogue.SKETCH_REGISTER.name, scope, kind)}[{window}])"
    merged = f"{scope.aggregate('min', 'register')} ({seen})"
    used = f"{scope.aggregate('count')} ({merged})"
    mass = f"{scope.aggregate('sum')} ({merged})"
    return f"({registers} * {used} / ({mass} + {registers} - {used}))"


def installs(window: str, scope: Scope = LISTING) -> str:
    """Installs in the window; a reinstall is a second install."""
    return _total("increase", catalogue.INSTALLS.name, window, scope)


def uninstalls(window: str, scope: Scope = LISTING) -> str:
    """Uninstalls in the window."""
    return _total("increase", catalogue.UNINSTALLS.name, window, scope)


def active_installs(scope: Scope = LISTING) -> str:
    """Installs that have not been undone; absent where nothing makes that known."""
    return f"{scope.aggregate('sum')} ({select(catalogue.ACTIVE_INSTALLS.name, scope)})"


def in_progress(scope: Scope = LISTING) -> str:
    """Invocations that have started and not ended."""
    return f"{scope.aggregate('sum')} ({select(catalogue.INVOCATIONS_IN_PROGRESS.name, scope)})"


# --- quality -------------------------------------------------------------------------------------


def error_rate(window: str, scope: Scope = LISTING) -> str:
    """Share of failed invocations: (error + timeout) / (success + error + timeout), 0 to 1."""
    name = catalogue.INVOCATIONS.name
    return _ratio(
        _total("rate", name, window, scope, one_of("outcome", *FAILED)),
        _total("rate", name, window, scope, one_of("outcome", *JUDGED)),
    )


def responses(window: str, scope: Scope = LISTING) -> str:
    """Successful invocations in the window: the ones whose time is a response time.

    An error is no response: agents that fail at once would otherwise look fast while they are
    down. A call that ran into a timeout is a failure, which the error rate already counts.
    """
    name = f"{catalogue.INVOCATION_DURATION.name}_count"
    return _total("increase", name, window, scope, one_of("outcome", SUCCESS))


def quick_responses(window: str, scope: Scope = LISTING, seconds: float = SLOW_SECONDS) -> str:
    """Responses in the window that took no longer than an edge of the histogram."""
    metric = catalogue.INVOCATION_DURATION
    matchers = (one_of("outcome", SUCCESS), edge(metric, seconds))
    return _total("increase", f"{metric.name}_bucket", window, scope, *matchers)


def slow_share(window: str, scope: Scope = LISTING, seconds: float = SLOW_SECONDS) -> str:
    """Share of responses that took longer than an edge of the histogram, 0 to 1.

    "p95 above 10 s" is the same question as "more than 5 % slower than 10 s", and this form of it
    counts where a quantile would interpolate.
    """
    metric = catalogue.INVOCATION_DURATION
    outcome = one_of("outcome", SUCCESS)
    quick = _total("rate", f"{metric.name}_bucket", window, scope, outcome, edge(metric, seconds))
    every = _total("rate", f"{metric.name}_count", window, scope, outcome)
    return f"(1 - {quick} / {every})"


def response_time_quantile(quantile: float, window: str, scope: Scope = LISTING) -> str:
    """Quantile of the response time in seconds, interpolated within its bucket."""
    name = f"{catalogue.INVOCATION_DURATION.name}_bucket"
    outcome = one_of("outcome", SUCCESS)
    buckets = _total("rate", name, window, scope.over(*scope.by, "le"), outcome)
    return f"histogram_quantile({quantile}, {buckets})"


def mean_response_time(window: str, scope: Scope = LISTING) -> str:
    """Mean response time in seconds."""
    name = catalogue.INVOCATION_DURATION.name
    outcome = one_of("outcome", SUCCESS)
    return _ratio(
        _total("rate", f"{name}_sum", window, scope, outcome),
        _total("rate", f"{name}_count", window, scope, outcome),
    )


def ratings(window: str, scope: Scope = LISTING) -> str:
    """Ratings that tenants gave in the window."""
    return _total("increase", f"{catalogue.FEEDBACK_RATING.name}_count", window, scope)


def stars(window: str, scope: Scope = LISTING) -> str:
    """Sum of the ratings that tenants gave in the window."""
    return _total("increase", f"{catalogue.FEEDBACK_RATING.name}_sum", window, scope)


def mean_rating(window: str, scope: Scope = LISTING) -> str:
    """Mean rating, 1 to 5."""
    name = catalogue.FEEDBACK_RATING.name
    return _ratio(
        _total("rate", f"{name}_sum", window, scope),
        _total("rate", f"{name}_count", window, scope),
    )


def failures_by_type(window: str, scope: Scope = LISTING) -> str:
    """Failed invocations a second by the type of the error, besides the scope's labels."""
    by_type = scope.over(*scope.by, "error_type")
    return _total("rate", catalogue.INVOCATION_ERRORS.name, window, by_type)


def responses_up_to(window: str, scope: Scope = LISTING) -> str:
    """Responses in the window by upper edge of their time (``le``), cumulative."""
    name = f"{catalogue.INVOCATION_DURATION.name}_bucket"
    by_edge = scope.over(*scope.by, "le")
    return _total("increase", name, window, by_edge, one_of("outcome", SUCCESS))


def first_chunk_quantile(quantile: float, window: str, scope: Scope = LISTING) -> str:
    """Quantile of the time to the first chunk of streamed answers, in seconds."""
    name = f"{catalogue.TIME_TO_FIRST_CHUNK.name}_bucket"
    buckets = _total("rate", name, window, scope.over(*scope.by, "le"))
    return f"histogram_quantile({quantile}, {buckets})"


# --- money and tokens ----------------------------------------------------------------------------


def revenue(window: str, scope: Scope = LISTING) -> str:
    """US dollars that tenants were charged in the window, refunds not taken off."""
    return _total("increase", catalogue.REVENUE.name, window, scope)


def refunds(window: str, scope: Scope = LISTING) -> str:
    """US dollars that tenants were given back in the window."""
    return _total("increase", catalogue.REFUNDS.name, window, scope)


def revenue_per_tenant(window: str, scope: Scope = LISTING) -> str:
    """US dollars charged per distinct tenant seen in the window."""
    return _ratio(revenue(window, scope), unique_tenants(window, scope))


def model_cost(window: str, scope: Scope = LISTING) -> str:
    """US dollars that model calls cost the publisher in the window."""
    return _total("increase", catalogue.MODEL_COST.name, window, scope)


def wasted_cost(window: str, scope: Scope = LISTING) -> str:
    """The part of the model cost that went into invocations that failed, in US dollars."""
    return _total("increase", catalogue.WASTED_COST.name, window, scope)


def input_tokens(window: str, scope: Scope = LISTING) -> str:
    """Tokens sent to models in the window."""
    return _total("increase", catalogue.INPUT_TOKENS.name, window, scope)


def output_tokens(window: str, scope: Scope = LISTING) -> str:
    """Tokens received from models in the window."""
    return _total("increase", catalogue.OUTPUT_TOKENS.name, window, scope)


# --- tools ---------------------------------------------------------------------------------------


def tool_calls(window: str, scope: Scope = TOOL) -> str:
    """Tool calls that ended in the window, cancelled ones included."""
    return _total("increase", catalogue.TOOL_CALLS.name, window, scope)


def judged_tool_calls(window: str, scope: Scope = TOOL) -> str:
    """Tool calls that succeeded or failed in the window."""
    return _total("increase", catalogue.TOOL_CALLS.name, window, scope, one_of("outcome", *JUDGED))


def failed_tool_calls(window: str, scope: Scope = TOOL) -> str:
    """Tool calls that failed in the window."""
    return _total("increase", catalogue.TOOL_CALLS.name, window, scope, one_of("outcome", *FAILED))


def judged_calls_besides(window: str, failed: str, scope: Scope = TOOL) -> str:
    """Tool calls that succeeded or failed in the window, the failed ones as they are recorded."""
    return _besides(catalogue.TOOL_CALLS.name, window, failed, scope)


def tool_failure_rate(window: str, scope: Scope = TOOL) -> str:
    """Share of failed tool calls: (error + timeout) / (success + error + timeout), 0 to 1."""
    name = catalogue.TOOL_CALLS.name
    return _ratio(
        _total("rate", name, window, scope, one_of("outcome", *FAILED)),
        _total("rate", name, window, scope, one_of("outcome", *JUDGED)),
    )


def mean_tool_time(window: str, scope: Scope = TOOL) -> str:
    """Mean time of a tool call in seconds."""
    name = catalogue.TOOL_CALL_DURATION.name
    return _ratio(
        _total("rate", f"{name}_sum", window, scope),
        _total("rate", f"{name}_count", window, scope),
    )


def tool_time_quantile(quantile: float, window: str, scope: Scope = TOOL) -> str:
    """Quantile of the time of a tool call in seconds, interpolated within its bucket."""
    name = f"{catalogue.TOOL_CALL_DURATION.name}_bucket"
    buckets = _total("rate", name, window, scope.over(*scope.by, "le"))
    return f"histogram_quantile({quantile}, {buckets})"


# --- freshness -----------------------------------------------------------------------------------


def data_age(scope: Scope = Scope(("job", "instance"))) -> str:
    """Seconds since the last span of an agent ended; nothing where no span has ended yet."""
    last = f"{scope.aggregate('max')} ({select(catalogue.LAST_SPAN.name, scope)} > 0)"
    return f"(time() - {last})"


def scrape_age(scope: Scope = LISTING) -> str:
    """Seconds since a listing was last scraped; nothing if that is more than six hours."""
    seen = f"timestamp({select(catalogue.INVOCATIONS.name, scope)})"
    return f"(time() - {scope.aggregate('max')} (max_over_time({seen}[6h:1m])))"


def new_versions(before: str, scope: Scope = LISTING) -> str:
    """Versions of agents that are running and were not some time before."""
    by = scope.over(*scope.by, "agent_version").aggregate("max")
    running = select(catalogue.INFO.name, scope)
    return f"({by} ({running}) unless {by} ({running} offset {before}))"


def versions(scope: Scope = Scope(("agent_name", "agent_version"))) -> str:
    """How many processes run each version of an agent."""
    return f"{scope.aggregate('sum')} ({select(catalogue.INFO.name, scope)})"


def firing_pages(scope: Scope = LISTING) -> str:
    """The alerts for on-call that are firing, one series each, from Prometheus' bookkeeping."""
    return select("ALERTS", scope, 'alertstate="firing"', 'audience="oncall"')


def firing_insights(scope: Scope = LISTING) -> str:
    """The insights that are firing, one series each, from Prometheus' own bookkeeping."""
    return select("ALERTS", scope, 'alertstate="firing"', 'audience="publisher"')
