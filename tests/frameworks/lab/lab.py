"""What every driver shares: the model API, the tools with their own counts, and the truth."""

import asyncio
import os
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

from model_api import ModelApi, Turn

FAST, GREAT = "gpt-4o-mini", "gpt-4o"
#: How many runs are under way at once in the scenario ``many``.
MANY = 100

_TWO_TOOLS: list[Turn] = [["search"], ["calculator"]]
_AT_ONCE: list[Turn] = [["search", "calculator"]]
#: What the models are to say, by scenario and model; ``ok`` otherwise.
_PLANS: dict[str, dict[str, list[Turn]]] = {
    "agent_error": {FAST: ["error"]},
    "parallel": {FAST: _AT_ONCE},
    "streaming": {FAST: _AT_ONCE},
    "streaming_usage": {FAST: _AT_ONCE},
    "nested": {GREAT: [["ask_researcher"]], FAST: _TWO_TOOLS},
    "handoff": {GREAT: [["transfer_to_research_agent"]], FAST: _TWO_TOOLS},
    "cancelled": {FAST: [["slow"]]},
    "simple": {FAST: []},
    "mid_error": {FAST: [["search"], "error"]},
}


class ToolBoomError(Exception):
    """What a failing tool raises."""


def as_it_is(function: Callable[..., Any]) -> Callable[..., Any]:
    """Put nothing round a run."""
    return function


class Lab:
    """One scenario: a server with its plan, and what really happened.

    Args:
        scenario: What is to be run.
        provider: Where instrumentations send their spans.
        around: What is put round each outermost run, such as a decorator.
    """

    def __init__(
        self,
        scenario: str,
        provider: TracerProvider,
        *,
        around: Callable[[Callable[..., Any]], Callable[..., Any]] = as_it_is,
    ) -> None:
        self.scenario = scenario
        self.provider = provider
        self.around = around
        self.api = ModelApi(plans=dict(_PLANS.get(scenario, {FAST: _TWO_TOOLS})))
        self.tools: Counter[tuple[str, str]] = Counter()
        self.agents: list[dict[str, Any]] = []
        self.notes: list[str] = []
        #: What else an instrumentation may call the outermost agent, where it has no name.
        self.also_named: list[str] = []
        os.environ.update(
            OPENAI_API_KEY="sk-lab",
            OPENAI_BASE_URL=self.api.base_url,
            OPENAI_API_BASE=self.api.base_url,
        )

    def __deepcopy__(self, memo: dict[int, Any]) -> "Lab":
        """Return itself: frameworks copy the tools that they are given, and there is one truth."""
        return self

    def first(self, processor: SpanProcessor) -> None:
        """Have a processor that rewrites spans see them before all others."""
        # Providers have no public way to say so.
        others: Any = vars(self.provider)["_active_span_processor"]
        others._span_processors = (processor, *others._span_processors)  # noqa: SLF001 - as above

    # --- tools -----------------------------------------------------------------------------------

    def search(self, query: str) -> str:  # noqa: ARG002 - what a model may give
        """Search the web."""
        self.tools["search", "ok"] += 1
        return "found"

    def calculator(self, expression: str) -> str:  # noqa: ARG002 - what a model may give
        """Calculate."""
        if self.scenario.startswith("tool_error"):
            self.tools["calculator", "error"] += 1
            message = "calculator exploded"
            raise ToolBoomError(message)
        self.tools["calculator", "ok"] += 1
        return "4"

    async def slow(self, query: str) -> str:  # noqa: ARG002 - what a model may give
        """Take forever."""
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            self.tools["slow", "cancelled"] += 1
            raise
        return "late"

    def called(self, name: str) -> None:
        """Note a tool call that went well."""
        self.tools[name, "ok"] += 1

    # --- runs ------------------------------------------------------------------------------------

    def ran(self, name: str, role: str = "top", outcome: str = "ok", error: object = None) -> None:
        """Note an agent that ran."""
        self.agents.append({"name": name, "role": role, "outcome": outcome, "error_type": error})

    def attempt(self, name: str, run: Callable[[], Any], *others: tuple[str, str]) -> Any:  # noqa: ANN401 - what a framework returns
        """Run the outermost agent, and note what came of it."""
        outcome, error, result = "ok", None, None
        try:
            result = self.around(run)()
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as raised:  # noqa: BLE001 - whatever a framework raises is an outcome
            cancelled = isinstance(raised, asyncio.CancelledError)
            outcome, error = ("cancelled", None) if cancelled else ("error", type(raised).__name__)
            if os.environ.get("LAB_DEBUG"):
                traceback.print_exc()
        self.ran(name, "top", outcome, error)
        for other, role in others:
            self.ran(other, role)
        return result

    def many(self, name: str, run: Callable[[str], Awaitable[Any]]) -> None:
        """Have many runs under way at once in one event loop."""

        async def one(question: str) -> object:
            return await run(question)

        wrapped = self.around(one)

        async def all_of_them() -> None:
            await asyncio.gather(*(wrapped(f"question {number}") for number in range(MANY)))

        asyncio.run(all_of_them())
        for _ in range(MANY):
            self.ran(name)

    # --- truth -----------------------------------------------------------------------------------

    def truth(self) -> dict[str, Any]:
        """Return what really happened, as the driver, its tools and the server counted it."""
        good = [call for call in self.api.calls if call.status == 200]
        return {
            "agents": self.agents,
            "tool_calls": [
                {"name": name, "outcome": outcome, "count": count}
                for (name, outcome), count in sorted(self.tools.items())
            ],
            "llm_calls_ok": len(good),
            "llm_calls_error": len(self.api.calls) - len(good),
            "tokens": {
                "input": sum(call.input_tokens for call in good),
                "output": sum(call.output_tokens for call in good),
                "cached_input": sum(call.cached for call in good),
                "reasoning_output": sum(call.reasoning for call in good),
            },
            "streamed": sum(call.streamed for call in good),
            "most_tools_at_once": max((call.tools for call in good), default=0),
            "also_named": self.also_named,
            "notes": self.notes,
        }
