"""A real agent framework under the decorator: every count equals what the driver itself kept."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import pytest
from opentelemetry.sdk.trace import TracerProvider
from prometheus_client.parser import text_string_to_metric_families
from pydantic_ai import (
    Agent,
    ModelMessage,
    ModelResponse,
    ModelRetry,
    TextPart,
    ToolCallPart,
)
from pydantic_ai.capabilities import Instrumentation
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, DeltaToolCalls, FunctionModel
from pydantic_ai.models.instrumented import InstrumentationSettings
from pydantic_ai.usage import RequestUsage

from agent_analytics.exporters import exposition
from agent_analytics.instrumentation import agent, tenant, tool
from agent_analytics.instrumentation.tracing import use_provider
from agent_analytics.processor import AgentMetricsProcessor

INPUT_TOKENS, OUTPUT_TOKENS = 101, 17


@dataclass
class Truth:
    """What really happened, kept by the model and the tools themselves."""

    model_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    tools: Counter[str] = field(default_factory=Counter[str])

    def called(self) -> RequestUsage:
        """Note one model call and return the usage that it reports."""
        self.model_calls += 1
        usage = RequestUsage(
            input_tokens=INPUT_TOKENS + self.model_calls,
            output_tokens=OUTPUT_TOKENS + self.model_calls,
        )
        self.input_tokens += usage.input_tokens
        self.output_tokens += usage.output_tokens
        return usage


@dataclass
class Bench:
    """A provider with our processor on it, and the framework's spans routed to it or not."""

    provider: TracerProvider
    processor: AgentMetricsProcessor

    def read(self) -> dict[str, float]:
        """Return each sample as ``name{labels that matter}``: value, zeros left out."""
        text = exposition(self.processor)[0].decode()
        return {
            sample.name + "".join(f"|{sample.labels[k]}" for k in WHICH if k in sample.labels):
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.value
        }  # fmt: skip


WHICH = ("agent_id", "tool", "model", "outcome", "error_type", "kind")
PREFIX = "marketplace_agent_"


@pytest.fixture
def bench() -> Iterator[Bench]:
    """Return a fresh provider and processor that our spans go to."""
    provider = TracerProvider()
    processor = AgentMetricsProcessor(hold_seconds=0)
    provider.add_span_processor(processor)
    use_provider(provider)
    yield Bench(provider, processor)
    use_provider(None)
    provider.shutdown()


def build(bench: Bench, truth: Truth, *, instrumented: bool, decorated_tool: bool) -> Agent:
    """Return an agent that asks for a tool in its first turn and answers in its second."""

    def answer(messages: list[ModelMessage], _: AgentInfo) -> ModelResponse:
        usage = truth.called()
        if len(messages) == 1:
            return ModelResponse([ToolCallPart("search", {"query": "q"})], usage=usage)
        return ModelResponse([TextPart("done")], usage=usage)

    async def stream(
        messages: list[ModelMessage], _: AgentInfo
    ) -> AsyncIterator[str | DeltaToolCalls]:
        truth.called()
        if len(messages) == 1:
            yield {0: DeltaToolCall(name="search", json_args='{"query": "q"}')}
        else:
            yield "do"
            yield "ne"

    settings = InstrumentationSettings(tracer_provider=bench.provider)
    made = Agent(
        FunctionModel(answer, stream_function=stream, model_name="fake-1"),
        name="researcher",
        capabilities=[Instrumentation(settings)] if instrumented else [],
    )

    def search(query: str) -> str:
        truth.tools["search"] += 1
        return query

    made.tool_plain(tool(search) if decorated_tool else search)
    return made


def expected(
    truth: Truth, *, spans: bool, tools: bool, outcome: str = "success"
) -> dict[str, float]:
    """Return what the exposition must say of the driver's truth.

    Without spans of its model calls the framework still tells their usage in its result, but not
    which model they went to, nor how many there were.
    """
    model = "fake-1" if spans else "unknown"
    counts = {
        f"{PREFIX}invocations_total|researcher|{outcome}": 1.0,
        f"{PREFIX}input_tokens_total|researcher|{model}": truth.input_tokens,
        f"{PREFIX}output_tokens_total|researcher|{model}": truth.output_tokens,
    }
    if spans:
        counts[f"{PREFIX}inference_calls_total|researcher|fake-1|success"] = truth.model_calls
    if tools:
        counts[f"{PREFIX}tool_calls_total|researcher|search|success"] = truth.tools["search"]
    return {key: float(value) for key, value in counts.items()}


def told(bench: Bench) -> dict[str, float]:
    """Return the counters that ``expected`` speaks of."""
    families = ("invocations_total", "_tokens_total", "inference_calls_total", "tool_calls_total")
    return {
        key: value
        for key, value in bench.read().items()
        if key.startswith(PREFIX)
        and any(name in key for name in families)
        and "unpriced" not in key
    }


@pytest.mark.parametrize("instrumented", [True, False], ids=["instrumented", "plain"])
@pytest.mark.parametrize("decorated_tool", [True, False], ids=["tool", "bare-tool"])
def test_one_run_is_one_invocation(
    bench: Bench, *, instrumented: bool, decorated_tool: bool
) -> None:
    """One run, its tool call and its tokens count once, whoever else records them too."""
    truth = Truth()
    researcher = build(bench, truth, instrumented=instrumented, decorated_tool=decorated_tool)

    @agent(publisher_id="acme", agent_id="researcher", price_usd="0.05")
    async def research(question: str) -> object:
        return await researcher.run(question)

    with tenant("t-1"):
        asyncio.run(research("why?"))

    assert truth.model_calls == 2
    assert told(bench) == expected(truth, spans=instrumented, tools=instrumented or decorated_tool)
    assert bench.read()[f"{PREFIX}revenue_usd_total|researcher"] == 0.05


def test_streamed_run_lasts_until_its_end(bench: Bench) -> None:
    """A streamed run is one invocation with a time to first chunk."""
    truth = Truth()
    researcher = build(bench, truth, instrumented=True, decorated_tool=False)

    @agent(publisher_id="acme", agent_id="researcher")
    async def research(question: str) -> AsyncIterator[str]:
        async with researcher.run_stream(question) as run:
            async for text in run.stream_text(delta=True):
                yield text

    async def use() -> str:
        return "".join([chunk async for chunk in research("why?")])

    assert asyncio.run(use()) == "done"
    seen = bench.read()
    assert seen[f"{PREFIX}invocations_total|researcher|success"] == 1
    assert seen[f"{PREFIX}inference_calls_total|researcher|fake-1|success"] == truth.model_calls
    assert seen[f"{PREFIX}tool_calls_total|researcher|search|success"] == truth.tools["search"] == 1
    assert seen[f"{PREFIX}time_to_first_chunk_seconds_count|researcher"] == 1


def test_failing_tool_is_not_a_failing_agent(bench: Bench) -> None:
    """A tool error that the framework hands back to the model leaves the run a success."""
    failures = 0

    def answer(messages: list[ModelMessage], _: AgentInfo) -> ModelResponse:
        if len(messages) == 1:
            return ModelResponse([ToolCallPart("search", {"query": "q"})])
        return ModelResponse([TextPart("sorry")])

    settings = InstrumentationSettings(tracer_provider=bench.provider)
    researcher = Agent(
        FunctionModel(answer, model_name="fake-1"),
        name="researcher",
        capabilities=[Instrumentation(settings)],
    )

    @researcher.tool_plain
    @tool
    def search(query: str) -> str:
        nonlocal failures
        failures += 1
        raise ModelRetry(query)

    @agent(publisher_id="acme", agent_id="researcher")
    async def research(question: str) -> str:
        return (await researcher.run(question)).output

    assert asyncio.run(research("why?")) == "sorry"
    seen = bench.read()
    assert failures == 1
    assert seen[f"{PREFIX}invocations_total|researcher|success"] == 1
    assert seen[f"{PREFIX}tool_calls_total|researcher|search|error"] == failures
    assert f"{PREFIX}tool_calls_total|researcher|search|success" not in seen


def test_hundred_runs_at_once(bench: Bench) -> None:
    """Runs that overlap in one event loop keep their tool calls and tokens apart and complete."""
    truth = Truth()
    researcher = build(bench, truth, instrumented=True, decorated_tool=True)

    @agent(publisher_id="acme", agent_id="researcher")
    async def research(question: str) -> object:
        return await researcher.run(question)

    async def use() -> None:
        await asyncio.gather(*(research(f"question {number}") for number in range(100)))

    asyncio.run(use())
    seen = told(bench)
    assert truth.model_calls == 200
    assert seen == {
        **expected(truth, spans=True, tools=True),
        f"{PREFIX}invocations_total|researcher|success": 100.0,
    }
