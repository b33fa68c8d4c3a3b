"""Semantic Kernel: native spans (experimental, switched on by environment)."""

import asyncio
import os
from collections import Counter

from lab import FAST, GREAT

os.environ["SEMANTICKERNEL_EXPERIMENTAL_GENAI_ENABLE_OTEL_DIAGNOSTICS"] = "true"
PACKAGES = ["semantic-kernel"]


def native(lab):
    pass


def _oi_sdk(lab):
    from openinference.instrumentation.openai import OpenAIInstrumentor

    OpenAIInstrumentor().instrument(tracer_provider=lab.provider)


INSTRUMENT = {"oi-sdk": _oi_sdk}


def run(lab):
    from openai import AsyncOpenAI
    from semantic_kernel.agents import ChatCompletionAgent
    from semantic_kernel.connectors.ai.open_ai import OpenAIChatCompletion
    from semantic_kernel.functions import kernel_function

    class Tools:
        @kernel_function(name="search", description="s")
        def search(self, query: str) -> str:
            return lab.search(query)

        @kernel_function(name="calculator", description="c")
        def calculator(self, expression: str) -> str:
            return lab.calculator(expression)

    lab.api.plans = {
        m: [[f"lab-{t}" for t in turn] if turn != "error" else turn for turn in turns]
        for m, turns in lab.api.plans.items()
    }
    from model_api import ARGUMENTS

    ARGUMENTS["lab-search"] = ARGUMENTS["search"]
    ARGUMENTS["lab-calculator"] = ARGUMENTS["calculator"]
    ARGUMENTS["lab-ask_researcher"] = {"query": "help"}

    def agent(name, model, plugins):
        service = OpenAIChatCompletion(ai_model_id=model, async_client=AsyncOpenAI(max_retries=0))
        from semantic_kernel import Kernel

        kernel = Kernel()
        kernel.add_service(service)
        for plugin in plugins:
            kernel.add_plugin(plugin, plugin_name="lab")
        return ChatCompletionAgent(kernel=kernel, name=name, instructions="help")

    researcher = agent("research_agent", FAST, [Tools()])
    if lab.scenario == "nested":

        class Boss:
            @kernel_function(name="ask_researcher", description="d")
            async def ask_researcher(self, query: str) -> str:
                lab.called("ask_researcher")
                return str(await researcher.get_response(messages=query))

        boss = agent("supervisor", GREAT, [Boss()])
        lab.attempt(
            "supervisor",
            lambda: asyncio.run(boss.get_response(messages="2+2?")),
            ("research_agent", "nested"),
        )
    elif lab.scenario == "streaming":

        async def stream():
            async for _ in researcher.invoke_stream(messages="2+2?"):
                pass

        lab.attempt("research_agent", lambda: asyncio.run(stream()))
    else:
        lab.attempt("research_agent", lambda: asyncio.run(researcher.get_response(messages="2+2?")))
    lab.notes.append("tools are named by their plugin, too")
    lab.tools = Counter({(f"lab-{name}", outcome): n for (name, outcome), n in lab.tools.items()})
