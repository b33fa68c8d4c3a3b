"""beeai-framework with OpenInference."""

import asyncio

from lab import FAST

PACKAGES = ["beeai-framework", "openinference-instrumentation-beeai"]


def _oi(lab):
    from openinference.instrumentation.beeai import BeeAIInstrumentor

    BeeAIInstrumentor().instrument(tracer_provider=lab.provider)


INSTRUMENT = {"openinference": _oi}


def run(lab):
    from beeai_framework.agents.tool_calling import ToolCallingAgent
    from beeai_framework.backend import ChatModel
    from beeai_framework.memory import UnconstrainedMemory
    from beeai_framework.tools import tool

    search, calculator = tool(lab.search), tool(lab.calculator)
    llm = ChatModel.from_name("openai:" + FAST)
    agent = ToolCallingAgent(llm=llm, memory=UnconstrainedMemory(), tools=[search, calculator])

    async def go():
        return await agent.run("2+2?")

    lab.attempt("ToolCallingAgent", lambda: asyncio.run(go()))
