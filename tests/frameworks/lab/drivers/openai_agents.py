"""openai-agents, with each of its instrumentations."""

import asyncio

from agents import (
    Agent,
    ModelSettings,
    Runner,
    function_tool,
    set_default_openai_api,
    set_default_openai_client,
)
from agents.tracing import set_trace_processors
from openai import AsyncOpenAI

from lab import FAST, GREAT

# The framework's own exporter would send every trace to the API.
set_trace_processors([])

PACKAGES = [
    "openai-agents",
    "openinference-instrumentation-openai-agents",
    "opentelemetry-instrumentation-openai-agents",
    "opentelemetry-instrumentation-genai-openai-agents",
]


def _oi(lab):
    from openinference.instrumentation.openai_agents import OpenAIAgentsInstrumentor

    OpenAIAgentsInstrumentor().instrument(tracer_provider=lab.provider)


def _tl(lab):
    from opentelemetry.instrumentation.openai_agents import OpenAIAgentsInstrumentor

    OpenAIAgentsInstrumentor().instrument(tracer_provider=lab.provider)


def _otel(lab):
    from opentelemetry.instrumentation.genai.openai_agents import OpenAIAgentsInstrumentor

    OpenAIAgentsInstrumentor().instrument(tracer_provider=lab.provider)


def _oi_sdk(lab):
    from openinference.instrumentation.openai import OpenAIInstrumentor

    OpenAIInstrumentor().instrument(tracer_provider=lab.provider)


def _otel_sdk(lab):
    from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor

    OpenAIInstrumentor().instrument(tracer_provider=lab.provider)


def _tl_sdk(lab):
    from opentelemetry.instrumentation.openai import OpenAIInstrumentor

    OpenAIInstrumentor().instrument(tracer_provider=lab.provider)


INSTRUMENT = {
    "openinference": _oi,
    "traceloop": _tl,
    "otel-genai": _otel,
    "oi-sdk": _oi_sdk,
    "otel-sdk": _otel_sdk,
    "tl-sdk": _tl_sdk,
}


def run(lab):

    set_default_openai_client(AsyncOpenAI(max_retries=0), use_for_tracing=False)
    responses = lab.scenario.startswith("responses")
    set_default_openai_api("responses" if responses else "chat_completions")
    handler = None if lab.scenario == "tool_error_raised" else ()
    opts = {} if handler == () else {"failure_error_function": None}
    search = function_tool(lab.search)
    calculator = function_tool(lab.calculator, **opts)
    slow = function_tool(lab.slow)
    usage = ModelSettings(include_usage=lab.scenario == "streaming_usage" or None)
    researcher = Agent(
        name="research_agent",
        model_settings=usage,
        instructions="help",
        model=FAST,
        tools=[search, calculator] + ([slow] if lab.scenario == "cancelled" else []),
    )

    if lab.scenario == "nested":

        @function_tool
        async def ask_researcher(query: str) -> str:
            lab.called("ask_researcher")
            return (await Runner.run(researcher, query)).final_output

        boss = Agent(
            name="supervisor", instructions="delegate", model=GREAT, tools=[ask_researcher]
        )
        lab.attempt(
            "supervisor",
            lambda: asyncio.run(Runner.run(boss, "what is 2+2?")),
            ("research_agent", "nested"),
        )
    elif lab.scenario == "agent_as_tool":
        from model_api import ARGUMENTS

        lab.api.plans = {GREAT: [["ask_agent"]], FAST: [["search"], ["calculator"]]}
        ARGUMENTS["ask_agent"] = {"input": "help"}
        boss = Agent(
            name="supervisor",
            instructions="delegate",
            model=GREAT,
            tools=[researcher.as_tool("ask_agent", "ask")],
        )
        lab.called("ask_agent")
        lab.attempt(
            "supervisor",
            lambda: asyncio.run(Runner.run(boss, "what is 2+2?")),
            ("research_agent", "nested"),
        )
    elif lab.scenario == "handoff":
        triage = Agent(name="triage", instructions="hand off", model=GREAT, handoffs=[researcher])
        lab.attempt(
            "triage",
            lambda: asyncio.run(Runner.run(triage, "what is 2+2?")),
            ("research_agent", "handoff"),
        )
    elif lab.scenario in {"streaming", "streaming_usage", "responses_streaming"}:

        async def stream():
            result = Runner.run_streamed(researcher, "what is 2+2?")
            async for _ in result.stream_events():
                pass

        lab.attempt("research_agent", lambda: asyncio.run(stream()))
    elif lab.scenario == "cancelled":

        async def cancel():
            task = asyncio.create_task(Runner.run(researcher, "x"))
            await asyncio.sleep(1.5)
            task.cancel()
            await task

        lab.attempt("research_agent", lambda: asyncio.run(cancel()))
    elif lab.scenario == "many":
        lab.many("research_agent", lambda question: Runner.run(researcher, question))
    else:
        lab.attempt("research_agent", lambda: asyncio.run(Runner.run(researcher, "what is 2+2?")))
