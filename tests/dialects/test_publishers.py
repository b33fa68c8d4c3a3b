"""Publishers that share a process, told apart by baggage: none moves or hides another's counts."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from opentelemetry import baggage, trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span
from prometheus_client.parser import text_string_to_metric_families
from tests.dialects import test_late
from tests.dialects.test_late import App

from agent_analytics.exporters import exposition
from agent_analytics.instrumentation import vocabulary as v

CHAT: dict[str, Any] = dict(test_late.CHAT)
ONE, OTHER = "strands.tracing", "openinference.instrumentation.crewai"


def of(publisher: str, around: Context | None = None) -> Context:
    """Return a context with the baggage that a marketplace sets for a publisher."""
    return baggage.set_baggage(
        v.AGENT_ID, "bot", baggage.set_baggage(v.PUBLISHER_ID, publisher, around or Context())
    )


def named(name: str) -> dict[str, str]:
    """Return what the span of an agent says."""
    return {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": name}


class Shared:
    """A process that several publishers share."""

    def __init__(self) -> None:
        self.app = App("at the start", {})

    def start(
        self,
        publisher: str,
        attributes: Mapping[str, Any],
        scope: str = ONE,
        parent: Span | None = None,
        links: tuple[Link, ...] = (),
    ) -> Span:
        """Start a span for a publisher."""
        around = of(publisher)
        if parent is not None:
            around = trace.set_span_in_context(parent, around)
        tracer = self.app.provider.get_tracer(scope)
        return tracer.start_span("span", context=around, attributes=dict(attributes), links=links)

    def told(self, sample: str) -> dict[str, int]:
        """Scrape, and return a sample's sum by publisher."""
        found: Counter[str] = Counter()
        for family in text_string_to_metric_families(exposition(self.app.processor)[0].decode()):
            for one in family.samples:
                if one.name == f"marketplace_agent_{sample}":
                    found[one.labels["publisher_id"]] += int(one.value)
        return dict(+found)


def in_a_thread(work: Callable[[], object]) -> None:
    """Do work in a thread of its own, whose context is empty."""
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def test_an_agent_of_the_same_name_hides_nobody_elses() -> None:
    """Two publishers' agents that start together under one name are an invocation each."""
    shared = Shared()
    spans: list[Span] = []

    def begin(publisher: str, scope: str) -> None:
        span = shared.start(publisher, named("assistant"), scope)
        shared.start(publisher, CHAT, scope, span).end()
        spans.append(span)

    in_a_thread(lambda: begin("acme", ONE))
    in_a_thread(lambda: begin("evil", OTHER))
    for span in spans:
        in_a_thread(span.end)
    assert shared.told("invocations_total") == {"acme": 1, "evil": 1}
    assert shared.told("input_tokens_total") == {"acme": 10, "evil": 10}


def test_an_open_model_call_swallows_nobody_elses() -> None:
    """Model calls that one publisher leaves open take no calls or tokens of another."""
    shared = Shared()
    untold = {key: value for key, value in CHAT.items() if "usage" not in key}
    spans: list[Span] = []

    def evil() -> None:
        root = shared.start("evil", named("x"))
        spans.extend([*(shared.start("evil", untold, ONE, root) for _ in range(3)), root])

    in_a_thread(evil)
    for _ in range(3):
        in_a_thread(shared.start("acme", CHAT, "opentelemetry.instrumentation.openai").end)
    time.sleep(0.02)
    in_a_thread(lambda: [span.end() for span in spans])
    assert shared.told("input_tokens_total") == {"acme": 30}


def test_a_link_moves_no_run_to_another_publisher() -> None:
    """A run that links to another publisher's span, as consumers of queues do, stays its own."""
    shared = Shared()
    first = shared.start("acme", named("x"))
    second = shared.start("beta", named("y"), links=(Link(first.get_span_context()),))
    shared.start("beta", CHAT, ONE, second).end()
    second.end()
    first.end()
    assert shared.told("invocations_total") == {"acme": 1, "beta": 1}
    assert shared.told("input_tokens_total") == {"beta": 10}


@pytest.mark.parametrize("ended", [False, True], ids=["open", "ended"])
def test_an_agent_called_from_another_publishers(*, ended: bool) -> None:
    """Another publisher's agent, called from inside, is an invocation of its own."""
    shared = Shared()
    outer = shared.start("acme", named("x"))
    if ended:
        outer.end()
    inner = shared.start("beta", named("y"), parent=outer)
    shared.start("beta", CHAT, ONE, inner).end()
    inner.end()
    outer.end()
    assert shared.told("invocations_total") == {"acme": 1, "beta": 1}
    assert shared.told("input_tokens_total") == {"beta": 10}


def test_baggage_that_is_set_inside_a_span_of_a_framework() -> None:
    """Runs of two publishers below one server span of a known scope are credited to each."""
    shared = Shared()
    root = shared.app.provider.get_tracer("mcp").start_span("server")
    for publisher in ("acme", "beta"):
        span = shared.start(publisher, named("x"), parent=root)
        shared.start(publisher, CHAT, ONE, span).end()
        span.end()
    root.end()
    assert shared.told("invocations_total") == {"acme": 1, "beta": 1}


def test_a_flood_of_one_publisher_changes_no_count_of_another() -> None:
    """A run that waits is not counted early since another publisher lets 1,100 wait."""
    shared = Shared()
    hand = shared.start("acme", {}, "app")
    shared.start("acme", named("inner"), parent=hand).end()
    open_one = shared.start("evil", {}, "app")
    for _ in range(1_100):
        shared.start("evil", named("e"), parent=open_one).end()
    hand.set_attributes(named("outer"))
    hand.end()
    assert shared.told("invocations_total")["acme"] == 1


def test_a_run_is_shown_at_once_whatever_another_publisher_has_open() -> None:
    """A run that has ended does not wait for an open one of another publisher."""
    shared = Shared()
    in_a_thread(lambda: shared.start("evil", named("assistant"), OTHER))
    in_a_thread(lambda: shared.start("acme", named("assistant"), ONE).end())
    assert shared.told("invocations_total") == {"acme": 1}
