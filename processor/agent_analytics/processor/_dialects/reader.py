"""Reads spans of any dialect into facts."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from agent_analytics.instrumentation.exact import exact
from agent_analytics.processor._dialects import facts as f
from agent_analytics.processor._dialects._shared.basis import Scope
from agent_analytics.processor._dialects._shared.calls import doubt, model_in_parameters
from agent_analytics.processor._dialects._shared.costs import stated_cost
from agent_analytics.processor._dialects._shared.fetched import is_fetched
from agent_analytics.processor._dialects._shared.graphs import (
    CLUES,
    agent_of,
    graph_of,
    name_in_graph,
)
from agent_analytics.processor._dialects._shared.names import LONGEST, plain_name
from agent_analytics.processor._dialects._shared.protocols import (
    CALL,
    METHODS,
    SERVER,
    protocol_call,
)
from agent_analytics.processor._dialects._shared.tokens import COUNTS, note_tokens
from agent_analytics.processor._dialects._shared.usage_texts import KEYS as USAGE_TEXTS
from agent_analytics.processor._dialects._shared.usage_texts import with_texts
from agent_analytics.processor._dialects.closer import see_more, see_what
from agent_analytics.processor._dialects.dialect import Dialect
from agent_analytics.processor._dialects.facts import Facts
from agent_analytics.processor._dialects.registry import DIALECTS, joined
from agent_analytics.processor._dialects.signs import TELLING, is_known

_TOOL_NAME: Final = "gen_ai.tool.name"

_SEE_THROUGH: Final = (f.OTHER, f.WORKFLOW)
_ASKS: Final = (f.MODEL, f.AGENT, f.WORKFLOW, f.USAGE)
_SUMS_UP: Final = (f.AGENT, f.WORKFLOW)

# What attributes hold, each in one place of a list. Texts first, then values of any type.
_AGENT, _TOOL_CALLED, _MODEL, _CONVERSATION, _RESPONSE_ID, _CALL_ID = range(6)
_RESPONSE_MODEL, _PROVIDER = 6, 7
_FIRST_CHUNK: Final = 8
_TOKENS: Final = 9
_FIELDS: Final = (
    "agent_names",
    "tool_names",
    "models",
    "conversations",
    "response_ids",
    "call_ids",
    "response_models",
    "providers",
    "first_chunk",
)
#: What is said of tokens, then the same of an agent and all its calls together, then as text.
_OWN_TOKENS: Final = _TOKENS + len(COUNTS)
_USAGE_TEXT: Final = _OWN_TOKENS + len(COUNTS)
_KINDS: Final = _USAGE_TEXT + 1
#: Attributes that say what a span is, with the roles of their values, the most believed first.
_KIND_ROLES: Final[tuple[tuple[str, Mapping[str, int]], ...]] = tuple(
    (key, dialect.kinds or {}) for dialect in DIALECTS for key in dialect.kind_keys
)
_OPERATION: Final = _KINDS
_KIND_PLACES: Final = {key: _KINDS + number for number, (key, _) in enumerate(_KIND_ROLES)}
#: Kinds that are no agents' whatever says so, by the place of the attribute that holds them.
_NO_AGENTS: Final[tuple[tuple[int, Mapping[object, int]], ...]] = tuple(
    (_KIND_PLACES[dialect.kind_keys[0]], dialect.no_agents)
    for dialect in DIALECTS
    if dialect.no_agents
)
#: Kinds that are tools' with an attribute beside them, alike.
_TOOLS: Final[Mapping[tuple[int, str], str]] = {
    (_KIND_PLACES[dialect.kind_keys[0]], kind): mark
    for dialect in DIALECTS
    for kind, mark in (dialect.tools or {}).items()
}
_FAILURES: Final = {
    key: values
    for dialect in DIALECTS
    if dialect.failures
    for key, values in dialect.failures.items()
}
#: What is looked at more closely: a framework of graphs, a protocol, a failure.
_CLOSER: Final = _KINDS + len(_KIND_ROLES)
_SIZE: Final = _CLOSER + 1
_NOTHING: Final[tuple[None, ...]] = (None,) * _SIZE
_UNRANKED: Final[tuple[int, ...]] = (1_000,) * _SIZE
#: Place and rank of each attribute: of several with one meaning, that of lowest rank is believed.
_PLACES: Final[Mapping[str, tuple[int, int]]] = {
    **dict.fromkeys((*CLUES, *METHODS, *_FAILURES), (_CLOSER, 0)),
    **{
        key: (place, rank)
        for place, field in enumerate(_FIELDS)
        for rank, key in enumerate(joined(field))
    },
    **{
        key: (first + number, rank)
        for number, count in enumerate(COUNTS)
        for first, keys in ((_TOKENS, count.attributes), (_OWN_TOKENS, count.own))
        for rank, key in enumerate(keys)
    },
    **dict.fromkeys(USAGE_TEXTS, (_USAGE_TEXT, 0)),
    **{key: (_KINDS + number, 0) for number, (key, _) in enumerate(_KIND_ROLES)},
}
#: Attributes with the model that was asked, and not the one that answered.
_ASKED: Final[frozenset[str]] = frozenset(joined("asked"))
_FIRST_CHUNK_EVENTS: Final[frozenset[str]] = frozenset(joined("first_chunk_events"))
#: Beginnings of scopes, with the attributes that they write in milliseconds.
_MILLISECONDS: Final = tuple(
    (scope, dialect.first_chunk_ms)
    for dialect in DIALECTS
    if dialect.first_chunk_ms
    for scope in dialect.scopes
)
_SUFFIXES: Final[tuple[str, ...]] = joined("suffixes")
_PREFIXES: Final[tuple[str, ...]] = joined("prefixes")
_NO_CALLS: Final[tuple[str, ...]] = joined("no_calls")
_HANDOFFS: Final[tuple[str, ...]] = joined("handoffs")
#: Summaries that a framework writes beside the calls that it sums up.
_SUMMARIES: Final[tuple[str, ...]] = joined("summaries")
_SUMMARIES_CLOSED: Final = tuple(beginning + ")" for beginning in _SUMMARIES)
_UNMARKED: Final = re.compile(
    "|".join(f"(?:{one.replace('?P<name>', '')})" for one in joined("unmarked"))
)
_NAMES: Final[tuple[tuple[str, int], ...]] = tuple(
    (beginning, role) for dialect in DIALECTS for beginning, role in (dialect.names or {}).items()
)


def read(
    name: str, attributes: Mapping[str, Any], source: str = "", version: str | None = None
) -> Facts:
    """Return what a span says.

    Args:
        name: The span's.
        attributes: The span's.
        source: Name of the instrumentation scope.
        version: Its version, if it has one.
    """
    if type(name) is not str:
        name = ""
    said = _sorted(attributes)
    facts = _what_it_is(name, said, attributes, source)
    _name(facts, name, said, attributes)
    if facts.protocol and not facts.named:
        facts.name = None  # the span is called after the protocol, not the tool
    if facts.graph == f.GRAPH_AGENT and not facts.named:
        facts.name = plain_name(agent_of(attributes)) or facts.name
    if facts.role in _ASKS:
        _usage(facts, said, attributes, Scope(source, version))
    elif facts.unmarked:
        _note_tokens(facts, said, attributes, Scope(source, version))
    if facts.role == f.TOOL:
        facts.call_id = said[_CALL_ID]
    see_more(source, facts, name, attributes)
    if facts.role == f.MODEL:
        doubt(facts, name, attributes)
        facts.fetched = is_fetched(name, attributes)
    return facts


def _what_it_is(name: str, said: list[Any], attributes: Mapping[str, Any], source: str) -> Facts:
    """Return the facts of a span as far as they say what it is."""
    facts = Facts(
        role=_role(name, said, attributes, source), speaks=not TELLING.isdisjoint(attributes)
    )
    if facts.role in _SEE_THROUGH:
        _look_for_agent(facts, name)
    elif name.endswith(_NO_CALLS):
        facts.role = f.OTHER
    if said[_CLOSER] is not None or name.startswith(CALL) or name == SERVER:
        _look_closer(facts, name, attributes)
    see_what(source, facts, name, attributes)
    return facts


def _sorted(attributes: Mapping[str, Any]) -> list[Any]:
    """Return the most believed value of each place."""
    said: list[Any] = list(_NOTHING)
    ranks: list[int] = list(_UNRANKED)
    for key, value in attributes.items():
        found = _PLACES.get(key)
        if found is None:
            continue
        place, rank = found
        if rank < ranks[place] and (
            (type(value) is str and value) if place < _FIRST_CHUNK else value is not None
        ):
            said[place] = value
            ranks[place] = rank
    return said


def _look_for_agent(facts: Facts, name: str) -> None:
    """Find out whether a span that no attribute marks is called like an agent."""
    found = _UNMARKED.fullmatch(name) if len(name) <= LONGEST else None
    if found is not None:
        facts.unmarked = True
        facts.name = next((one for one in found.groups() if one), None)


def _usage(facts: Facts, said: list[Any], attributes: Mapping[str, Any], scope: Scope) -> None:
    """Add what a span says of asking models."""
    facts.model = said[_MODEL] or said[_RESPONSE_MODEL]
    facts.asked = not _ASKED.isdisjoint(attributes)
    facts.response_model = said[_RESPONSE_MODEL]
    facts.provider = said[_PROVIDER]
    facts.first_chunk = _first_chunk(said[_FIRST_CHUNK], attributes, scope.name)
    facts.response_id = said[_RESPONSE_ID]
    facts.cost = stated_cost(attributes)
    if facts.role != f.MODEL:
        facts.conversation = said[_CONVERSATION]
    elif facts.model is None:
        facts.model = model_in_parameters(attributes)
    _note_tokens(facts, said, attributes, scope)


def _note_tokens(
    facts: Facts, said: list[Any], attributes: Mapping[str, Any], scope: Scope
) -> None:
    """Add tokens: those of the span, else, of an agent, those of all its calls together."""
    values: Sequence[Any] = said[_TOKENS:_OWN_TOKENS]
    if said[_USAGE_TEXT] is not None:
        values = with_texts(values, attributes, COUNTS)
    if not note_tokens(facts, values, scope) and facts.role in _SUMS_UP:
        note_tokens(facts, said[_OWN_TOKENS:_USAGE_TEXT], scope)


def _look_closer(facts: Facts, name: str, attributes: Mapping[str, Any]) -> None:
    facts.graph = graph_of(name, attributes)
    call = protocol_call(name, attributes)
    if call is not None:
        facts.role, facts.protocol = f.TOOL, True
        facts.name = plain_name(call)
        facts.named = bool(call)
    for key, values in _FAILURES.items():
        if attributes.get(key) in values:
            facts.failed = True


def _role(  # noqa: PLR0911 - a list of cases
    name: str, said: list[Any], attributes: Mapping[str, Any], source: str
) -> int:
    spoken = False
    for number, (_, kinds) in enumerate(_KIND_ROLES, _KINDS):
        value = said[number]
        if type(value) is not str:
            continue
        spoken = True
        role = kinds.get(value) or kinds.get(value.lower())
        if role == f.AGENT:
            return _agent_or_not(said)
        if _TOOLS.get((number, value)) in attributes:
            return f.TOOL
        if role is not None:
            return role
        if number == _OPERATION:
            return f.OTHER  # the conventions' own word for what it is
    if spoken or not is_known(source):
        return f.OTHER  # any span of the user's own may begin with such a word
    for beginning, role in _NAMES:
        if name.startswith(beginning):
            return role
    return f.OTHER


def _agent_or_not(said: list[Any]) -> int:
    """Return the role of a span with the operation of an agent, which others are given, too."""
    for place, roles in _NO_AGENTS:
        kind = said[place]
        if type(kind) is str and kind in roles:
            return roles[kind]
    return f.AGENT


def _name(  # noqa: C901 - a list of cases
    facts: Facts, name: str, said: list[Any], attributes: Mapping[str, Any]
) -> None:
    role = facts.role
    if role == f.AGENT:
        given = plain_name(said[_AGENT])
        if given is not None or not facts.named:
            facts.name = given or plain_name(_bare(name))
            facts.named = given is not None
    elif role == f.TOOL:
        tool = said[_TOOL_CALLED]
        if tool is not None:
            facts.name, facts.named = plain_name(tool), True
        elif said[_OPERATION] is not None:
            facts.name = attributes.get(_TOOL_NAME)  # whatever it is, or nothing at all
        if facts.name is None and said[_OPERATION] is None:
            facts.name = plain_name(_bare(name))
            if name.startswith(_HANDOFFS):
                facts.role = f.HANDOFF
        if name.endswith(_SUMMARIES_CLOSED) or (tool or "").startswith(_SUMMARIES):
            facts.role = f.OTHER
    elif not facts.unmarked:
        if role == f.OTHER:
            in_graph = facts.graph != f.NO_GRAPH
            facts.name = plain_name(name_in_graph(name, attributes) if in_graph else name)
        else:
            facts.name = plain_name(_bare(name))


def _bare(name: str) -> str:
    for prefix in _PREFIXES:
        if name.startswith(prefix):
            name = name[len(prefix) :].strip()
            break
    for suffix in _SUFFIXES:
        if name.endswith(suffix):
            return name[: -len(suffix)]
    return name


def _first_chunk(value: Any, attributes: Mapping[str, Any], source: str) -> float | None:
    for scope, keys in _MILLISECONDS:
        if source.startswith(scope):
            for key in keys:
                if key in attributes:
                    value = _seconds(attributes[key])
                    return None if value is None else value / 1000.0
    return None if value is None else _seconds(value)


def _seconds(value: Any) -> float | None:
    return float(value) if type(value) in {int, float} and value >= 0 else None


def first_chunk_at(events: Iterable[Any]) -> int | None:
    """Return when the first chunk came by the events of a span, in nanoseconds since 1970."""
    return next((one.timestamp for one in events if exact(one.name) in _FIRST_CHUNK_EVENTS), None)


__all__ = ["DIALECTS", "Dialect", "first_chunk_at", "plain_name", "read"]
