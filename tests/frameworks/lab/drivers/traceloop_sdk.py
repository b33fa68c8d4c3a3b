"""Traceloop's own decorators, round OpenAI's client."""

import asyncio
import os

from clients import QUESTION, functions
from lab import FAST, GREAT

PACKAGES = ["traceloop-sdk", "openai", "openinference-instrumentation-openai"]


def native(lab):
    _init(set())


def _init(instruments):
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    from traceloop.sdk import Traceloop

    os.environ["TRACELOOP_METRICS_ENABLED"] = "false"
    Traceloop.init(
        "lab",
        disable_batch=True,
        processor=SimpleSpanProcessor(InMemorySpanExporter()),
        instruments=instruments,
    )


def _tl_sdk(lab):
    from traceloop.sdk.instruments import Instruments

    _init({Instruments.OPENAI})


def _oi_sdk(lab):
    from openinference.instrumentation.openai import OpenAIInstrumentor

    native(lab)
    OpenAIInstrumentor().instrument(tracer_provider=lab.provider)


INSTRUMENT = {"tl-sdk": _tl_sdk, "oi-sdk": _oi_sdk}


def run(lab):
    import json

    from openai import AsyncOpenAI, OpenAI
    from traceloop.sdk.decorators import agent, tool, workflow

    client, aclient = OpenAI(max_retries=0), AsyncOpenAI(max_retries=0)
    search = tool(name="search")(lab.search)
    calculator = tool(name="calculator")(lab.calculator)
    offered = [
        *functions(),
        {"type": "function", "function": {"name": "ask_researcher", "parameters": {}}},
    ]
    found = {"search": search, "calculator": calculator}

    def called(messages, calls):
        messages.append({"role": "assistant", "content": "", "tool_calls": calls})
        for call in calls:
            function = call["function"]
            try:
                result = found[function["name"]](**json.loads(function["arguments"]))
            except Exception as error:
                if lab.scenario != "tool_error":
                    raise
                result = str(error)
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": result})

    def work(question, model):
        messages = [{"role": "user", "content": question}]
        while True:
            asked = {"model": model, "messages": messages, "tools": offered}
            if lab.scenario == "streaming":
                chunks = client.chat.completions.create(
                    **asked, stream=True, stream_options={"include_usage": True}
                )
                calls = [
                    call.model_dump(exclude={"index"})
                    for chunk in chunks
                    for choice in chunk.choices
                    for call in choice.delta.tool_calls or []
                ]
            else:
                message = client.chat.completions.create(**asked).choices[0].message
                calls = [call.model_dump() for call in message.tool_calls or []]
            if not calls:
                return "4"
            called(messages, calls)

    @agent(name="research_agent")
    def research(question):
        return work(question, FAST)

    @agent(name="research_agent")
    async def research_later(question):
        messages = [{"role": "user", "content": question}]
        while True:
            asked = {"model": FAST, "messages": messages, "tools": offered}
            message = (await aclient.chat.completions.create(**asked)).choices[0].message
            calls = [call.model_dump() for call in message.tool_calls or []]
            if not calls:
                return "4"
            called(messages, calls)

    @tool(name="ask_researcher")
    def ask_researcher(query):
        lab.called("ask_researcher")
        return research(query)

    found["ask_researcher"] = ask_researcher

    @agent(name="supervisor")
    def supervise(question):
        return work(question, GREAT)

    @workflow(name="pipeline")
    def pipeline(question):
        return research(question)

    @workflow(name="pipeline")
    def plain(question):
        return work(question, FAST)

    if lab.scenario == "nested":
        lab.attempt("supervisor", lambda: supervise(QUESTION), ("research_agent", "nested"))
    elif lab.scenario == "many":
        lab.many("research_agent", research_later)
    elif lab.scenario == "async":
        lab.attempt("research_agent", lambda: asyncio.run(research_later(QUESTION)))
    elif lab.scenario == "pipeline":
        lab.also_named.append("pipeline")
        lab.attempt("research_agent", lambda: pipeline(QUESTION))
    elif lab.scenario == "workflow":
        lab.attempt("pipeline", lambda: plain(QUESTION))
    else:
        lab.attempt("research_agent", lambda: research(QUESTION))
