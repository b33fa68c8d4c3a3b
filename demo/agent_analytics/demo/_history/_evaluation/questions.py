"""The quantities whose answers are compared with the ground truth, and how close they must be."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from agent_analytics.demo._history._simulation.ledger import (
    NANO,
    Ledger,
    ToolTruth,
    Truth,
    Window,
    union,
)
from agent_analytics.insights.promql import TOOL, Period, Scope, quantities

PUBLISHER: Final = Scope(("publisher_id",))
MARKETPLACE: Final = Scope(())

#: How far an answer may be off: relative, or in the quantity's own unit.
Measure = Literal["relative", "absolute"]
#: Publisher, agent and tool, as far as an answer names them.
Key = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """How close answers have to be.

    Attributes:
        measure: Whether errors are relative.
        worst: Largest error allowed.
        shares: Shares of the answers that have to be within an error.
        rms: Largest root-mean-square error allowed.
    """

    measure: Measure
    worst: float = math.inf
    shares: Mapping[float, float] | None = None
    rms: float = math.inf


EXACT: Final = Target(measure="absolute", worst=1e-9)
COUNT: Final = Target(measure="relative", worst=0.005)
MEAN: Final = Target(measure="relative", worst=0.01)
RATE: Final = Target(measure="absolute", worst=0.002)
TENANTS: Final = Target(measure="relative", rms=0.035, shares={0.05: 0.9})
RETENTION: Final = Target(measure="absolute", shares={0.03: 0.8, 0.05: 0.95})


class Truths:
    """The ground truth of a history, each window of each listing worked out once."""

    def __init__(self, ledgers: Mapping[tuple[str, str], Ledger]) -> None:
        """Remember the ledgers."""
        self.ledgers = ledgers
        self._known: dict[tuple[Key, Window], Truth] = {}

    def of(self, key: tuple[str, str], window: Window) -> Truth:
        """Return what a listing did in a window."""
        truth = self._known.get((key, window))
        if truth is None:
            truth = self._known[key, window] = self.ledgers[key].truth(window)
        return truth


@dataclass(frozen=True, slots=True)
class Question:
    quantity: str
    ask: Callable[[Period], str]
    truths: Callable[[Truths, Window], Mapping[Key, float]]
    target: Target
    #: How many windows back it looks.
    looks: int = 1


def _of_listing(figure: Callable[[Truth], float]) -> Callable[[Truths, Window], dict[Key, float]]:
    def figures(truths: Truths, window: Window) -> dict[Key, float]:
        return {key: figure(truths.of(key, window)) for key in truths.ledgers}

    return figures


def _by_publisher(truths: Truths) -> dict[str, list[Ledger]]:
    grouped: dict[str, list[Ledger]] = {}
    for ledger in truths.ledgers.values():
        grouped.setdefault(ledger.publisher, []).append(ledger)
    return grouped


def _of_publisher(
    figure: Callable[[Truth], float],
) -> Callable[[Truths, Window], dict[Key, float]]:
    def figures(truths: Truths, window: Window) -> dict[Key, float]:
        return {
            (publisher,): math.fsum(
                figure(truths.of((ledger.publisher, ledger.agent), window)) for ledger in ledgers
            )
            for publisher, ledgers in _by_publisher(truths).items()
        }

    return figures


def _of_tool(
    figure: Callable[[ToolTruth], float],
) -> Callable[[Truths, Window], dict[Key, float]]:
    def figures(truths: Truths, window: Window) -> dict[Key, float]:
        return {
            (*key, name): figure(tool)
            for key in truths.ledgers
            for name, tool in truths.of(key, window).tools.items()
        }

    return figures


def _publisher_tenants(truths: Truths, window: Window) -> dict[Key, float]:
    return {
        (publisher,): float(len(union(ledgers, window)))
        for publisher, ledgers in _by_publisher(truths).items()
    }


def _all_tenants(truths: Truths, window: Window) -> dict[Key, float]:
    return {(): float(len(union(truths.ledgers.values(), window)))}


def _share(now: frozenset[int], before: frozenset[int]) -> float:
    return len(now & before) / len(before) if before else math.nan


def _earlier(window: Window) -> Window:
    return 2 * window[0] - window[1], window[0]


def _retention(truths: Truths, window: Window) -> dict[Key, float]:
    return {key: ledger.retention(window) for key, ledger in truths.ledgers.items()}


def _publisher_retention(truths: Truths, window: Window) -> dict[Key, float]:
    return {
        (publisher,): _share(union(ledgers, window), union(ledgers, _earlier(window)))
        for publisher, ledgers in _by_publisher(truths).items()
    }


QUESTIONS: Final = (
    Question("invocations", quantities.invocations, _of_listing(lambda t: t.total), COUNT),
    Question("revenue", quantities.revenue, _of_listing(lambda t: t.revenue / NANO), COUNT),
    Question("refunds", quantities.refunds, _of_listing(lambda t: t.refunds / NANO), COUNT),
    Question("model cost", quantities.model_cost, _of_listing(lambda t: t.cost / NANO), COUNT),
    Question("wasted cost", quantities.wasted_cost, _of_listing(lambda t: t.wasted / NANO), COUNT),
    Question("input tokens", quantities.input_tokens, _of_listing(lambda t: t.tokens[0]), COUNT),
    Question("output tokens", quantities.output_tokens, _of_listing(lambda t: t.tokens[1]), COUNT),
    Question("installs", quantities.installs, _of_listing(lambda t: t.installs), COUNT),
    Question("uninstalls", quantities.uninstalls, _of_listing(lambda t: t.uninstalls), COUNT),
    Question("ratings", quantities.ratings, _of_listing(lambda t: len(t.ratings)), COUNT),
    Question(
        "tool calls",
        lambda period: quantities.tool_calls(period, TOOL),
        _of_tool(lambda tool: tool.calls),
        COUNT,
    ),
    Question(
        "repeated tool calls",
        lambda period: quantities.repeated_tool_calls(period, TOOL),
        _of_tool(lambda tool: tool.repeated),
        COUNT,
    ),
    Question(
        "bytes of tool results",
        lambda period: quantities.tool_result_bytes(period, TOOL),
        _of_tool(lambda tool: tool.bytes),
        COUNT,
    ),
    Question(
        "publisher's invocations",
        lambda period: quantities.invocations(period, PUBLISHER),
        _of_publisher(lambda t: t.total),
        COUNT,
    ),
    Question(
        "publisher's revenue",
        lambda period: quantities.revenue(period, PUBLISHER),
        _of_publisher(lambda t: t.revenue / NANO),
        COUNT,
    ),
    Question(
        "mean response time",
        quantities.mean_response_time,
        _of_listing(lambda t: t.mean_seconds),
        MEAN,
    ),
    Question("mean rating", quantities.mean_rating, _of_listing(lambda t: t.mean_rating), MEAN),
    Question("error rate", quantities.error_rate, _of_listing(lambda t: t.error_rate), RATE),
    Question(
        "tool failure rate",
        lambda period: quantities.tool_failure_rate(period, TOOL),
        _of_tool(lambda tool: tool.failure_rate),
        RATE,
    ),
    Question(
        "install churn", quantities.install_churn, _of_listing(lambda t: t.install_churn), EXACT
    ),
    Question(
        "unique tenants",
        quantities.unique_tenants,
        _of_listing(lambda t: len(t.tenants)),
        TENANTS,
    ),
    Question(
        "publisher's tenants",
        lambda period: quantities.unique_tenants(period, PUBLISHER),
        _publisher_tenants,
        TENANTS,
    ),
    Question(
        "marketplace's tenants",
        lambda period: quantities.unique_tenants(period, MARKETPLACE),
        _all_tenants,
        TENANTS,
    ),
    Question("retention", quantities.retention, _retention, RETENTION, looks=2),
    Question(
        "publisher's retention",
        lambda period: quantities.retention(period, PUBLISHER),
        _publisher_retention,
        RETENTION,
        looks=2,
    ),
)
