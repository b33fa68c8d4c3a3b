"""Rule: however long one publisher's run is, nobody else's thread counts it or waits for it."""

import threading
from decimal import Decimal
from typing import Any

import pytest
from opentelemetry import baggage
from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import set_span_in_context
from tests.patience import patience
from tests.processor.runs.long_runs import CALL, NAMED, Host

from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor import AgentMetricsProcessor, Limits, ModelCall, Prices
from agent_analytics.processor._caps.eviction import Fair
from agent_analytics.processor._count.core import Node
from agent_analytics.processor._runs import ends
from agent_analytics.processor._runs.run import Run

SCOPE = "strands.telemetry.tracer"


def of(publisher: str) -> Context:
    """Return a context in which baggage names a publisher and a listing of that one's."""
    context = baggage.set_baggage(v.PUBLISHER_ID, publisher, Context())
    return baggage.set_baggage(v.AGENT_ID, "finder", context)


class Slow:
    """Prices that take as long as somebody likes."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.go_on = threading.Event()

    def usd(self, call: ModelCall) -> Decimal | None:
        """Return the price of a call once that is let go on."""
        if call.model == "slow":
            self.asked.set()
            assert self.go_on.wait(patience())
        return Decimal(1)


class Market:
    """Publishers whose agents run in one process."""

    def __init__(self, prices: Prices | None = None, limits: Limits | None = None) -> None:
        self.processor = AgentMetricsProcessor(0, prices=prices, limits=limits)
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(self.processor)

    def run(self, publisher: str, model: str = "quick") -> None:
        """Run an agent that asks a model."""
        tracer = self.provider.get_tracer(SCOPE)
        top = tracer.start_span("agent", of(publisher), attributes=NAMED)
        inside = set_span_in_context(top, of(publisher))
        tracer.start_span("call", inside, attributes={**CALL, v.REQUEST_MODEL: model}).end()
        top.end()

    def value(self, name: str, publisher: str) -> float:
        """Return the sum of a metric of a publisher."""
        return sum(
            sample.value
            for family in self.processor.collect()
            for sample in family.samples
            if sample.name == f"marketplace_agent_{name}"
            and sample.labels.get("publisher_id") == publisher
        )


def test_nobody_waits_for_a_run_that_is_being_counted() -> None:
    """While one publisher's run is counted, another's starts, ends and is counted and scraped."""
    prices = Slow()
    market = Market(prices)
    slow = threading.Thread(target=market.run, args=("hostile", "slow"))
    slow.start()
    assert prices.asked.wait(patience())
    done = threading.Event()

    def neighbour() -> None:
        market.run("neighbour")
        assert market.value("invocations_total", "neighbour") == 1
        done.set()

    other = threading.Thread(target=neighbour)
    other.start()
    came = done.wait(patience(20))
    prices.go_on.set()
    slow.join()
    other.join()
    assert came
    assert market.value("invocations_total", "hostile") == 1
    assert market.value("model_cost_usd_total", "hostile") == 1


def test_what_others_leave_open_is_counted_by_them_or_by_a_scrape() -> None:
    """A publisher whose start gives up another's run does not count it, and nothing is lost."""
    market = Market(limits=Limits(open_spans=20))
    tracer = market.provider.get_tracer(SCOPE)
    tops = [tracer.start_span("agent", of("hostile"), attributes=NAMED) for _ in range(20)]
    threads: list[str] = []
    placing: Any = market.processor._runs._ends._placing  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # inside
    place = placing.place

    def noted(run: Run, ready: set[int]) -> object:
        threads.append(run.mates.publisher)
        placed: object = place(run, ready)
        return placed

    placing.place = noted
    market.run("neighbour")
    assert threads == ["neighbour"]
    market.value("invocations_total", "hostile")
    assert threads == ["neighbour", "hostile", "hostile"]
    assert market.value("invocations_total", "hostile") == 2
    del tops


def test_a_long_run_is_remembered_as_far_as_it_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits while one run's spans push each other out of what is remembered."""
    monkeypatch.setattr(ends, "_REMEMBERED", 10)
    asked: list[int] = []
    oldest = Fair[Node].oldest

    def noted(fair: Fair[Node], things: dict[int, Node]) -> int | None:
        asked.append(len(things))
        return oldest(fair, things)

    monkeypatch.setattr(Fair, "oldest", noted)
    host = Host()
    top = host.start(NAMED)
    calls = [host.start(CALL, top) for _ in range(50)]
    host.end([*calls, top])
    assert host.total("marketplace_agent_inference_calls_total") == 50
    assert asked == []
    host.start(CALL, calls[-1]).end()
    assert host.total("marketplace_agent_inference_calls_total") == 51


def test_a_run_that_ends_inside_the_counting_of_another_is_counted_once() -> None:
    """A finalizer that ends a run while one of the same publisher is counted loses nothing."""
    market: Market

    class Ending:
        """Ends another run whenever it is asked."""

        left = 3

        def usd(self, call: ModelCall) -> Decimal:
            """Return a price."""
            assert call.model
            if self.left:
                self.left -= 1
                market.run("acme")
                market.run("other")
            return Decimal(1)

    market = Market(Ending())
    market.run("acme")
    assert (
        market.value("invocations_total", "acme") + market.value("invocations_total", "other") == 7
    )
    assert market.value("model_cost_usd_total", "acme") == market.value("invocations_total", "acme")
