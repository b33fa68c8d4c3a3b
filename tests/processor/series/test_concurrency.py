"""Threads and tasks count exactly, and scrapes see whole steps."""

import asyncio
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.processor.rig import (
    PENDING,
    Interrupting,
    Labels,
    Rig,
    chat,
    event,
    invoke,
    needs_core_in_python,
    tool,
)

from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor import Limits, Schema
from agent_analytics.processor._count.core import Node
from agent_analytics.processor._series.health import Health
from agent_analytics.processor._series.store import Block, MemoryStore
from agent_analytics.processor._spans.marks import OTHER
from agent_analytics.processor._spans.open_spans import OpenSpans

MakeRig = Callable[..., Rig]
THREADS = 4
ROUNDS = 150


@pytest.fixture
def _restless() -> Iterator[None]:
    """Make threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


class Slow(Interrupting):
    """Cells that let other threads in between the reading and the writing of a sum."""

    def __setitem__(self, index: int, value: int) -> None:
        """Set a cell, later."""
        time.sleep(0)
        super().__setitem__(index, value)


class SlowStore(MemoryStore):
    """Makes blocks with such cells."""

    def open_block(self, schema: Schema, labels: tuple[str, ...], now: float) -> Block:
        """Return a block of zeros."""
        return Block(schema, labels, Slow(schema.size), now)


class RacingStore(MemoryStore):
    """Lets another thread make the same block first."""

    def open_block(self, schema: Schema, labels: tuple[str, ...], now: float) -> Block:
        """Return a block of zeros."""
        if PENDING:
            PENDING.pop()()
        return super().open_block(schema, labels, now)


def work(rig: Rig, number: int) -> None:
    """Run one invocation with everything in it."""
    failed = number % 5 == 0
    end = {
        v.OUTCOME: "error" if failed else "success",
        v.REVENUE_USD: "0.01",
        v.ERROR_TYPE: f"Error{number % 3}",
    }
    with rig.span(invoke(agent=f"agent-{number % 7}", tenant=f"t-{number}"), end):
        rig.run(tool(f"tool-{number % 11}"))
        with rig.span({}):
            rig.run(chat(3, 2) | {v.COST_USD: "0.001"})
    rig.run(event("install", agent=f"agent-{number % 7}"))


def check(rig: Rig, total: int) -> None:
    """Compare every sum with the truth."""
    failed = -(-total // 5)
    truth = {
        "invocations_total": total,
        "invocation_duration_seconds_count": total,
        "invocation_errors_total": failed,
        "tool_calls_total": total,
        "tool_call_duration_seconds_count": total,
        "inference_calls_total": total,
        "input_tokens_total": 3 * total,
        "output_tokens_total": 2 * total,
        "installs_total": total,
        "invocations_in_progress": 0,
    }
    assert {metric: rig.value(metric) for metric in truth} == truth
    money = {"revenue_usd_total": 10, "model_cost_usd_total": 1, "wasted_cost_usd_total": failed}
    found = {metric: round(rig.value(metric) * 1_000) for metric in money}
    assert found == {
        "revenue_usd_total": 10 * total,
        "model_cost_usd_total": total,
        "wasted_cost_usd_total": failed,
    }
    assert rig.spans("invocation") == total
    assert rig.value("agent_analytics_open_spans") == 0


def consistent(series: dict[tuple[str, Labels], float]) -> None:
    """Check that a scrape is of one moment, listing by listing."""
    prefix = "marketplace_agent_"
    for (name, labels), value in series.items():
        if name == f"{prefix}invocations_total":
            count = series[f"{prefix}invocation_duration_seconds_count", labels]
            assert value == count
            infinite = tuple(sorted([*labels, ("le", "+Inf")]))
            assert series[f"{prefix}invocation_duration_seconds_bucket", infinite] == count


def never_down(
    before: dict[tuple[str, Labels], float], after: dict[tuple[str, Labels], float]
) -> None:
    """Check that no counter went down and no series of one went away."""
    for key, value in before.items():
        if key[0].endswith(("_total", "_count", "_bucket", "_sum")):
            assert after[key] >= value, key


@pytest.mark.usefixtures("_restless")
@pytest.mark.parametrize(
    ("most", "store"),
    [
        pytest.param(100_000, MemoryStore, id="roomy"),
        pytest.param(6, MemoryStore, id="overflowing"),
        pytest.param(100_000, SlowStore, id="slow-cells", marks=needs_core_in_python),
    ],
)
def test_threads_count_exactly_while_scraped(
    make_rig: MakeRig, monkeypatch: pytest.MonkeyPatch, most: int, store: type[MemoryStore]
) -> None:
    """Four threads lose nothing, and every scrape meanwhile is consistent."""
    monkeypatch.setattr("agent_analytics.processor._wiring.MemoryStore", store)
    rig = make_rig(limits=Limits(open_spans=most))
    problems: list[BaseException] = []
    done = threading.Event()

    def scrape() -> None:
        before: dict[tuple[str, Labels], float] = {}
        try:
            while not done.is_set():
                series = rig.series()
                consistent(series)
                never_down(before, series)
                before = series
                rig.series("sketches")
        except BaseException as problem:  # noqa: BLE001 - shown by the main thread
            problems.append(problem)

    def run(first: int) -> None:
        try:
            for number in range(first, THREADS * ROUNDS, THREADS):
                work(rig, number)
        except BaseException as problem:  # noqa: BLE001 - shown by the main thread
            problems.append(problem)

    scraper = threading.Thread(target=scrape)
    workers = [threading.Thread(target=run, args=(first,)) for first in range(THREADS)]
    scraper.start()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    done.set()
    scraper.join()
    assert not problems
    if most > THREADS * 4:
        check(rig, THREADS * ROUNDS)
        assert rig.value("agent_analytics_given_up_spans_total") == 0
    else:
        assert rig.value("invocations_total") == THREADS * ROUNDS
        assert rig.value("invocations_in_progress") == 0
        assert rig.value("agent_analytics_given_up_spans_total") > 0


def test_tasks_count_exactly(rig: Rig) -> None:
    """Asyncio tasks that interleave inside their invocations keep them apart."""

    async def one(number: int) -> None:
        failed = {v.OUTCOME: "error" if number % 5 == 0 else "success"}
        with rig.span(invoke(agent=f"agent-{number % 7}"), failed | {v.REVENUE_USD: "0.01"}):
            await asyncio.sleep(0)
            with rig.span(tool()):
                await asyncio.sleep(0.001 * (number % 3))
                with rig.span(chat(3, 2) | {v.COST_USD: "0.001"}):
                    await asyncio.sleep(0)
        rig.run(event("install"))

    async def main() -> None:
        await asyncio.gather(*(one(number) for number in range(300)))

    asyncio.run(main())
    check(rig, 300)


@pytest.mark.usefixtures("_restless")
def test_many_threads_make_one_listing(rig: Rig) -> None:
    """Threads that meet a new listing, tool and model at once make one of each."""
    barrier = threading.Barrier(8)

    def run() -> None:
        for number in range(20):
            barrier.wait()
            with rig.span(invoke(agent=f"agent-{number}"), {v.OUTCOME: "error"}):
                rig.run(tool())
                rig.run(chat(1))

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for metric in ("invocations_total", "tool_calls_total", "invocation_errors_total"):
        assert rig.value(metric) == 160
    assert rig.value("input_tokens_total") == 160


@pytest.mark.parametrize("first", ["listing", "tool", "model", "error", "chunk", "rating"])
def test_a_block_that_another_thread_made_meanwhile(
    make_rig: MakeRig, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    """Whoever comes second uses the block that is there already."""
    monkeypatch.setattr("agent_analytics.processor._wiring.MemoryStore", RacingStore)
    rig = make_rig()

    def run() -> None:
        end: dict[str, Any] = {v.OUTCOME: "error" if first == "error" else "success"}
        if first == "chunk":
            end[v.TIME_TO_FIRST_CHUNK] = 1.0
        with rig.span(invoke(), end):
            if first in {"tool", "model"}:
                rig.run(tool() if first == "tool" else chat(1))
        if first == "rating":
            rig.run(event("feedback") | {v.FEEDBACK_RATING: 4})

    if first != "listing":
        rig.run(invoke())
    PENDING.append(run)
    run()
    metric = {
        "listing": "invocations_total",
        "tool": "tool_calls_total",
        "model": "input_tokens_total",
        "error": "invocation_errors_total",
        "chunk": "time_to_first_chunk_seconds_count",
        "rating": "feedback_rating_count",
    }[first]
    assert not PENDING
    assert rig.value(metric) == 2


class Changing(dict[int, Node]):
    """Open spans that change once while somebody looks for the oldest."""

    def __init__(self, nodes: dict[int, Node]) -> None:
        super().__init__(nodes)
        self.changes = 1

    def items(self) -> Any:  # noqa: ANN401 - the type of a dict's has no public name
        """Return the spans, or fail as a dict does that another thread adds to."""
        if self.changes:
            self.changes -= 1
            other = {1: 1}
            items = iter(other.items())
            other[2] = 2
            return items
        return super().items()


def test_spans_that_start_while_the_oldest_is_looked_for() -> None:
    """A dict that changes meanwhile is looked at again."""
    lock = threading.RLock()
    spans = OpenSpans(Limits(open_spans=1), Health(lock), lock, lambda: 0.0, lambda _: None)
    spans.nodes = Changing({n: Node(OTHER, None, None) for n in (7, 8, 9)})
    for n in (7, 8):
        spans.nodes[n].started = -1_000_000.0
    spans.give_up_aged()
    assert list(spans.nodes) == [9]
