"""Reads spans of any dialect into facts."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from agent_analytics.instrumentation.exact import exact
from agent_analytics.processor._dialects import facts as f
from agent_analytics.processor._dialects import shape as sh
from agent_analytics.processor._dialects._shared.basis import Scope
from agent_analytics.processor._dialects._shared.calls import doubt, model_in_parameters
from agent_analytics.processor._dialects._shared.costs import stated_cost
from agent_analytics.processor._dialects._shared.fetched import is_fetched
from agent_analytics.processor._dialects._shared.graphs import agent_of, graph_of, name_in_graph
from agent_analytics.processor._dialects._shared.names import LONGEST, plain_name
from agent_analytics.processor._dialects._shared.protocols import CALL, SERVER, protocol_call
from agent_analytics.processor._dialects._shared.tokens import COUNTS, note_tokens
from agent_analytics.processor._dialects._shared.usage_texts import with_texts
from agent_analytics.processor._dialects.dialect import Dialect
from agent_analytics.processor._dialects.facts import Facts
from agent_analytics.processor._dialects.functions import looks_of, see_more
from agent_analytics.processor._dialects.registry import DIALECTS, joined
from agent_analytics.processor._dialects.shape import Shape, shape_of
from agent_analytics.processor._dialects.signs import is_known

#: Names of spans whose reading is remembered; a longer one is read each time.
_REMEMBERED: Final = 1_000
_TOOL_NAME: Final = "gen_ai.tool.name"

_SEE_THROUGH: Final = (f.OTHER, f.WORKFLOW)
_ASKS: Final = (f.MODEL, f.AGENT, f.WORKFLOW, f.USAGE)
_SUMS_UP: Final = (f.AGENT, f.WORKFLOW)

#: Kinds that are no agents' whatever says so, by the place of the attribute that holds them.
_NO_AGENTS: Final[tuple[tuple[int, Mapping[object, int]], ...]] = tuple(
    (sh.KIND_PLACES[dialect.kind_keys[0]], dialect.no_agents)
    for dialect in DIALECTS
    if dialect.no_agents
)
#: Kinds that are tools' with an attribute beside them, alike.
_TOOLS: Final[Mapping[tuple[int, str], str]] = {
    (sh.KIND_PLACES[dialect.kind_keys[0]], kind): mark
    for dialect in DIALECTS
    for kind, mark in (dialect.tools or {}).items()
}
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


def read(  # noqa: C901 - one question after the other
    name: str,
    attributes: Mapping[str, Any],
    source: str = "",
    version: str | None = None,
    shape: Shape | None = None,
) -> Facts:
    """Return what a span says.

    Args:
        name: The span's.
        attributes: The span's.
        source: Name of the instrumentation scope.
        version: Its version, if it has one.
        shape: The shape of the attributes, where it is known.
    """
    if type(name) is not str:
        name = ""
    if shape is None:
        shape = shape_of(attributes)
    said = shape.sort(attributes)
    looks = looks_of(source)
    facts = Facts(_role(name, said, attributes, source), speaks=shape.speaks)
    _what_it_is(facts, name, said, attributes)
    for look in looks.what:
        look(facts, name, attributes)
    _name(facts, name, said, attributes)
    if not facts.named:
        if facts.protocol:
            facts.name = None  # the span is called after the protocol, not the tool
        if facts.graph == f.GRAPH_AGENT:
            facts.name = plain_name(agent_of(attributes)) or facts.name
    if facts.role in _ASKS:
        facts.asked = shape.asked
        if shape.costs:
            facts.cost = stated_cost(attributes)
        _usage(facts, said, attributes, Scope(source, version))
    elif facts.unmarked:
        _note_tokens(facts, said, attributes, Scope(source, version))
    if facts.role == f.TOOL:
        facts.call_id = said[sh.CALL_ID]
    if looks.more or looks.usage:
        see_more(looks, facts, name, attributes)
    if facts.role == f.MODEL:
        doubt(facts, name, attributes)
        facts.fetched = is_fetched(name, attributes)
    return facts


def _what_it_is(facts: Facts, name: str, said: list[Any], attributes: Mapping[str, Any]) -> None:
    """Find out what the role leaves open of what a span is."""
    if facts.role in _SEE_THROUGH:
        _look_for_agent(facts, name)
    elif name.endswith(_NO_CALLS):
        facts.role = f.OTHER
    if said[sh.CLOSER] is not None or name.startswith(CALL) or name == SERVER:
        _look_closer(facts, name, attributes)


def _look_for_agent(facts: Facts, name: str) -> None:
    """Find out whether a span that no attribute marks is called like an agent."""
    found = _unmarked(name) if len(name) <= LONGEST else None
    if found is not None:
        facts.unmarked = True
        facts.name = found or None


@lru_cache(_REMEMBERED)
def _unmarked(name: str) -> str | None:
    """Return the agent that such a name names, empty if it does not say which, else ``None``."""
    found = _UNMARKED.fullmatch(name)
    return None if found is None else next((one for one in found.groups() if one), "")


def _usage(facts: Facts, said: list[Any], attributes: Mapping[str, Any], scope: Scope) -> None:
    """Add what a span says of asking models."""
    facts.model = said[sh.MODEL] or said[sh.RESPONSE_MODEL]
    facts.response_model = said[sh.RESPONSE_MODEL]
    facts.provider = said[sh.PROVIDER]
    facts.first_chunk = _first_chunk(said[sh.FIRST_CHUNK], attributes, scope.name)
    facts.response_id = said[sh.RESPONSE_ID]
    if facts.role != f.MODEL:
        facts.conversation = said[sh.CONVERSATION]
    elif facts.model is None:
        facts.model = model_in_parameters(attributes)
    _note_tokens(facts, said, attributes, scope)


def _note_tokens(
    facts: Facts, said: list[Any], attributes: Mapping[str, Any], scope: Scope
) -> None:
    """Add tokens: those of the span, else, of an agent, those of all its calls together."""
    values: Sequence[Any] = said[sh.TOKENS : sh.OWN_TOKENS]
    if said[sh.USAGE_TEXT] is not None:
        values = with_texts(values, attributes, COUNTS)
    if not note_tokens(facts, values, scope) and facts.role in _SUMS_UP:
        note_tokens(facts, said[sh.OWN_TOKENS : sh.USAGE_TEXT], scope)


def _look_closer(facts: Facts, name: str, attributes: Mapping[str, Any]) -> None:
    facts.graph = graph_of(name, attributes)
    call = protocol_call(name, attributes)
    if call is not None:
        facts.role, facts.protocol = f.TOOL, True
        facts.name = plain_name(call)
        facts.named = bool(call)
    for key, values in sh.FAILURES.items():
        if attributes.get(key) in values:
            facts.failed = True


def _role(  # noqa: PLR0911 - a list of cases
    name: str, said: list[Any], attributes: Mapping[str, Any], source: str
) -> int:
    spoken = False
    for number, (_, kinds) in enumerate(sh.KIND_ROLES, sh.KINDS):
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
        if number == sh.OPERATION:
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
        given = plain_name(said[sh.AGENT])
        if given is not None or not facts.named:
            facts.name = given or _called(name)
            facts.named = given is not None
    elif role == f.TOOL:
        tool = said[sh.TOOL_CALLED]
        if tool is not None:
            facts.name, facts.named = plain_name(tool), True
        elif said[sh.OPERATION] is not None:
            facts.name = attributes.get(_TOOL_NAME)  # whatever it is, or nothing at all
        if facts.name is None and said[sh.OPERATION] is None:
            facts.name = _called(name)
            if name.startswith(_HANDOFFS):
                facts.role = f.HANDOFF
        if name.endswith(_SUMMARIES_CLOSED) or (tool or "").startswith(_SUMMARIES):
            facts.role = f.OTHER
    elif not facts.unmarked:
        if role == f.OTHER:
            in_graph = facts.graph != f.NO_GRAPH
            facts.name = plain_name(name_in_graph(name, attributes) if in_graph else name)
        else:
            facts.name = _called(name)


def _called(name: str) -> str | None:
    """Return the name of a span without what an instrumentation puts round it."""
    return _short(name) if len(name) <= LONGEST else plain_name(_bare(name))


@lru_cache(_REMEMBERED)
def _short(name: str) -> str | None:
    return plain_name(_bare(name))


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
