"""States of a real graph, returned and streamed in every mode: each answer counts once."""

# LangChain's own types are not complete.
# pyright: reportUnknownVariableType=false, reportMissingTypeStubs=false, reportArgumentType=false

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.language_models.fake_chat_models import FakeMessagesListChatModel
from langchain_core.messages import AIMessage, ToolCall
from langchain_core.tools import StructuredTool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command, interrupt
from tests.dialects.spans import Program

from agent_analytics.instrumentation import agent, tracing

ASKED = {"messages": [("user", "?")]}
THREAD: Any = {"configurable": {"thread_id": "1"}}
SPENT = {"input": 30, "output": 9}


class _Model(FakeMessagesListChatModel):
    def bind_tools(self, *_args: object, **_more: object) -> Any:  # noqa: ANN401 - as its base's
        """Answer whatever the tools are."""
        return self


def answers(turns: int) -> list[Any]:
    """Return what the model says: a call of a tool, then a text, in each turn."""
    call = ToolCall(name="ask", args={}, id="1")
    told: list[Any] = []
    for _ in range(turns):
        for calls, sent, received in (([call], 10, 4), ([], 20, 5)):
            used: Any = {
                "input_tokens": sent,
                "output_tokens": received,
                "total_tokens": sent + received,
            }
            told.append(AIMessage(content="x", tool_calls=calls, usage_metadata=used))
    return told


def graph(*, turns: int = 1, waits: bool = False) -> Any:  # noqa: ANN401 - a type of its own
    """Return an agent of the framework, whose tool may ask a person."""

    def ask() -> str:
        """Ask."""
        return interrupt("sure?") if waits else "yes"

    tool = StructuredTool.from_function(ask)
    model = _Model(responses=answers(turns))
    return create_agent(model, [tool], checkpointer=InMemorySaver())


@pytest.fixture
def program() -> Iterator[Program]:
    """Return where the spans of the decorator go."""
    program = Program("app")
    tracing.use_provider(program.provider)
    yield program
    tracing.use_provider(None)


def test_what_a_graph_returns(program: Program) -> None:
    """A turn counts its own answers, and not those of the conversation before it."""
    conversation = graph(turns=2)

    @agent(publisher_id="acme", agent_id="desk")
    def turn() -> object:
        return conversation.invoke(ASKED, THREAD)

    turn()
    assert dict(program.counted().tokens) == SPENT
    turn()
    assert dict(program.counted().tokens) == {"input": 60, "output": 18}


@pytest.mark.parametrize(
    "mode", ["values", "updates", "messages", ["values", "updates"], ["updates", "messages"]]
)
@pytest.mark.parametrize("turns", [1, 2])
def test_what_a_graph_streams(program: Program, mode: Any, turns: int) -> None:  # noqa: ANN401 - its own
    """Whatever the states repeat, an answer counts once."""
    conversation = graph(turns=turns)

    @agent(publisher_id="acme", agent_id="desk")
    def turn() -> Iterator[object]:
        yield from conversation.stream(ASKED, THREAD, stream_mode=mode)

    for _ in range(turns):
        assert list(turn())
    assert dict(program.counted().tokens) == {key: turns * used for key, used in SPENT.items()}


def test_events_of_a_graph(program: Program) -> None:
    """Each chain that announces an answer again adds nothing to it."""

    @agent(publisher_id="acme", agent_id="desk")
    async def turn() -> AsyncIterator[object]:
        async for event in graph().astream_events(ASKED, THREAD, version="v2"):
            yield event

    async def main() -> int:
        return len([event async for event in turn()])

    assert asyncio.run(main()) > 0
    assert dict(program.counted().tokens) == SPENT


def test_a_graph_that_asks_a_person(program: Program) -> None:
    """What was done before the person was asked counts when the graph has gone on."""
    conversation = graph(waits=True)

    @agent(publisher_id="acme", agent_id="desk")
    def turn(given: Any) -> object:  # noqa: ANN401 - messages or a command
        return conversation.invoke(given, THREAD)

    turn(ASKED)
    assert not program.counted().tokens
    turn(Command(resume="yes"))
    assert dict(program.counted().tokens) == SPENT
