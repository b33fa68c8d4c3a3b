"""What an insight may come from: error types, tools, models; one of them has the largest part."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from agent_analytics.insights._promql import quantities, recorded
from agent_analytics.insights._promql.scopes import (
    FAILED,
    LISTING,
    TOOL,
    Scope,
    one_of,
    select,
)
from agent_analytics.insights._promql.windows import Period, RecordedPeriod, RulePeriod
from agent_analytics.processor import catalogue

_MONTH: Final = RecordedPeriod(*recorded.MONTH)
_WEEK: Final = RecordedPeriod(*recorded.WEEK)
_DAY: Final = RecordedPeriod(*recorded.DAY)
#: The period that a question is about, by the label ``traffic``. Those about hours are answered
#: with the last day.
_PERIODS: Final = {"period": _MONTH, "week": _WEEK, "steady": _WEEK}


def period_of(traffic: str) -> Period:
    """Return the period that a question of publishers is about, by its label ``traffic``."""
    return _PERIODS.get(traffic, _DAY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Something that an insight comes from in parts, of which one is the largest.

    Attributes:
        dimension: What the parts are, such as ``tool``.
        of: The whole, in words that follow "of the", such as ``failed tool calls``.
        largest: The share of the largest part in a period, with the label ``contributor``.
        periods: The periods of which it is known.
        by: Labels of what has one such part.
        ahead: Recorded for every listing, more seldom than insights are evaluated: its parts are
            read from levels.
    """

    dimension: str
    of: str
    largest: Callable[[Period], str]
    periods: tuple[Period, ...] = (_MONTH, _WEEK, _DAY)
    by: tuple[str, ...] = LISTING.by
    ahead: bool = False

    def period(self, traffic: str) -> Period:
        """Return the period that a question asks about, or the nearest one that is known."""
        wanted = period_of(traffic)
        return wanted if wanted in self.periods else self.periods[0]

    def read(self, period: Period) -> str:
        """Return the largest part as insights read it: looked up where it is recorded ahead."""
        if not self.ahead:
            return self.largest(period)
        name = recorded.top_contributor((period.days, period.ago))
        lately = select(name, Scope(), one_of("dimension", self.dimension))
        # Two contributors may have been the largest in that time.
        top = LISTING.aggregate("topk")
        return f"{top} (1, {recorded.lately(lately)})"


def _from_levels(period: Period) -> Period:
    return RulePeriod(period.days, period.ago)


def _error_type(period: Period) -> str:
    return quantities.largest(
        quantities.failures_by_type(_from_levels(period)),
        quantities.failed_invocations(period),
        "error_type",
    )


def _model(period: Period) -> str:
    return quantities.largest(
        quantities.tokens_of_models(_from_levels(period)),
        f"({quantities.input_tokens(period)} + {quantities.output_tokens(period)})",
        "model",
    )


def _failing_tool(period: Period) -> str:
    failed = quantities.failed_tool_calls
    return quantities.largest(failed(period), failed(period, LISTING), "tool")


def _slow_tool(period: Period) -> str:
    seconds = quantities.tool_seconds(period)
    return quantities.largest(seconds, quantities.invocation_seconds(period), "tool")


def _outcome(period: Period) -> str:
    by = TOOL.over(*TOOL.by, "outcome")
    failed = period.grown(catalogue.TOOL_CALLS.name, by, one_of("outcome", *FAILED))
    return quantities.largest(failed, quantities.failed_tool_calls(period), "outcome", TOOL)


def _expense(period: Period) -> str:
    spent = (
        f"({quantities.model_cost(period)} + {quantities.refunds(period)}"
        f" + {quantities.fees(period)})"
    )
    return quantities.largest(quantities.expenses(period), spent, "expense")


ERROR_TYPES: Final = Cause(dimension="error type", of="failures", largest=_error_type, ahead=True)
MODELS: Final = Cause(dimension="model", of="tokens", largest=_model, periods=(_WEEK,), ahead=True)
FAILING_TOOLS: Final = Cause(dimension="tool", of="failed tool calls", largest=_failing_tool)
SLOW_TOOLS: Final = Cause(
    dimension="tool", of="response time", largest=_slow_tool, periods=(_WEEK,)
)
OUTCOMES: Final = Cause(dimension="outcome", of="tool's failed calls", largest=_outcome, by=TOOL.by)
EXPENSES: Final = Cause(
    dimension="expense", of="expenses", largest=_expense, periods=(_MONTH, _WEEK)
)

_DURATIONS: Final = f"{catalogue.INVOCATION_DURATION.name}_bucket"
#: Whose exemplars are failed invocations, slow ones, and calls of a tool.
FAILED_TRACES: Final = f'{_DURATIONS}{{publisher_id="P", agent_id="A", outcome=~"error|timeout"}}'
SLOW_TRACES: Final = f'{_DURATIONS}{{publisher_id="P", agent_id="A", outcome="success"}}'
TOOL_TRACES: Final = (
    f'{catalogue.TOOL_CALL_DURATION.name}_bucket{{publisher_id="P", agent_id="A", tool="T"}}'
)
