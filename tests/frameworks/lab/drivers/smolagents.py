"""smolagents, with each of its instrumentations."""

from typing import ClassVar

from lab import FAST, GREAT

PACKAGES = [
    "smolagents",
    "openinference-instrumentation-smolagents",
    "opentelemetry-instrumentation-genai-smolagents",
]


def _oi(lab):
    from openinference.instrumentation.smolagents import SmolagentsInstrumentor

    SmolagentsInstrumentor().instrument(tracer_provider=lab.provider)


def _otel(lab):
    from opentelemetry.instrumentation.genai.smolagents import SmolagentsInstrumentor

    SmolagentsInstrumentor().instrument(tracer_provider=lab.provider)


def _oi_sdk(lab):
    from openinference.instrumentation.openai import OpenAIInstrumentor

    OpenAIInstrumentor().instrument(tracer_provider=lab.provider)


def _otel_sdk(lab):
    from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor

    OpenAIInstrumentor().instrument(tracer_provider=lab.provider)


INSTRUMENT = {"openinference": _oi, "otel-genai": _otel, "oi-sdk": _oi_sdk, "otel-sdk": _otel_sdk}


def run(lab):
    from smolagents import CodeAgent, OpenAIServerModel, Tool, ToolCallingAgent

    class SearchTool(Tool):
        name = "search"
        description = "search the web"
        inputs: ClassVar = {"query": {"type": "string", "description": "q"}}
        output_type = "string"

        def forward(self, query: str) -> str:
            return lab.search(query)

    class CalculatorTool(Tool):
        name = "calculator"
        description = "calculate"
        inputs: ClassVar = {"expression": {"type": "string", "description": "e"}}
        output_type = "string"

        def forward(self, expression: str) -> str:
            return lab.calculator(expression)

    def model(name):
        return OpenAIServerModel(
            model_id=name, api_base=lab.api.base_url, api_key="x", client_kwargs={"max_retries": 0}
        )

    lab.notes.append("final_answer is a tool of the framework: a call of it ends a run")
    final = "final_answer"
    researcher = ToolCallingAgent(
        tools=[SearchTool(), CalculatorTool()],
        model=model(FAST),
        name="research_agent",
        description="r",
        max_steps=6,
        stream_outputs=lab.scenario == "streaming",
        verbosity_level=0,
    )
    if lab.scenario == "nested":
        lab.api.plans = {GREAT: [["research_agent"]], FAST: [["search"], ["calculator"]]}
        from model_api import ARGUMENTS

        ARGUMENTS["research_agent"] = {"task": "help", "additional_args": {}}
        boss = ToolCallingAgent(
            tools=[],
            managed_agents=[researcher],
            model=model(GREAT),
            name="supervisor",
            max_steps=6,
            verbosity_level=0,
        )
        lab.attempt("supervisor", lambda: boss.run("what is 2+2?"), ("research_agent", "nested"))
        lab.called(final)
        lab.called(final)
    elif lab.scenario == "streaming":
        lab.attempt(
            "research_agent", lambda: [None for _ in researcher.run("what is 2+2?", stream=True)]
        )
        lab.called(final)
    elif lab.scenario == "unnamed":
        researcher = ToolCallingAgent(
            tools=[SearchTool(), CalculatorTool()],
            model=model(FAST),
            max_steps=6,
            verbosity_level=0,
        )
        lab.attempt("ToolCallingAgent", lambda: researcher.run("what is 2+2?"))
        lab.called(final)
    elif lab.scenario == "code":
        lab.api.plans = {}
        lab.api.answer = (
            "Thought: go\n<code>\nx = search(query='a')\ny = calculator(expression='2+2')\n"
            "final_answer(y)\n</code>"
        )
        coder = CodeAgent(
            tools=[SearchTool(), CalculatorTool()],
            model=model(FAST),
            name="research_agent",
            max_steps=6,
            verbosity_level=0,
        )
        lab.attempt("research_agent", lambda: coder.run("what is 2+2?"))
        lab.called(final)
    else:
        lab.attempt("research_agent", lambda: researcher.run("what is 2+2?"))
        if lab.agents[-1]["outcome"] == "ok" and not lab.scenario.startswith("tool_error"):
            lab.called(final)
