"""Rule 4: children belong to their invocation, and what belongs to nobody is counted as that."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from opentelemetry import baggage
from opentelemetry.context import Context, attach, detach
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import set_span_in_context
from tests.processor.rig import Rig, chat, event, invoke, tool

from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.instrumentation.context import INVOCATION_KEY

MakeRig = Callable[..., Rig]
UNATTRIBUTED = "agent_analytics_unattributed_spans_total"
OWNER = {v.PUBLISHER_ID: "acme", v.AGENT_ID: "finder"}


def within(values: Mapping[str, str]) -> Context:
    """Return a context that carries ``values`` as baggage."""
    context = Context()
    for name, value in values.items():
        context = baggage.set_baggage(name, value, context)
    return context


def call(rig: Rig, start: dict[str, Any], context: Context | None = None) -> None:
    """Run a span in ``context``."""
    rig.tracer().start_span("x", context, attributes=start).end()


def test_children_inherit_through_any_spans_between(rig: Rig) -> None:
    """Tools and model calls below HTTP, database and workflow spans are the invocation's."""
    with (
        rig.span(invoke()),
        rig.span({"http.request.method": "GET"}),
        rig.span({v.OPERATION_NAME: "workflow"}),
        rig.span({}),
    ):
        rig.run(tool())
        rig.run(chat(1))
    assert rig.value("tool_calls_total", publisher_id="acme", agent_id="finder") == 1
    assert rig.value("inference_calls_total", publisher_id="acme", agent_id="finder") == 1


def test_the_nearest_invocation_gets_it(rig: Rig) -> None:
    """Of two listings in each other the inner one owns what is below it."""
    with rig.span(invoke()):
        with rig.span(invoke("zeta", "b")):
            rig.run(tool())
        rig.run(tool())
    assert rig.value("tool_calls_total", publisher_id="zeta") == 1
    assert rig.value("tool_calls_total", publisher_id="acme") == 1


def test_a_call_that_names_its_owner_is_believed(rig: Rig) -> None:
    """A tool span with a publisher and a listing of its own goes there, wherever it is."""
    with rig.span(invoke()):
        rig.run(tool() | {v.PUBLISHER_ID: "zeta", v.AGENT_ID: "b"})
        rig.run(tool() | {v.PUBLISHER_ID: "acme"})
    assert rig.value("tool_calls_total", publisher_id="zeta", agent_id="b") == 1
    assert rig.value("tool_calls_total", publisher_id="acme", agent_id="finder") == 1


def test_no_listing_is_made_up_from_the_name_of_a_span(rig: Rig) -> None:
    """A publisher without a listing is credited under ``unknown``, never under a guess."""
    rig.run(tool() | {v.PUBLISHER_ID: "acme"})
    rig.run({v.EVENT: "install", v.PUBLISHER_ID: "acme"})
    call(rig, {v.OPERATION_NAME: v.INVOKE_AGENT, v.PUBLISHER_ID: "acme"})
    agents = {dict(labels).get("agent_id") for _, labels in rig.series()} - {None}
    assert agents == {"unknown"}


def test_an_agent_without_id_goes_by_its_name(rig: Rig) -> None:
    """A framework's agent that names a publisher is listed by agent name, else by span name."""
    rig.run(invoke(agent=None) | {v.AGENT_NAME: "Finder"})
    with rig.tracer().start_as_current_span("invoke_agent Seeker", attributes=invoke(agent=None)):
        pass
    assert rig.value("invocations_total", agent_id="Finder") == 1
    assert rig.value("invocations_total", agent_id="Seeker") == 1


def test_baggage_attributes(rig: Rig) -> None:
    """A call that another service made on an invocation's behalf is that invocation's."""
    context = within(OWNER)
    for start in (tool(), chat(1)):
        call(rig, start, context)
    token = attach(context)
    try:
        rig.run(tool())
    finally:
        detach(token)
    assert rig.value("tool_calls_total", publisher_id="acme", agent_id="finder") == 2
    assert rig.value("inference_calls_total", publisher_id="acme") == 1


def test_an_agent_in_baggage_is_an_invocation(rig: Rig) -> None:
    """A framework's agent in another process counts for the listing in baggage, with its tenant."""
    context = within(OWNER | {v.TENANT_ID: "t-1"})
    call(rig, invoke(None, None) | {v.AGENT_NAME: "Sub"}, context)
    assert rig.value("invocations_total", publisher_id="acme", agent_id="finder") == 1
    assert rig.value("sketch_register", kind="tenants") > 0


def test_a_half_named_owner_in_baggage_is_nobody(rig: Rig) -> None:
    """A publisher without a listing in baggage credits nobody with a call."""
    call(rig, tool(), within({v.PUBLISHER_ID: "acme"}))
    assert rig.value(UNATTRIBUTED, kind="tool") == 1


def test_the_resource_attributes(make_rig: MakeRig) -> None:
    """A service that is one listing may say so in its resource."""
    rig = make_rig(resource=OWNER)
    rig.run(tool())
    with rig.span(invoke(None, None) | {v.AGENT_NAME: "Finder"}):
        rig.run(chat(1))
    for metric in ("tool_calls_total", "invocations_total", "inference_calls_total"):
        assert rig.value(metric, publisher_id="acme", agent_id="finder") == 1


def test_local_parents_win_over_baggage_and_baggage_over_the_resource(make_rig: MakeRig) -> None:
    """What is nearer is believed."""
    rig = make_rig(resource={v.PUBLISHER_ID: "resource", v.AGENT_ID: "r"})
    context = within({v.PUBLISHER_ID: "baggage", v.AGENT_ID: "b"})
    with rig.span(invoke()) as span:
        call(rig, tool(), set_span_in_context(span, context))
    call(rig, tool(), context)
    call(rig, tool())
    for publisher in ("acme", "baggage", "resource"):
        assert rig.value("tool_calls_total", publisher_id=publisher) == 1


def test_the_current_invocation_attributes(rig: Rig) -> None:
    """A call whose decorated invocation is not among the open spans is still credited."""

    class Current:
        """The current invocation as the decorator keeps it."""

        publisher_id = "acme"
        agent_id = "finder"
        tenant_id = None

    context = Context({INVOCATION_KEY: Current()})
    call(rig, tool(), context)
    call(rig, invoke(None, None), context)
    assert rig.value("tool_calls_total", publisher_id="acme", agent_id="finder") == 1
    assert rig.value("invocations_total") == 0
    assert rig.spans("inner_agent") == 1


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (tool(), "tool"),
        (chat(5, 5), "inference"),
        (invoke(None, None) | {v.AGENT_NAME: "Finder", v.INPUT_TOKENS: 5}, "invocation"),
        (invoke(None, "finder"), "invocation"),
        ({v.EVENT: "install", v.AGENT_ID: "finder"}, "event"),
    ],
    ids=["tool", "chat", "agent", "agent-id-only", "event"],
)
def test_what_belongs_to_nobody_is_counted_as_that(
    rig: Rig, start: dict[str, Any], kind: str
) -> None:
    """Unattributed spans are counted by kind and make no series of any listing."""
    rig.run(start)
    assert rig.value(UNATTRIBUTED, kind=kind) == 1
    assert rig.value(UNATTRIBUTED) == 1
    assert not [name for name, _ in rig.series() if name.startswith("marketplace_agent_")]


def test_children_of_an_unattributed_agent(rig: Rig) -> None:
    """What is inside an agent of nobody's is nobody's, but what names an owner is that owner's."""
    with rig.span(invoke(None, None)):
        rig.run(tool())
        rig.run(invoke())
    assert rig.value(UNATTRIBUTED, kind="tool") == 1
    assert rig.value(UNATTRIBUTED, kind="invocation") == 1
    assert rig.value("invocations_total", publisher_id="acme") == 1


def test_spans_outside_agents_are_not_followed(rig: Rig) -> None:
    """HTTP and database spans of a service that are in no agent leave nothing behind."""
    with rig.span({"http.request.method": "GET"}), rig.span({"db.system": "sqlite"}):
        assert rig.value("agent_analytics_open_spans") == 0
    assert sum(value for (name, _), value in rig.series().items() if "spans_total" in name) == 0


def test_evicted_attributes_were_kept(rig: Rig) -> None:
    """The SDK evicts the oldest attributes beyond 128; identity is kept from the start."""
    with rig.span(invoke(tenant="t-1")) as span:
        with rig.span(tool("search")) as inner:
            inner.set_attributes({f"key.{n}": n for n in range(200)})
        span.set_attributes({f"key.{n}": n for n in range(200)})
        assert isinstance(span, ReadableSpan)
        assert v.PUBLISHER_ID not in (span.attributes or {})
        span.set_attribute(v.OUTCOME, "error")
    assert rig.value("invocations_total", publisher_id="acme", outcome="error") == 1
    assert rig.value("tool_calls_total", tool="search") == 1
    assert rig.value("sketch_register", kind="tenants") > 0


def test_attributes_set_after_the_start(rig: Rig) -> None:
    """A span that says only later what it is counts when it ends."""
    with rig.span({}) as span:
        span.set_attributes(invoke(tenant="t-1"))
    with rig.span(invoke()), rig.span({}) as span:
        span.set_attributes(tool("late"))
    assert rig.value("invocations_total") == 2
    assert rig.value("tool_calls_total", tool="late") == 1
    assert rig.value("invocations_in_progress") == 0


def test_a_child_that_starts_after_its_invocation_ended(rig: Rig) -> None:
    """A background task's call is its context's, and nobody's where that tells nothing."""
    with rig.span(invoke()) as span:
        behind = set_span_in_context(span, within(OWNER))
        nobody = set_span_in_context(span, Context())
    call(rig, tool(), behind)
    call(rig, tool(), nobody)
    assert rig.value("tool_calls_total", publisher_id="acme") == 1
    assert rig.value(UNATTRIBUTED, kind="tool") == 1


def test_a_child_that_ends_after_its_invocation(rig: Rig) -> None:
    """A call that outlives its invocation is still the invocation's, and its cost is wasted."""
    with rig.span(invoke(), {v.OUTCOME: "error"}):
        late = rig.tracer().start_span("chat", attributes=chat(5) | {v.COST_USD: "0.25"})
    assert rig.value("inference_calls_total") == 0
    late.end()
    assert rig.value("inference_calls_total", publisher_id="acme") == 1
    assert rig.value("wasted_cost_usd_total") == 0.25


def test_events_belong_to_whom_they_name(rig: Rig) -> None:
    """An event inside another listing's invocation is its own listing's."""
    with rig.span(invoke()):
        rig.run(event("install", "zeta", "b"))
        rig.run({v.EVENT: "install"})
    assert rig.value("installs_total", publisher_id="zeta", agent_id="b") == 1
    assert rig.value("installs_total", publisher_id="acme", agent_id="finder") == 1
