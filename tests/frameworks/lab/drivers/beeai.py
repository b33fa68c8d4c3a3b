"""beeai-framework with OpenInference."""

import asyncio
import json

from lab import FAST

PACKAGES = ["beeai-framework", "openinference-instrumentation-beeai"]


def _oi(lab):
    from openinference.instrumentation.beeai import BeeAIInstrumentor

    BeeAIInstrumentor().instrument(tracer_provider=lab.provider)


INSTRUMENT = {"openinference": _oi}


def run(lab):
    from beeai_framework.agents.requirement import RequirementAgent
    from beeai_framework.backend import ChatModel
    from beeai_framework.tools import tool

    def search(query: str) -> str:
        """Search the web."""
        return lab.search(query)

    def calculator(expression: str) -> str:
        """Calculate."""
        return lab.calculator(expression)

    # The framework asks for the last call as JSON, not as a tool call.
    item = {"name": "final_answer", "parameters": {"response": "4"}}
    lab.api.answer = json.dumps({"item": item})
    llm = ChatModel.from_name("openai:" + FAST)
    agent = RequirementAgent(
        name="research_agent",
        llm=llm,
        tools=[tool(search), tool(calculator)],
    )

    async def go():
        return await agent.run("2+2?")

    lab.attempt("research_agent", lambda: asyncio.run(go()))
    lab.notes.append("final_answer is a tool of the framework: a call of it ends a run")
    if lab.agents[-1]["outcome"] == "ok":
        lab.called("final_answer")
