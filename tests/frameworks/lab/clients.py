"""What the drivers of models' clients share: a conversation without any framework of agents.

A client has no agent. Its driver calls the tools itself, which no instrumentation sees, so the
truth of it has model calls only, and one run that is an invocation where a decorator is put round.
"""

import asyncio
import importlib
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from lab import FAST, Lab

QUESTION = "what is 2+2?"
_TEXT = {"type": "string"}
#: The parameters of each tool, as a JSON schema.
TOOLS: Mapping[str, Mapping[str, Any]] = {
    "search": {"type": "object", "properties": {"query": _TEXT}, "required": ["query"]},
    "calculator": {
        "type": "object",
        "properties": {"expression": _TEXT},
        "required": ["expression"],
    },
}
#: What every tool of a client's answers.
FOUND = "found"

Ask = Callable[[], bool] | Callable[[], Awaitable[bool]]


def switch(module: str, instrumentor: str) -> Callable[[Lab], None]:
    """Return what switches an instrumentation on.

    Args:
        module: Where it is.
        instrumentor: Its class, which refuses a client of a version that it was not made for.
    """

    def on(lab: Lab) -> None:
        found = getattr(importlib.import_module(module), instrumentor)
        found().instrument(tracer_provider=lab.provider, raise_exception_on_conflict=True)

    return on


def plans_for(lab: Lab, model: str) -> None:
    """Have another model do what the plan has for the usual one."""
    lab.api.plans = {model: lab.api.plans.get(FAST, [])}


def talk(lab: Lab, ask: Ask, *, name: str = "client") -> None:
    """Ask the model until it calls no tool.

    Args:
        lab: Where the run is noted.
        ask: Sends the conversation, adds the answer to it, and returns whether tools were called.
        name: What the run is called; no instrumentation says so.
    """

    async def later() -> None:
        while await ask():  # type: ignore[misc] # one of the two kinds, which is known below
            pass

    def now() -> None:
        while ask():
            pass

    lab.attempt(name, (lambda: asyncio.run(later())) if inspect.iscoroutinefunction(ask) else now)


def functions() -> list[dict[str, Any]]:
    """Return the tools as OpenAI's chat API, and all that are like it, take them."""
    return [
        {"type": "function", "function": {"name": name, "description": name, "parameters": schema}}
        for name, schema in TOOLS.items()
    ]


def found(calls: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what the tools of some calls answered, as OpenAI's chat API takes it."""
    return [{"role": "tool", "tool_call_id": call["id"], "content": FOUND} for call in calls]
