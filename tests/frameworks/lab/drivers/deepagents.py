"""deepagents, with the instrumentations of langchain, and LangSmith's export."""

from lab import FAST, GREAT
from langsmith_export import export, exported

PACKAGES = [
    "deepagents",
    "langchain",
    "langsmith",
    "openinference-instrumentation-langchain",
    "opentelemetry-instrumentation-langchain",
    "opentelemetry-instrumentation-genai-langchain",
]


def _oi(lab):
    from openinference.instrumentation.langchain import LangChainInstrumentor

    LangChainInstrumentor().instrument(tracer_provider=lab.provider)


def _tl(lab):
    from opentelemetry.instrumentation.langchain import LangchainInstrumentor

    LangchainInstrumentor().instrument(tracer_provider=lab.provider)


def _otel(lab):
    from opentelemetry.instrumentation.genai.langchain import LangChainInstrumentor

    LangChainInstrumentor().instrument(tracer_provider=lab.provider)


INSTRUMENT = {"openinference": _oi, "traceloop": _tl, "otel-genai": _otel, "langsmith": export}


def run(lab):
    from deepagents import create_deep_agent
    from langchain.tools import tool
    from langchain_openai import ChatOpenAI

    def model(name):
        return ChatOpenAI(model=name, max_retries=0, stream_usage=True)

    tools = [tool(lab.search), tool(lab.calculator)]
    question = {"messages": [{"role": "user", "content": "what is 2+2?"}]}
    if lab.scenario == "nested":
        from model_api import ARGUMENTS

        ARGUMENTS["task"] = {"description": "help", "subagent_type": "research_agent"}
        lab.api.plans = {GREAT: [["task"]], FAST: [["search"], ["calculator"]]}
        researcher = {
            "name": "research_agent",
            "description": "researches",
            "system_prompt": "help",
            "tools": tools,
            "model": model(FAST),
        }
        boss = create_deep_agent(
            model=model(GREAT), tools=[], subagents=[researcher], name="supervisor"
        )
        lab.called("task")
        lab.attempt("supervisor", lambda: boss.invoke(question), ("research_agent", "nested"))
    else:
        agent = create_deep_agent(model=model(FAST), tools=tools, name="research_agent")
        if lab.scenario == "streaming":
            lab.attempt(
                "research_agent",
                lambda: [None for _ in agent.stream(question, stream_mode="messages")],
            )
        elif lab.scenario == "many":
            lab.many("research_agent", lambda _: agent.ainvoke(question))
        else:
            lab.attempt("research_agent", lambda: agent.invoke(question))
    exported()
