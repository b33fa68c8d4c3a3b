"""What instrumentations count as input: with what was read from and written to the cache, or not.

The conventions count both as part of the input. Which instrumentation does, since which version
and for which provider, was read in the source of its releases, the oldest and the newest. The
answer for a scope, its version (or that it has none) and a provider is the same for the life of a
process: figures can only contradict it.
"""

import re
from functools import lru_cache
from typing import Final, NamedTuple

from agent_analytics.instrumentation.figures import Basis
from agent_analytics.processor._dialects._shared.input_row import ANTHROPIC, APART, BEDROCK, Input
from agent_analytics.processor._dialects.registry import joined
from agent_analytics.processor._prices.hosts import host_of


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


#: Providers that count another way than these: Google's, and all who answer in OpenAI's words.
_GOOGLE: Final = "google"
_OTHER: Final = ""
#: Providers that answer in OpenAI's words, whatever model of whomever they ask.
_LIKE_OPENAI: Final = frozenset({"openai", "openrouter", "gateway", "vercel"})
_INPUTS: Final[tuple[Input, ...]] = joined("inputs")
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
    for row in _INPUTS:
        if (
            _begins(scope.name, row.scope)
            and (not row.hosts or host in row.hosts)
            and (not row.before or (version is not None and version < row.before))
        ):
            return Meaning(row.basis, host in APART)
    return Meaning(Basis.UNKNOWN, host in APART)


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
        return BEDROCK
    if "anthropic" in named:
        return ANTHROPIC
    if "claude" in what:  # at a cloud, or where the provider is not known, or is a framework
        return ANTHROPIC
    if any(one in named for one in ("google", "gemini", "vertex", "gcp")) or "gemini" in what:
        return _GOOGLE
    return _OTHER
