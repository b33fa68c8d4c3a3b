"""llama-index agents, with each of their instrumentations."""

import asyncio

from lab import FAST, GREAT

PACKAGES = [
    "llama-index-core",
    "openinference-instrumentation-llama-index",
    "opentelemetry-instrumentation-llamaindex",
    "opentelemetry-instrumentation-genai-llama-index",
]


def _oi(lab):
    from openinference.instrumentation.llama_index import LlamaIndexInstrumentor

    LlamaIndexInstrumentor().instrument(tracer_provider=lab.provider)


def _tl(lab):
    from opentelemetry.instrumentation.llamaindex import LlamaIndexInstrumentor

    LlamaIndexInstrumentor().instrument(tracer_provider=lab.provider)


def _otel(lab):
    import opentelemetry.instrumentation.genai.llama_index as m

    cls = next(
        getattr(m, n) for n in dir(m) if n.endswith("Instrumentor") and n != "BaseInstrumentor"
    )
    cls().instrument(tracer_provider=lab.provider)


def _oi_sdk(lab):
    from openinference.instrumentation.openai import OpenAIInstrumentor

    OpenAIInstrumentor().instrument(tracer_provider=lab.provider)


def _sdk(lab):
    from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor

    OpenAIInstrumentor().instrument(tracer_provider=lab.provider)


INSTRUMENT = {
    "openinference": _oi,
    "traceloop": _tl,
    "otel-genai": _otel,
    "oi-sdk": _oi_sdk,
    "otel-sdk": _sdk,
}


def run(lab):
    from llama_index.core.agent.workflow import AgentWorkflow, FunctionAgent
    from llama_index.llms.openai import OpenAI

    def llm(name):
        return OpenAI(model=name, api_base=lab.api.base_url, api_key="x", max_retries=0)

    async def go(agent):
        handler = agent.run(user_msg="2+2?")
        if lab.scenario == "streaming":
            async for _ in handler.stream_events():
                pass
        return await handler

    tools = [lab.search, lab.calculator] + ([lab.slow] if lab.scenario == "cancelled" else [])
    researcher = FunctionAgent(
        name="research_agent",
        description="r",
        tools=tools,
        llm=llm(FAST),
        streaming=lab.scenario == "streaming",
    )
    if lab.scenario == "nested":

        async def ask_researcher(query: str) -> str:
            """Delegate."""
            lab.called("ask_researcher")
            return str(await go(researcher))

        boss = FunctionAgent(
            name="supervisor",
            description="s",
            tools=[ask_researcher],
            llm=llm(GREAT),
            streaming=False,
        )
        lab.attempt("supervisor", lambda: asyncio.run(go(boss)), ("research_agent", "nested"))
    elif lab.scenario == "handoff":
        lab.api.plans = {GREAT: [["handoff"]], FAST: [["search"], ["calculator"]]}
        from model_api import ARGUMENTS

        ARGUMENTS["handoff"] = {"to_agent": "research_agent", "reason": "r"}
        triage = FunctionAgent(
            name="triage",
            description="t",
            tools=[],
            llm=llm(GREAT),
            can_handoff_to=["research_agent"],
            streaming=False,
        )
        flow = AgentWorkflow(agents=[triage, researcher], root_agent="triage")
        lab.attempt("triage", lambda: asyncio.run(go(flow)), ("research_agent", "handoff"))
    else:
        lab.attempt("research_agent", lambda: asyncio.run(go(researcher)))
