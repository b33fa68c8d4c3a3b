"""haystack agents, with each of their instrumentations."""

from lab import FAST, GREAT

PACKAGES = [
    "haystack-ai",
    "openinference-instrumentation-haystack",
    "opentelemetry-instrumentation-haystack",
]


def native(lab):
    from haystack import tracing
    from haystack_integrations.tracing.opentelemetry import OpenTelemetryTracer

    tracing.enable_tracing(OpenTelemetryTracer(lab.provider.get_tracer("haystack")))


def _oi(lab):
    from openinference.instrumentation.haystack import HaystackInstrumentor

    HaystackInstrumentor().instrument(tracer_provider=lab.provider)


def _tl(lab):
    from opentelemetry.instrumentation.haystack import HaystackInstrumentor

    HaystackInstrumentor().instrument(tracer_provider=lab.provider)


def _oi_sdk(lab):
    from openinference.instrumentation.openai import OpenAIInstrumentor

    OpenAIInstrumentor().instrument(tracer_provider=lab.provider)


INSTRUMENT = {"openinference": _oi, "traceloop": _tl, "oi-sdk": _oi_sdk}


def run(lab):
    from haystack import Pipeline
    from haystack.components.agents import Agent
    from haystack.components.generators.chat import OpenAIChatGenerator
    from haystack.dataclasses import ChatMessage
    from haystack.tools import create_tool_from_function

    def generator(name):
        return OpenAIChatGenerator(model=name, max_retries=0)

    def search(query: str) -> str:
        """Search."""
        return lab.search(query)

    def calculator(expression: str) -> str:
        """Calculate."""
        return lab.calculator(expression)

    def agent(model, functions):
        return Agent(
            chat_generator=generator(model), tools=[create_tool_from_function(f) for f in functions]
        )

    researcher = agent(FAST, [search, calculator])
    messages = [ChatMessage.from_user("2+2?")]
    if lab.scenario == "nested":

        def ask_researcher(query: str) -> str:
            """Delegate."""
            lab.called("ask_researcher")
            return researcher.run(messages=messages)["messages"][-1].text

        boss = agent(GREAT, [ask_researcher])
        lab.attempt("agent", lambda: boss.run(messages=messages), ("agent", "nested"))
    elif lab.scenario == "pipeline":
        pipe = Pipeline()
        pipe.add_component("research_agent", researcher)
        lab.attempt("research_agent", lambda: pipe.run({"research_agent": {"messages": messages}}))
    else:
        lab.attempt("agent", lambda: researcher.run(messages=messages))
