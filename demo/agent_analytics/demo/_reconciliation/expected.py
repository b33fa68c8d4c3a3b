"""What Prometheus has to answer, series by series, if the ledger is right."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from agent_analytics.demo._market.ledger import Account, Bounds, Ledger
from agent_analytics.demo._market.listings import BY_KEY
from agent_analytics.instrumentation.money import NANO_PER_USD
from agent_analytics.processor import catalogue as c

#: A sample's name and its labels, without those that Prometheus adds.
Series = tuple[str, frozenset[tuple[str, str]]]
#: Half a cent: amounts closer than this are the same to the cent.
_HALF_CENT_USD: Final = 0.005
#: Sums of scores are sums of floats.
_SCORE_SLACK: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Expected:
    """What one series may be: between ``low`` and ``high``, which are equal for counts.

    Attributes:
        group: Under which heading the comparison is reported.
        low: Smallest value that agrees with the ledger.
        high: Greatest value that agrees with the ledger.
        told: The ledger's own figure, for messages.
    """

    group: str
    low: float
    high: float
    told: str

    def allows(self, value: float) -> bool:
        """Whether an answer agrees."""
        return self.low <= value <= self.high


def exactly(group: str, number: int) -> Expected:
    """Return the expectation of a count."""
    return Expected(group, number, number, str(number))


def usd(group: str, nano: int) -> Expected:
    """Return the expectation of an amount, to the cent."""
    amount = nano / NANO_PER_USD
    return Expected(group, amount - _HALF_CENT_USD, amount + _HALF_CENT_USD, f"{amount:.9f}")


def between(group: str, low: float, high: float) -> Expected:
    """Return the expectation of a figure that the ledger knows within bounds."""
    return Expected(group, low, high, f"{low:g} to {high:g}")


def expected_series(ledger: Ledger) -> dict[Series, Expected]:
    """Return every series that the ledger has something to say about."""
    found: dict[Series, Expected] = {}
    for (publisher, agent), account in ledger.accounts.items():
        identity = {"publisher_id": publisher, "agent_id": agent}
        for name, labels, expected in _of_account(f"{publisher}/{agent}", account):
            found[name, frozenset({**identity, **labels}.items())] = expected
    return found


_Row = tuple[str, dict[str, str], Expected]


def _of_account(key: str, account: Account) -> Iterator[_Row]:
    yield from _usage(account)
    yield from _quality(account)
    for metric, nano in (
        (c.MODEL_COST, account.cost),
        (c.WASTED_COST, account.wasted),
        (c.REVENUE, account.revenue),
        (c.REFUNDS, account.refunds),
        (c.FEES, 0),
    ):
        yield metric.name, {}, usd("money", nano)
    listing = BY_KEY[key]
    if account.invocations and listing.style != "reported":
        labels = {"agent_name": listing.name, "agent_version": listing.version}
        yield c.INFO.name, labels, exactly("names and versions", 1)
        for outcome, number in account.outcomes.items():
            labels = {"version": listing.version, "outcome": outcome}
            yield c.RELEASE_INVOCATIONS.name, labels, exactly("invocations by version", number)


def _usage(account: Account) -> Iterator[_Row]:
    for outcome, number in account.outcomes.items():
        yield c.INVOCATIONS.name, {"outcome": outcome}, exactly("invocations", number)
    for error_type, number in account.errors.items():
        labels = {"error_type": error_type}
        yield c.INVOCATION_ERRORS.name, labels, exactly("errors by type", number)
    for (tool, outcome), number in account.tools.items():
        labels = {"tool": tool, "outcome": outcome}
        yield c.TOOL_CALLS.name, labels, exactly("tool calls", number)
    for (model, outcome), number in account.inferences.items():
        labels = {"model": model, "outcome": outcome}
        yield c.INFERENCE_CALLS.name, labels, exactly("model calls", number)
    for metric, counter in (
        (c.INPUT_TOKENS, account.input_tokens),
        (c.OUTPUT_TOKENS, account.output_tokens),
        (c.CACHED_INPUT_TOKENS, account.cached_tokens),
        (c.REASONING_TOKENS, account.reasoning_tokens),
        (c.UNPRICED_TOKENS, account.unpriced_tokens),
    ):
        for model, number in counter.items():
            yield metric.name, {"model": model}, exactly("tokens", number)
    yield c.INSTALLS.name, {}, exactly("installs", account.installs)
    yield c.UNINSTALLS.name, {}, exactly("installs", account.uninstalls)
    yield c.INVOCATIONS_IN_PROGRESS.name, {}, exactly("invocations", 0)


def _quality(account: Account) -> Iterator[_Row]:
    for outcome, bounds in account.durations.items():
        yield from _durations(c.INVOCATION_DURATION, {"outcome": outcome}, bounds)
    yield from _durations(c.TIME_TO_FIRST_CHUNK, {}, account.first_chunks)
    for tool, bounds in account.tool_durations.items():
        yield from _durations(c.TOOL_CALL_DURATION, {"tool": tool}, bounds)
    ratings = account.ratings
    yield from _exact_histogram(
        c.FEEDBACK_RATING,
        {},
        "ratings",
        [float(stars) for stars in ratings.elements()],
    )
    for name, scores in account.scores.items():
        yield from _exact_histogram(c.EVALUATION_SCORE, {"evaluation": name}, "scores", scores)


def _durations(metric: c.Metric, labels: dict[str, str], bounds: Bounds) -> Iterator[_Row]:
    group = "durations"
    yield f"{metric.name}_count", labels, exactly(group, bounds.count)
    yield f"{metric.name}_sum", labels, between(group, bounds.least, bounds.most)
    for edge in metric.buckets:
        low, high = bounds.at_most(edge)
        yield f"{metric.name}_bucket", {**labels, "le": str(edge)}, between(group, low, high)
    yield f"{metric.name}_bucket", {**labels, "le": "+Inf"}, exactly(group, bounds.count)


def _exact_histogram(
    metric: c.Metric, labels: dict[str, str], group: str, values: list[float]
) -> Iterator[_Row]:
    total = sum(values)
    yield f"{metric.name}_count", labels, exactly(group, len(values))
    yield (
        f"{metric.name}_sum",
        labels,
        Expected(group, total - _SCORE_SLACK, total + _SCORE_SLACK, f"{total:g}"),
    )
    for edge in (*metric.buckets, float("inf")):
        reached = sum(1 for value in values if value <= edge)
        le = "+Inf" if edge == float("inf") else str(edge)
        yield f"{metric.name}_bucket", {**labels, "le": le}, exactly(group, reached)
