"""agentscope: its own middleware for tracing, LoongSuite's, and beside those of the SDK."""

import asyncio

from lab import FAST, GREAT

PACKAGES = ["agentscope", "loongsuite-instrumentation-agentscope"]
SETTINGS = {"own": True}


def native(lab):
    pass


def _loongsuite(lab):
    from opentelemetry.instrumentation.agentscope import AgentScopeInstrumentor

    SETTINGS["own"] = False
    AgentScopeInstrumentor().instrument(tracer_provider=lab.provider)


def _oi_sdk(lab):
    from openinference.instrumentation.openai import OpenAIInstrumentor

    OpenAIInstrumentor().instrument(tracer_provider=lab.provider)


INSTRUMENT = {"loongsuite": _loongsuite, "oi-sdk": _oi_sdk}


def run(lab):
    from agentscope.agent import Agent
    from agentscope.credential import OpenAICredential
    from agentscope.message import UserMsg
    from agentscope.middleware import TracingMiddleware
    from agentscope.model import OpenAIChatModel
    from agentscope.permission import PermissionContext, PermissionMode
    from agentscope.state import AgentState
    from agentscope.tool import FunctionTool, Toolkit

    def agent(name, model, tools):
        credential = OpenAICredential(api_key="x", base_url=lab.api.base_url)
        return Agent(
            name,
            "help",
            OpenAIChatModel(
                credential,
                model,
                stream=lab.scenario == "streaming",
                max_retries=0,
                client_kwargs={"max_retries": 0},
            ),
            Toolkit(tools=[FunctionTool(one) for one in tools]),
            middlewares=[TracingMiddleware()] if SETTINGS["own"] else [],
            state=AgentState(permission_context=PermissionContext(mode=PermissionMode.BYPASS)),
        )

    async def go(one):
        return await one.reply(UserMsg("user", "what is 2+2?"))

    researcher = agent("research_agent", FAST, [lab.search, lab.calculator])
    if lab.scenario == "nested":

        async def ask_researcher(query: str) -> str:
            """Delegate."""
            lab.called("ask_researcher")
            await go(researcher)
            return "4"

        boss = agent("supervisor", GREAT, [ask_researcher])
        lab.attempt("supervisor", lambda: asyncio.run(go(boss)), ("research_agent", "nested"))
    else:
        lab.attempt("research_agent", lambda: asyncio.run(go(researcher)))
