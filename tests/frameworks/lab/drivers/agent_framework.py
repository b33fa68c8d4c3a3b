"""Microsoft Agent Framework: native spans."""

import asyncio

from lab import FAST, GREAT

PACKAGES = ["agent-framework-core", "openinference-instrumentation-agent-framework"]


def native(lab):
    from agent_framework.observability import enable_instrumentation

    enable_instrumentation()


def _oi(lab):
    native(lab)
    from openinference.instrumentation.agent_framework import AgentFrameworkToOpenInferenceProcessor

    lab.first(AgentFrameworkToOpenInferenceProcessor())


def _oi_sdk(lab):
    native(lab)
    from openinference.instrumentation.openai import OpenAIInstrumentor

    OpenAIInstrumentor().instrument(tracer_provider=lab.provider)


def _otel_sdk(lab):
    native(lab)
    from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor

    OpenAIInstrumentor().instrument(tracer_provider=lab.provider)


INSTRUMENT = {"openinference": _oi, "oi-sdk": _oi_sdk, "otel-sdk": _otel_sdk}


def run(lab):
    import agent_framework as af
    from agent_framework.openai import OpenAIChatCompletionClient as Client
    from openai import AsyncOpenAI

    cls = getattr(af, "Agent", None) or af.ChatAgent

    def agent(name, model, tools):
        client = Client(model=model, async_client=AsyncOpenAI(max_retries=0))
        return cls(client, "help", name=name, tools=tools)

    tools = [lab.search, lab.calculator] + ([lab.slow] if lab.scenario == "cancelled" else [])
    researcher = agent("research_agent", FAST, tools)
    if lab.scenario == "nested":

        async def ask_researcher(query: str) -> str:
            """Delegate."""
            lab.called("ask_researcher")
            return str(await researcher.run(query))

        boss = agent("supervisor", GREAT, [ask_researcher])
        lab.attempt(
            "supervisor", lambda: asyncio.run(boss.run("2+2?")), ("research_agent", "nested")
        )
    elif lab.scenario == "streaming":

        async def stream():
            async for _ in researcher.run("2+2?", stream=True):
                pass

        lab.attempt("research_agent", lambda: asyncio.run(stream()))
    elif lab.scenario == "many":
        lab.many("research_agent", researcher.run)
    elif lab.scenario == "team":
        writer = agent("writer", GREAT, [])
        from agent_framework import WorkflowBuilder

        flow = WorkflowBuilder(start_executor=researcher).add_edge(researcher, writer).build()
        lab.attempt("research_agent", lambda: asyncio.run(flow.run("2+2?")), ("writer", "member"))
    elif lab.scenario == "cancelled":

        async def cancel():
            task = asyncio.create_task(researcher.run("x"))
            await asyncio.sleep(1.5)
            task.cancel()
            await task

        lab.attempt("research_agent", lambda: asyncio.run(cancel()))
    else:
        lab.attempt("research_agent", lambda: asyncio.run(researcher.run("2+2?")))
