"""The ground truth: every event of the simulated past, and what a window of it amounts to."""

import math
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from agent_analytics.instrumentation.vocabulary import ERROR, OUTCOMES, SUCCESS, TIMEOUT
from agent_analytics.processor.catalogue import INVOCATION_SECONDS

_SUCCESS: Final = OUTCOMES.index(SUCCESS)
_FAILED: Final = (OUTCOMES.index(ERROR), OUTCOMES.index(TIMEOUT))
NANO: Final = 1_000_000_000

#: From after the first Unix time to the second.
Window = tuple[float, float]


def _numbers() -> "array[int]":
    return array("q")


def _times() -> "array[float]":
    return array("d")


@dataclass(slots=True)
class Invocations:
    """Columns of ended invocations, in order of their ends. Money is in nano-dollars."""

    time: "array[float]" = field(default_factory=_times)
    tenant: "array[int]" = field(default_factory=_numbers)
    conversation: "array[int]" = field(default_factory=_numbers)
    host: "array[int]" = field(default_factory=_numbers)
    outcome: "array[int]" = field(default_factory=_numbers)
    seconds: "array[float]" = field(default_factory=_times)
    input: "array[int]" = field(default_factory=_numbers)
    output: "array[int]" = field(default_factory=_numbers)
    cached: "array[int]" = field(default_factory=_numbers)
    cost: "array[int]" = field(default_factory=_numbers)
    revenue: "array[int]" = field(default_factory=_numbers)


@dataclass(slots=True)
class ToolCalls:
    """Columns of tool calls, in order of the ends of their invocations.

    Attributes:
        repeated: 1 for a call with the arguments of an earlier one of its invocation.
        result: Bytes of the text that it returned; negative where it returned none.
    """

    time: "array[float]" = field(default_factory=_times)
    host: "array[int]" = field(default_factory=_numbers)
    tool: "array[int]" = field(default_factory=_numbers)
    failed: "array[int]" = field(default_factory=_numbers)
    seconds: "array[float]" = field(default_factory=_times)
    repeated: "array[int]" = field(default_factory=_numbers)
    result: "array[int]" = field(default_factory=_numbers)


@dataclass(slots=True)
class Marks:
    """Columns of events of one number each: a rating, a tenant, nano-dollars given back."""

    time: "array[float]" = field(default_factory=_times)
    value: "array[int]" = field(default_factory=_numbers)

    def add(self, time: float, value: int) -> None:
        """Append one; times ascend."""
        self.time.append(time)
        self.value.append(value)

    def within(self, window: Window) -> Sequence[int]:
        """Return the values in a window."""
        return self.value[slice(*_range(self.time, window))]


@dataclass(frozen=True, slots=True)
class ToolTruth:
    """Calls of a tool in a window: how many failed or repeated others, and what they returned."""

    calls: int
    failed: int
    seconds: float
    repeated: int = 0
    bytes: int = 0

    @property
    def failure_rate(self) -> float:
        """Share of failed calls."""
        return self.failed / self.calls if self.calls else math.nan


@dataclass(frozen=True, slots=True)
class Truth:
    """What one listing did in a window; means and rates are NaN where nothing happened.

    Attributes:
        invocations: How many ended, by outcome.
        seconds: Times of the successful ones, ascending.
        tenants: Who used it.
        conversations: How many were held.
        revenue: Nano-dollars charged.
        refunds: Nano-dollars given back.
        cost: Nano-dollars spent on models.
        wasted: The part of it in failed invocations.
        tokens: Input, output and cached input tokens.
        ratings: Every rating.
        installs: Installs.
        uninstalls: Uninstalls.
        installed: Active installs when the window began.
        tools: By name of the tool.
    """

    invocations: tuple[int, ...]
    seconds: tuple[float, ...]
    tenants: frozenset[int]
    conversations: int
    revenue: int
    refunds: int
    cost: int
    wasted: int
    tokens: tuple[int, int, int]
    ratings: tuple[int, ...]
    installs: int
    uninstalls: int
    installed: int
    tools: dict[str, ToolTruth]

    @property
    def total(self) -> int:
        """Ended invocations."""
        return sum(self.invocations)

    @property
    def error_rate(self) -> float:
        """(error + timeout) / (success + error + timeout)."""
        failed = sum(self.invocations[index] for index in _FAILED)
        judged = failed + self.invocations[_SUCCESS]
        return failed / judged if judged else math.nan

    @property
    def mean_seconds(self) -> float:
        """Mean response time."""
        return math.fsum(self.seconds) / len(self.seconds) if self.seconds else math.nan

    @property
    def p95_bucket(self) -> tuple[float, float]:
        """The two edges of the histogram between which the 95th percentile lies."""
        if not self.seconds:
            return math.nan, math.nan
        value = self.seconds[max(0, math.ceil(0.95 * len(self.seconds)) - 1)]
        edges = (0.0, *INVOCATION_SECONDS, math.inf)
        upper = next(index for index, edge in enumerate(edges) if value <= edge and index)
        return edges[upper - 1], edges[upper]

    @property
    def mean_rating(self) -> float:
        """Mean rating."""
        return sum(self.ratings) / len(self.ratings) if self.ratings else math.nan

    @property
    def install_churn(self) -> float:
        """Uninstalls / active installs at the start."""
        return self.uninstalls / self.installed if self.installed else math.nan


@dataclass(slots=True)
class Ledger:
    """Every event of one listing. Ratings are 1 to 5, evaluations thousandths."""

    publisher: str
    agent: str
    tools: tuple[str, ...]
    invocations: Invocations = field(default_factory=Invocations)
    tool_calls: ToolCalls = field(default_factory=ToolCalls)
    ratings: Marks = field(default_factory=Marks)
    evaluations: Marks = field(default_factory=Marks)
    refunds: Marks = field(default_factory=Marks)
    installs: Marks = field(default_factory=Marks)
    uninstalls: Marks = field(default_factory=Marks)

    def tenants(self, window: Window) -> frozenset[int]:
        """Return who used the listing in a window."""
        columns = self.invocations
        return frozenset(columns.tenant[slice(*_range(columns.time, window))])

    def retention(self, window: Window) -> float:
        """Return the share of the tenants of the window before that are in this one, or NaN."""
        start, end = window
        before = self.tenants((start - (end - start), start))
        return len(before & self.tenants(window)) / len(before) if before else math.nan

    def installed(self, time: float) -> int:
        """Return the installs less the uninstalls up to a time."""
        gone = bisect_right(self.uninstalls.time, time)
        return bisect_right(self.installs.time, time) - gone

    def truth(self, window: Window) -> Truth:
        """Return what a window amounts to."""
        columns = self.invocations
        part = slice(*_range(columns.time, window))
        outcomes = columns.outcome[part]
        seconds = columns.seconds[part]
        cost = columns.cost[part]
        return Truth(
            invocations=tuple(outcomes.count(index) for index in range(len(OUTCOMES))),
            seconds=tuple(
                sorted(s for s, outcome in zip(seconds, outcomes, strict=True) if not outcome)
            ),
            tenants=frozenset(columns.tenant[part]),
            conversations=len(set(columns.conversation[part])),
            revenue=sum(columns.revenue[part]),
            refunds=sum(self.refunds.within(window)),
            cost=sum(cost),
            wasted=sum(c for c, outcome in zip(cost, outcomes, strict=True) if outcome in _FAILED),
            tokens=(
                sum(columns.input[part]),
                sum(columns.output[part]),
                sum(columns.cached[part]),
            ),
            ratings=tuple(self.ratings.within(window)),
            installs=len(self.installs.within(window)),
            uninstalls=len(self.uninstalls.within(window)),
            installed=self.installed(window[0]),
            tools=self._tools(window),
        )

    def _tools(self, window: Window) -> dict[str, ToolTruth]:
        columns = self.tool_calls
        part = slice(*_range(columns.time, window))
        calls = [0] * len(self.tools)
        failed = [0] * len(self.tools)
        seconds = [0.0] * len(self.tools)
        repeated = [0] * len(self.tools)
        size = [0] * len(self.tools)
        for tool, bad, took, again, returned in zip(
            columns.tool[part],
            columns.failed[part],
            columns.seconds[part],
            columns.repeated[part],
            columns.result[part],
            strict=True,
        ):
            calls[tool] += 1
            failed[tool] += bad
            seconds[tool] += took
            repeated[tool] += again
            size[tool] += max(returned, 0)
        return {
            name: ToolTruth(
                calls[index], failed[index], seconds[index], repeated[index], size[index]
            )
            for index, name in enumerate(self.tools)
        }


def union(ledgers: Iterable[Ledger], window: Window) -> frozenset[int]:
    """Return who used any of several listings in a window."""
    return frozenset[int]().union(*(ledger.tenants(window) for ledger in ledgers))


def _range(times: "array[float]", window: Window) -> tuple[int, int]:
    return bisect_right(times, window[0]), bisect_right(times, window[1])
