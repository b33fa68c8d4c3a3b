"""One answer of a model is one call that is paid once, whoever records it and however often."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.processor.rig import Rig, chat, invoke

from agent_analytics.instrumentation import vocabulary as v

MakeRig = Callable[..., Rig]
ANSWER = "resp_68a1f0b2c3d4e5f60718293a4b5c6d7e"


def answer(
    sent: int | None = None, received: int | None = None, answer_id: str = ANSWER
) -> dict[str, Any]:
    """Return what the span of a call carries whose answer has an id."""
    return chat(sent, received) | {v.RESPONSE_ID: answer_id}


def counted(rig: Rig) -> tuple[float, float, float]:
    """Return calls, input and output tokens."""
    return (
        rig.value("inference_calls_total"),
        rig.value("input_tokens_total"),
        rig.value("output_tokens_total"),
    )


@pytest.mark.parametrize("scope", ["openai", "another"])
def test_in_one_run(rig: Rig, scope: str) -> None:
    """A response that is fetched again within an invocation is one call."""
    with rig.span(invoke()):
        rig.run(answer(100, 50), scope="openai")
        rig.run(answer(100, 50), scope=scope)
    assert counted(rig) == (1, 100, 50)


def test_in_runs_of_their_own(rig: Rig) -> None:
    """A stored response that a later invocation fetches was paid by the first."""
    for _ in range(3):
        with rig.span(invoke()):
            rig.run(answer(100, 50))
    assert counted(rig) == (1, 100, 50)


def test_in_a_run_of_a_framework(make_rig: MakeRig) -> None:
    """So it is in one framework's run, below a step of it."""
    rig = make_rig(resource={v.PUBLISHER_ID: "acme", v.AGENT_ID: "finder"})
    for _ in range(2):
        with rig.span({v.OPERATION_NAME: v.INVOKE_AGENT, v.AGENT_NAME: "scout"}):
            for _ in range(2):
                with rig.span({v.OPERATION_NAME: "step"}):
                    rig.run(answer(100, 50))
    assert counted(rig) == (1, 100, 50)


@pytest.mark.parametrize("together", [True, False], ids=["one run", "runs of their own"])
def test_polled(rig: Rig, *, together: bool) -> None:
    """A response in the background has no usage until it is there; that counts once then."""
    polls = [answer(), answer(0, 0), answer(), answer(100, 50), answer(100, 50)]
    if together:
        with rig.span(invoke()):
            for poll in polls:
                rig.run(poll)
    else:
        for poll in polls:
            with rig.span(invoke()):
                rig.run(poll)
    assert counted(rig) == (1, 100, 50)


FETCHES: dict[str, tuple[str, dict[str, Any]]] = {
    "the method of a client": ("openai.responses.retrieve", {}),
    "a method in the conventions' place": ("responses.retrieve gpt-4o", {}),
    "an operation": ("x", {v.OPERATION_NAME: "responses.retrieve"}),
    "a GET": ("Response", {"http.request.method": "GET"}),
    "a stored completion": ("chat.completions.retrieve", {}),
    "a poll": ("responses.poll", {}),
}


@pytest.mark.parametrize(("name", "more"), FETCHES.values(), ids=FETCHES)
def test_fetched_from_elsewhere(rig: Rig, name: str, more: dict[str, Any]) -> None:
    """What only fetches an answer is no call, even where the call was never seen."""
    with rig.span(invoke()):
        span = rig.tracer("opentelemetry.instrumentation.openai").start_span(
            name, attributes=answer(100, 50) | {"llm.request.type": "chat"} | more
        )
        span.end()
    assert counted(rig) == (0, 0, 0)


@pytest.mark.parametrize(("name", "more"), FETCHES.values(), ids=FETCHES)
def test_fetched_when_it_is_there(rig: Rig, name: str, more: dict[str, Any]) -> None:
    """What fetches the answer of a call that was seen without usage brings that call's usage."""
    with rig.span(invoke()):
        rig.run(answer(), scope="opentelemetry.instrumentation.openai")
    for _ in range(2):
        with rig.span(invoke()):
            span = rig.tracer("opentelemetry.instrumentation.openai").start_span(
                name, attributes=answer(100, 50) | {"llm.request.type": "chat"} | more
            )
            span.end()
    assert counted(rig) == (1, 100, 50)


def test_fetched_in_the_run_that_asked(make_rig: MakeRig) -> None:
    """In one run of a framework a call in the background has the usage that was fetched for it."""
    rig = make_rig(resource={v.PUBLISHER_ID: "acme", v.AGENT_ID: "finder"})
    fetch = answer(100, 50) | {v.OPERATION_NAME: "responses.retrieve"}
    with rig.span({v.OPERATION_NAME: v.INVOKE_AGENT, v.AGENT_NAME: "scout"}):
        rig.run(answer())
        rig.run(fetch)
        rig.run(fetch)
    assert counted(rig) == (1, 100, 50)


def test_the_cost_of_an_answer(rig: Rig) -> None:
    """The cost of an answer that is fetched again counts once."""
    for _ in range(3):
        with rig.span(invoke()):
            rig.run(answer(100, 50) | {"operation.cost": 0.25})
    assert rig.value("model_cost_usd_total") == 0.25


def test_an_agents_total_of_what_was_counted(rig: Rig) -> None:
    """An agent that repeats the usage of an answer which it only fetched adds nothing."""
    agent = {v.OPERATION_NAME: v.INVOKE_AGENT, v.AGENT_NAME: "scout"}
    for _ in range(2):
        with rig.span(invoke()), rig.span(agent, {v.INPUT_TOKENS: 100, v.OUTPUT_TOKENS: 50}):
            rig.run(answer(100, 50))
    assert counted(rig) == (1, 100, 50)


def test_publishers_apart(rig: Rig) -> None:
    """An id of one publisher means nothing for another, and pushes out nothing of another."""
    with rig.span(invoke("acme")):
        rig.run(answer(100, 50))
    with rig.span(invoke("hostile", "x")):
        for number in range(5_000):
            rig.run(answer(1, 1, f"resp_{number:040}"))
        rig.run(answer(100, 50))
    with rig.span(invoke("acme")):
        rig.run(answer(100, 50))
    assert rig.value("inference_calls_total", publisher_id="acme") == 1
    assert rig.value("inference_calls_total", publisher_id="hostile") == 5_001


def test_ids_that_are_drawn_from_a_thousand(rig: Rig) -> None:
    """Ollama draws ``chatcmpl-0`` to ``-998``: the same id with other usage is another call."""
    for number in range(1, 5):
        with rig.span(invoke()):
            rig.run(answer(100 * number, 50, "chatcmpl-7"))
    assert counted(rig) == (4, 1_000, 200)


@pytest.mark.parametrize("answer_id", ["", None, 7])
def test_no_id(rig: Rig, answer_id: object) -> None:
    """Calls whose answers have no id are calls each."""
    for _ in range(2):
        with rig.span(invoke()):
            rig.run({key: value for key, value in answer(100, 50, answer_id).items() if value})  # type: ignore[arg-type]  # whatever is there
    assert counted(rig) == (2, 200, 100)


def log(sent: int, received: int) -> dict[str, Any]:
    """Return what Logfire 5.4 writes when a stream has ended."""
    return answer(sent, received) | {"logfire.span_type": "log"}


@pytest.mark.parametrize("framework", [False, True], ids=["decorated", "a framework's run"])
def test_usage_in_a_log(make_rig: MakeRig, *, framework: bool) -> None:
    """Logfire's span of a stream has no usage, its log has: together they are one call."""
    rig = make_rig(resource={v.PUBLISHER_ID: "acme", v.AGENT_ID: "finder"})
    agent = {v.OPERATION_NAME: v.INVOKE_AGENT, v.AGENT_NAME: "scout"}
    with rig.span(agent if framework else invoke()):
        rig.run(chat(), scope="logfire.openai")
        rig.run(log(100, 50) | {"operation.cost": 0.25}, scope="logfire.openai")
    assert counted(rig) == (1, 100, 50)
    assert rig.value("model_cost_usd_total") == 0.25


@pytest.mark.parametrize("first", ["log", "call"])
def test_a_log_beside_another_instrumentation(rig: Rig, first: str) -> None:
    """What the log of a stream says is a repetition where a span has the answer's usage, too."""
    with rig.span(invoke()):
        if first == "log":
            rig.run(log(100, 50), scope="logfire.openai")
        rig.run(answer(100, 50), scope="openlit.instrumentation.openai")
        if first == "call":
            rig.run(log(100, 50), scope="logfire.openai")
    assert counted(rig) == (1, 100, 50)
