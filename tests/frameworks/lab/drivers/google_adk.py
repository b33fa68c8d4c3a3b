"""google-adk: native spans; the model through litellm."""

import asyncio

from lab import FAST, GREAT

PACKAGES = ["google-adk", "litellm", "openinference-instrumentation-google-adk"]


def _oi(lab):
    from openinference.instrumentation.google_adk import GoogleADKInstrumentor

    GoogleADKInstrumentor().instrument(tracer_provider=lab.provider)


def _oi_litellm(lab):
    from openinference.instrumentation.litellm import LiteLLMInstrumentor

    LiteLLMInstrumentor().instrument(tracer_provider=lab.provider)


INSTRUMENT = {"openinference": _oi, "oi-litellm": _oi_litellm}


def run(lab):
    import litellm

    litellm.num_retries = 0
    from google.adk.agents import LlmAgent, ParallelAgent, SequentialAgent
    from google.adk.agents.run_config import RunConfig, StreamingMode
    from google.adk.models.lite_llm import LiteLlm
    from google.adk.runners import InMemoryRunner
    from google.genai import types

    def model(name):
        return LiteLlm(
            model="openai/" + name, api_base=lab.api.base_url, api_key="x", num_retries=0
        )

    async def go(agent, **config):
        runner = InMemoryRunner(agent=agent, app_name="app")
        session = await runner.session_service.create_session(app_name="app", user_id="u")
        failed = None
        async for event in runner.run_async(
            user_id="u",
            session_id=session.id,
            new_message=types.Content(role="user", parts=[types.Part(text="what is 2+2?")]),
            **config,
        ):
            failed = event.error_code or failed
        if failed:
            raise RuntimeError(failed)

    tools = [lab.search, lab.calculator] + ([lab.slow] if lab.scenario == "cancelled" else [])
    researcher = LlmAgent(name="research_agent", model=model(FAST), instruction="help", tools=tools)
    if lab.scenario == "nested":
        from google.adk.tools.agent_tool import AgentTool

        lab.api.plans = {GREAT: [["research_agent"]], FAST: [["search"], ["calculator"]]}
        from model_api import ARGUMENTS

        ARGUMENTS["research_agent"] = {"request": "help"}
        boss = LlmAgent(
            name="supervisor",
            model=model(GREAT),
            instruction="delegate",
            tools=[AgentTool(researcher)],
        )
        lab.called("research_agent")
        lab.attempt("supervisor", lambda: asyncio.run(go(boss)), ("research_agent", "nested"))
    elif lab.scenario == "nested_function":
        lab.api.plans = {GREAT: [["ask_researcher"]], FAST: [["search"], ["calculator"]]}

        async def ask_researcher(query: str) -> str:
            """Delegate."""
            lab.called("ask_researcher")
            await go(researcher)
            return "4"

        boss = LlmAgent(
            name="supervisor", model=model(GREAT), instruction="delegate", tools=[ask_researcher]
        )
        lab.attempt("supervisor", lambda: asyncio.run(go(boss)), ("research_agent", "nested"))
    elif lab.scenario == "handoff":
        lab.api.plans = {GREAT: [["transfer_to_agent"]], FAST: [["search"], ["calculator"]]}
        from model_api import ARGUMENTS

        ARGUMENTS["transfer_to_agent"] = {"agent_name": "research_agent"}
        boss = LlmAgent(
            name="triage", model=model(GREAT), instruction="delegate", sub_agents=[researcher]
        )
        lab.notes.append("transfer_to_agent is a handoff")
        lab.attempt("triage", lambda: asyncio.run(go(boss)), ("research_agent", "handoff"))
    elif lab.scenario == "sequential":
        second = LlmAgent(name="writer", model=model(GREAT), instruction="write")
        lab.attempt(
            "pipeline",
            lambda: asyncio.run(
                go(SequentialAgent(name="pipeline", sub_agents=[researcher, second]))
            ),
            ("research_agent", "member"),
            ("writer", "member"),
        )
    elif lab.scenario == "parallel_agents":
        lab.api.plans = {}
        second = LlmAgent(name="writer", model=model(GREAT), instruction="write")
        lab.attempt(
            "pipeline",
            lambda: asyncio.run(
                go(ParallelAgent(name="pipeline", sub_agents=[researcher, second]))
            ),
            ("research_agent", "member"),
            ("writer", "member"),
        )
    elif lab.scenario == "streaming":
        lab.attempt(
            "research_agent",
            lambda: asyncio.run(
                go(researcher, run_config=RunConfig(streaming_mode=StreamingMode.SSE))
            ),
        )
    elif lab.scenario == "cancelled":

        async def cancel():
            task = asyncio.create_task(go(researcher))
            await asyncio.sleep(4)
            task.cancel()
            await task

        lab.attempt("research_agent", lambda: asyncio.run(cancel()))
    else:
        lab.attempt("research_agent", lambda: asyncio.run(go(researcher)))
