"""What was counted, and what should have been, in the same words."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from tests.dialects import recordings as r

TOKENS = {
    "input_tokens_total": "input",
    "output_tokens_total": "output",
    "cached_input_tokens_total": "cached_input",
    "reasoning_tokens_total": "reasoning_output",
}
KINDS = ("invocations", "tools", "model_calls", "tokens")
_OUTCOMES = {"ok": "success", "error": "error", "cancelled": "cancelled", "timeout": "timeout"}


@dataclass
class Counts:
    """What was counted, in the words of a recording's truth."""

    invocations: Counter[str] = field(default_factory=Counter[str])
    tools: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    model_calls: Counter[str] = field(default_factory=Counter[str])
    tokens: Counter[str] = field(default_factory=Counter[str])
    agents: Counter[str] = field(default_factory=Counter[str])
    health: Counter[str] = field(default_factory=Counter[str])


def counts_in(text: str, *, only: str = "", without: str = "") -> Counts:
    """Return what an exposition says.

    Args:
        text: The exposition.
        only: A listing; others are passed over.
        without: A listing that is passed over.
    """
    found = Counts()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            listing = sample.labels.get("agent_id")
            if listing is not None and (listing == without or (only and listing != only)):
                continue
            value = int(sample.value)
            if value:
                _add(found, sample.name, sample.labels, value)
    return found


def _add(found: Counts, sample: str, labels: Mapping[str, str], value: int) -> None:
    name = sample.removeprefix("marketplace_agent_")
    if name == "invocations_total":
        found.invocations[labels["outcome"]] += value
        found.agents[labels["agent_id"]] += value
    elif name == "tool_calls_total":
        found.tools[labels["tool"], labels["outcome"]] += value
    elif name == "inference_calls_total":
        found.model_calls[labels["outcome"]] += value
    elif name in TOKENS:
        found.tokens[TOKENS[name]] += value
    elif name == "invocations_in_progress":
        found.health["in_progress"] += value
    elif sample.startswith("agent_analytics_unattributed"):
        found.health["unattributed"] += value
    elif sample == "agent_analytics_internal_errors_total":
        found.health["errors"] += value


def expected(truth: Mapping[str, Any]) -> Counts:
    """Return what a truth wants counted: runs are invocations, everything inside is inner work."""
    found = Counts()
    for agent in truth["agents"]:
        if agent["role"] == "top":
            found.invocations[_OUTCOMES[agent["outcome"]]] += 1
    for call in truth["tool_calls"]:
        found.tools[call["name"], _OUTCOMES[call["outcome"]]] += call["count"]
    found.model_calls["success"] = truth["llm_calls_ok"]
    found.model_calls["error"] = truth["llm_calls_error"]
    found.tokens.update(truth["tokens"])
    for kind in KINDS:
        setattr(found, kind, +getattr(found, kind))
    return found


def differences(told: Counts, wanted: Counts) -> dict[str, tuple[Any, Any]]:
    """Return what differs, as told and wanted."""
    return {
        kind: (dict(getattr(told, kind)), dict(getattr(wanted, kind)))
        for kind in KINDS
        if getattr(told, kind) != getattr(wanted, kind)
    }


def comparable(told: Counts, untold: frozenset[str]) -> dict[str, Any]:
    """Return the counts that an instrumentation tells."""
    found: dict[str, Any] = {
        "tokens": {key: n for key, n in told.tokens.items() if key not in untold and n}
    }
    if r.MODELS not in untold:
        found["model_calls"] = dict(told.model_calls)
    if r.TOOLS not in untold:
        tools: Counter[Any] = Counter()
        for (name, outcome), n in told.tools.items():
            tools[name if r.TOOL_OUTCOMES in untold else (name, outcome)] += n
        found["tools"] = dict(tools)
    if r.INVOCATIONS not in untold:
        runs = told.invocations
        found["invocations"] = runs.total() if r.OUTCOMES in untold else dict(runs)
    return found


def made_up(told: Counts, truth: Counts, mistold: frozenset[str]) -> list[str]:
    """Return what was counted beyond the truth, but for figures that a framework gets wrong."""
    checks = {
        r.INVOCATIONS: (told.invocations.total(), truth.invocations.total()),
        r.MODELS: (told.model_calls.total(), truth.model_calls.total()),
        r.TOOLS: (told.tools.total(), truth.tools.total()),
        **{key: (told.tokens[key], truth.tokens[key]) for key in r.TOKENS},
    }
    return [
        f"{what}: {n} of {limit}"
        for what, (n, limit) in checks.items()
        if n > limit and what not in mistold
    ]
