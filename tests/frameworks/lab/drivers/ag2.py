"""ag2: its own middleware for telemetry, and beside instrumentations of the SDK."""

import asyncio

from clients import switch
from lab import FAST, GREAT

PACKAGES = ["ag2", "openinference-instrumentation-openai"]


def native(lab):
    pass


INSTRUMENT = {
    "openinference": switch("openinference.instrumentation.ag2", "AG2Instrumentor"),
    "oi-sdk": switch("openinference.instrumentation.openai", "OpenAIInstrumentor"),
    "otel-sdk": switch("opentelemetry.instrumentation.genai.openai", "OpenAIInstrumentor"),
}


def run(lab):
    from ag2 import Agent, tool
    from ag2.config import OpenAIConfig
    from ag2.middleware.builtin.telemetry import TelemetryMiddleware

    def agent(name, model, tools):
        config = OpenAIConfig(model, max_retries=0, streaming=lab.scenario == "streaming")
        telemetry = TelemetryMiddleware(
            tracer_provider=lab.provider,
            agent_name=name,
            provider_name="openai",
            model_name=model,
        )
        return Agent(name, "help", config=config, tools=tools, middleware=[telemetry])

    tools = [tool(lab.search), tool(lab.calculator)]
    if lab.scenario == "cancelled":
        tools.append(tool(lab.slow))
    researcher = agent("research_agent", FAST, tools)
    if lab.scenario in {"nested", "agent_as_tool"}:
        if lab.scenario == "agent_as_tool":
            delegated = researcher.as_tool(description="Delegate.", name="ask_researcher")
            from model_api import ARGUMENTS

            ARGUMENTS["ask_researcher"] = {"objective": "help", "query": "help"}
            lab.api.plans = {GREAT: [["ask_researcher"]], FAST: [["search"], ["calculator"]]}
            lab.called("ask_researcher")
        else:

            @tool
            async def ask_researcher(query: str) -> str:
                """Delegate."""
                lab.called("ask_researcher")
                await researcher.ask(query)
                return "4"

            delegated = ask_researcher
        boss = agent("supervisor", GREAT, [delegated])
        lab.attempt(
            "supervisor", lambda: asyncio.run(boss.ask("2+2?")), ("research_agent", "nested")
        )
    elif lab.scenario == "cancelled":

        async def cancel():
            task = asyncio.create_task(researcher.ask("x"))
            await asyncio.sleep(1.5)
            task.cancel()
            await task

        lab.attempt("research_agent", lambda: asyncio.run(cancel()))
    elif lab.scenario == "many":
        lab.many("research_agent", researcher.ask)
    else:
        lab.attempt("research_agent", lambda: asyncio.run(researcher.ask("2+2?")))
