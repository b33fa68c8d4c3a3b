"""crewai, with each of its instrumentations."""

import os
import tempfile

from lab import FAST, GREAT

os.environ.update(
    CREWAI_DISABLE_TELEMETRY="true",
    CREWAI_TRACING_ENABLED="false",
    CREWAI_DISABLE_TRACKING="true",
    CREWAI_STORAGE_DIR=tempfile.mkdtemp(),
)
PACKAGES = [
    "crewai",
    "openinference-instrumentation-crewai",
    "opentelemetry-instrumentation-crewai",
]


def _oi(lab):
    from openinference.instrumentation.crewai import CrewAIInstrumentor

    CrewAIInstrumentor().instrument(tracer_provider=lab.provider)


def _tl(lab):
    from opentelemetry.instrumentation.crewai import CrewAIInstrumentor

    CrewAIInstrumentor().instrument(tracer_provider=lab.provider)


def _oi_sdk(lab):
    from openinference.instrumentation.openai import OpenAIInstrumentor

    OpenAIInstrumentor().instrument(tracer_provider=lab.provider)


def _sdk(lab):
    from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor

    OpenAIInstrumentor().instrument(tracer_provider=lab.provider)


INSTRUMENT = {"openinference": _oi, "traceloop": _tl, "oi-sdk": _oi_sdk, "otel-sdk": _sdk}


def run(lab):
    from crewai import LLM, Agent, Crew, Process, Task
    from crewai.tools import tool

    @tool("search")
    def search(query: str) -> str:
        """Search."""
        return lab.search(query)

    @tool("calculator")
    def calculator(expression: str) -> str:
        """Calculate."""
        return lab.calculator(expression)

    def llm(name):
        return LLM(model="openai/" + name, base_url=lab.api.base_url, api_key="x", max_retries=0)

    def agent(role, model, tools=()):
        return Agent(
            role=role,
            goal="g",
            backstory="b",
            llm=llm(model),
            tools=list(tools),
            allow_delegation=False,
            max_retry_limit=0,
            verbose=False,
        )

    researcher = agent("research_agent", FAST, [search, calculator])
    task = Task(description="what is 2+2?", expected_output="4", agent=researcher)
    if lab.scenario == "team":
        writer = agent("writer", GREAT)
        second = Task(description="write", expected_output="text", agent=writer)
        crew = Crew(agents=[researcher, writer], tasks=[task, second], process=Process.sequential)
        lab.attempt("research_agent", crew.kickoff, ("writer", "member"))
    elif lab.scenario == "solo":
        lab.attempt("research_agent", lambda: researcher.kickoff("what is 2+2?"))
    else:
        crew = Crew(agents=[researcher], tasks=[task])
        lab.attempt("research_agent", crew.kickoff)
