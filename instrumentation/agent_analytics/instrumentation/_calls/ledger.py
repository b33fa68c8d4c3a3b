"""What is reported about an invocation while it runs, summed up at its end."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from opentelemetry.util.types import AttributeValue

from agent_analytics.instrumentation import vocabulary as names
from agent_analytics.instrumentation._usage.usage import TOKENS, Usage
from agent_analytics.instrumentation.money import usd_text


class Charge(NamedTuple):
    """Nano-dollars that the tenant pays."""

    nano: int


class Refund(NamedTuple):
    """Nano-dollars that the tenant is given back."""

    nano: int


class Report(NamedTuple):
    """Usage of a model, and what it cost in nano-dollars where that is known."""

    usage: Usage
    cost_nano: int | None = None


class Totals:
    """The usage of one model, added up."""

    __slots__ = (
        "cached", "cost_nano", "given", "made", "provider", "reasoning", "stated_nano", "written",
        "written_1h",
    )  # fmt: skip

    def __init__(self) -> None:
        self.given = self.made = self.cached = self.reasoning = 0
        self.written = self.written_1h = 0
        self.provider: str | None = None
        self.cost_nano: int | None = None
        self.stated_nano: int | None = None

    def add(self, report: Report) -> None:
        """Add one report."""
        usage = report.usage
        self.given += usage.input_tokens
        self.made += usage.output_tokens
        self.cached += usage.cached_input_tokens
        self.reasoning += usage.reasoning_tokens
        self.written += usage.cache_write_input_tokens
        self.written_1h += usage.cache_write_1h_input_tokens
        self.provider = self.provider or usage.provider
        if report.cost_nano is not None:
            self.cost_nano = (self.cost_nano or 0) + report.cost_nano
        if usage.stated_nano is not None:
            self.stated_nano = (self.stated_nano or 0) + usage.stated_nano

    def attributes(self, model: str | None) -> dict[str, AttributeValue]:
        """Return what a span says of this usage."""
        found: dict[str, AttributeValue] = {}
        if self.given or self.made:
            found[names.INPUT_TOKENS] = self.given
            found[names.OUTPUT_TOKENS] = self.made
        # Parts of the two above: never larger, whatever was reported.
        if cached := min(self.cached, self.given):
            found[names.CACHED_INPUT_TOKENS] = cached
        if written := min(self.written, self.given - cached):
            found[names.CACHE_WRITE_INPUT_TOKENS] = written
            if self.written_1h:
                found[names.CACHE_WRITE_1H_INPUT_TOKENS] = min(self.written_1h, written)
        if reasoning := min(self.reasoning, self.made):
            found[names.REASONING_TOKENS] = reasoning
        if model is not None:
            found[names.REQUEST_MODEL] = model
            if self.provider is not None:
                found[names.PROVIDER_NAME] = self.provider
        if self.cost_nano is not None:
            found[names.COST_USD] = usd_text(self.cost_nano)
        if self.stated_nano is not None:
            found[names.STATED_COST_USD] = usd_text(self.stated_nano)
        return found


def per_model(reports: Iterable[Report]) -> Mapping[tuple[str | None, bool], Totals]:
    """Return usage by model and by whether its cost is known, in the order of first mention.

    Tokens of unknown cost are kept apart from tokens of the same model whose cost is known: their
    sum under the one cost would pass for paid. A cost stated without tokens belongs to the first.
    """
    found: dict[tuple[str | None, bool], Totals] = {}
    loose: list[Report] = []
    for report in reports:
        if report.cost_nano is not None and not any(report.usage[:TOKENS]):
            loose.append(report)
        else:
            usage = report.usage
            known = report.cost_nano is not None or usage.stated_nano is not None
            key = (usage.model, known)
            found.setdefault(key, Totals()).add(report)
    if loose:
        first = next(iter(found), (loose[0].usage.model, True))
        totals = found.setdefault(first, Totals())
        for report in loose:
            totals.add(report)
    return found
