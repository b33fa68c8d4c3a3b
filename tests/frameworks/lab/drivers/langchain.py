"""langchain and langgraph, with each of their instrumentations."""

import asyncio

from lab import FAST, GREAT, ToolBoomError
from langsmith_export import export, exported

PACKAGES = [
    "langchain",
    "langgraph",
    "langchain-openai",
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


def _oi_sdk(lab):
    from openinference.instrumentation.openai import OpenAIInstrumentor

    OpenAIInstrumentor().instrument(tracer_provider=lab.provider)


def _otel_sdk(lab):
    from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor

    OpenAIInstrumentor().instrument(tracer_provider=lab.provider)


def _tl_sdk(lab):
    from opentelemetry.instrumentation.openai import OpenAIInstrumentor

    OpenAIInstrumentor().instrument(tracer_provider=lab.provider)


INSTRUMENT = {
    "openinference": _oi,
    "traceloop": _tl,
    "otel-genai": _otel,
    "oi-sdk": _oi_sdk,
    "otel-sdk": _otel_sdk,
    "tl-sdk": _tl_sdk,
    "langsmith": export,
}


def run(lab):
    _run(lab)
    exported()


def _run(lab):
    from langchain_core.tools import tool
    from langchain_openai import ChatOpenAI

    try:
        from langchain.agents import create_agent
    except ImportError:  # before 1.0
        from langgraph.prebuilt import create_react_agent as create_agent

    def model(name):
        return ChatOpenAI(model=name, max_retries=0, stream_usage=True)

    search, calculator, slow = tool(lab.search), tool(lab.calculator), tool(lab.slow)
    tools = [search, calculator] + ([slow] if lab.scenario == "cancelled" else [])
    question = {"messages": [{"role": "user", "content": "what is 2+2?"}]}
    config = {"configurable": {"thread_id": "thread-7"}, "metadata": {"session_id": "sess-9"}}
    if lab.scenario == "plain_graph":
        lab.api.plans = {}
        from langgraph.graph import END, START, StateGraph

        graph = StateGraph(dict)
        graph.add_node("agent", lambda s: s)
        graph.add_node("b", lambda s: s)
        graph.add_edge(START, "agent")
        graph.add_edge("agent", "b")
        graph.add_edge("b", END)
        graph.compile(name="pipeline").invoke({"x": 1})
        return
    if lab.scenario == "chain":
        lab.api.plans = {}
        from langchain_core.prompts import ChatPromptTemplate

        (ChatPromptTemplate.from_template("say {x}") | model(FAST)).invoke({"x": "hi"})
        return
    if lab.scenario == "graph_with_agent":
        from langgraph.graph import END, START, MessagesState, StateGraph

        graph = StateGraph(MessagesState)
        graph.add_node("before", lambda _: {})
        graph.add_node("research_agent", create_agent(model(FAST), tools, name="research_agent"))
        graph.add_edge(START, "before")
        graph.add_edge("before", "research_agent")
        graph.add_edge("research_agent", END)
        lab.attempt("research_agent", lambda: graph.compile(name="pipeline").invoke(question))
        return
    if lab.scenario == "prebuilt":
        from langgraph.prebuilt import create_react_agent

        researcher = create_react_agent(model(FAST), tools, name="research_agent")
        lab.attempt("research_agent", lambda: researcher.invoke(question, config))
        return
    if lab.scenario == "unnamed":
        researcher = create_agent(model(FAST), tools)
        lab.also_named.append("unknown")
        lab.attempt("LangGraph", lambda: researcher.invoke(question, config))
        return
    researcher = create_agent(model(FAST), tools, name="research_agent")
    if lab.scenario == "nested":

        @tool
        def ask_researcher(query: str) -> str:
            """Delegate."""
            lab.called("ask_researcher")
            return researcher.invoke(question)["messages"][-1].content

        boss = create_agent(model(GREAT), [ask_researcher], name="supervisor")
        lab.attempt(
            "supervisor", lambda: boss.invoke(question, config), ("research_agent", "nested")
        )
    elif lab.scenario == "streaming":
        lab.attempt(
            "research_agent",
            lambda: [None for _ in researcher.stream(question, config, stream_mode="messages")],
        )
    elif lab.scenario == "many":
        lab.many("research_agent", lambda _: researcher.ainvoke(question, config))
    elif lab.scenario == "async":
        lab.attempt("research_agent", lambda: asyncio.run(researcher.ainvoke(question, config)))
    elif lab.scenario == "cancelled":

        async def cancel():
            task = asyncio.create_task(researcher.ainvoke(question, config))
            await asyncio.sleep(1.5)
            task.cancel()
            await task

        lab.attempt("research_agent", lambda: asyncio.run(cancel()))
    elif lab.scenario == "tool_error_handled":
        from langchain.agents.middleware import wrap_tool_call
        from langchain_core.messages import ToolMessage

        @wrap_tool_call
        def guard(request, handler):
            try:
                return handler(request)
            except ToolBoomError as e:
                return ToolMessage(
                    content=f"failed {e}", tool_call_id=request.tool_call["id"], status="error"
                )

        researcher = create_agent(model(FAST), tools, name="research_agent", middleware=[guard])
        lab.attempt("research_agent", lambda: researcher.invoke(question, config))
    else:
        lab.attempt("research_agent", lambda: researcher.invoke(question, config))
