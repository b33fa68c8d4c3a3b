"""Rule 3: an invocation, a call and its tokens count once, however many spans tell of them."""

import threading
from collections.abc import Mapping
from contextvars import copy_context
from typing import Any

import pytest
from tests.processor.rig import Rig, chat, event, invoke, tool

from agent_analytics.instrumentation import vocabulary as v

RECORDED = {v.EVENT: v.EVENT_INVOCATION}


def counted(rig: Rig) -> dict[str, float]:
    """Return the invocations of each listing, as publisher/agent."""
    found: dict[str, float] = {}
    for (name, labels), value in rig.series().items():
        if name == "marketplace_agent_invocations_total" and value:
            of = dict(labels)
            listing = f"{of['publisher_id']}/{of['agent_id']}"
            found[listing] = found.get(listing, 0) + value
    return found


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        (invoke(None, None), {"acme/finder": 1}),
        (invoke(None, None) | {v.AGENT_NAME: "sub"}, {"acme/finder": 1}),
        (invoke(None, "sub"), {"acme/finder": 1}),
        (invoke(), {"acme/finder": 1}),
        (invoke("acme", "other"), {"acme/finder": 1, "acme/other": 1}),
        (invoke("zeta", "finder"), {"acme/finder": 1, "zeta/finder": 1}),
        (invoke() | RECORDED, {"acme/finder": 2}),
    ],
    ids=["framework", "named", "with-agent-id", "same", "own-other", "foreign", "recorded"],
)
@pytest.mark.parametrize("between", [0, 1, 3], ids="{}-between".format)
def test_agents_inside_an_invocation(
    rig: Rig, inner: Mapping[str, Any], expected: dict[str, int], between: int
) -> None:
    """Inner work is not counted, another listing's invocation is, at whatever depth."""
    starts = [tool(), {"http.request.method": "GET"}, {v.OPERATION_NAME: "workflow"}][:between]

    def descend(left: list[dict[str, Any]]) -> None:
        if left:
            with rig.span(left[0]):
                descend(left[1:])
        else:
            rig.run(inner)

    with rig.span(invoke()):
        descend(starts)
        assert rig.value("invocations_in_progress") == 1
    assert counted(rig) == expected
    assert rig.value("invocations_in_progress") == 0
    assert rig.spans("inner_agent") == (1 if expected == {"acme/finder": 1} else 0)


def test_a_listing_called_back(rig: Rig) -> None:
    """A calls B, B calls A: that is three invocations, two of them A's."""
    with rig.span(invoke(agent="a")), rig.span(invoke("zeta", "b")), rig.span(invoke(agent="a")):
        assert rig.value("invocations_in_progress", agent_id="a") == 2
    assert counted(rig) == {"acme/a": 2, "zeta/b": 1}


def test_an_outcome_of_inner_work_is_no_invocations(rig: Rig) -> None:
    """A sub-agent that fails does not make a second, failed invocation."""
    with rig.span(invoke(), {v.OUTCOME: "success"}):
        rig.run(invoke(None, None), {v.OUTCOME: "error", v.ERROR_TYPE: "ValueError"})
    assert counted(rig) == {"acme/finder": 1}
    assert rig.value("invocation_errors_total") == 0


# --- tokens ---------------------------------------------------------------------------------------


def test_tokens_that_parents_repeat_count_once(rig: Rig) -> None:
    """Framework agents and the decorator repeat the sum of the calls below."""
    repeated = {v.INPUT_TOKENS: 30, v.OUTPUT_TOKENS: 12, v.REQUEST_MODEL: "m"}
    with rig.span(invoke(), repeated), rig.span(invoke(None, None), repeated):
        for _ in range(3):
            rig.run(chat(10, 4))
    assert rig.value("inference_calls_total") == 3
    assert rig.value("input_tokens_total") == 30
    assert rig.value("output_tokens_total") == 12


def test_tokens_of_an_agent_without_recorded_calls_count(rig: Rig) -> None:
    """Where no model call is recorded, the innermost agent's own figure counts, once."""
    figure = {v.INPUT_TOKENS: 30, v.OUTPUT_TOKENS: 12}
    with rig.span(invoke(), figure), rig.span(invoke(None, None), figure):
        rig.run(invoke(None, None), figure)
    assert rig.value("inference_calls_total") == 0
    assert rig.value("input_tokens_total") == 30
    assert rig.value("output_tokens_total") == 12


def test_sub_agents_side_by_side_both_count(rig: Rig) -> None:
    """Two sub-agents in sequence used their own tokens."""
    with rig.span(invoke(), {v.INPUT_TOKENS: 30}):
        rig.run(invoke(None, None), {v.INPUT_TOKENS: 10})
        rig.run(invoke(None, None), {v.INPUT_TOKENS: 20})
    assert rig.value("input_tokens_total") == 30


def test_tokens_that_an_agent_reports_for_itself(rig: Rig) -> None:
    """``add_usage`` adds to sub-agents' figures, and is set aside by recorded calls alone."""
    own = {v.INPUT_TOKENS: 5, v.USAGE_OWN: True}
    with rig.span(invoke(agent="adds"), own):
        rig.run(invoke(None, None), {v.INPUT_TOKENS: 10})
    assert rig.value("input_tokens_total", agent_id="adds") == 15
    with rig.span(invoke(agent="repeats"), own):
        rig.run(chat(5))
    assert rig.value("input_tokens_total", agent_id="repeats") == 5


def test_tokens_of_another_listing_stay_there(rig: Rig) -> None:
    """A called listing's calls do not set aside what the caller used itself."""
    with rig.span(invoke(), {v.INPUT_TOKENS: 7}), rig.span(invoke("zeta", "b")):
        rig.run(chat(100))
    assert rig.value("input_tokens_total", publisher_id="acme") == 7
    assert rig.value("input_tokens_total", publisher_id="zeta") == 100


def test_further_models_of_one_invocation(rig: Rig) -> None:
    """Usage events add the figures of further models."""
    with rig.span(invoke(), {v.REQUEST_MODEL: "a", v.INPUT_TOKENS: 1, v.USAGE_OWN: True}):
        rig.run(
            event("usage") | {v.REQUEST_MODEL: "b", v.INPUT_TOKENS: 2, v.USAGE_OWN: True},
        )
    assert rig.value("input_tokens_total", model="a") == 1
    assert rig.value("input_tokens_total", model="b") == 2


# --- two instrumentations of one call -------------------------------------------------------------


@pytest.mark.parametrize("inside", [{}, {"http.request.method": "POST"}])
def test_a_model_call_seen_by_two_instrumentations(rig: Rig, inside: dict[str, str]) -> None:
    """The framework's span and the vendor library's inside it are one call."""
    with rig.span(invoke()), rig.span(chat(10, 4), scope="framework"), rig.span(inside):
        rig.run(chat(10, 4), scope="vendor")
    assert rig.value("inference_calls_total") == 1
    assert rig.value("input_tokens_total") == 10
    assert rig.spans("inference") == 1
    assert rig.spans("duplicate") == 1


@pytest.mark.parametrize("calls", [1, 2])
def test_what_nobody_is_credited_with_counts_once(rig: Rig, calls: int) -> None:
    """A router's span round its calls, or a framework's, is no call of nobody's either."""
    with rig.span(chat(10 * calls, 4 * calls), scope="framework"):
        for _ in range(calls):
            rig.run(chat(10, 4), scope="vendor")
    assert rig.value("agent_analytics_unattributed_spans_total", kind="inference") == calls
    assert rig.spans("duplicate") == 1


def test_figures_that_only_the_outer_instrumentation_has(rig: Rig) -> None:
    """Tokens count from whichever view of the call tells them."""
    with rig.span(invoke()), rig.span(chat(10, 4), scope="framework"):
        rig.run(chat(), scope="vendor")
    assert rig.value("inference_calls_total") == 1
    assert rig.value("input_tokens_total") == 10


def test_model_calls_side_by_side_all_count(rig: Rig) -> None:
    """Two calls in sequence are two."""
    with rig.span(invoke()):
        rig.run(chat(1))
        rig.run(chat(1))
    assert rig.value("inference_calls_total") == 2
    assert rig.spans("duplicate") == 0


@pytest.mark.parametrize("depth", [0, 2])
def test_a_tool_call_seen_by_two_instrumentations(rig: Rig, depth: int) -> None:
    """A decorated tool inside the framework's span of the same tool is one call."""
    with rig.span(invoke()), rig.span(tool(), scope="framework"):
        if depth:
            with rig.span({"a": 1}), rig.span({"a": 2}):
                rig.run(tool(), {v.OUTCOME: "error"}, scope="ours")
        else:
            rig.run(tool(), {v.OUTCOME: "error"}, scope="ours")
    assert rig.value("tool_calls_total") == 1
    assert rig.value("tool_calls_total", outcome="error") == 1
    assert rig.value("tool_call_duration_seconds_count") == 1
    assert rig.spans("duplicate") == 1


def test_a_tool_that_calls_another(rig: Rig) -> None:
    """Different tools in each other are different calls, whoever records them."""
    with rig.span(invoke()), rig.span(tool("outer"), scope="framework"):
        rig.run(tool("inner"), scope="ours")
    assert rig.value("tool_calls_total", tool="outer") == 1
    assert rig.value("tool_calls_total", tool="inner") == 1


def test_a_tool_that_calls_itself(rig: Rig) -> None:
    """One instrumentation's spans of a tool in each other are a recursion: three calls."""
    with rig.span(invoke()), rig.span(tool()), rig.span(tool()):
        rig.run(tool())
    assert rig.value("tool_calls_total") == 3


def test_a_recursion_seen_by_two_instrumentations(rig: Rig) -> None:
    """Two calls seen by two instrumentations each are two calls."""
    with (
        rig.span(invoke()),
        rig.span(tool(), scope="a"),
        rig.span(tool(), scope="b"),
        rig.span(tool(), scope="a"),
    ):
        rig.run(tool(), scope="b")
    assert rig.value("tool_calls_total") == 2


def test_the_same_tool_of_a_called_listing(rig: Rig) -> None:
    """Another publisher's tool of the same name is that publisher's call."""
    with rig.span(invoke()), rig.span(tool(), scope="a"), rig.span(invoke("zeta", "b")):
        rig.run(tool(), scope="b")
    assert rig.value("tool_calls_total", publisher_id="acme") == 1
    assert rig.value("tool_calls_total", publisher_id="zeta") == 1


# --- event ids ------------------------------------------------------------------------------------


def test_a_recorded_invocation_with_the_same_id_counts_once(rig: Rig) -> None:
    """The second recording brings nothing: no tool call, no tokens, no money, no tenant."""
    start = invoke(tenant="t-1") | RECORDED | {v.EVENT_ID: "e-1"}
    for tenant in ("t-1", "t-2"):
        end = {v.REVENUE_USD: "1", v.INPUT_TOKENS: 5, v.COST_USD: "0.1"}
        with rig.span(start | {v.TENANT_ID: tenant}, end):
            rig.run(tool())
            rig.run(chat(1))
            rig.run(invoke(None, None), {v.REVENUE_USD: "1"})
            rig.run(event("usage") | {v.INPUT_TOKENS: 9, v.USAGE_OWN: True})
            rig.run(event("charge") | {v.REVENUE_USD: "2"})
    assert rig.value("invocations_total") == 1
    assert rig.value("tool_calls_total") == 1
    assert rig.value("inference_calls_total") == 1
    assert rig.value("input_tokens_total") == 1
    assert rig.value("revenue_usd_total") == 4
    assert rig.value("sketch_register") == rig.value("sketch_register", kind="tenants") < 1
    assert rig.value("agent_analytics_duplicate_events_total") == 1
    assert rig.value("invocations_in_progress") == 0


@pytest.mark.parametrize(
    ("kind", "more", "metric"),
    [
        ("install", {}, "installs_total"),
        ("uninstall", {}, "uninstalls_total"),
        ("charge", {v.REVENUE_USD: "1"}, "revenue_usd_total"),
        ("refund", {v.REFUND_USD: "1"}, "refunds_usd_total"),
        ("feedback", {v.FEEDBACK_RATING: 4}, "feedback_rating_count"),
        (
            "evaluation",
            {v.EVALUATION_NAME: "helpful", v.EVALUATION_SCORE: 0.5},
            "evaluation_score_count",
        ),
    ],
)
def test_an_event_with_the_same_id_counts_once(
    rig: Rig, kind: str, more: dict[str, Any], metric: str
) -> None:
    """Events count each, unless they carry an id of the publisher's that was seen."""
    for event_id in (None, None, "e-1", "e-1", "e-2"):
        rig.run(event(kind) | more | ({v.EVENT_ID: event_id} if event_id else {}))
    assert rig.value(metric) == 4
    assert rig.value("agent_analytics_duplicate_events_total") == 1
    assert rig.spans("event") == 4


def test_event_ids_of_publishers_are_their_own(rig: Rig) -> None:
    """Nobody's id makes anybody else's event a duplicate."""
    rig.run(event("install", "acme") | {v.EVENT_ID: "e-1"})
    rig.run(event("install", "zeta") | {v.EVENT_ID: "e-1"})
    assert rig.value("installs_total") == 2


# --- in parallel ----------------------------------------------------------------------------------


def test_children_in_threads_belong_to_their_invocation(rig: Rig) -> None:
    """Model calls and sub-agents that run at once in threads count once each."""
    repeated = {v.INPUT_TOKENS: 40}

    def work() -> None:
        with rig.span(invoke(None, None), {v.INPUT_TOKENS: 10}):
            rig.run(chat(10))
            rig.run(tool())

    with rig.span(invoke(), repeated):
        threads = [threading.Thread(target=copy_context().run, args=(work,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert rig.value("invocations_total") == 1
    assert rig.value("tool_calls_total") == 4
    assert rig.value("inference_calls_total") == 4
    assert rig.value("input_tokens_total") == 40


def test_a_model_call_inside_a_tool_is_no_repetition(rig: Rig) -> None:
    """A model call whose tool calls a model is a call beside the inner one, tokens and all."""
    with rig.span(invoke()), rig.span(chat(5, 3)), rig.span(tool()):
        rig.run(chat(2, 1))
    assert rig.value("inference_calls_total") == 2
    assert rig.value("input_tokens_total") == 7
