"""Named PromQL over windows of days, read from roll-ups.

The counterpart of :mod:`agent_analytics.insights.queries` for a publisher's period: 1, 7, 30, 90
days. What a counter grew by in a window is the difference of two recorded levels plus what it had
when it began anew in between (see :mod:`agent_analytics.insights.rollups`): whole numbers stay
whole numbers, and a window of 90 days costs little more than one of a day.

Every function takes a :class:`Period` and a scope, and returns an expression that can stand inside
a larger one without parentheses.
"""

from dataclasses import dataclass, replace
from typing import Final

from agent_analytics.insights import rollups
from agent_analytics.insights.queries import (
    FAILED,
    JUDGED,
    LISTING,
    SUCCESS,
    TOOL,
    Scope,
    one_of,
    select,
)
from agent_analytics.processor import catalogue
from agent_analytics.processor.catalogue import Metric

_DAY: Final = 24


@dataclass(frozen=True, slots=True)
class Raw:
    """How a period is read from raw series, where there are no roll-ups yet.

    Attributes:
        seconds: How much of the period there is history of.
        step: Seconds between the moments at which counters are looked at for a new beginning.
    """

    seconds: int
    step: int


@dataclass(frozen=True, slots=True)
class Period:
    """A window of whole days that ends some days ago.

    Attributes:
        days: Length.
        ago: How many days ago it ended; 0 for now.
        raw: Read raw series instead of roll-ups: dear, and for young histories only.
    """

    days: int
    ago: int = 0
    raw: Raw | None = None

    def __post_init__(self) -> None:
        """Refuse a window of no days."""
        if self.days < 1 or self.ago < 0:
            message = f"a period is of at least one day and has ended, got {self!r}"
            raise ValueError(message)

    @property
    def before(self) -> "Period":
        """The period of the same length in front of this one."""
        return replace(self, ago=self.ago + self.days)

    @property
    def both(self) -> "Period":
        """This period and the one before as one."""
        return replace(self, days=2 * self.days)

    def look(self, name: str, scope: Scope, window: str, *matchers: str, hours: int = 0) -> str:
        """Return a range selector that ends ``hours`` before this period's end."""
        back = self.ago * _DAY + hours
        offset = f" offset {_span(back)}" if back else ""
        return f"{select(name, scope, *matchers)}[{window}]{offset}"


def _span(hours: int) -> str:
    days, rest = divmod(hours, _DAY)
    return f"{days}d" if not rest else f"{hours}h"


# --- growth of counters --------------------------------------------------------------------------


def growth(sample: str, period: Period, scope: Scope, *matchers: str) -> str:
    """What the counters of a sample name grew by, exactly, to the last level at either end.

    A series that was not there when the window began was born in it at 0. One that has vanished
    since counts with its last level.
    """
    if period.raw is not None:
        return _raw_growth(sample, period, period.raw, scope, *matchers)
    days = f"{period.days}d"
    level, day = rollups.level(sample), rollups.day(sample)
    last = (
        f"(last_over_time({period.look(level, scope, '1d', *matchers)})"
        f" or last_over_time({period.look(day, scope, days, *matchers)}))"
    )
    start = period.days * _DAY
    first = (
        f"(last_over_time({period.look(level, scope, '1d', *matchers, hours=start)})"
        f" or last_over_time({period.look(day, scope, '3d', *matchers, hours=start)})"
        f" or {last} * 0)"
    )
    drops = f"sum_over_time({period.look(rollups.drop(sample), scope, days, *matchers)})"
    return f"{scope.aggregate('sum')} ({last} - {first} + ({drops} or {last} * 0))"


def _raw_growth(sample: str, period: Period, raw: Raw, scope: Scope, *matchers: str) -> str:
    """Growth as the roll-ups would tell it, from raw series, in one expression.

    To be asked at a multiple of the step, where the last moment of the subquery is the last of all.
    """
    window, step, hour = f"{raw.seconds}s", f"{raw.step}s", "1h"
    counter = select(sample, scope, *matchers)
    before = f"last_over_time({counter}[{hour}] offset {step})"
    fell = f"({before} > {counter})"
    drops = f"((max_over_time({counter}[{step}]) > {fell}) or {fell})"
    offset = f" offset {_span(period.ago * _DAY)}" if period.ago else ""
    last = f"last_over_time({period.look(sample, scope, window, *matchers)})"
    start = period.look(sample, scope, hour, *matchers, hours=period.days * _DAY)
    first = f"(last_over_time({start}) or {last} * 0)"
    return (
        f"{scope.aggregate('sum')} ({last} - {first}"
        f" + (sum_over_time({drops}[{window}:{step}]{offset}) or {last} * 0))"
    )


def _count(metric: Metric, period: Period, scope: Scope, *matchers: str) -> str:
    return growth(metric.name, period, scope, *matchers)


def _mean(metric: Metric, period: Period, scope: Scope, *matchers: str) -> str:
    total = growth(f"{metric.name}_sum", period, scope, *matchers)
    return f"({total} / ({growth(f'{metric.name}_count', period, scope, *matchers)} > 0))"


def _share(part: str, whole: str) -> str:
    return f"({part} / ({whole} > 0))"


def trend(quantity: str, before: str) -> str:
    """Relative change of a quantity against the period before: 0.1 is 10 % more."""
    return f"({quantity} / ({before} > 0) - 1)"


# --- usage ---------------------------------------------------------------------------------------


def invocations(period: Period, scope: Scope = LISTING) -> str:
    """Invocations that ended in the period, cancelled ones included."""
    return _count(catalogue.INVOCATIONS, period, scope)


def invocations_trend(period: Period, scope: Scope = LISTING) -> str:
    """Relative change of the invocations against the period before."""
    return trend(invocations(period, scope), invocations(period.before, scope))


def judged_invocations(period: Period, scope: Scope = LISTING) -> str:
    """Invocations that succeeded or failed in the period."""
    return _count(catalogue.INVOCATIONS, period, scope, one_of("outcome", *JUDGED))


def installs(period: Period, scope: Scope = LISTING) -> str:
    """Installs in the period; a reinstall is a second install."""
    return _count(catalogue.INSTALLS, period, scope)


def uninstalls(period: Period, scope: Scope = LISTING) -> str:
    """Uninstalls in the period."""
    return _count(catalogue.UNINSTALLS, period, scope)


# --- distinct tenants ----------------------------------------------------------------------------


def _union(scope: Scope) -> rollups.Union:
    """Return the union whose registers a scope is answered from: the coarsest that can."""
    if scope.by == () and not scope.where:
        return rollups.OF_MARKETPLACE
    by_publisher = scope.by in {(), ("publisher_id",)}
    only_publisher = all(matcher.startswith("publisher_id") for matcher in scope.where)
    return rollups.OF_PUBLISHER if by_publisher and only_publisher else rollups.OF_LISTING


def registers(period: Period, scope: Scope = LISTING, kind: str = catalogue.SKETCH_TENANTS) -> str:
    """The merged registers of a period: one answer a register, its smallest hash.

    Days in the middle, hours at the edges, the moment at the end. Merging what overlaps twice
    changes nothing, so the parts need not meet exactly.
    """
    of_kind = f'kind="{kind}"'
    if period.raw is not None:
        seen = period.look(catalogue.SKETCH_REGISTER.name, scope, f"{period.raw.seconds}s", of_kind)
        return f"{scope.aggregate('min', 'register')} (min_over_time({seen}))"
    union = _union(scope)
    parts = [
        period.look(union.minutes, scope, "2h" if period.days > 1 else "1d", of_kind),
    ]
    if period.days > 1:
        middle = f"{period.days - 1}d"
        first = (period.days - 1) * _DAY
        parts += [
            period.look(union.hours, scope, "1d", of_kind),
            period.look(union.days, scope, middle, of_kind),
            period.look(union.hours, scope, "1d", of_kind, hours=first),
        ]
    # `or` drops what has the same labels on the left, so each part is told apart by a label.
    merged = " or ".join(
        f'label_replace(min_over_time({part}), "part", "{number}", "", "")'
        for number, part in enumerate(parts)
    )
    return f"{scope.aggregate('min', 'register')} ({merged})"


def distinct(registers_: str, scope: Scope = LISTING) -> str:
    """How many distinct ids merged registers have seen: the maximum-likelihood estimate."""
    m = catalogue.SKETCH_REGISTERS
    used = f"{scope.aggregate('count')} ({registers_})"
    mass = f"{scope.aggregate('sum')} ({registers_})"
    return f"({m} * {used} / ({mass} + {m} - {used}))"


def unique_tenants(period: Period, scope: Scope = LISTING) -> str:
    """Distinct tenants that used it in the period."""
    return distinct(registers(period, scope), scope)


def conversations(period: Period, scope: Scope = LISTING) -> str:
    """Distinct conversations in the period."""
    return distinct(registers(period, scope, catalogue.SKETCH_CONVERSATIONS), scope)


def retained_tenants(period: Period, scope: Scope = LISTING) -> str:
    """Distinct tenants of the period before who came back in this one.

    The share of equal registers among all of both is the Jaccard index of the two sets.
    """
    now, then = registers(period, scope), registers(period.before, scope)
    label = (*scope.by, "register")
    same = f"{scope.aggregate('count')} ({now} == on ({', '.join(label)}) {then})"
    # The smaller of the two where both have the register: `or` alone would keep the left one.
    lower = (
        f'(label_replace({now}, "part", "now", "", "")'
        f' or label_replace({then}, "part", "then", "", ""))'
    )
    both = f"{scope.aggregate('min', 'register')} ({lower})"
    equal = f"({same} or 0 * {scope.aggregate('count')} ({both}))"
    return f"({equal} / {scope.aggregate('count')} ({both}) * {distinct(both, scope)})"


def retention(period: Period, scope: Scope = LISTING) -> str:
    """Tenants active in the period and in the one before, by those active in the one before."""
    return _share(retained_tenants(period, scope), unique_tenants(period.before, scope))


# --- quality -------------------------------------------------------------------------------------


def error_rate(period: Period, scope: Scope = LISTING) -> str:
    """Share of failed invocations: (error + timeout) / (success + error + timeout), 0 to 1."""
    failed = _count(catalogue.INVOCATIONS, period, scope, one_of("outcome", *FAILED))
    return _share(failed, judged_invocations(period, scope))


def mean_response_time(period: Period, scope: Scope = LISTING) -> str:
    """Mean time of a successful invocation, in seconds."""
    return _mean(catalogue.INVOCATION_DURATION, period, scope, one_of("outcome", SUCCESS))


def response_time_quantile(quantile: float, period: Period, scope: Scope = LISTING) -> str:
    """Quantile of the time of successful invocations in seconds, interpolated in its bucket."""
    name = f"{catalogue.INVOCATION_DURATION.name}_bucket"
    by_edge = scope.over(*scope.by, "le")
    buckets = growth(name, period, by_edge, one_of("outcome", SUCCESS))
    return f"histogram_quantile({quantile}, {buckets})"


def mean_rating(period: Period, scope: Scope = LISTING) -> str:
    """Mean rating, 1 to 5."""
    return _mean(catalogue.FEEDBACK_RATING, period, scope)


def ratings(period: Period, scope: Scope = LISTING) -> str:
    """Ratings that tenants gave in the period."""
    return growth(f"{catalogue.FEEDBACK_RATING.name}_count", period, scope)


def ratings_up_to(period: Period, scope: Scope = LISTING) -> str:
    """Ratings by upper edge (``le``), cumulative: the distribution of satisfaction."""
    return growth(f"{catalogue.FEEDBACK_RATING.name}_bucket", period, scope.over(*scope.by, "le"))


# --- money ---------------------------------------------------------------------------------------


def revenue(period: Period, scope: Scope = LISTING) -> str:
    """US dollars that tenants were charged in the period, refunds not taken off."""
    return _count(catalogue.REVENUE, period, scope)


def revenue_trend(period: Period, scope: Scope = LISTING) -> str:
    """Relative change of the revenue against the period before."""
    return trend(revenue(period, scope), revenue(period.before, scope))


def refunds(period: Period, scope: Scope = LISTING) -> str:
    """US dollars that tenants were given back in the period."""
    return _count(catalogue.REFUNDS, period, scope)


def gmv(period: Period, scope: Scope = LISTING) -> str:
    """Gross merchandise value: revenue less refunds."""
    return f"({revenue(period, scope)} - {refunds(period, scope)})"


def fees(period: Period, scope: Scope = LISTING) -> str:
    """The marketplace's share of the revenue, in US dollars."""
    return _count(catalogue.FEES, period, scope)


def revenue_per_tenant(period: Period, scope: Scope = LISTING) -> str:
    """US dollars charged per distinct tenant of the period."""
    return f"({revenue(period, scope)} / {unique_tenants(period, scope)})"


def model_cost(period: Period, scope: Scope = LISTING) -> str:
    """US dollars that model calls cost the publisher in the period."""
    return _count(catalogue.MODEL_COST, period, scope)


def wasted_cost(period: Period, scope: Scope = LISTING) -> str:
    """The part of the model cost that went into invocations that failed, in US dollars."""
    return _count(catalogue.WASTED_COST, period, scope)


def margin(period: Period, scope: Scope = LISTING) -> str:
    """Revenue less refunds, fees and model cost, in US dollars."""
    return (
        f"({revenue(period, scope)} - {refunds(period, scope)}"
        f" - {fees(period, scope)} - {model_cost(period, scope)})"
    )


def cost_per_success(period: Period, scope: Scope = LISTING) -> str:
    """US dollars of model cost per successful invocation."""
    succeeded = _count(catalogue.INVOCATIONS, period, scope, one_of("outcome", SUCCESS))
    return _share(model_cost(period, scope), succeeded)


# --- tokens --------------------------------------------------------------------------------------


def input_tokens(period: Period, scope: Scope = LISTING) -> str:
    """Tokens sent to models in the period."""
    return _count(catalogue.INPUT_TOKENS, period, scope)


def output_tokens(period: Period, scope: Scope = LISTING) -> str:
    """Tokens received from models in the period."""
    return _count(catalogue.OUTPUT_TOKENS, period, scope)


def cached_share(period: Period, scope: Scope = LISTING) -> str:
    """Share of the input tokens that came from the model's prompt cache, 0 to 1."""
    cached = _count(catalogue.CACHED_INPUT_TOKENS, period, scope)
    return _share(cached, input_tokens(period, scope))


# --- tools ---------------------------------------------------------------------------------------


def tool_calls(period: Period, scope: Scope = TOOL) -> str:
    """Tool calls that ended in the period, cancelled ones included."""
    return _count(catalogue.TOOL_CALLS, period, scope)


def tool_failure_rate(period: Period, scope: Scope = TOOL) -> str:
    """Share of failed tool calls: (error + timeout) / (success + error + timeout), 0 to 1."""
    failed = _count(catalogue.TOOL_CALLS, period, scope, one_of("outcome", *FAILED))
    judged = _count(catalogue.TOOL_CALLS, period, scope, one_of("outcome", *JUDGED))
    return _share(failed, judged)


def tool_seconds(period: Period, scope: Scope = TOOL) -> str:
    """Seconds spent in tool calls in the period."""
    return growth(f"{catalogue.TOOL_CALL_DURATION.name}_sum", period, scope)


# --- adoption ------------------------------------------------------------------------------------


def active_installs(period: Period, scope: Scope = LISTING) -> str:
    """Installs that had not been undone when the period ended; absent where that is not known."""
    name = catalogue.ACTIVE_INSTALLS.name
    offset = f" offset {_span(period.ago * _DAY)}" if period.ago else ""
    return f"{scope.aggregate('sum')} ({select(name, scope)}{offset})"


def install_churn(period: Period, scope: Scope = LISTING) -> str:
    """Uninstalls in the period by the active installs when it began."""
    at_start = active_installs(Period(1, period.ago + period.days), scope)
    return _share(uninstalls(period, scope), at_start)


def active_publishers(period: Period) -> str:
    """Publishers of whom any listing was used in the period."""
    return f"count ({invocations(period, Scope(('publisher_id',)))} > 0)"
