"""What input contains, by who writes it: the same call, as each instrumentation's source writes it.

The truth of every call is what the provider bills: all that was sent, what of it was read from and
written to the cache, and all that was received. Releases that were read are named beside each.
"""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from prometheus_client.parser import text_string_to_metric_families
from tests.dialects.replay import PUBLISHER

from agent_analytics.cli._doctor import examine
from agent_analytics.exporters import exposition, start_http_server
from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor import AgentMetricsProcessor, PublicPrices
from agent_analytics.processor._dialects import read

Told = Mapping[str, Any]

CHAT = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}
LLM = {"openinference.span.kind": "LLM", "llm.model_name": "m"}
#: Fresh 12, read 1,500, written 500: 2,012 were sent; 40 were received.
FRESH, READ, WRITTEN, SENT, RECEIVED = 12, 1_500, 500, 2_012, 40
CACHE = {
    "gen_ai.usage.cache_read.input_tokens": READ,
    "gen_ai.usage.cache_creation.input_tokens": WRITTEN,
}
OI_CACHE = {
    "llm.token_count.prompt_details.cache_read": READ,
    "llm.token_count.prompt_details.cache_write": WRITTEN,
}


def used(sent: int, received: int = RECEIVED, **more: object) -> dict[str, Any]:
    """Return tokens as the conventions spell them."""
    usage = {"gen_ai.usage.input_tokens": sent, "gen_ai.usage.output_tokens": received}
    return {**usage, **{f"gen_ai.usage.{key}": value for key, value in more.items()}}


def counted(sent: int, received: int = RECEIVED, total: int | None = None) -> dict[str, Any]:
    """Return tokens as OpenInference spells them."""
    usage = {"llm.token_count.prompt": sent, "llm.token_count.completion": received}
    return usage if total is None else {**usage, "llm.token_count.total": total}


def by(provider: str, model: str = "m") -> dict[str, Any]:
    """Return a model call of a provider."""
    return {**CHAT, "gen_ai.provider.name": provider, "gen_ai.request.model": model}


#: Scope, version, attributes.
EMITTERS: Mapping[str, tuple[str, str | None, Told]] = {
    # opentelemetry-instrumentation-botocore 0.66b2: Converse as it is returned.
    "botocore": (
        "opentelemetry.instrumentation.botocore.bedrock-runtime",
        "0.66b2",
        {**CHAT, "gen_ai.system": "aws.bedrock", **used(FRESH), **CACHE},
    ),
    # opentelemetry-instrumentation-genai-bedrock 1.3b0: the same.
    "otel-genai-bedrock": (
        "opentelemetry.instrumentation.genai.bedrock",
        "1.3b0",
        {**CHAT, "gen_ai.system": "aws.bedrock", **used(FRESH), **CACHE},
    ),
    # opentelemetry-instrumentation-bedrock 0.62.4, which adds up a total of its own.
    "openllmetry bedrock": (
        "opentelemetry.instrumentation.bedrock",
        "0.62.4",
        {**by("aws.bedrock"), **used(FRESH, total_tokens=FRESH + RECEIVED), **CACHE},
    ),
    # opentelemetry-instrumentation-anthropic 0.40 and 0.62.4.
    "openllmetry anthropic, older": (
        "opentelemetry.instrumentation.anthropic",
        "0.40.0",
        {
            "llm.request.type": "chat",
            "gen_ai.system": "Anthropic",
            "gen_ai.usage.prompt_tokens": SENT,
            "gen_ai.usage.completion_tokens": RECEIVED,
            "llm.usage.total_tokens": SENT + RECEIVED,
            "gen_ai.usage.cache_read_input_tokens": READ,
            "gen_ai.usage.cache_creation_input_tokens": WRITTEN,
        },
    ),
    "openllmetry anthropic": (
        "opentelemetry.instrumentation.anthropic",
        "0.62.4",
        {**by("anthropic"), **used(SENT, total_tokens=SENT + RECEIVED), **CACHE},
    ),
    # opentelemetry-instrumentation-llamaindex 0.62.4 hands on what Anthropic's client returns.
    "openllmetry llama-index": (
        "opentelemetry.instrumentation.llamaindex",
        "0.62.4",
        {**by("anthropic", "claude-haiku-4-5"), **used(FRESH), **CACHE},
    ),
    # anthropic 2.14.0 records itself, and adds all up.
    "anthropic's client": (
        "com.anthropic.sdk.python",
        "2.14.0",
        {
            **by("anthropic"),
            **used(SENT),
            "gen_ai.usage.cache_read.input_tokens": READ,
            "gen_ai.usage.cache_write.input_tokens": WRITTEN,
        },
    ),
    "opentelemetry's anthropic": (
        "opentelemetry.util.genai.handler",
        "1.3b0",
        {**by("anthropic"), **used(SENT), **CACHE},
    ),
    # openinference-instrumentation-anthropic 3.1.0, -bedrock 0.1.61, -langchain 0.1.80.
    "openinference anthropic": (
        "openinference.instrumentation.anthropic",
        "3.1.0",
        {**LLM, "llm.provider": "anthropic", **counted(SENT, total=SENT + RECEIVED), **OI_CACHE},
    ),
    "openinference bedrock": (
        "openinference.instrumentation.bedrock",
        "0.1.61",
        {**LLM, "llm.provider": "aws", **counted(SENT, total=SENT + RECEIVED), **OI_CACHE},
    ),
    "openinference langchain": (
        "openinference.instrumentation.langchain",
        "0.1.80",
        {**LLM, "llm.provider": "anthropic", **counted(SENT, total=SENT + RECEIVED), **OI_CACHE},
    ),
    # openinference-instrumentation-langchain 0.1.50 takes the client's counts as they are.
    "openinference langchain, older": (
        "openinference.instrumentation.langchain",
        "0.1.50",
        {**LLM, "llm.model_name": "claude-sonnet-4-5", **counted(FRESH), **OI_CACHE},
    ),
    # openinference-instrumentation-agno 1.0.15: agno's Claude and Bedrock give fresh input.
    "openinference agno": (
        "openinference.instrumentation.agno",
        "1.0.15",
        {**LLM, "llm.provider": "Anthropic", **counted(FRESH), **OI_CACHE},
    ),
    # openlit 1.45.0.
    "openlit bedrock": (
        "openlit.instrumentation.bedrock",
        None,
        {
            **by("aws.bedrock"),
            **used(FRESH, total_tokens=FRESH + RECEIVED),
            **CACHE,
        },
    ),
    "openlit anthropic, older": (
        "openlit.otel.tracing",
        None,
        {**CHAT, "gen_ai.system": "anthropic", **used(FRESH), **CACHE},
    ),
    # strands-agents 1.10 to 1.40 on Bedrock, and 1.62.0.
    "strands, older": (
        "strands-agents",
        None,
        {
            **CHAT,
            "gen_ai.system": "strands-agents",
            "gen_ai.request.model": "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            **used(FRESH, total_tokens=SENT + RECEIVED),
            "gen_ai.usage.cache_read_input_tokens": READ,
            "gen_ai.usage.cache_write_input_tokens": WRITTEN,
        },
    ),
    "strands": (
        "strands.telemetry.tracer",
        None,
        {
            **CHAT,
            "gen_ai.request.model": "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            **used(SENT, total_tokens=SENT + RECEIVED),
            "gen_ai.usage.cache_read_input_tokens": READ,
            "gen_ai.usage.cache_write_input_tokens": WRITTEN,
        },
    ),
    # agentscope 2.0.11 with Anthropic's model; agent-framework-anthropic 1.0.0b; ag2 1.2.1.
    "agentscope": (
        "agentscope",
        "2.0.11",
        {
            **by("anthropic"),
            **used(FRESH),
            "agentscope.usage.cache_input_tokens": READ,
            "agentscope.usage.cache_creation_input_tokens": WRITTEN,
        },
    ),
    "agent-framework": ("agent_framework", "1.23.0", {**by("anthropic"), **used(FRESH), **CACHE}),
    "ag2": (
        "opentelemetry.instrumentation.ag2",
        None,
        {
            **by("bedrock"),
            **used(FRESH),
            "gen_ai.usage.cache_read_input_tokens": READ,
            "gen_ai.usage.cache_creation_input_tokens": WRITTEN,
            "ag2.usage.total_tokens": SENT + RECEIVED,
        },
    ),
    # pydantic-ai 1.0.10 adds up what Anthropic returns; 2.68.0, too.
    "pydantic-ai": (
        "pydantic-ai",
        "1.0.10",
        {
            **by("anthropic"),
            **used(SENT),
            "gen_ai.usage.details.cache_read_tokens": READ,
            "gen_ai.usage.details.cache_write_tokens": WRITTEN,
        },
    ),
    # The AI SDK of Vercel: version 6 says what was fresh beside all of it; 5 hands on Anthropic's.
    "vercel 6": (
        "ai",
        None,
        {
            **CHAT,
            "gen_ai.system": "anthropic.messages",
            **used(SENT),
            "ai.usage.inputTokenDetails.noCacheTokens": FRESH,
            "ai.usage.inputTokenDetails.cacheReadTokens": READ,
            "ai.usage.inputTokenDetails.cacheWriteTokens": WRITTEN,
        },
    ),
    # litellm 1.110.2: the callback adds up, and holds what was cached as text alone.
    "litellm": (
        "litellm",
        None,
        {
            **CHAT,
            "gen_ai.system": "anthropic",
            **used(SENT, total_tokens=SENT + RECEIVED),
            "metadata.usage_object": (
                "{'completion_tokens': 40, 'prompt_tokens': 2012, 'total_tokens': 2052, "
                "'prompt_tokens_details': {'audio_tokens': None, 'cached_tokens': 1500}, "
                "'cache_creation_input_tokens': 500, 'cache_read_input_tokens': 1500}"
            ),
        },
    ),
    # langsmith 0.15.1: usage as JSON.
    "langsmith": (
        "langsmith",
        None,
        {
            **CHAT,
            "langsmith.span.kind": "llm",
            "gen_ai.system": "anthropic",
            **used(SENT, total_tokens=SENT + RECEIVED),
            "langsmith.metadata.usage_metadata": (
                '{"input_tokens":2012,"output_tokens":40,"total_tokens":2052,'
                '"input_token_details":{"cache_read":1500,"cache_creation":500}}'
            ),
        },
    ),
    # An instrumentation that nobody knows follows the conventions, as far as its figures can.
    "unknown, by the conventions": ("acme.sdk", "1.0", {**by("acme"), **used(SENT), **CACHE}),
    "unknown, by its total": (
        "acme.sdk",
        "1.0",
        {**by("acme"), **used(FRESH + 5_000, total_tokens=SENT + 5_000 + RECEIVED), **CACHE},
    ),
}


def with_more(value: object, more: int) -> object:
    """Return a value of an emitter's for a call with so many more fresh tokens."""
    if type(value) is str and value.startswith("{"):
        for sent in (SENT, SENT + RECEIVED):
            value = value.replace(str(sent), str(sent + more))
    if value in (FRESH, SENT, FRESH + 5_000) or value in (
        FRESH + RECEIVED,
        SENT + RECEIVED,
        SENT + 5_000 + RECEIVED,
    ):
        return int(str(value)) + more
    return value


@pytest.mark.parametrize("more", [0, 10_000])
@pytest.mark.parametrize("emitter", EMITTERS)
def test_input_is_all_input(emitter: str, more: int) -> None:
    """Whatever an instrumentation leaves out, and though its figures could mean something else."""
    scope, version, attributes = EMITTERS[emitter]
    told = {key: with_more(value, more) for key, value in attributes.items()}
    facts = read("chat m", told, scope, version)
    more += 5_000 if emitter == "unknown, by its total" else 0
    assert facts.tokens is not None
    assert facts.follows_convention >= 0
    assert facts.tokens[:3] == (SENT + more, RECEIVED, READ)
    assert facts.cache_write == WRITTEN


@pytest.mark.parametrize(
    ("scope", "version", "rank"),
    [
        ("opentelemetry.instrumentation.anthropic", "0.62.4", 2),
        ("opentelemetry.instrumentation.botocore.bedrock-runtime", "0.66b2", 1),
        ("opentelemetry.instrumentation.botocores", None, 0),
        ("acme.sdk", None, 0),
        ("", None, 0),
    ],
)
def test_how_well_an_instrumentation_is_known(scope: str, version: str | None, rank: int) -> None:
    """One that follows the conventions is known best, then one that is translated."""
    assert (
        read("chat m", {**by("anthropic"), **used(SENT)}, scope, version).follows_convention == rank
    )


#: What makes totals right: scope, attributes, and input, output, cached, reasoning.
TOTALS: Mapping[str, tuple[str, Told, tuple[int, int, int | None, int | None]]] = {
    # opentelemetry-instrumentation-google-generativeai 0.62.4: output is what candidates have.
    "google, through openllmetry": (
        "opentelemetry.instrumentation.google_generativeai",
        {**by("gcp.gen_ai"), **used(100, 20, total_tokens=180)},
        (100, 80, None, None),
    ),
    # openlit 1.45.0 on google-adk: reasoning beside the output.
    "reasoning beside the output": (
        "openlit.instrumentation.google_adk",
        {**by("gcp.vertex.agent"), **used(100, 20, reasoning_tokens=60, total_tokens=180)},
        (100, 80, None, 60),
    ),
    "reasoning within the output": (
        "openlit.instrumentation.openai",
        {**by("openai"), **used(100, 80, reasoning_tokens=60, total_tokens=180)},
        (100, 80, None, 60),
    ),
    # xAI counts reasoning beside the completion.
    "xai": (
        "opentelemetry.instrumentation.openai",
        {**by("x_ai"), **used(32, 9, reasoning_tokens=94, total_tokens=135)},
        (32, 103, None, 94),
    ),
    # google-adk 1.20: reasoning in a word of its own, beside the output, and no total.
    "google-adk 1": (
        "gcp.vertex.agent",
        {**by("gcp.vertex.agent"), **used(100, 20, **{"experimental.reasoning_tokens": 60})},
        (100, 80, None, 60),
    ),
    # openinference-instrumentation-google-genai 0.1.0, of which 1.4.14 adds all up.
    "openinference google, older": (
        "openinference.instrumentation.google_genai",
        {**LLM, "llm.provider": "google", **counted(100, 20, total=180)},
        (100, 80, None, None),
    ),
    # strands-agents 1.0.0 on Bedrock: no word of the cache, which the total holds.
    "strands 1.0.0": (
        "strands-agents",
        {
            **CHAT,
            "gen_ai.request.model": "amazon.nova-pro-v1:0",
            **used(12, 40, total_tokens=2_052),
        },
        (2_012, 40, None, None),
    ),
    # litellm on Bedrock long counted what was read in, and what was written not.
    "only what was read is within": (
        "litellm",
        {**by("bedrock"), **used(1_512, 40, total_tokens=2_052), **CACHE},
        (2_012, 40, 1_500, None),
    ),
    # ag2 1.2.1 with Gemini.
    "thinking, through ag2": (
        "opentelemetry.instrumentation.ag2",
        {**by("google"), **used(100, 20, thinking_tokens=60), "ag2.usage.total_tokens": 180},
        (100, 80, None, 60),
    ),
    "tool-use prompts": (
        "acme.sdk",
        {**by("google"), **used(100, 20, tool_use_prompt_token_count=30, total_tokens=150)},
        (130, 20, None, None),
    ),
    "tool-use prompts that are within": (
        "acme.sdk",
        {**by("google"), **used(130, 20, tool_use_prompt_token_count=30, total_tokens=150)},
        (130, 20, None, None),
    ),
    # anthropic 2.14.0 leaves compactions out of its usage.
    "compactions": (
        "com.anthropic.sdk.python",
        {
            **by("anthropic"),
            **used(101, 17),
            "anthropic.usage.compaction.input_tokens": 3_000,
            "anthropic.usage.compaction.output_tokens": 200,
        },
        (3_101, 217, None, None),
    ),
    "a total that was not kept up": (
        "opentelemetry.instrumentation.openai",
        {**by("openai"), **used(100, 80, total_tokens=7)},
        (100, 80, None, None),
    ),
}


@pytest.mark.parametrize("case", TOTALS)
def test_totals_are_reached(case: str) -> None:
    """Where a total is told, input and output make it, whatever their names leave out."""
    scope, attributes, right = TOTALS[case]
    assert read("chat m", attributes, scope).tokens == right


counts = st.integers(0, 10**6)


@given(fresh=counts, cached=counts, written=counts, received=counts)
def test_any_figures_of_bedrock(fresh: int, cached: int, written: int, received: int) -> None:
    """Whatever the figures, an instrumentation means the same by them each time."""
    attributes = {
        **by("aws.bedrock"),
        **used(fresh, received),
        "gen_ai.usage.cache_read.input_tokens": cached,
        "gen_ai.usage.cache_creation.input_tokens": written,
    }
    facts = read("chat m", attributes, "opentelemetry.instrumentation.botocore.bedrock-runtime")
    assert facts.tokens is not None
    assert facts.tokens[:3] == (fresh + cached + written, received, cached)
    assert facts.cache_write == written
    assert facts.follows_convention == 1


# --- what cannot be ------------------------------------------------------------------------------


def processed(
    scope: str, attributes: Told, version: str = "1"
) -> tuple[AgentMetricsProcessor, dict[str, float]]:
    """Return a processor that has read one model call, and the sums of its metrics."""
    processor = AgentMetricsProcessor(hold_seconds=0, prices=PublicPrices())
    resource = Resource({v.PUBLISHER_ID: PUBLISHER, v.AGENT_ID: "finder"})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(processor)
    provider.get_tracer(scope, version).start_span("chat m", attributes=dict(attributes)).end()
    sums: dict[str, float] = {}
    for family in text_string_to_metric_families(exposition(processor)[0].decode()):
        for sample in family.samples:
            sums[sample.name] = sums.get(sample.name, 0) + sample.value
    return processor, sums


@pytest.mark.parametrize("scope", ["opentelemetry.instrumentation.anthropic", "acme.sdk"])
def test_figures_that_contradict(scope: str) -> None:
    """More cached than sent cannot be: all of it is input, and the doctor names who wrote it."""
    processor, sums = processed(scope, {**by("anthropic"), **used(FRESH), **CACHE})
    assert sums["marketplace_agent_input_tokens_total"] == SENT
    assert sums["agent_analytics_contradicted_input_total"] == 1
    with start_http_server(processor) as server:
        found = examine(f"{server.url}/metrics", "none").problems
    said = "\n".join(problem.wrong for problem in found)
    assert f"The tokens that {scope} writes cannot mean what it is known to mean" in said


def test_what_does_not_contradict_is_not_named() -> None:
    """Fresh input of an instrumentation that is known to write that is no contradiction."""
    scope = "opentelemetry.instrumentation.botocore"
    _, sums = processed(scope, {**by("aws.bedrock"), **used(FRESH), **CACHE})
    assert sums["marketplace_agent_input_tokens_total"] == SENT
    assert "agent_analytics_contradicted_input_total" not in sums


def test_a_model_at_its_host() -> None:
    """The call of the report: Claude at Bedrock through OpenLLMetry, at the price of that host."""
    model = "anthropic.claude-sonnet-4-5-20250929-v1:0"
    call = {**by("aws.bedrock", model), **used(FRESH, total_tokens=FRESH + RECEIVED), **CACHE}
    _, sums = processed("opentelemetry.instrumentation.bedrock", call, "0.62.4")
    assert sums["marketplace_agent_input_tokens_total"] == SENT
    assert sums["marketplace_agent_cached_input_tokens_total"] == READ
    assert sums["marketplace_agent_model_cost_usd_total"] == pytest.approx(0.0032571, abs=1e-12)


def test_parts_alone() -> None:
    """Where only parts are told, at least those were sent and received."""
    parts = {"gen_ai.usage.cache_read.input_tokens": 50, "gen_ai.usage.reasoning_tokens": 7}
    _, sums = processed("acme.sdk", {**CHAT, **parts})
    tokens = {
        kind: sums[f"marketplace_agent_{kind}_tokens_total"]
        for kind in ("input", "output", "cached_input", "reasoning")
    }
    assert tokens == {"input": 50, "output": 7, "cached_input": 50, "reasoning": 7}
