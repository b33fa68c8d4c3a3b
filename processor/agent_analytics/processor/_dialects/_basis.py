"""What instrumentations count as input: with what was read from and written to the cache, or not.

The conventions count both as part of the input. Which instrumentation does, since which version
and for which provider, was read in the source of its releases, the oldest and the newest. The
answer for a scope, its version (or that it has none) and a provider is the same for the life of a
process: figures can only contradict it.
"""

import re
from functools import lru_cache
from typing import Final, NamedTuple

from agent_analytics.instrumentation._figures import Basis
from agent_analytics.processor._hosts import host_of


class Scope(NamedTuple):
    """An instrumentation scope: its name, and its version if it has one."""

    name: str
    version: str | None = None


class Meaning(NamedTuple):
    """What the figures of an instrumentation mean.

    Attributes:
        basis: What its input contains.
        rest_is_input: Whether what a total has beyond everything stated was sent.
    """

    basis: Basis
    rest_is_input: bool = False


class _Row(NamedTuple):
    """One answer; the first row that fits counts.

    Attributes:
        scope: Beginning of the scope's name, up to a boundary of words.
        basis: What its input contains.
        hosts: The providers that it is so for; all where there is none.
        before: The first version that it is not so for; a scope without a version does not fit.
    """

    scope: str
    basis: Basis
    hosts: frozenset[str] = frozenset()
    before: tuple[int, ...] = ()


#: Whose own interfaces count the cache beside the input.
_ANTHROPIC: Final = "anthropic"
_BEDROCK: Final = "bedrock"
_GOOGLE: Final = "google"
_OTHER: Final = ""
_APART: Final = frozenset({_ANTHROPIC, _BEDROCK})
#: Providers that answer in OpenAI's words, whatever model of whomever they ask.
_LIKE_OPENAI: Final = frozenset({"openai", "openrouter", "gateway", "vercel"})

_ROWS: Final = (
    # Hands on what Converse and InvokeModel return, in all versions (0.51b0 to 0.66b2).
    _Row("opentelemetry.instrumentation.botocore", Basis.BESIDE),
    # OpenLLMetry: Bedrock as it is returned (0.20 to 0.62), LlamaIndex as the client returns it;
    # its Anthropic adds all up (0.40 to 0.62), as OpenTelemetry's of that scope does.
    _Row("opentelemetry.instrumentation.bedrock", Basis.BESIDE),
    _Row("opentelemetry.instrumentation.llamaindex", Basis.BESIDE, _APART),
    _Row("opentelemetry.instrumentation.anthropic", Basis.WITHIN),
    # LangChain's own counts say all, those of langchain-aws before 0.2.24 do not.
    _Row("opentelemetry.instrumentation.langchain", Basis.UNKNOWN),
    # OpenTelemetry's own, which follow the conventions from their first release, but for Bedrock's
    # (1.3b0), which hands on what is returned.
    _Row("opentelemetry.instrumentation.genai.bedrock", Basis.BESIDE),
    _Row("opentelemetry.instrumentation.genai", Basis.WITHIN),
    _Row("opentelemetry.util.genai", Basis.WITHIN),
    _Row("opentelemetry.instrumentation.openai", Basis.WITHIN),
    # Before 0.7 it added up the running totals of a stream: another view knows better.
    _Row("opentelemetry.instrumentation.google_genai", Basis.UNKNOWN, before=(0, 7)),
    _Row("opentelemetry.instrumentation.google_genai", Basis.WITHIN),
    # Anthropic's client records itself since 2.0, and adds all up.
    _Row("com.anthropic.sdk", Basis.WITHIN),
    _Row("com.anthropic.claude_code", Basis.BESIDE),
    # OpenInference adds all up where it knows the client (0.1.18 to 3.1); LangChain's counts it
    # took as Anthropic returns them before 0.1.55, agno's it still does.
    _Row("openinference.instrumentation.anthropic", Basis.WITHIN),
    _Row("openinference.instrumentation.bedrock", Basis.UNKNOWN, before=(0, 1, 50)),
    _Row("openinference.instrumentation.bedrock", Basis.WITHIN),
    _Row("openinference.instrumentation.openai", Basis.WITHIN),
    _Row("openinference.instrumentation.google_genai", Basis.WITHIN),
    _Row("openinference.instrumentation.agno", Basis.BESIDE, _APART),
    _Row("openinference.instrumentation.agno", Basis.WITHIN),
    _Row("openinference.instrumentation.langchain", Basis.BESIDE, _APART, before=(0, 1, 55)),
    _Row("openinference.instrumentation.langchain", Basis.WITHIN),
    # LiteLLM adds all up; its Bedrock long left out what was written.
    _Row("openinference.instrumentation.litellm", Basis.UNKNOWN, frozenset({_BEDROCK})),
    _Row("openinference.instrumentation.litellm", Basis.WITHIN),
    _Row("litellm", Basis.UNKNOWN, frozenset({_BEDROCK})),
    _Row("litellm", Basis.WITHIN),
    # openlit hands on what clients return (1.20 to 1.45); frameworks have counted it in.
    _Row("openlit.instrumentation.anthropic", Basis.BESIDE),
    _Row("openlit.instrumentation.bedrock", Basis.BESIDE),
    _Row("openlit.instrumentation", Basis.UNKNOWN),
    _Row("openlit", Basis.BESIDE, _APART),
    # Frameworks that hand on what the clients of Anthropic and Bedrock return.
    _Row("agent_framework", Basis.BESIDE, _APART),
    _Row("agent_framework", Basis.WITHIN),
    _Row("agentscope", Basis.BESIDE, _APART),
    _Row("agentscope", Basis.WITHIN),
    _Row("opentelemetry.instrumentation.ag2", Basis.BESIDE, _APART),
    _Row("opentelemetry.instrumentation.ag2", Basis.WITHIN),
    _Row("agno", Basis.BESIDE, _APART),
    _Row("pipecat", Basis.BESIDE, _APART),
    # strands hands on what its models return, with a total that says which it is (0.1 to 1.40);
    # since then it adds up by that total.
    _Row("strands", Basis.DOUBTFUL, _APART),
    # The AI SDK of Vercel says what was fresh since its version 6; before, Anthropic's counts, with
    # a total that is no more than their sum.
    _Row("ai", Basis.BESIDE, _APART),
    # What they keep of usage is put into the words of the conventions.
    _Row("langfuse-sdk", Basis.WITHIN),
    _Row("mlflow", Basis.WITHIN),
    _Row("logfire", Basis.WITHIN),
    # pydantic-ai adds all up: Anthropic's since 0.4, Bedrock's by 1.60.
    _Row("pydantic-ai", Basis.UNKNOWN, frozenset({_BEDROCK}), before=(1, 60)),
    _Row("pydantic-ai", Basis.WITHIN),
    _Row("gcp.vertex.agent", Basis.WITHIN),
)
_NUMBERS: Final = re.compile(r"\d+(?:\.\d+)*")
_REMEMBERED: Final = 1_024


def meaning_of(scope: Scope, provider: str | None, model: str | None) -> Meaning:
    """Return what the figures of a span mean.

    Args:
        scope: The instrumentation that recorded it.
        provider: The provider that was called, as the span names it.
        model: The model, which says more where the provider is a framework or a cloud.
    """
    return _meaning(scope, _host(provider, model))


@lru_cache(_REMEMBERED)
def _meaning(scope: Scope, host: str) -> Meaning:
    version = _numbers(scope.version)
    for row in _ROWS:
        if (
            _begins(scope.name, row.scope)
            and (not row.hosts or host in row.hosts)
            and (not row.before or (version is not None and version < row.before))
        ):
            return Meaning(row.basis, host in _APART)
    return Meaning(Basis.UNKNOWN, host in _APART)


def _begins(name: str, beginning: str) -> bool:
    if not name.startswith(beginning):
        return False
    return not name[len(beginning) : len(beginning) + 1].isalnum()


def _numbers(version: str | None) -> tuple[int, ...] | None:
    found = _NUMBERS.match(version) if version and len(version) <= _LONGEST else None
    return None if found is None else tuple(map(int, found.group().split(".")))


#: A longer version, provider or model is none.
_LONGEST: Final = 200


@lru_cache(_REMEMBERED)
def _host(provider: str | None, model: str | None) -> str:
    """Return whose interface was called, as far as that says how it counts."""
    named = "" if provider is None else provider[:_LONGEST].lower()
    what = "" if model is None else model[:_LONGEST].lower()
    if named.partition(".")[0] in _LIKE_OPENAI:
        return _OTHER
    if "bedrock" in named or named in {"aws", "amazon"} or host_of(what) == "aws":
        return _BEDROCK
    if "anthropic" in named:
        return _ANTHROPIC
    if "claude" in what:  # at a cloud, or where the provider is not known, or is a framework
        return _ANTHROPIC
    if any(one in named for one in ("google", "gemini", "vertex", "gcp")) or "gemini" in what:
        return _GOOGLE
    return _OTHER
