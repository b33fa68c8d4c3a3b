"""pydantic-ai: native spans, and beside an instrumentation of the SDK."""

import asyncio

from lab import FAST, GREAT

PACKAGES = ["pydantic-ai-slim", "openinference-instrumentation-pydantic-ai"]
#: The version of the spans, which one of the instrumentations below asks to be older.
SETTINGS = {}


def native(lab):
    pass


def _oi(lab):
    from openinference.instrumentation.pydantic_ai import OpenInferenceSpanProcessor

    lab.first(OpenInferenceSpanProcessor())


def _sdk(lab):
    from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor

    OpenAIInstrumentor().instrument(tracer_provider=lab.provider)


def _oi_sdk(lab):
    from openinference.instrumentation.openai import OpenAIInstrumentor

    OpenAIInstrumentor().instrument(tracer_provider=lab.provider)


def _old(_):
    SETTINGS["version"] = 2


INSTRUMENT = {"openinference": _oi, "otel-sdk": _sdk, "oi-sdk": _oi_sdk, "native-v2": _old}


def run(lab):
    from openai import AsyncOpenAI
    from pydantic_ai import Agent
    from pydantic_ai.models.instrumented import InstrumentationSettings
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    provider = OpenAIProvider(openai_client=AsyncOpenAI(max_retries=0))
    settings = InstrumentationSettings(tracer_provider=lab.provider, **SETTINGS)

    def agent(name, model, tools):
        try:
            from pydantic_ai.capabilities import Instrumentation

            return Agent(
                OpenAIChatModel(model, provider=provider),
                name=name,
                tools=tools,
                capabilities=[Instrumentation(settings)],
            )
        except ImportError:
            return Agent(
                OpenAIChatModel(model, provider=provider),
                name=name,
                tools=tools,
                instrument=settings,
            )

    tools = [lab.search, lab.calculator] + ([lab.slow] if lab.scenario == "cancelled" else [])
    researcher = agent("research_agent", FAST, tools)
    if lab.scenario == "nested":

        async def ask_researcher(query: str) -> str:
            """Delegate."""
            lab.called("ask_researcher")
            return (await researcher.run(query)).output

        boss = agent("supervisor", GREAT, [ask_researcher])
        lab.attempt(
            "supervisor", lambda: asyncio.run(boss.run("2+2?")), ("research_agent", "nested")
        )
    elif lab.scenario == "streaming":

        async def stream():
            async with researcher.run_stream("2+2?") as result:
                async for _ in result.stream_text():
                    pass

        lab.attempt("research_agent", lambda: asyncio.run(stream()))
    elif lab.scenario == "cancelled":

        async def cancel():
            task = asyncio.create_task(researcher.run("x"))
            await asyncio.sleep(1.5)
            task.cancel()
            await task

        lab.attempt("research_agent", lambda: asyncio.run(cancel()))
    elif lab.scenario == "many":
        lab.many("research_agent", researcher.run)
    else:
        lab.attempt("research_agent", lambda: asyncio.run(researcher.run("2+2?")))
