"""autogen-agentchat: native spans, OpenInference."""

import asyncio

from lab import FAST, GREAT

PACKAGES = ["autogen-agentchat", "autogen-ext", "openinference-instrumentation-autogen-agentchat"]


def native(lab):
    pass


def _oi(lab):
    from openinference.instrumentation.autogen_agentchat import AutogenAgentChatInstrumentor

    AutogenAgentChatInstrumentor().instrument(tracer_provider=lab.provider)


def _sdk(lab):
    from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor

    OpenAIInstrumentor().instrument(tracer_provider=lab.provider)


def _oi_sdk(lab):
    from openinference.instrumentation.openai import OpenAIInstrumentor

    OpenAIInstrumentor().instrument(tracer_provider=lab.provider)


INSTRUMENT = {"openinference": _oi, "otel-sdk": _sdk, "oi-sdk": _oi_sdk}


def run(lab):
    from autogen_agentchat.agents import AssistantAgent
    from autogen_agentchat.conditions import (
        MaxMessageTermination,
        TextMentionTermination,
    )
    from autogen_agentchat.teams import RoundRobinGroupChat, Swarm
    from autogen_agentchat.tools import AgentTool
    from autogen_ext.models.openai import OpenAIChatCompletionClient

    streamed = lab.scenario == "streaming"

    def model(name):
        return OpenAIChatCompletionClient(
            model=name,
            max_retries=0,
            parallel_tool_calls=lab.scenario == "parallel",
            # Without this the API does not tell what a streamed answer cost.
            **({"stream_options": {"include_usage": True}} if streamed else {}),
        )

    tools = [lab.search, lab.calculator] + ([lab.slow] if lab.scenario == "cancelled" else [])
    researcher = AssistantAgent(
        "research_agent",
        model(FAST),
        tools=tools,
        max_tool_iterations=5,
        description="r",
        model_client_stream=streamed,
    )
    if lab.scenario == "nested":
        lab.api.plans = {GREAT: [["research_agent"]], FAST: [["search"], ["calculator"]]}
        from model_api import ARGUMENTS

        ARGUMENTS["research_agent"] = {"task": "help"}
        boss = AssistantAgent(
            "supervisor", model(GREAT), tools=[AgentTool(researcher)], max_tool_iterations=5
        )
        lab.called("research_agent")
        lab.attempt(
            "supervisor", lambda: asyncio.run(boss.run(task="2+2?")), ("research_agent", "nested")
        )
    elif lab.scenario == "team":
        writer = AssistantAgent("writer", model(GREAT), description="w")
        lab.api.plans = {FAST: [["search"], ["calculator"]]}
        team = RoundRobinGroupChat(
            [researcher, writer], termination_condition=MaxMessageTermination(3)
        )
        lab.attempt(
            "team",
            lambda: asyncio.run(team.run(task="2+2?")),
            ("research_agent", "member"),
            ("writer", "member"),
        )
    elif lab.scenario == "handoff":
        lab.api.plans = {
            GREAT: [["transfer_to_research_agent"]],
            FAST: [["search"], ["calculator"]],
        }
        from model_api import ARGUMENTS

        ARGUMENTS["transfer_to_research_agent"] = {}
        lab.api.answer = "TERMINATE"
        triage = AssistantAgent(
            "triage", model(GREAT), handoffs=["research_agent"], description="t"
        )
        team = Swarm(
            [triage, researcher], termination_condition=TextMentionTermination("TERMINATE")
        )
        lab.attempt(
            "triage", lambda: asyncio.run(team.run(task="2+2?")), ("research_agent", "handoff")
        )
    elif lab.scenario == "streaming":

        async def stream():
            async for _ in researcher.run_stream(task="2+2?"):
                pass

        lab.attempt("research_agent", lambda: asyncio.run(stream()))
    elif lab.scenario == "cancelled":

        async def cancel():
            task = asyncio.create_task(researcher.run(task="x"))
            await asyncio.sleep(1.5)
            task.cancel()
            await task

        lab.attempt("research_agent", lambda: asyncio.run(cancel()))
    else:
        lab.attempt("research_agent", lambda: asyncio.run(researcher.run(task="2+2?")))
