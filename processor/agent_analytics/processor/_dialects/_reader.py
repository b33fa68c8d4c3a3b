"""Reads spans of any dialect into facts."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from agent_analytics.processor._dialects import _facts as f
from agent_analytics.processor._dialects._dialect import Dialect
from agent_analytics.processor._dialects._facts import Facts
from agent_analytics.processor._dialects._graphs import graph_of
from agent_analytics.processor._dialects._protocols import protocol_call
from agent_analytics.processor._dialects.native import GOOGLE_ADK, PYDANTIC_AI, STRANDS
from agent_analytics.processor._dialects.openinference import OPENINFERENCE
from agent_analytics.processor._dialects.otel import OTEL
from agent_analytics.processor._dialects.traceloop import TRACELOOP

#: Chains, graphs and tasks are given the operation of agents, too.
_KIND: Final = "traceloop.span.kind"
_TOOL: Final = "tool.name"
_TOOL_NAME: Final = "gen_ai.tool.name"
_CONVENTION: Final = "gen_ai.operation.name"
_NO_AGENTS: Final[dict[object, int]] = {"workflow": f.WORKFLOW, "task": f.OTHER}
#: In the order in which they are believed where a span speaks several.
DIALECTS: Final = (OTEL, OPENINFERENCE, TRACELOOP, PYDANTIC_AI, STRANDS, GOOGLE_ADK)

#: Ids that are random per object or per run, inside names: never part of a label.
_RANDOM: Final = re.compile(
    r"[\s_\-:/.#(\[]*(?:"
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|"
    r"(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{24,64}"
    r")[)\]]*",
    re.IGNORECASE,
)
_SHORTEST_ID: Final = 24
#: A longer name is no label anyway, and would take long to search.
_LONGEST_NAME: Final = 256
#: A summary that a framework writes beside the calls that it sums up.
_SUMMARY: Final = "(merged"


def _joined(pick: str) -> tuple[str, ...]:
    """Return one field of every dialect, the most believed first, each name once."""
    return tuple(dict.fromkeys(key for dialect in DIALECTS for key in getattr(dialect, pick)))


_MODELS: Final = _joined("models")
_AGENT_NAMES: Final = _joined("agent_names")
_TOOL_NAMES: Final = _joined("tool_names")
_CONVERSATIONS: Final = _joined("conversations")
_TOKENS: Final = tuple(
    _joined(pick) for pick in ("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens")
)
_OWN_TOKENS: Final = tuple(
    _joined(f"own_{pick}")
    for pick in ("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens")
)
_FIRST_CHUNK: Final = _joined("first_chunk")
_FIRST_CHUNK_MS: Final = _joined("first_chunk_ms")
_RESPONSE_IDS: Final = _joined("response_ids")
_CALL_IDS: Final = _joined("call_ids")
_SUFFIXES: Final = _joined("suffixes")
_PREFIXES: Final = _joined("prefixes")
_NO_CALLS: Final = _joined("no_calls")
_UNMARKED: Final = re.compile(
    "|".join(f"(?:{one.replace('?P<name>', '')})" for one in _joined("unmarked"))
)
_FAILURES: Final = {
    key: values
    for dialect in DIALECTS
    if dialect.failures
    for key, values in dialect.failures.items()
}
#: Attributes that say what a span is, with the roles of their values.
_KINDS: Final[tuple[tuple[str, Mapping[str, int]], ...]] = tuple(
    (key, dialect.kinds or {}) for dialect in DIALECTS for key in dialect.kind_keys
)
_NAMES: Final[tuple[tuple[str, int], ...]] = tuple(
    (beginning, role) for dialect in DIALECTS for beginning, role in (dialect.names or {}).items()
)


def plain_name(name: object) -> str | None:
    """Return a name without random ids in it, or ``None`` if nothing is left."""
    if type(name) is not str:
        return None
    if _SHORTEST_ID <= len(name) <= _LONGEST_NAME:
        plain = _RANDOM.sub("", name)
        if plain != name:
            return plain.strip() or None
    return name or None


def read(name: str, attributes: Mapping[str, Any]) -> Facts:  # noqa: C901 - a list of cases
    """Return what a span says, by its name and its attributes."""
    facts = Facts(role=_role(name, attributes))
    if facts.role in (f.OTHER, f.WORKFLOW):
        found = _UNMARKED.fullmatch(name) if len(name) <= _LONGEST_NAME else None
        if found is not None:
            facts.unmarked = True
            facts.name = next((one for one in found.groups() if one), None)
            facts.tokens = _counts(attributes, _TOKENS)
    elif name.endswith(_NO_CALLS):
        facts.role = f.OTHER
    facts.graph = graph_of(name, attributes)
    call = protocol_call(name, attributes)
    if call is not None:
        facts.role, facts.protocol = f.TOOL, True
        facts.name = plain_name(call)
        facts.named = bool(call)
    _name(facts, name, attributes)
    if call is not None and not facts.named:
        facts.name = None  # the span is called after the protocol, not the tool
    if facts.role in (f.AGENT, f.MODEL, f.WORKFLOW):
        facts.model = _first(attributes, _MODELS)
        facts.tokens = _counts(attributes, _TOKENS)
        if facts.tokens is None and facts.role != f.MODEL:
            facts.tokens = _counts(attributes, _OWN_TOKENS)
        facts.first_chunk = _seconds(attributes)
        facts.response_id = _first(attributes, _RESPONSE_IDS)
    if facts.role in (f.AGENT, f.WORKFLOW):
        facts.conversation = _first(attributes, _CONVERSATIONS)
    if facts.role == f.TOOL:
        facts.call_id = _first(attributes, _CALL_IDS)
    for key, values in _FAILURES.items():
        if attributes.get(key) in values:
            facts.failed = True
    return facts


def _role(name: str, attributes: Mapping[str, Any]) -> int:  # noqa: PLR0911 - a list of cases
    told = False
    for key, kinds in _KINDS:
        value = attributes.get(key)
        if type(value) is str:
            told = True
            role = kinds.get(value.lower())
            if role == f.AGENT:
                return _NO_AGENTS.get(attributes.get(_KIND), role)
            if key == _KIND and value == "task" and _TOOL in attributes:
                return f.TOOL  # a step of LlamaIndex that calls one
            if role is not None:
                return role
            if key == OTEL.kind_keys[0]:
                return f.OTHER  # the conventions' own word for what it is
    if told:
        return f.OTHER
    for beginning, role in _NAMES:
        if name.startswith(beginning):
            return role
    return f.OTHER


def _name(  # noqa: C901 - a list of cases
    facts: Facts, name: str, attributes: Mapping[str, Any]
) -> None:
    role = facts.role
    if role == f.AGENT:
        told = _first(attributes, _AGENT_NAMES)
        facts.name = plain_name(told)
        facts.named = facts.name is not None
        if facts.name is None:
            facts.name = plain_name(_bare(name))
    elif role == f.TOOL:
        told = _first(attributes, _TOOL_NAMES)
        if told is not None:
            facts.name, facts.named = plain_name(told), True
        elif _CONVENTION in attributes:
            facts.name = attributes.get(_TOOL_NAME)  # whatever it is, or nothing at all
        if facts.name is None and _CONVENTION not in attributes:
            facts.name = plain_name(_bare(name))
            if name.startswith("handoff"):
                facts.role = f.HANDOFF
        if name.endswith(_SUMMARY + ")") or (told or "").startswith(_SUMMARY):
            facts.role = f.OTHER
        facts.owner = plain_name(_first(attributes, _AGENT_NAMES))
    elif role in (f.MODEL, f.WORKFLOW) and not facts.unmarked:
        facts.owner = plain_name(_first(attributes, _AGENT_NAMES))
        facts.name = plain_name(_bare(name))
    elif role == f.OTHER and not facts.unmarked:
        facts.name = plain_name(name)


def _bare(name: str) -> str:
    for prefix in _PREFIXES:
        if name.startswith(prefix):
            name = name[len(prefix) :].strip()
            break
    for suffix in _SUFFIXES:
        if name.endswith(suffix):
            return name[: -len(suffix)]
    return name


def _first(attributes: Mapping[str, Any], keys: Iterable[str]) -> Any:
    for key in keys:
        value = attributes.get(key)
        if type(value) is str and value:
            return value
    return None


def _number(attributes: Mapping[str, Any], keys: Iterable[str]) -> Any:
    for key in keys:
        value = attributes.get(key)
        if value is not None:
            return value
    return None


def _counts(
    attributes: Mapping[str, Any], keys: tuple[tuple[str, ...], ...]
) -> tuple[Any, Any, Any, Any] | None:
    sent, received = _number(attributes, keys[0]), _number(attributes, keys[1])
    if sent is None and received is None:
        return None
    return sent, received, _number(attributes, keys[2]), _number(attributes, keys[3])


def _seconds(attributes: Mapping[str, Any]) -> float | None:
    for keys, unit in ((_FIRST_CHUNK, 1.0), (_FIRST_CHUNK_MS, 1000.0)):
        value = _number(attributes, keys)
        if type(value) in (int, float):
            return float(value) / unit
    return None


__all__ = ["DIALECTS", "Dialect", "plain_name", "read"]
