"""strands-agents: native spans."""

import asyncio

from lab import FAST, GREAT

PACKAGES = ["strands-agents", "openinference-instrumentation-strands-agents"]


def native(lab):
    from strands.telemetry import StrandsTelemetry

    StrandsTelemetry(tracer_provider=lab.provider)


def _oi(lab):
    native(lab)
    from openinference.instrumentation.strands_agents import StrandsAgentsToOpenInferenceProcessor

    lab.first(StrandsAgentsToOpenInferenceProcessor())


def _otel_sdk(lab):
    native(lab)
    from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor

    OpenAIInstrumentor().instrument(tracer_provider=lab.provider)


def _oi_sdk(lab):
    native(lab)
    from openinference.instrumentation.openai import OpenAIInstrumentor

    OpenAIInstrumentor().instrument(tracer_provider=lab.provider)


INSTRUMENT = {"openinference": _oi, "otel-sdk": _otel_sdk, "oi-sdk": _oi_sdk}


def run(lab):
    from strands import Agent, tool
    from strands.models.openai import OpenAIModel

    def model(name):
        return OpenAIModel(client_args={"max_retries": 0}, model_id=name)

    search, calculator, slow = tool(lab.search), tool(lab.calculator), tool(lab.slow)
    tools = [search, calculator] + ([slow] if lab.scenario == "cancelled" else [])
    researcher = Agent(name="research_agent", model=model(FAST), tools=tools, callback_handler=None)
    if lab.scenario == "nested":

        @tool
        def ask_researcher(query: str) -> str:
            """Delegate."""
            lab.called("ask_researcher")
            return str(researcher(query))

        boss = Agent(
            name="supervisor", model=model(GREAT), tools=[ask_researcher], callback_handler=None
        )
        lab.attempt("supervisor", lambda: boss("what is 2+2?"), ("research_agent", "nested"))
    elif lab.scenario == "twice":
        lab.attempt("research_agent", lambda: researcher("what is 2+2?"))
        lab.attempt("research_agent", lambda: researcher("and again?"))
    elif lab.scenario == "streaming":

        async def stream():
            async for _ in researcher.stream_async("what is 2+2?"):
                pass

        lab.attempt("research_agent", lambda: asyncio.run(stream()))
    elif lab.scenario == "cancelled":

        async def cancel():
            task = asyncio.create_task(researcher.invoke_async("x"))
            await asyncio.sleep(1.5)
            task.cancel()
            await task

        lab.attempt("research_agent", lambda: asyncio.run(cancel()))
    elif lab.scenario == "swarm":
        from strands.multiagent import Swarm

        lab.api.plans = {GREAT: [["handoff_to_agent"]], FAST: [["search"], ["calculator"]]}
        from model_api import ARGUMENTS

        ARGUMENTS["handoff_to_agent"] = {"agent_name": "research_agent", "message": "go"}
        triage = Agent(name="triage", model=model(GREAT), callback_handler=None)
        lab.attempt(
            "triage",
            lambda: Swarm([triage, researcher])("what is 2+2?"),
            ("research_agent", "handoff"),
        )
    elif lab.scenario == "graph":
        from strands.multiagent import GraphBuilder

        second = Agent(name="writer", model=model(GREAT), callback_handler=None)
        builder = GraphBuilder()
        builder.add_node(researcher, "research")
        builder.add_node(second, "write")
        builder.add_edge("research", "write")
        lab.attempt("research_agent", lambda: builder.build()("what is 2+2?"), ("writer", "member"))
    else:
        lab.attempt("research_agent", lambda: researcher("what is 2+2?"))
