"""agno, with each of its instrumentations."""

import asyncio

from lab import FAST, GREAT

PACKAGES = [
    "agno",
    "openinference-instrumentation-agno",
    "opentelemetry-instrumentation-agno",
    "opentelemetry-instrumentation-genai-agno",
]


def _oi(lab):
    from openinference.instrumentation.agno import AgnoInstrumentor

    AgnoInstrumentor().instrument(tracer_provider=lab.provider)


def _tl(lab):
    from opentelemetry.instrumentation.agno import AgnoInstrumentor

    AgnoInstrumentor().instrument(tracer_provider=lab.provider)


def _otel(lab):
    from opentelemetry.instrumentation.genai.agno import AgnoInstrumentor

    AgnoInstrumentor().instrument(tracer_provider=lab.provider)


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
    from agno.agent import Agent
    from agno.models.openai import OpenAIChat
    from agno.team import Team

    def model(name):
        return OpenAIChat(id=name, max_retries=0, base_url=lab.api.base_url, api_key="x")

    def search(query: str) -> str:
        """Search."""
        return lab.search(query)

    def calculator(expression: str) -> str:
        """Calculate."""
        return lab.calculator(expression)

    tools = [search, calculator] + ([lab.slow] if lab.scenario == "cancelled" else [])
    researcher = Agent(name="research_agent", model=model(FAST), tools=tools, telemetry=False)

    def check(result):
        if str(getattr(result, "status", "")).lower().endswith("error"):
            raise RuntimeError(result.content)
        return result

    if lab.scenario == "nested":

        def ask_researcher(query: str) -> str:
            """Delegate."""
            lab.called("ask_researcher")
            return str(researcher.run(query).content)

        boss = Agent(name="supervisor", model=model(GREAT), tools=[ask_researcher], telemetry=False)
        lab.attempt("supervisor", lambda: boss.run("2+2?"), ("research_agent", "nested"))
    elif lab.scenario == "team":
        lab.api.plans = {GREAT: [["delegate_task_to_member"]], FAST: [["search"], ["calculator"]]}
        from model_api import ARGUMENTS

        ARGUMENTS["delegate_task_to_member"] = {"member_id": "research-agent", "task": "help"}
        team = Team(name="supervisor", model=model(GREAT), members=[researcher], telemetry=False)
        lab.called("delegate_task_to_member")
        lab.attempt("supervisor", lambda: team.run("2+2?"), ("research_agent", "member"))
    elif lab.scenario == "streaming":
        lab.attempt("research_agent", lambda: [None for _ in researcher.run("2+2?", stream=True)])
    elif lab.scenario == "async":
        lab.attempt("research_agent", lambda: asyncio.run(researcher.arun("2+2?")))
    else:
        lab.attempt("research_agent", lambda: check(researcher.run("2+2?")))
