"""What the processes of a listing exposed: its ledger, turned into series."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final

from agent_analytics.demo._history._simulation.ledger import NANO, Ledger
from agent_analytics.demo._history._simulation.series import (
    Block,
    Labels,
    Series,
    counter,
    histogram,
)
from agent_analytics.demo._history._simulation.traits import Profile
from agent_analytics.demo._history.clock import Clock
from agent_analytics.instrumentation.vocabulary import ERROR, OUTCOMES, TIMEOUT
from agent_analytics.processor import catalogue
from agent_analytics.processor.catalogue import Metric

#: The marketplace's share of the revenue: 15 %.
FEE_PERCENT: Final = 15
_ERROR_TYPES: Final = ("ConnectionError", "ValueError")
_TIMEOUT_TYPE: Final = "TimeoutError"
#: Share of its time that a streamed answer takes to begin.
_FIRST_CHUNK: Final = 0.3
_ERROR: Final = OUTCOMES.index(ERROR)
_TIMEOUT: Final = OUTCOMES.index(TIMEOUT)
_FAILED: Final = (_ERROR, _TIMEOUT)
_SINGLES: Final = (
    (catalogue.MODEL_COST, NANO),
    (catalogue.WASTED_COST, NANO),
    (catalogue.REVENUE, NANO),
    (catalogue.REFUNDS, NANO),
    (catalogue.FEES, NANO),
    (catalogue.INSTALLS, 1),
    (catalogue.UNINSTALLS, 1),
)
#: What is counted of a version beside its invocations, and what its cells are divided by.
_OF_RELEASE: Final = (
    (catalogue.RELEASE_SLOW_INVOCATIONS, 1),
    (catalogue.RELEASE_MODEL_COST, NANO),
    (catalogue.RELEASE_RATINGS, 1),
    (catalogue.RELEASE_RATING_STARS, 1),
)
_TOKENS: Final = (
    catalogue.INPUT_TOKENS,
    catalogue.OUTPUT_TOKENS,
    catalogue.CACHED_INPUT_TOKENS,
    catalogue.REASONING_TOKENS,
    catalogue.UNPRICED_TOKENS,
)


class Exposure:
    """The series of one listing on one host."""

    def __init__(self, profile: Profile, ledger: Ledger, clock: Clock, host: int) -> None:
        """Read the ledger's events of a host (installs, ratings, refunds are the first host's)."""
        self._profile = profile
        self._ledger = ledger
        self._clock = clock
        self._count = len(clock.scrapes)
        self._own = Block(self._count)
        self._errors: dict[str, Block] = {}
        self._models: dict[str, Block] = {}
        self._tools: dict[str, Block] = {}
        self._results: dict[str, Block] = {}
        self._repeats: dict[str, Block] = {}
        self._releases: dict[str, Block] = {}
        self._rating = Block(self._count)
        self._chunk = Block(self._count)
        self._score = Block(self._count)
        self._progress = [0] * (self._count + 1)
        self._read_invocations(host)
        self._read_tools(host)
        if not host:
            self._read_marks()
        self._first_host = not host

    # --- reading ---------------------------------------------------------------------------------

    def _slots(self, times: Sequence[float]) -> list[int]:
        scrapes = self._clock.scrapes
        return [bisect_left(scrapes, time) for time in times]

    def _block(self, blocks: dict[str, Block], name: str) -> Block:
        return blocks.setdefault(name, Block(self._count))

    def _read_invocations(self, host: int) -> None:
        columns = self._ledger.invocations
        own, scrapes = self._own, self._clock.scrapes
        edges = catalogue.INVOCATION_DURATION.buckets
        buckets = {
            outcome: [own.cell((outcome, index)) for index in range(len(edges) + 1)]
            for outcome in range(len(OUTCOMES))
        }
        sums = [own.cell((outcome, "sum")) for outcome in range(len(OUTCOMES))]
        cost, wasted, revenue, _, fees, _, _ = (own.cell(metric.name) for metric, _ in _SINGLES)
        traits = [self._profile.at(self._clock, time) for time in self._clock.scrapes]
        slots = self._slots(columns.time)
        for index, slot in enumerate(slots):
            if columns.host[index] != host:
                continue
            outcome, seconds = columns.outcome[index], columns.seconds[index]
            buckets[outcome][bisect_left(edges, seconds)][slot] += 1
            sums[outcome][slot] += round(seconds * NANO)
            cost[slot] += columns.cost[index]
            revenue[slot] += columns.revenue[index]
            fees[slot] += columns.revenue[index] * FEE_PERCENT // 100
            if outcome in _FAILED:
                wasted[slot] += columns.cost[index]
                name = (
                    _TIMEOUT_TYPE
                    if outcome == _TIMEOUT
                    else _ERROR_TYPES[index % len(_ERROR_TYPES)]
                )
                error = self._block(self._errors, name)
                error.cell(0)[slot] += 1
                error.touch((slot,))
            if self._profile.streaming and not outcome:
                waited = _FIRST_CHUNK * seconds
                _observe(self._chunk, catalogue.TIME_TO_FIRST_CHUNK, waited, slot)
            started = bisect_left(scrapes, columns.time[index] - seconds)
            self._progress[started] += 1
            self._progress[slot] -= 1
            release = self._block(self._releases, traits[slot].version)
            release.cell(outcome)[slot] += 1
            slow = not outcome and seconds > catalogue.SLOW_SECONDS
            release.cell(catalogue.RELEASE_SLOW_INVOCATIONS.name)[slot] += slow
            release.cell(catalogue.RELEASE_MODEL_COST.name)[slot] += columns.cost[index]
            release.touch((slot,))
            model = self._block(self._models, traits[slot].model)
            model.cell(outcome)[slot] += 1
            model.cell(catalogue.INPUT_TOKENS.name)[slot] += columns.input[index]
            model.cell(catalogue.OUTPUT_TOKENS.name)[slot] += columns.output[index]
            model.cell(catalogue.CACHED_INPUT_TOKENS.name)[slot] += columns.cached[index]
            model.touch((slot,))
        mine = (slot for slot, on in zip(slots, columns.host, strict=True) if on == host)
        own.touch(mine)

    def _read_tools(self, host: int) -> None:
        columns = self._ledger.tool_calls
        edges = catalogue.TOOL_CALL_DURATION.buckets
        blocks = [self._block(self._tools, name) for name in self._ledger.tools]
        for index, slot in enumerate(self._slots(columns.time)):
            if columns.host[index] != host:
                continue
            block, seconds = blocks[columns.tool[index]], columns.seconds[index]
            block.cell(_ERROR if columns.failed[index] else 0)[slot] += 1
            block.cell(("bucket", bisect_left(edges, seconds)))[slot] += 1
            block.cell("sum")[slot] += round(seconds * NANO)
            block.touch((slot,))
            name, size = self._ledger.tools[columns.tool[index]], columns.result[index]
            if size >= 0:
                block = self._block(self._results, name)
                block.cell(bisect_left(catalogue.RESULT_BYTES, size))[slot] += 1
                block.cell("sum")[slot] += size
                block.touch((slot,))
            if columns.repeated[index]:
                block = self._block(self._repeats, name)
                block.cell(0)[slot] += 1
                block.touch((slot,))

    def _read_marks(self) -> None:
        ledger, own = self._ledger, self._own
        for metric, marks in (
            (catalogue.REFUNDS, ledger.refunds),
            (catalogue.INSTALLS, ledger.installs),
            (catalogue.UNINSTALLS, ledger.uninstalls),
        ):
            slots = self._slots(marks.time)
            cell = own.cell(metric.name)
            money = metric is catalogue.REFUNDS
            for slot, value in zip(slots, marks.value, strict=True):
                cell[slot] += value if money else 1
            own.touch(slots)
        for block, metric, marks, scale in (
            (self._rating, catalogue.FEEDBACK_RATING, ledger.ratings, 1),
            (self._score, catalogue.EVALUATION_SCORE, ledger.evaluations, 1000),
        ):
            slots = self._slots(marks.time)
            for slot, value in zip(slots, marks.value, strict=True):
                _observe(block, metric, value / scale, slot)
        for slot, stars in zip(self._slots(ledger.ratings.time), ledger.ratings.value, strict=True):
            version = self._profile.at(self._clock, self._clock.scrapes[slot]).version
            release = self._block(self._releases, version)
            release.cell(catalogue.RELEASE_RATINGS.name)[slot] += 1
            release.cell(catalogue.RELEASE_RATING_STARS.name)[slot] += stars
            release.touch((slot,))

    # --- exposing --------------------------------------------------------------------------------

    def series(self, first: int, last: int) -> Iterator[Series]:
        """Yield the series of one run of the process, from one scrape up to another (excluded)."""
        born = self._own.born(first, last)
        if born is None:
            return
        labels = {"publisher_id": self._profile.publisher, "agent_id": self._profile.agent}
        yield from self._own_series(labels, born, last)
        for name, block in self._errors.items():
            at = block.born(first, last)
            if at is not None:
                yield counter(
                    catalogue.INVOCATION_ERRORS,
                    {**labels, "error_type": name},
                    at,
                    block.shown(0, at, last),
                )
        for name, block in self._models.items():
            at = block.born(first, last)
            if at is not None:
                yield from self._model_series({**labels, "model": name}, block, at, last)
        for name, block in self._tools.items():
            at = block.born(first, last)
            if at is None and self._declared(name):
                at = born
            if at is not None:
                yield from self._tool_series({**labels, "tool": name}, block, at, last)
        yield from self._of_results(labels, first, last)
        yield from self._histograms(labels, first, last)
        yield from self._of_releases(labels, first, last)

    def _of_results(self, labels: Labels, first: int, last: int) -> Iterator[Series]:
        """Yield what decorated tools tell beside their calls."""
        for name, block in self._results.items():
            at = block.born(first, last)
            if at is not None:
                size = len(catalogue.RESULT_BYTES) + 1
                buckets = [block.shown(index, at, last) for index in range(size)]
                sums = (block.shown("sum", at, last), 1)
                own = {**labels, "tool": name}
                yield from histogram(catalogue.TOOL_RESULT_SIZE, own, at, buckets, sums)
        for name, block in self._repeats.items():
            at = block.born(first, last)
            if at is not None:
                own = {**labels, "tool": name}
                yield counter(catalogue.REPEATED_TOOL_CALLS, own, at, block.shown(0, at, last))

    def _histograms(self, labels: Labels, first: int, last: int) -> Iterator[Series]:
        """Yield the histograms that are blocks of their own."""
        for metric, block, more in (
            (catalogue.TIME_TO_FIRST_CHUNK, self._chunk, {}),
            (catalogue.FEEDBACK_RATING, self._rating, {}),
            (catalogue.EVALUATION_SCORE, self._score, {"evaluation": "faithfulness"}),
        ):
            at = block.born(first, last)
            if at is not None:
                size = len(metric.buckets) + 1
                buckets = [block.shown(index, at, last) for index in range(size)]
                sums = (block.shown("sum", at, last), NANO)
                yield from histogram(metric, {**labels, **more}, at, buckets, sums)

    def _declared(self, name: str) -> bool:
        """Tell whether the listing names a tool that it never calls."""
        return any(tool.name == name and not tool.calls for tool in self._profile.traits.tools)

    def _own_series(self, labels: Labels, born: int, last: int) -> Iterator[Series]:
        own = self._own
        size = len(catalogue.INVOCATION_DURATION.buckets) + 1
        for outcome, text in enumerate(OUTCOMES):
            with_outcome = {**labels, "outcome": text}
            buckets = [own.shown((outcome, index), born, last) for index in range(size)]
            totals = [sum(column) for column in zip(*buckets, strict=True)]
            yield counter(catalogue.INVOCATIONS, with_outcome, born, totals)
            yield from histogram(
                catalogue.INVOCATION_DURATION,
                with_outcome,
                born,
                buckets,
                (own.shown((outcome, "sum"), born, last), NANO),
            )
        for metric, scale in _SINGLES:
            yield counter(metric, labels, born, own.shown(metric.name, born, last), scale)
        running = list(accumulate(self._progress))
        yield counter(catalogue.INVOCATIONS_IN_PROGRESS, labels, born, running[born:last])
        yield from self._state(labels, born, last)

    def _state(self, labels: Labels, born: int, last: int) -> Iterator[Series]:
        scrapes = self._clock.scrapes
        if self._first_host:
            installed = [self._ledger.installed(scrapes[index]) for index in range(born, last)]
            yield counter(catalogue.ACTIVE_INSTALLS, labels, born, installed)
        versions: dict[str, int] = {}
        for index in range(born, last):
            version = self._profile.at(self._clock, scrapes[index]).version
            versions.setdefault(version, index)
        for version, at in versions.items():
            yield counter(
                catalogue.INFO,
                {**labels, "agent_name": self._profile.name, "agent_version": version},
                at,
                [1] * (last - at),
            )

    @staticmethod
    def _model_series(labels: Labels, block: Block, born: int, last: int) -> Iterator[Series]:
        for outcome, text in enumerate(OUTCOMES):
            values = block.shown(outcome, born, last)
            yield counter(catalogue.INFERENCE_CALLS, {**labels, "outcome": text}, born, values)
        for metric in _TOKENS:
            yield counter(metric, labels, born, block.shown(metric.name, born, last))

    def _of_releases(self, labels: Labels, first: int, last: int) -> Iterator[Series]:
        for version, block in self._releases.items():
            at = block.born(first, last)
            if at is None:
                continue
            own = {**labels, "version": version}
            for outcome, text in enumerate(OUTCOMES):
                values = block.shown(outcome, at, last)
                yield counter(catalogue.RELEASE_INVOCATIONS, {**own, "outcome": text}, at, values)
            for metric, scale in _OF_RELEASE:
                yield counter(metric, own, at, block.shown(metric.name, at, last), scale)

    @staticmethod
    def _tool_series(labels: Labels, block: Block, born: int, last: int) -> Iterator[Series]:
        for outcome, text in enumerate(OUTCOMES):
            values = block.shown(outcome, born, last)
            yield counter(catalogue.TOOL_CALLS, {**labels, "outcome": text}, born, values)
        size = len(catalogue.TOOL_CALL_DURATION.buckets) + 1
        yield from histogram(
            catalogue.TOOL_CALL_DURATION,
            labels,
            born,
            [block.shown(("bucket", index), born, last) for index in range(size)],
            (block.shown("sum", born, last), NANO),
        )


def _observe(block: Block, metric: Metric, value: float, slot: int) -> None:
    """Count an observation of a histogram that is a block of its own."""
    block.cell(bisect_left(metric.buckets, value))[slot] += 1
    block.cell("sum")[slot] += round(value * NANO)
    block.touch((slot,))
